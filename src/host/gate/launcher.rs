//! One launch: a fresh process, one run that is not timed and one that is, its answer checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::journal::{Launch, Lost};
use super::plans::Plans;
use super::rows::{Contender, Row};
use crate::host::catalog::identity;
use crate::host::data::generate::Store;
use crate::host::data::tables;
use crate::host::record::PlanChange;
use crate::host::run::cold::forget_file;
use crate::host::run::{Cell, Fresh, Paired};
use crate::host::session::{Failure, FailureKind};
use crate::host::settings::Settings;
use crate::host::verify::Verdict;
use crate::host::verify::compare::{Precision, compare_shown};
use crate::host::verify::referee::Referee;
use crate::protocol::answer::Shown;
use crate::protocol::dataset::Dataset;
use crate::protocol::id::BenchId;
use crate::protocol::units::Bytes;

impl From<Failure> for Lost {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            FailureKind::Unsupported { reason } => Self::Unsupported(reason),
            _ => Self::Failed(failure.to_string()),
        }
    }
}

impl From<anyhow::Error> for Lost {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(format!("{error:#}"))
    }
}

pub(super) struct Launcher<'a> {
    settings: &'a Settings,
    store: Store,
    referee: Referee,
    /// The first answer to each row that no reference vouches for: all others have to be the same.
    first_answers: BTreeMap<BenchId, Shown>,
    /// Rows of the first result of each row, and whether it could be shown: all others have to be like it.
    first_results: BTreeMap<BenchId, (u64, bool)>,
    /// The plans that both sides of each row told.
    plans: Plans,
    /// Programs that lie in the page cache as all others do.
    settled: BTreeSet<PathBuf>,
}

impl<'a> Launcher<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            store: Store::new(settings.data.clone()),
            referee: Referee::new(settings),
            first_answers: BTreeMap::new(),
            first_results: BTreeMap::new(),
            plans: Plans::default(),
            settled: BTreeSet::new(),
        }
    }

    /// Rows whose answers were held against each other only, and those whose answers cannot be shown.
    pub(super) fn unchecked(&self) -> (Vec<BenchId>, Vec<BenchId>) {
        let hidden = self.first_results.iter().filter(|(_, (_, shown))| !shown).map(|(id, _)| id.clone());
        (self.first_answers.keys().cloned().collect(), hidden.collect())
    }

    /// The rows whose plan is another on the head.
    pub(super) fn plan_changes(&self) -> BTreeMap<BenchId, PlanChange> {
        self.plans.changes()
    }

    /// Makes the data of a row, where they are missing, so that no launch waits for them, and settles its programs.
    pub(super) fn prepare(&mut self, row: &Row<'_>) {
        for contender in [&row.base, &row.head] {
            self.settle(&contender.program.path);
            // What goes wrong here does so in the launch, whose row it costs.
            let _ = self.dataset(row, contender);
        }
    }

    /// Has a program lie in the page cache as one that was read from the disk from end to end. How much of it counts as memory of a
    /// process depends on how it got there: the very same DuckDB, just compiled, held 2 MiB less than one that was read.
    fn settle(&mut self, program: &Path) {
        if self.settled.insert(program.to_owned()) {
            let read = || io::copy(&mut File::open(program)?, &mut io::sink());
            // What cannot be read fails in the launch.
            let _ = forget_file(program).and_then(|()| Ok(read()?));
        }
    }

    fn dataset(&self, row: &Row<'_>, contender: &Contender<'_>) -> Result<Dataset> {
        let Cell { variant, query, .. } = &contender.cell;
        let suite = row.head.cell.suite;
        tables::make(suite, &query.tables, row.id.scale, variant.format, self.settings, &self.store)
    }

    /// One side of a row. Both sides read the data of the head's suite.
    ///
    /// # Errors
    /// Why it gave no time that counts.
    pub(super) fn launch(&mut self, row: &Row<'_>, contender: &Contender<'_>) -> Result<Launch, Lost> {
        let dataset = self.dataset(row, contender)?;
        if identity::stamp(&contender.program) != contender.stamp {
            let path = contender.program.path.display();
            return Err(Lost::Failed(format!(
                "{path} was built anew while the gate ran: it is no longer what was begun with"
            )));
        }
        let fresh = Fresh::of(&contender.cell, &contender.program, self.settings, &dataset, &contender.text);
        // An engine that cannot show its answer is measured all the same, as in a bench.
        let Paired { mut session, info, first, timed, answer } = fresh.paired(|_| 1)?;
        let result = (timed.rows, answer.is_ok());
        let first_result = *self.first_results.entry(row.id.clone()).or_insert(result);
        if result != first_result {
            let told =
                |(rows, shown): (u64, bool)| format!("{rows} rows{}", if shown { "" } else { " that it cannot show" });
            let (now, before) = (told(result), told(first_result));
            return Err(Lost::Failed(format!("gave {now}, and the first launch of this row gave {before}")));
        }
        let verdict = match answer {
            Ok(answer) => self.check(contender, &answer)?,
            Err(reason) => Verdict::Unchecked { reason },
        };
        // A program that cannot tell its plan may have ended by that, and its time counts all the same.
        if self.plans.ask(row, contender, &mut session, &dataset) {
            session.close()?;
        }
        let ns = |durations: &[u64]| durations.first().copied().unwrap_or_default();
        Ok(Launch {
            time_ns: ns(&timed.durations_ns),
            first_ns: ns(&first.durations_ns),
            cpu_time_ns: timed.cpu_time_ns,
            peak_memory_bytes: timed.peak_memory.map(|peak| peak.bytes).map(|Bytes(bytes)| bytes),
            dataset_sha256: Some(dataset.sha256),
            version: Some(info.version),
            verdict: Some(verdict),
        })
    }

    fn check(&mut self, contender: &Contender<'_>, answer: &Shown) -> Result<Verdict, Lost> {
        let Cell { id, suite, query, .. } = &contender.cell;
        let wrong = |difference: String| Lost::Failed(format!("wrong answer: {difference}"));
        let verdict = self.referee.judge(suite, query, id.scale, answer)?;
        if let Verdict::Wrong { difference } = verdict {
            return Err(wrong(difference));
        }
        if verdict.verified() {
            return Ok(verdict);
        }
        let Some(first) = self.first_answers.get(id) else {
            self.first_answers.insert(id.clone(), answer.clone());
            return Ok(verdict);
        };
        compare_shown(first, answer, query, Precision::Full)
            .map(|()| verdict)
            .map_err(|difference| wrong(format!("other than in the first launch of this row: {difference}")))
    }
}

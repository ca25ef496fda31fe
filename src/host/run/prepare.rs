//! Everything of a cell before its samples: program, data, session, one run, its answer and what the referee says.
//!
//! What is learned goes into the cell's record at once, so that a failure keeps all that was known before it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, anyhow};
use indicatif::{ProgressBar, ProgressFinish};

use super::select::Cell;
use crate::host::catalog::Components;
use crate::host::catalog::Entry;
use crate::host::checksum::sha256;
use crate::host::data::generate::Store;
use crate::host::data::tables::{self, Found};
use crate::host::interrupt;
use crate::host::record::{Outcome, Record, TableRead};
use crate::host::run::launch::{Launched, launch, miscounted};
use crate::host::session::{Failure, FailureKind, Program, Runs, Session};
use crate::host::settings::Settings;
use crate::host::verify::referee::{Referee, UnverifiedAnswer};
use crate::host::verify::{Verdict, digest};
use crate::protocol::dataset::Dataset;
use crate::protocol::task::Query;
use crate::protocol::units::Bytes;

/// Why a cell ends without samples, for its record.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    pub(crate) outcome: Outcome,
    pub(crate) reason: String,
    pub(crate) failure: Option<Failure>,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        let skipped = matches!(failure.kind, FailureKind::Unsupported { .. } | FailureKind::NotCold { .. });
        Self {
            outcome: if skipped { Outcome::Skipped } else { Outcome::Failed },
            reason: failure.to_string(),
            failure: Some(failure),
        }
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        // Whoever makes or plans data gives up then, which says nothing of the engine.
        if interrupt::requested() {
            return Failure::from(FailureKind::Interrupted).into();
        }
        Self { outcome: Outcome::Failed, reason: format!("{error:#}"), failure: None }
    }
}

impl Stop {
    /// Takes down in a record how its cell ended.
    pub(crate) fn tell(self, record: &mut Record) {
        record.outcome = self.outcome;
        record.reason = Some(self.reason);
        record.failure = self.failure;
    }
}

/// The engine's program, or why it cannot be had.
///
/// # Errors
/// One of ours that does not compile is broken; an own program, Python or an index may well be absent.
pub(crate) fn program(engine: &Entry) -> Result<Program, Stop> {
    engine.program().map_err(|error| Stop {
        outcome: if engine.recipe().is_some() { Outcome::Failed } else { Outcome::Skipped },
        reason: format!("not available: {error:#}"),
        failure: None,
    })
}

/// A cell that is ready for its samples.
pub(crate) struct Ready {
    pub(crate) session: Session,
    /// The verifying run.
    pub(crate) first: Runs,
    /// What the program was told to load and to run.
    pub(crate) dataset: Dataset,
    pub(crate) query: Query,
}

/// Brings a cell to the point where its samples can be taken, filling in its record. An answer that no reference vouches for is
/// left in `unverified`.
///
/// # Errors
/// Why there will be no samples, a wrong answer included.
pub(crate) fn attempt(
    cell: &Cell<'_>,
    program: &Program,
    settings: &Settings,
    store: &Store,
    referee: &Referee,
    record: &mut Record,
    unverified: &mut Option<UnverifiedAnswer>,
) -> Result<Ready, Stop> {
    let parts = cell.parts;
    let query = parts.workload.text(parts.query, &parts.engine.dialect, cell.id.scale)?;
    record.query.sha256 = Some(sha256(&query.sql));
    record.query.sql = parts.workload.is_given().then(|| query.sql.clone());
    let Found { dataset, planning } =
        tables::dataset(parts.workload, &parts.query.tables, cell.id.scale, parts.variant.format, settings, store)?;
    record.planning = planning;
    record.dataset.sha256 = Some(dataset.sha256.clone());
    record.dataset.layout = Some(dataset.layout.clone());
    record.dataset.tables = dataset
        .tables
        .iter()
        .map(|table| TableRead::of(table, tables::reads_single_precision(table, &query.sql)))
        .collect();
    record.dataset.cautions = dataset.tables.iter().flat_map(|table| table.cautions.clone()).collect();
    let _busy = busy(cell);
    let Launched { mut session, info, load_ns, rows } =
        launch(parts.engine, parts.variant, program, settings, &dataset, &query, true)?;
    record.engine.version = Some(info.version);
    record.engine.build = info.build;
    record.engine.settings = info.settings;
    record.load_ns = Some(load_ns);
    check_rows(&dataset, rows.as_ref(), record)?;
    record.baseline_memory_bytes = session.memory().map(|Bytes(bytes)| bytes);
    let first = session.run(1)?;
    record.rows = Some(first.rows);
    check_answer(cell, referee, &mut session, record, unverified)?;
    Ok(Ready { session, first, dataset, query })
}

/// Shows on a terminal that the engine is at work; gone before the first sample.
fn busy(cell: &Cell<'_>) -> ProgressBar {
    // Several at a time would write over each other, and over what shows them together.
    if cell.parts.variant.parallel > 1 {
        return ProgressBar::hidden();
    }
    let message = format!("{}: verifying the answer", cell.id);
    // Cleared when it is dropped, so that a failure leaves no half line either.
    let bar = ProgressBar::new_spinner().with_message(message).with_finish(ProgressFinish::AndClear);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Whether the engine reads as many rows as the files have.
fn check_rows(dataset: &Dataset, counted: Option<&BTreeMap<String, u64>>, record: &mut Record) -> Result<(), Stop> {
    let Some(counted) = counted else { return Ok(()) };
    for (table, read) in dataset.tables.iter().zip(&mut record.dataset.tables) {
        read.engine_rows = counted.get(&table.name).copied();
        if let Some(engine) = miscounted(table, Some(counted)) {
            return Err(anyhow!(
                "it reads {engine} rows of the table {}, whose {} files have {}: its times would be of other data",
                table.name,
                table.files.len(),
                table.rows
            )
            .into());
        }
    }
    Ok(())
}

/// Judges the last run's answer. Called before the samples and once more after them.
///
/// # Errors
/// When the answer is wrong or there is none.
pub(super) fn check_answer(
    cell: &Cell<'_>,
    referee: &Referee,
    session: &mut Session,
    record: &mut Record,
    unverified: &mut Option<UnverifiedAnswer>,
) -> Result<(), Stop> {
    let parts = cell.parts;
    let single_precision = record.dataset.tables.iter().any(|table| table.single_precision);
    let answer = match session.answer() {
        // Whatever type an engine gives it, what comes from single precision has no more digits.
        Ok(answer) if single_precision => answer.of_single_precision(),
        Ok(answer) => answer,
        Err(Failure { kind: FailureKind::Unsupported { reason }, .. }) => {
            record.verdict = Some(Verdict::Unchecked { reason });
            return Ok(());
        }
        Err(failure) => return Err(failure.into()),
    };
    record.answer_digest = Some(digest::digest(&answer, parts.query));
    let shown = answer.rows();
    if let Some(timed) = record.rows.filter(|timed| *timed != shown) {
        return Err(anyhow!("the program timed {timed} rows and shows {shown}").into());
    }
    let verdict = referee.judge(parts.workload, parts.query, cell.id.scale, &answer)?;
    // Comparing ends early after an interrupt, and then says nothing.
    if interrupt::requested() {
        return Err(Failure::from(FailureKind::Interrupted).into());
    }
    record.verdict = Some(verdict.clone());
    match (verdict, unverified) {
        (Verdict::Wrong { difference }, _) => {
            return Err(Stop {
                outcome: Outcome::Failed,
                reason: format!("wrong answer: {difference}"),
                failure: None,
            });
        }
        (Verdict::Unchecked { .. }, Some(before)) => before.and_later(&answer, parts.query),
        (Verdict::Unchecked { .. }, none) => {
            let mut components = Components::listed().of(&parts.engine.components, session.engine());
            if record.planning.is_some() {
                components.extend(parts.engine.iceberg_components.clone());
            }
            *none = Some(UnverifiedAnswer { components, answer, changed: None });
        }
        _ => {}
    }
    Ok(())
}

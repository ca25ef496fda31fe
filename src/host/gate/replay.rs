//! A gate's samples for others: in Criterion's folder as baselines `base` and `head`, and as records beside the journal, which
//! say of what engine, data and answer they are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::journal::{Launch, Pairs, pairs_of};
use super::judge::Stage;
use super::rows::Row;
use super::side::{Role, Side};
use crate::host::criterion::replay::replay;
use crate::host::files::write_whole;
use crate::host::paths;
use crate::host::record::{self, Measurement, Outcome, Record, metric};
use crate::host::run::RunContext;
use crate::host::scratch;
use crate::host::settings::Settings;
use crate::protocol::id::BenchId;

const RECORDS: &str = "records.jsonl";

/// Keeps the timed runs of every row, of both stages, in place of all of an earlier gate's; gives the rows with too few of them for
/// Criterion.
///
/// # Errors
/// When something cannot be written.
pub(super) fn keep(
    rows: &[Row<'_>],
    (base, head): (&Side, &Side),
    pairs: &Pairs,
    folder: &Path,
    settings: &Settings,
) -> Result<Vec<BenchId>> {
    let context = RunContext::read(settings);
    let tree = settings.target.join("criterion");
    let file = folder.join(RECORDS);
    forget(&file, &tree);
    let mut few = BTreeSet::new();
    let mut lines = Vec::new();
    for (role, side) in [(Role::Base, base), (Role::Head, head)] {
        let of_side = context.of(side.git.clone());
        let records: Vec<Record> = rows.iter().filter_map(|row| record(row, role, pairs, &of_side)).collect();
        // Elsewhere first: Criterion would also make it the newest result of the cell, which it is not.
        let elsewhere = scratch::folder(&settings.target.join("querydyno/scratch"))?;
        replay(&records, elsewhere.path(), Some(role.name()));
        for record in &records {
            let place = paths::criterion_below(Path::new(""), &record.id).join(role.name());
            let (from, to) = (elsewhere.path().join(&place), tree.join(&place));
            let _ = fs::remove_dir_all(&to);
            if from.is_dir() {
                copy(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
            } else {
                few.insert(record.id.clone());
            }
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
    }
    write_whole(&file, &lines).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(few.into_iter().collect())
}

/// Removes what an earlier gate has left in Criterion's folder: its rows, of another base, would stand beside these.
fn forget(records: &Path, tree: &Path) {
    let earlier = record::read_lines(records).unwrap_or_default();
    for earlier in earlier.into_iter().filter_map(|(_, record)| record.ok()) {
        for role in [Role::Base, Role::Head] {
            let _ = fs::remove_dir_all(paths::criterion_below(tree, &earlier.id).join(role.name()));
        }
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// One side of a row; `None` where it was not measured.
fn record(row: &Row<'_>, role: Role, pairs: &Pairs, context: &RunContext) -> Option<Record> {
    let contender = role.of(&row.base, &row.head);
    let taken = Stage::BOTH.into_iter().flat_map(|stage| pairs_of(pairs, &row.id.to_string(), stage));
    let launches: Vec<&Launch> = taken.map(|pair| role.of(&pair.base, &pair.head)).collect();
    let first = launches.first()?;
    let mut record = context.blank(&contender.cell);
    record.outcome = Outcome::Measured(Measurement { iterations: vec![1; launches.len()], ..Measurement::default() });
    record.engine.version.clone_from(&first.version);
    record.verdict.clone_from(&first.verdict);
    record.query.sha256 = Some(contender.sha256.clone());
    record.dataset.sha256.clone_from(&first.dataset_sha256);
    let peak = launches.iter().filter_map(|launch| launch.peak_memory_bytes).max();
    record.metrics.set(metric::PEAK_MEMORY, peak.map(metric::value));
    record.metrics.set(metric::TIME, launches.iter().map(|launch| metric::value(launch.time_ns)));
    Some(record)
}

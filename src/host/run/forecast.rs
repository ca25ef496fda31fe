//! What a run will do and about how long that takes, told before it begins.

use std::collections::BTreeMap;
use std::time::Duration;

use super::plan::to_build;
use super::select::Cell;
use crate::host::data::generate::Store;
use crate::host::suite::TableSpec;
use crate::host::variant::PARQUET;
use crate::measure::machine;
use crate::protocol::units::Count;

/// What a cell takes beside its samples: its program's start, its answer, Criterion's statistics.
const ASIDE: Duration = Duration::from_millis(1200);
/// Rows of TPC-H that a processor generates in a second, measured on the slowest machine that we had.
const ROWS_A_SECOND: f64 = 700_000.0;

/// The programs that are built first; `None` when all are there.
pub(crate) fn building(cells: &[Cell<'_>]) -> Option<String> {
    Some(format!("to do: {}", to_build(cells.iter().map(|cell| cell.engine))?))
}

/// One line, such as `to do: make tpch sf1, 8,661,245 rows (about 6 seconds); measure 1 cell (about 8 seconds)`. `None` when
/// there is nothing to be told. Warming up and the samples of a cell take `sampling`; without it none are taken.
pub(crate) fn told(cells: &[Cell<'_>], sampling: Option<Duration>, store: &Store) -> Option<String> {
    let engines = cells.iter().map(|cell| cell.engine);
    let mut steps: Vec<String> = to_build(engines).into_iter().chain(to_generate(cells, store)).collect();
    if let Some(sampling) = sampling {
        let cell = if cells.len() == 1 { "cell" } else { "cells" };
        // Queries of more than a fifth of a second take longer: ten runs are measured at least.
        let time = (sampling + ASIDE) * u32::try_from(cells.len()).unwrap_or(u32::MAX);
        steps.push(format!("measure {} {cell} ({})", cells.len(), about(time)));
    }
    (!steps.is_empty()).then(|| format!("to do: {}", steps.join("; ")))
}

/// The tables of ours that are not there, by suite and scale.
fn to_generate(cells: &[Cell<'_>], store: &Store) -> Vec<String> {
    let mut missing: BTreeMap<(&str, String), BTreeMap<&str, f64>> = BTreeMap::new();
    for cell in cells {
        let (suite, query, scale) = (cell.suite, cell.query, cell.id.scale);
        let folder = store.folder(&suite.name, scale, PARQUET);
        let lacks = |table: &&TableSpec| table.source.is_none() && !folder.join(&table.name).exists();
        for table in suite.tables.iter().filter(|table| query.tables.contains(&table.name)).filter(lacks) {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let rows = table.rows_at_sf1 as f64 * scale.factor();
            missing.entry((&suite.name, scale.to_string())).or_default().insert(&table.name, rows);
        }
    }
    let told = |((suite, scale), tables): (&(&str, String), &BTreeMap<&str, f64>)| {
        let rows: f64 = tables.values().sum();
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let time = Duration::from_secs_f64(rows / ROWS_A_SECOND / machine::cores() as f64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
        let rows = Count(rows as u64);
        format!("make {suite} {scale}, {rows} rows ({})", about(time))
    };
    missing.iter().map(told).collect()
}

/// In the unit of which there are two or more, a second at least.
pub(crate) fn about(time: Duration) -> String {
    let seconds = time.as_secs().max(1);
    let (unit, name) = match seconds {
        ..90 => (1, "second"),
        90..5370 => (60, "minute"),
        _ => (3600, "hour"),
    };
    let number = if unit == 1 { seconds } else { ((seconds + unit / 2) / unit).max(2) };
    format!("about {number} {name}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_rounds_to_a_unit_of_which_there_are_two() {
        for (seconds, told) in
            [(0, "1 second"), (89, "89 seconds"), (90, "2 minutes"), (5369, "89 minutes"), (5370, "2 hours")]
        {
            assert_eq!(about(Duration::from_secs(seconds)), format!("about {told}"));
        }
    }
}

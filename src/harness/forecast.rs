//! What a run will do and about how long that takes, told before it begins.

use std::collections::BTreeSet;
use std::time::Duration;

use indicatif::{HumanCount, HumanDuration};

use super::args::Args;
use super::plan::to_build;
use super::sample::{MEASUREMENT, WARM_UP};
use super::select::Cell;
use crate::fixture::Store;
use crate::measure::host;
use crate::variant::PARQUET;

/// What a cell takes beside its samples: its program's start, its answer, Criterion's statistics.
const ASIDE: Duration = Duration::from_millis(1500);
/// Rows of TPC-H that a processor generates in a second, measured on the slowest machine that we had.
const ROWS_A_SECOND: f64 = 700_000.0;

/// What is built before engines run that is no measurement; `None` when nothing is.
pub(crate) fn building(cells: &[Cell<'_>]) -> Option<String> {
    Some(format!("to do: {}", to_build(cells.iter().map(|cell| cell.parts.engine))?))
}

/// One line, such as `to do: make tpch sf1, 8,661,245 rows (about 6 seconds); measure 1 cell (about 8 seconds)`.
pub(super) fn told(cells: &[Cell<'_>], args: &Args, store: &Store) -> String {
    let engines = cells.iter().map(|cell| cell.parts.engine);
    let measures = match cells.len() {
        1 => "measure 1 cell".to_owned(),
        many => format!("measure {many} cells"),
    };
    let took = format!("{measures} ({})", about(of_cells(cells, args)));
    let steps: Vec<String> = to_build(engines).into_iter().chain(to_generate(cells, store)).chain([took]).collect();
    format!("to do: {}", steps.join("; "))
}

/// Samples and what is beside them. Queries of more than half a second take longer: ten of them are measured at least.
fn of_cells(cells: &[Cell<'_>], args: &Args) -> Duration {
    let warm_up = args.seconds("warm-up-time").unwrap_or(WARM_UP);
    let measurement = args.seconds("measurement-time").unwrap_or(MEASUREMENT);
    (warm_up + measurement + ASIDE) * u32::try_from(cells.len()).unwrap_or(u32::MAX)
}

/// The tables of ours that are not there.
fn to_generate(cells: &[Cell<'_>], store: &Store) -> Vec<String> {
    let mut missing = BTreeSet::new();
    for cell in cells {
        let (workload, scale) = (cell.parts.workload, cell.id.scale);
        let folder = store.folder(&workload.name, scale, PARQUET);
        let generated = workload.tables.iter().filter(|table| table.source.is_none());
        for table in generated.filter(|table| cell.parts.query.tables.contains(&table.name)) {
            if !folder.join(&table.name).exists() {
                missing.insert((
                    workload.name.as_str(),
                    scale.to_string(),
                    table.name.as_str(),
                    rows(table.rows_at_sf1, scale.factor()),
                ));
            }
        }
    }
    let sets: BTreeSet<_> = missing.iter().map(|(workload, scale, ..)| (*workload, scale.clone())).collect();
    let told = |(workload, scale): (&str, String)| {
        let of_set = missing.iter().filter(|(its, at, ..)| *its == workload && *at == scale);
        let rows: u64 = of_set.map(|(.., rows)| rows).sum();
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let seconds = rows as f64 / ROWS_A_SECOND / host::cores() as f64;
        format!("make {workload} {scale}, {} rows ({})", HumanCount(rows), about(Duration::from_secs_f64(seconds)))
    };
    sets.into_iter().map(told).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an estimate")]
fn rows(at_sf1: u64, factor: f64) -> u64 {
    (at_sf1 as f64 * factor) as u64
}

fn about(time: Duration) -> String {
    format!("about {}", HumanDuration(Duration::from_secs(time.as_secs().max(1))))
}

//! The report's own speed, on as many made-up cells as one likes; the bench `report` is only a call of it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::TempDir;

use super::{Known, KnownEngine, Marks, Report, Sources, newest};
use crate::host::filter::Filter;
use crate::host::record::{Record, metric};

const QUERIES: usize = 25;
const ENGINES: usize = 10;
/// Numbers of cells to try.
pub const CELLS: [usize; 3] = [10 * QUERIES * ENGINES, 20 * QUERIES * ENGINES, 40 * QUERIES * ENGINES];

/// What a report of so many cells is made from; gone when it is dropped.
pub struct Made {
    sources: Sources,
    _folder: TempDir,
}

/// Writes it.
///
/// # Panics
/// When it cannot be written.
pub fn made(cells: usize) -> Made {
    let folder = TempDir::new().expect("a temporary folder");
    let sources = write(folder.path(), cells).expect("records of made-up cells");
    Made { sources, _folder: folder }
}

/// Gathers, ranks and renders the page of all of these cells, with every picture.
///
/// # Panics
/// When a cell was left out.
pub fn page(made: &Made, cells: usize) -> String {
    let gathered = newest(&made.sources).expect("records of made-up cells");
    assert!(gathered.found.len() == cells && gathered.left_out.is_empty(), "{:?}", gathered.left_out);
    let report = Report::new(&gathered, &made.sources.known, &[]);
    super::html::render(&report.document(true).expect("a page of all cells"))
}

/// So many cells, as records and as Criterion keeps them.
fn write(folder: &Path, cells: usize) -> Result<Sources> {
    let base: Record = serde_json::from_str(include_str!("../../../tests/records/measured.json"))?;
    let (records, criterion) = (folder.join("records"), folder.join("criterion"));
    let mut known = Known::default();
    known.engines.extend((0..ENGINES).map(|engine| (format!("engine{engine}"), KnownEngine::default())));
    known.queries.extend((0..QUERIES).map(|query| format!("q{query}")));
    let mut lines = String::new();
    for cell in 0..cells {
        let (scale, query, engine) = (cell / ENGINES / QUERIES + 1, cell / ENGINES % QUERIES, cell % ENGINES);
        let mut record = base.clone();
        record.id = format!("engine{engine}/q{query}/sf{scale}/parquet").parse()?;
        record.dataset.scale = record.id.scale;
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let factor = 1.0 + ((engine * 7 + query * 3 + scale) % 11) as f64 / 10.0;
        record.metrics.set(metric::TIME, base.samples_ns().iter().map(|sample| sample * factor));
        lines += &format!("{}\n", serde_json::to_string(&record)?);
        let folder = criterion.join(format!("engine{engine}_q{query}_sf{scale}/parquet/new"));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let sample = json!({ "iters": vec![1.0; record.samples_ns().len()], "times": record.samples_ns() });
        fs::write(folder.join("sample.json"), sample.to_string())?;
        fs::write(folder.join("benchmark.json"), json!({ "full_id": record.id.to_string() }).to_string())?;
    }
    fs::create_dir_all(&records)?;
    fs::write(records.join("20261120T120000Z-1.jsonl"), lines)?;
    Ok(Sources {
        records: vec![records],
        criterion,
        known,
        marks: Marks::default(),
        filter: Filter::default(),
        needs_times: true,
    })
}

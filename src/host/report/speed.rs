//! The report's own speed, on as many made-up cells as one likes; the bench `report` is only a call of it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use criterion::{BenchmarkId, Criterion, Throughput};
use serde_json::json;
use tempfile::TempDir;

use super::{Known, KnownEngine, Report, Sources, html, newest};
use crate::host::filter::Filter;
use crate::host::record::Record;
use crate::measure::memory;

const QUERIES: usize = 25;
const ENGINES: usize = 10;
/// Sets of conditions, each of them a group of its own.
const GROUPS: [usize; 3] = [10, 20, 40];

/// Times gathering, ranking and rendering the page with every picture, for several numbers of cells, and prints the most
/// memory that it took.
///
/// # Panics
/// When the input cannot be made, or a cell of it was left out.
pub fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("report");
    group.sample_size(10);
    for groups in GROUPS {
        let cells = groups * QUERIES * ENGINES;
        let folder = TempDir::new().expect("a temporary folder");
        let sources = write(folder.path(), groups).expect("records of made-up cells");
        group.throughput(Throughput::Elements(cells as u64));
        group.bench_function(BenchmarkId::from_parameter(cells), |bencher| {
            bencher.iter(|| page(&sources, cells).expect("a page of all cells"));
        });
    }
    group.finish();
    if let Some(peak) = memory::peak(std::process::id()) {
        println!("peak memory of all of it: {}", peak.bytes);
    }
}

fn page(sources: &Sources, cells: usize) -> Result<String> {
    let gathered = newest(sources)?;
    ensure!(gathered.found.len() == cells && gathered.left_out.is_empty(), "{:?}", gathered.left_out);
    Ok(html::render(&Report::new(&gathered, &sources.known, &[]).document(true)?))
}

/// So many groups of cells, as records and as Criterion keeps them.
fn write(folder: &Path, groups: usize) -> Result<Sources> {
    let base: Record = serde_json::from_str(include_str!("../../../tests/records/measured.json"))?;
    let (records, criterion) = (folder.join("records"), folder.join("criterion"));
    let mut known = Known::default();
    known.engines.extend((0..ENGINES).map(|engine| (format!("engine{engine}"), KnownEngine::default())));
    known.queries.extend((0..QUERIES).map(|query| format!("q{query}")));
    let mut lines = String::new();
    for cell in 0..groups * QUERIES * ENGINES {
        let (scale, query, engine) = (cell / ENGINES / QUERIES + 1, cell / ENGINES % QUERIES, cell % ENGINES);
        let mut record = base.clone();
        record.id = format!("engine{engine}/q{query}/sf{scale}/parquet").parse()?;
        record.dataset.scale = record.id.scale;
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let factor = 1.0 + ((engine * 7 + query * 3 + scale) % 11) as f64 / 10.0;
        record.samples_ns.iter_mut().for_each(|sample| *sample *= factor);
        lines += &format!("{}\n", serde_json::to_string(&record)?);
        let folder = criterion.join(format!("engine{engine}_q{query}_sf{scale}/parquet/new"));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let sample = json!({ "iters": vec![1.0; record.samples_ns.len()], "times": record.samples_ns });
        fs::write(folder.join("sample.json"), sample.to_string())?;
        fs::write(folder.join("benchmark.json"), json!({ "full_id": record.id.to_string() }).to_string())?;
    }
    fs::create_dir_all(&records)?;
    fs::write(records.join("20261120T120000Z-1.jsonl"), lines)?;
    Ok(Sources { records: vec![records], criterion, known, filter: Filter::default() })
}

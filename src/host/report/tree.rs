//! Criterion's folder: what it keeps of each cell under the name of a baseline.
//!
//! Ids come from `benchmark.json`, never from paths, and times from `sample.json`, the only raw data there is. What
//! `change/` says is never used: Criterion leaves it behind when the results beside it are new.

use std::cmp::Reverse;
use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::left_out::LeftOut;
use crate::protocol::id::BenchId;

/// Fewer samples than these are those of `--quick`, which keeps two points that it made up.
pub(super) const SAMPLES: usize = 10;

/// The samples of a cell, as Criterion keeps them.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: BenchId,
    /// Mean time per iteration of each sample.
    pub(super) samples_ns: Vec<f64>,
}

#[derive(Deserialize)]
struct BenchmarkFile {
    full_id: String,
}

#[derive(Deserialize)]
struct SampleFile {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// Everything below `tree` that was kept under the name of this baseline.
///
/// # Errors
/// When the folder cannot be read; what is wrong with one cell is only left out.
pub(super) fn read(tree: &Path, baseline: &str, left_out: &mut Vec<LeftOut>) -> Result<Vec<Stored>> {
    let mut stored = Vec::new();
    let mut stale = Vec::new();
    let mut folders = vec![tree.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut below = entries.with_context(|| format!("cannot read {}", folder.display()))?;
        below.retain(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        below.sort_by_key(|entry| Reverse(entry.path()));
        for path in below.iter().map(DirEntry::path) {
            let name = path.file_name().unwrap_or_default();
            let has_cell = path.join("benchmark.json").exists();
            let left_out_for =
                |why: &str| LeftOut::new(path.strip_prefix(tree).unwrap_or(&path).to_string_lossy(), why);
            if name == baseline && has_cell {
                match cell(&path) {
                    Ok(cell) => stored.push(cell),
                    Err(error) => left_out.push(left_out_for(&format!("{error:#}"))),
                }
            } else if name == "change" && is_stale(&path) {
                let why =
                    "older than the results beside it: Criterion leaves it behind (comparisons are made anew here)";
                stale.push(left_out_for(why));
            } else if !has_cell && name != "report" && name != "change" {
                folders.push(path);
            }
        }
    }
    left_out.extend(stale);
    Ok(stored)
}

fn cell(folder: &Path) -> Result<Stored> {
    let benchmark: BenchmarkFile = json(&folder.join("benchmark.json"))?;
    let id: BenchId =
        benchmark.full_id.parse().ok().with_context(|| format!("'{}' is no cell of ours", benchmark.full_id))?;
    let SampleFile { iters, times } = json(&folder.join("sample.json"))?;
    ensure!(iters.len() == times.len(), "sample.json has {} iterations for {} times", iters.len(), times.len());
    ensure!(iters.len() >= SAMPLES, "{} points are no sample: a --quick run, which keeps no raw data", iters.len());
    let samples_ns: Vec<f64> = times.iter().zip(&iters).map(|(time, iterations)| time / iterations).collect();
    ensure!(
        samples_ns.iter().all(|time| time.is_finite() && *time > 0.0),
        "sample.json has a time that is not a number"
    );
    Ok(Stored { id, samples_ns })
}

fn json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = fs::read(path).with_context(|| format!("no {name}"))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{name} is cut off or of another version of Criterion"))
}

/// Whether the comparison was made before the newest results.
fn is_stale(change: &Path) -> bool {
    let written = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let results = written(&change.with_file_name("new").join("sample.json"));
    written(&change.join("estimates.json")).zip(results).is_none_or(|(change, results)| change < results)
}

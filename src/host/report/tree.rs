//! Criterion's folder: what it keeps of each cell under the name of a baseline.
//!
//! Ids come from `benchmark.json`, never from paths, and times from `sample.json`, the only raw data there is. What
//! `change/` says is never used: Criterion leaves it behind when the results beside it are new.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

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
        let context = || format!("cannot read {}", folder.display());
        let mut below: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(&folder).with_context(context)? {
            let entry = entry.with_context(context)?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                below.push(entry.path());
            }
        }
        below.sort();
        for path in below.into_iter().rev() {
            let name = path.file_name().unwrap_or_default();
            if name == baseline && path.join("benchmark.json").exists() {
                match cell(&path) {
                    Ok(cell) => stored.push(cell),
                    Err(error) => left_out.push(LeftOut::new(shown(tree, &path), format!("{error:#}"))),
                }
            } else if name == "change" && is_stale(&path) {
                stale.push(LeftOut::new(
                    shown(tree, &path),
                    "older than the results beside it: Criterion leaves it behind (comparisons are made anew here)",
                ));
            } else if !path.join("benchmark.json").exists() && name != "report" && name != "change" {
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
    ensure!(samples_ns.iter().all(|time| time.is_finite() && *time > 0.0), "sample.json has a time that is none");
    Ok(Stored { id, samples_ns })
}

fn json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = fs::read(path).with_context(|| format!("no {name}"))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{name} is cut off or of another version of Criterion"))
}

/// Whether the comparison was made before the newest results.
fn is_stale(change: &Path) -> bool {
    let written = |path: &Path| -> Option<SystemTime> { fs::metadata(path).ok()?.modified().ok() };
    let new = change.with_file_name("new").join("sample.json");
    match (written(&change.join("estimates.json")), written(&new)) {
        (Some(change), Some(new)) => change < new,
        _ => true,
    }
}

fn shown(tree: &Path, path: &Path) -> String {
    path.strip_prefix(tree).unwrap_or(path).display().to_string()
}

//! Criterion's tree, `target/criterion`: the samples of each cell's `new`. Other baselines and `change` are left alone.

use std::fs;
use std::path::{Path, PathBuf};

use super::json::{self, Entry};
use super::told::{Found, Told};
use super::units::{amount, amounts};
use super::{Defaults, Kind, criterion_name};
use crate::host::checksum::sha256;
use crate::host::record::{Metric, metric};

/// Fewer samples than these are those of `--quick`, which keeps two points that it made up.
const SAMPLES: usize = 10;

/// What is in the cells of a tree.
pub(super) fn read(tree: &Path, cells: &[PathBuf], defaults: &Defaults) -> Found {
    let mut found = Found::default();
    found.note("a tree does not tell when it was measured: these results have no time");
    for folder in cells {
        let place = folder.strip_prefix(tree).unwrap_or(folder).display().to_string();
        let told = cell(folder, defaults, &mut found);
        found.take(&place, told);
    }
    found
}

/// One cell. Its run is made of its own files: measuring another cell again changes nothing here.
fn cell(folder: &Path, defaults: &Defaults, found: &mut Found) -> Result<Told, String> {
    let read = |name: &str| fs::read(folder.join(name)).map_err(|error| format!("{name} cannot be read: {error}"));
    let parsed = |name: &str, bytes: &[u8]| json::parse(bytes).map_err(|reason| format!("{name} {reason}"));
    let benchmark = read("benchmark.json")?;
    let sample = read("sample.json")?;
    let checksum = sha256([benchmark.as_slice(), sample.as_slice()].concat());
    let file = folder.join("sample.json").display().to_string();
    let benchmark = parsed("benchmark.json", &benchmark)?;
    let sample = parsed("sample.json", &sample)?;
    let benchmark = Entry { value: &benchmark, place: "benchmark.json".to_owned() };
    let sample = Entry { value: &sample, place: "sample.json".to_owned() };
    let named = criterion_name::named(&benchmark, Kind::Criterion, defaults)?;
    let mut told = Told { file: Some((file, checksum)), ..named };
    let (iterations, times) = (sample.numbers("iters")?, amounts("times", &sample.numbers("times")?, 1.0)?);
    if iterations.len() != times.len() || times.is_empty() {
        return Err(format!("sample.json has {} iterations for {} times", iterations.len(), times.len()));
    }
    if times.len() < SAMPLES {
        let estimates = parsed("estimates.json", &read("estimates.json")?)?;
        let mean = estimates.pointer("/mean/point_estimate").and_then(serde_json::Value::as_f64);
        let mean = mean.ok_or("estimates.json has no mean")?;
        let source = Some("Criterion: mean of a --quick run".to_owned());
        told.metrics.put(Metric { source, ..Metric::new(metric::TIME, [amount("the mean", mean, 1.0)?]) });
        found.note("cells of a --quick run have no samples: their mean is the one value");
        return Ok(told);
    }
    if let Some(place) = iterations.iter().position(|count| !count.is_finite() || *count < 1.0) {
        return Err(format!("iters[{place}] is {}, which is no number of iterations", iterations[place]));
    }
    told.metrics.set(metric::TIME, times.iter().zip(&iterations).map(|(time, count)| time / count));
    told.iterations = iterations.into_iter().map(metric::whole).collect();
    Ok(told)
}

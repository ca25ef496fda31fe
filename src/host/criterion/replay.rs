//! Samples that were taken without Criterion, handed to it: it does its statistics, and keeps them where reports and
//! `--baseline` look. With a time of next to nothing it asks for each sample once and measures nothing by itself.

use std::fs::File;
use std::io::{Write, stdout};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use criterion::SamplingMode;

use super::{SAMPLES, criterion_in};
use crate::host::record::Record;

const NEXT_TO_NOTHING: Duration = Duration::from_nanos(1);

/// Has Criterion keep the samples of these records below `folder`, but for those with too few of them; under the name of a
/// baseline, or as its newest.
pub(crate) fn replay(records: &[Record], folder: &Path, baseline: Option<&str>) {
    let enough = |record: &&Record| record.is_measured() && record.samples_ns().len() >= SAMPLES;
    let records: Vec<&Record> = records.iter().filter(enough).collect();
    if records.is_empty() {
        return;
    }
    // What it says of one run a sample is a table for somebody who has none.
    let _muted = Muted::new();
    let mut criterion = criterion_in(folder).without_plots();
    if let Some(name) = baseline {
        criterion = criterion.save_baseline(name.to_owned());
    }
    for record in records {
        let mut group = criterion.benchmark_group(record.id.group());
        group
            .sampling_mode(SamplingMode::Flat)
            .sample_size(record.samples_ns().len())
            .warm_up_time(NEXT_TO_NOTHING)
            .measurement_time(NEXT_TO_NOTHING);
        let mut samples = record.samples_ns().iter().map(|ns| Duration::from_secs_f64(ns / 1e9));
        let mut warm = false;
        group.bench_function(&record.id.variant, |bencher| {
            bencher.iter_custom(|iterations| {
                if !warm {
                    // The warm-up, which is over as soon as a call took any time at all.
                    warm = true;
                    sleep(Duration::from_micros(1));
                    return NEXT_TO_NOTHING;
                }
                let factor = u32::try_from(iterations).unwrap_or(u32::MAX);
                samples.next().unwrap_or(NEXT_TO_NOTHING) * factor
            });
        });
        group.finish();
    }
}

/// Standard output and error of this process go nowhere while it lives: Criterion has no way to be quiet.
struct Muted {
    out: OwnedFd,
    error: OwnedFd,
    // Two at a time would take each other's nowhere for the real thing.
    _alone: MutexGuard<'static, ()>,
}

impl Muted {
    fn new() -> Option<Self> {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = stdout().flush();
        let nowhere = File::options().write(true).open("/dev/null").ok()?;
        let out = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3).ok()?;
        let error = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 3).ok()?;
        // From here on the guard undoes what was done, be it half.
        let muted = Self { out, error, _alone: alone };
        rustix::stdio::dup2_stdout(&nowhere).ok()?;
        rustix::stdio::dup2_stderr(&nowhere).ok()?;
        Some(muted)
    }
}

impl Drop for Muted {
    fn drop(&mut self) {
        let _ = stdout().flush();
        let _ = rustix::stdio::dup2_stdout(&self.out);
        let _ = rustix::stdio::dup2_stderr(&self.error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::record::metric;

    #[test]
    fn criterion_keeps_the_very_samples() {
        let folder = tempfile::tempdir().unwrap();
        let mut record: Record = serde_json::from_str(include_str!("../../../tests/records/measured.json")).unwrap();
        record.metrics.set(metric::TIME, (1..=12).map(|run| f64::from(run) * 1_234_567.0));
        let mut few = record.clone();
        few.id.variant = "parquet-few".to_owned();
        few.metrics.set(metric::TIME, record.samples_ns()[1..SAMPLES].to_vec());
        replay(&[record.clone(), few], folder.path(), None);
        let kept = folder.path().join("duckdb_q6_sf0.1");
        assert!(!kept.join("parquet-few").exists());
        let text = std::fs::read_to_string(kept.join("parquet/new/sample.json")).unwrap();
        let sample: serde_json::Value = serde_json::from_str(&text).unwrap();
        let numbers = |name: &str| -> Vec<f64> { serde_json::from_value(sample[name].clone()).unwrap() };
        assert_eq!(numbers("iters"), [1.0; 12]);
        assert_eq!(numbers("times"), record.samples_ns());
        replay(&[record], folder.path(), Some("base"));
        assert!(kept.join("parquet/base/sample.json").exists());
    }
}

//! What a record belongs to: the call that took it ([`run_id`]) and the results that it may be compared with over time
//! ([`Record::series`]).

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;

use chrono::Utc;

use super::Record;
use crate::host::checksum::sha256;
use crate::host::variant::PARQUET;

/// An id for all records of a call: `20261120T120000Z-4711-5c1e09f3`, its start, its process and a random number. Ids sort by
/// time. Two machines may start a process of one number in one second, which the random number tells apart; it is the key that
/// the standard library draws for its hash maps, so no crate is needed for it.
pub(crate) fn run_id() -> String {
    let random = RandomState::new().build_hasher().finish() >> 32;
    format!("{}-{}-{random:08x}", Utc::now().format("%Y%m%dT%H%M%SZ"), std::process::id())
}

/// The name of the run's file: its id without the random number.
pub(super) fn stem(run_id: &str) -> &str {
    run_id.rsplit_once('-').map_or(run_id, |(stem, _)| stem)
}

/// Which run a file of an older schema is of: its records have no id, its name has start and process.
pub fn run_of(file: &Path) -> Option<&str> {
    let stem = file.file_stem()?.to_str()?;
    let (start, process) = stem.split_once("Z-")?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (start.split('T').all(digits) && digits(process)).then_some(stem)
}

impl Record {
    /// The key of all results that may be compared with this one over time: 16 hexadecimal digits over everything that makes
    /// results incomparable, which is engine, text, data, conditions, machine class and provenance. Versions, compiler, kernel
    /// and commit are not in it: they show as steps in a series. `None` for a cell that never came to its text or its data.
    pub fn series(&self) -> Option<String> {
        // The name of an engine may end in a version: `duckdb-wheel@2.0.0`.
        let engine = self.id.engine.split('@').next();
        let (text, data) = (self.query.sha256.as_ref()?, self.dataset.sha256.as_ref()?);
        let parts = (
            engine,
            text,
            data,
            &self.dataset.format,
            &self.mode,
            self.threads,
            self.memory_limit_bytes,
            self.cache,
            self.parallel,
            self.provenance,
            self.machine_class(),
        );
        let mut text = serde_json::to_string(&parts).ok()?;
        // Behind the others, so that a result of no cluster has the key that it always had.
        if let Some(executors) = self.executors() {
            text += &format!(" on {executors} executors");
        }
        // Only where one was set: the key of every other series stays what it was.
        if let Some(network) = self.network.as_ref().and_then(|network| network.conditions.as_ref()) {
            text += &network.to_string();
        }
        Some(sha256(text)[..16].to_owned())
    }

    /// What its variant says beyond mode, the format Parquet and the part that is `told` beside it: [`beyond`].
    pub(crate) fn variant_beyond(&self, told: Option<&str>) -> String {
        beyond(&self.id.variant, &self.dataset.format, self.mode.as_deref(), told)
    }

    /// The machines whose results can be compared: [`Host::class`](crate::measure::machine::Host::class).
    pub fn machine_class(&self) -> String {
        self.host.class()
    }
}

/// What a variant says beyond the mode, the format Parquet and the part that is `told` beside it: ` (cold)`. Empty where that is nothing.
pub fn beyond(variant: &str, format: &str, mode: Option<&str>, told: Option<&str>) -> String {
    let rest = variant.strip_prefix(format).unwrap_or(variant);
    let mode = mode.map(|mode| format!("-{mode}")).unwrap_or_default();
    let rest = rest.replacen(&mode, "", 1);
    let others = rest.split('-').filter(|part| !part.is_empty() && Some(*part) != told);
    let parts: Vec<&str> = Some(format).filter(|format| *format != PARQUET).into_iter().chain(others).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_sort_by_start_and_differ() {
        let ids = [run_id(), run_id()];
        assert_ne!(ids[0], ids[1]);
        assert_eq!(run_of(Path::new(stem(&ids[0]))), Some(stem(&ids[0])));
    }

    #[test]
    fn run_of_takes_names_of_runs_only() {
        let run = |name: &str| run_of(Path::new(name)).map(str::to_owned);
        assert_eq!(run("records/20261120T120000Z-4711.jsonl").as_deref(), Some("20261120T120000Z-4711"));
        for other in ["gate/records.jsonl", "20261120-4711.jsonl", "20261120T120000Z-.jsonl"] {
            assert_eq!(run(other), None, "{other}");
        }
    }

    #[test]
    fn series_is_the_same_over_versions_and_split_by_conditions() {
        let record: Record = serde_json::from_str(include_str!("../../../tests/records/measured.json")).unwrap();
        let changed = |change: fn(&mut Record)| {
            let mut other = record.clone();
            change(&mut other);
            other.series()
        };
        let series = record.series();
        assert!(series.is_some());
        let attributes: [fn(&mut Record); 5] = [
            |record| record.engine.version = Some("9".to_owned()),
            |record| record.id.engine += "@9",
            |record| record.engine.build.compiler = None,
            |record| record.host.kernel = "9".to_owned(),
            |record| record.git = None,
        ];
        for attribute in attributes {
            assert_eq!(changed(attribute), series);
        }
        let conditions: [fn(&mut Record); 8] = [
            |record| {
                record.engine.settings.insert("executors".to_owned(), "2".to_owned());
            },
            |record| record.id.engine = "polars".to_owned(),
            |record| record.query.sha256 = Some("0".to_owned()),
            |record| record.dataset.sha256 = Some("0".to_owned()),
            |record| record.threads += 1,
            |record| record.host.cores += 1,
            |record| record.mode = Some("eager".to_owned()),
            |record| {
                let conditions = Some("rtt=2ms".parse().unwrap());
                record.network = Some(super::super::NetworkRecord { conditions, ..Default::default() });
            },
        ];
        for condition in conditions {
            assert_ne!(changed(condition), series);
        }
        assert_eq!(changed(|record| record.dataset.sha256 = None), None);
    }
}

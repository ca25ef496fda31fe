//! Which records still hold, and which cells have to run for a suite's criteria: [`Today`], [`needed`].

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

use crate::host::catalog::{Catalog, Entry, identity};
use crate::host::checksum::sha256;
use crate::host::data::generate::Store;
use crate::host::data::tables::expected;
use crate::host::record::{self, Provenance, Record};
use crate::host::settings::Settings;
use crate::host::suite::Suite;
use crate::host::variant::{Cache, PARQUET};
use crate::measure::machine::Host;
use crate::protocol::id::Scale;

/// What a record has to be of, to hold today: texts, data, programs, threads and machine as they are now.
#[derive(Debug)]
pub struct Today<'a> {
    suite: &'a Suite,
    settings: &'a Settings,
    store: Store,
    engines: BTreeMap<String, Entry>,
    programs: BTreeMap<String, Option<String>>,
    machine: String,
}

impl<'a> Today<'a> {
    /// Of the engines that the suite's criteria name. Nothing is built: of an engine that is not there no record holds.
    ///
    /// # Errors
    /// When there is no such engine.
    pub fn of(suite: &'a Suite, catalog: &Catalog, settings: &'a Settings) -> Result<Self> {
        let (mut engines, mut programs) = (BTreeMap::new(), BTreeMap::new());
        for spec in &suite.criteria {
            for name in spec.engines.iter().map(String::as_str).chain(spec.requires.other()) {
                let entry = catalog.entry(name).with_context(|| format!("the criterion '{}'", spec.name))?;
                let program = entry.find().and_then(|program| identity::checksum(&entry, &program).ok());
                engines.insert(name.to_owned(), entry);
                programs.insert(name.to_owned(), program);
            }
        }
        let store = Store::new(settings.data.clone());
        Ok(Self { suite, settings, store, engines, programs, machine: Host::read().class() })
    }

    /// The records that hold, of all that are kept here, the oldest first.
    ///
    /// # Errors
    /// When the folder is there and cannot be read. A file that cannot be read is left out with a note.
    pub fn records(&self) -> Result<Vec<Record>> {
        let folder = self.settings.home.join("records");
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
        files.sort();
        let mut found = Vec::new();
        for file in files {
            match record::read(&file) {
                Ok(records) => found.extend(records.into_iter().filter(|record| self.has(record))),
                Err(error) => log::info!("left out: {error}"),
            }
        }
        found.sort_by(|a, b| a.started_at.cmp(&b.started_at));
        Ok(found)
    }

    /// Whether a record holds: by default conditions, on this machine, of today's task, data and program.
    fn has(&self, record: &Record) -> bool {
        let engine = record.id.engine.as_str();
        let query = || self.suite.query(&record.id.query).ok();
        let text = || {
            let task = self.suite.task(query()?, self.engines.get(engine)?, record.id.scale).ok()?;
            Some(sha256(task.text()))
        };
        // Unknown where the tables are not there now: they will be made as they were.
        let data =
            || expected(self.suite, &query()?.tables, record.id.scale, PARQUET, self.settings, &self.store).sha256;
        record.dataset.suite == self.suite.name
            && record.provenance == Provenance::Measured
            && record.inspects.is_none()
            && record.host.class() == self.machine
            && self.settings.threads.first() == Some(&record.threads)
            && (record.parallel, record.cache, &record.mode) == (1, Cache::Hot, &None)
            && (record.dataset.format.as_str(), record.memory_limit_bytes) == (PARQUET, None)
            && self.programs.get(engine).is_some_and(|program| program.is_some() && *program == record.engine.program)
            // One that failed before it had a text is as old as its program.
            && record.query.sha256.as_ref().is_none_or(|sha256| text().as_ref() == Some(sha256))
            && record.dataset.sha256.as_ref().is_none_or(|sha256| data().is_none_or(|data| data == *sha256))
    }
}

/// A query at a scale that has to run, on these engines together, so that they judge each other's answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// The query.
    pub query: String,
    /// The scale of the data.
    pub scale: Scale,
    /// The engines.
    pub engines: Vec<String>,
    /// Runs of each.
    pub runs: u64,
}

/// What a suite's criteria need beyond these records; with `again` everything.
pub fn needed(suite: &Suite, records: &[Record], again: bool) -> Vec<Needed> {
    let mut found: Vec<Needed> = Vec::new();
    for spec in &suite.criteria {
        let runs = spec.requires.runs();
        for query in spec.queries_of(suite) {
            for engine in spec.engines.iter().map(String::as_str).chain(spec.requires.other()) {
                let is_its = |record: &&Record| {
                    record.id.engine == engine && record.id.query == query && record.id.scale == spec.scale
                };
                if !again && records.iter().filter(is_its).map(runs_of).sum::<u64>() >= runs {
                    continue;
                }
                let same = |needed: &&mut Needed| needed.query == query && needed.scale == spec.scale;
                match found.iter_mut().find(same) {
                    Some(needed) => {
                        needed.runs = needed.runs.max(runs);
                        if !needed.engines.iter().any(|name| name == engine) {
                            needed.engines.push(engine.to_owned());
                        }
                    }
                    None => found.push(Needed {
                        query: query.to_owned(),
                        scale: spec.scale,
                        engines: vec![engine.to_owned()],
                        runs,
                    }),
                }
            }
        }
    }
    found
}

/// Runs that a record shows. One that failed or was skipped would be so again: it is not run for more.
fn runs_of(record: &Record) -> u64 {
    match record.measurement() {
        Some(measurement) if record.verified() => measurement.iterations.iter().sum(),
        // Alone, its answer had nobody to compare with; with others it may.
        Some(_) => 0,
        None => u64::MAX / 1_000_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::record::{Measurement, Outcome};

    fn suite() -> Suite {
        toml::from_str(
            "name = 'tpch'\ntitle = ''\ntable = []\n[[query]]\nname = 'q6'\ntitle = ''\ntables = []\n\
             [[criterion]]\nname = 'a'\nengines = ['duckdb']\nscale = 'sf1'\nrequires = { time = { at_most = '1s' } }\n\
             [[criterion]]\nname = 'b'\nengines = ['duckdb']\nscale = 'sf1'\n\
             requires = { memory_share = { of = 'pandas', at_most = 0.5 } }\n\
             [[criterion]]\nname = 'c'\nengines = ['duckdb']\nscale = 'sf0.1'\n\
             requires = { success = { rate = 0.9, confidence = 0.95 } }\n",
        )
        .unwrap()
    }

    fn record(id: &str, runs: usize) -> Record {
        let mut record: Record = serde_json::from_str(include_str!("../../../tests/records/measured.json")).unwrap();
        record.id = id.parse().unwrap();
        record.outcome = Outcome::Measured(Measurement { iterations: vec![1; runs], ..Measurement::default() });
        record
    }

    #[test]
    fn needed_are_the_cells_that_no_record_shows() {
        let told = |records: &[Record], again| {
            let found = needed(&suite(), records, again);
            found
                .iter()
                .map(|one| format!("{} {} {} {}", one.query, one.scale, one.engines.join("+"), one.runs))
                .collect::<Vec<_>>()
        };
        let all = ["q6 sf1 duckdb+pandas 10", "q6 sf0.1 duckdb 29"];
        assert_eq!(told(&[], false), all);
        let records = [
            record("duckdb/q6/sf1/parquet", 10),
            record("pandas/q6/sf1/parquet", 1),
            record("duckdb/q6/sf0.1/parquet", 29),
        ];
        assert_eq!(told(&records, false), Vec::<String>::new());
        assert_eq!(told(&records, true), all);
        assert_eq!(told(&records[..1], false), ["q6 sf1 pandas 1", "q6 sf0.1 duckdb 29"]);
        assert_eq!(told(&[record("duckdb/q6/sf1/parquet", 3)], false)[0], "q6 sf1 duckdb+pandas 10");
        let mut failed = record("duckdb/q6/sf0.1/parquet", 0);
        failed.outcome = Outcome::Failed("crashed".to_owned().into());
        assert_eq!(told(&[failed], false).len(), 1, "what failed is not run for more");
    }

    #[test]
    fn today_leaves_out_records_of_other_programs_and_conditions() {
        let settings = Settings::read().unwrap();
        let suite = suite();
        let base = record("duckdb/q6/sf1/parquet", 10);
        let today = Today {
            suite: &suite,
            settings: &settings,
            store: Store::new(settings.data.clone()),
            engines: BTreeMap::new(),
            programs: BTreeMap::from([("duckdb".to_owned(), Some("p".to_owned()))]),
            machine: base.host.class(),
        };
        let of = |change: &dyn Fn(&mut Record)| {
            let mut record = base.clone();
            record.engine.program = Some("p".to_owned());
            (record.query.sha256, record.dataset.sha256) = (None, None);
            record.threads = settings.threads[0];
            change(&mut record);
            today.has(&record)
        };
        assert!(of(&|_| {}));
        assert!(!of(&|record| record.engine.program = Some("other".to_owned())));
        assert!(!of(&|record| record.engine.program = None));
        assert!(!of(&|record| record.threads += 1));
        assert!(!of(&|record| record.memory_limit_bytes = Some(1)));
        assert!(!of(&|record| record.query.sha256 = Some("other".to_owned())));
        assert!(!of(&|record| record.dataset.suite = "other".to_owned()));
    }
}

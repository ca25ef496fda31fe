//! Which records still hold, and which cells have to run for a suite's criteria: [`Today`], [`needed`].

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::host::catalog::{Catalog, Entry, identity};
use crate::host::checksum::sha256;
use crate::host::data::generate::Store;
use crate::host::data::tables::expected;
use crate::host::record::{self, Provenance, Record};
use crate::host::session::Failure;
use crate::host::settings::Settings;
use crate::host::suite::Suite;
use crate::host::variant::{Cache, PARQUET, Variant};
use crate::measure::machine::Host;
use crate::protocol::id::Scale;

/// What a record has to be of, to hold today: texts, data, programs with their options, threads and machine as they are now.
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
    /// When there is no such engine, or it has no such mode.
    pub fn of(suite: &'a Suite, catalog: &Catalog, settings: &'a Settings) -> Result<Self> {
        let (mut engines, mut programs) = (BTreeMap::new(), BTreeMap::new());
        for spec in &suite.criteria {
            for (name, mode) in spec.asked() {
                let entry = catalog.entry(name).with_context(|| format!("the criterion '{}'", spec.name))?;
                if let Some(mode) = mode.filter(|mode| entry.modes.iter().skip(1).all(|other| other != mode)) {
                    let others = entry.modes.get(1..).unwrap_or_default().join(", ");
                    bail!(
                        "the criterion '{}': {name} has no mode '{mode}' besides its default; it has: {others}",
                        spec.name
                    );
                }
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

    /// Whether a record holds: by default conditions but for the mode, on this machine, of today's task, data, program and options, and ended
    /// by itself.
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
            && !record.failure().is_some_and(Failure::is_interrupted)
            && record.host.class() == self.machine
            && self.settings.threads.first() == Some(&record.threads)
            && (record.parallel, record.cache) == (1, Cache::Hot)
            && (record.dataset.format.as_str(), record.memory_limit_bytes) == (PARQUET, None)
            && self.programs.get(engine).is_some_and(|program| program.is_some() && *program == record.engine.program)
            && self.engines.get(engine).is_some_and(|entry| entry.options == record.engine.options)
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
    /// The engines, each with its mode; without one it is the default.
    pub engines: Vec<(String, Option<String>)>,
    /// Runs of each.
    pub runs: u64,
}

impl Needed {
    /// The filter that means its cells, whose variants differ from this one in their modes only.
    pub fn filter(&self, variant: Variant<'_>) -> String {
        let cell = |(engine, mode): &(String, Option<String>)| {
            let variant = Variant { mode: mode.as_deref(), ..variant };
            format!("{engine}/{}/{}/{variant}", self.query, self.scale)
        };
        format!("^({})$", self.engines.iter().map(cell).collect::<Vec<_>>().join("|"))
    }

    /// The engines as they are printed.
    pub fn names(&self) -> String {
        let name = |(engine, mode): &(String, Option<String>)| match mode {
            Some(mode) => format!("{engine} {mode}"),
            None => engine.clone(),
        };
        self.engines.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

/// What a suite's criteria need beyond these records; with `again` everything.
pub fn needed(suite: &Suite, records: &[Record], again: bool) -> Vec<Needed> {
    let mut found: Vec<Needed> = Vec::new();
    for spec in &suite.criteria {
        let runs = spec.requires.runs();
        for query in spec.queries_of(suite) {
            for (engine, mode) in spec.asked() {
                let is_its = |record: &&Record| {
                    record.id.engine == engine
                        && record.mode.as_deref() == mode
                        && record.id.query == query
                        && record.id.scale == spec.scale
                };
                if !again && records.iter().filter(is_its).map(runs_of).sum::<u64>() >= runs {
                    continue;
                }
                let same = |needed: &&mut Needed| needed.query == query && needed.scale == spec.scale;
                let asked = (engine.to_owned(), mode.map(str::to_owned));
                match found.iter_mut().find(same) {
                    Some(needed) => {
                        needed.runs = needed.runs.max(runs);
                        if !needed.engines.contains(&asked) {
                            needed.engines.push(asked);
                        }
                    }
                    None => {
                        found.push(Needed { query: query.to_owned(), scale: spec.scale, engines: vec![asked], runs });
                    }
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
        // Nor would one that could not open, once its server is there.
        None if record.is_failed() && record.engine.version.is_none() => 0,
        None => u64::MAX / 1_000_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::filter::Filter;
    use crate::host::record::{Measurement, Outcome, Unmeasured};
    use crate::host::session::FailureKind;

    fn suite() -> Suite {
        toml::from_str(
            "name = 'tpch'\ntitle = ''\ntable = []\n[[query]]\nname = 'q6'\ntitle = ''\ntables = []\n\
             [[criterion]]\nname = 'a'\nengines = ['duckdb']\nscale = 'sf1'\nrequires = { time = { at_most = '1s' } }\n\
             [[criterion]]\nname = 'b'\nengines = ['duckdb']\nscale = 'sf1'\n\
             requires = { memory_share = { of = 'pandas', at_most = 0.5 } }\n\
             [[criterion]]\nname = 'c'\nengines = ['duckdb', 'polars-wheel']\nscale = 'sf0.1'\n\
             modes = { polars-wheel = 'eager' }\n\
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
                .map(|one| format!("{} {} {} {}", one.query, one.scale, one.names().replace(", ", "+"), one.runs))
                .collect::<Vec<_>>()
        };
        let all = ["q6 sf1 duckdb+pandas 10", "q6 sf0.1 duckdb+polars-wheel eager 29"];
        assert_eq!(told(&[], false), all);
        let eager = |record| Record { mode: Some("eager".to_owned()), ..record };
        let records = [
            record("duckdb/q6/sf1/parquet", 10),
            record("pandas/q6/sf1/parquet", 1),
            record("duckdb/q6/sf0.1/parquet", 29),
            eager(record("polars-wheel/q6/sf0.1/parquet-eager", 29)),
        ];
        assert_eq!(told(&records, false), Vec::<String>::new());
        assert_eq!(told(&records, true), all);
        assert_eq!(told(&records[..1], false), ["q6 sf1 pandas 1", all[1]]);
        assert_eq!(told(&records[..3], false), ["q6 sf0.1 polars-wheel eager 29"]);
        let default = record("polars-wheel/q6/sf0.1/parquet", 29);
        assert_eq!(told(&[&records[..3], &[default]].concat(), false).len(), 1, "another mode's runs are not its own");
        assert_eq!(told(&[record("duckdb/q6/sf1/parquet", 3)], false)[0], all[0]);
        let mut failed = eager(record("polars-wheel/q6/sf0.1/parquet-eager", 0));
        failed.outcome = Outcome::Failed("crashed".to_owned().into());
        let with = |failed: &Record| told(&[&records[..3], std::slice::from_ref(failed)].concat(), false);
        assert_eq!(with(&failed), Vec::<String>::new(), "what failed is not run for more");
        failed.engine.version = None;
        assert_eq!(with(&failed).len(), 1, "what could not open may be there by now");
    }

    #[test]
    fn needed_has_a_filter_of_its_cells_and_no_others() {
        let all = needed(&suite(), &[], false);
        let settings = Settings::read().unwrap();
        let variant = settings.sole_variant(PARQUET).unwrap();
        let filter = Filter::new(&all[1].filter(variant), false).unwrap();
        let id = |engine: &str, mode| {
            let id = format!("{engine}/q6/sf0.1/{}", Variant { mode, ..variant });
            id.parse().unwrap()
        };
        assert!(filter.means(&id("duckdb", None)) && filter.means(&id("polars-wheel", Some("eager"))));
        assert!(!filter.means(&id("polars-wheel", None)) && !filter.means(&id("duckdb-wheel", None)));
    }

    #[test]
    fn today_refuses_a_mode_that_an_engine_has_not() {
        let settings = Settings::read().unwrap();
        let mut suite = suite();
        suite.criteria[2].modes.insert("polars-wheel".to_owned(), "lazy".to_owned());
        let error = Today::of(&suite, &Catalog::read(&settings).unwrap(), &settings).unwrap_err().to_string();
        assert!(error.contains("polars-wheel has no mode 'lazy'") && error.contains("in-memory, eager"), "{error}");
    }

    #[test]
    fn today_leaves_out_records_of_other_programs_and_conditions() {
        let settings = Settings::read().unwrap();
        let suite = suite();
        let base = record("duckdb/q6/sf1/parquet", 10);
        let duckdb = Catalog::read(&settings).unwrap().entry("duckdb").unwrap();
        let today = Today {
            suite: &suite,
            settings: &settings,
            store: Store::new(settings.data.clone()),
            engines: BTreeMap::from([("duckdb".to_owned(), duckdb.clone())]),
            programs: BTreeMap::from([("duckdb".to_owned(), Some("p".to_owned()))]),
            machine: base.host.class(),
        };
        let of = |change: &dyn Fn(&mut Record)| {
            let mut record = base.clone();
            record.engine.program = Some("p".to_owned());
            (record.query.sha256, record.dataset.sha256) = (None, None);
            record.engine.options = duckdb.options.clone();
            record.threads = settings.threads[0];
            change(&mut record);
            today.has(&record)
        };
        assert!(of(&|_| {}));
        assert!(!of(&|record| record.engine.program = Some("other".to_owned())));
        assert!(!of(&|record| record.engine.program = None));
        assert!(!of(&|record| drop(record.engine.options.insert("order".to_owned(), "no".to_owned()))));
        assert!(!of(&|record| record.threads += 1));
        assert!(!of(&|record| record.memory_limit_bytes = Some(1)));
        assert!(!of(&|record| record.query.sha256 = Some("other".to_owned())));
        assert!(!of(&|record| record.dataset.suite = "other".to_owned()));
        let failed = |kind: FailureKind| {
            of(&|record| record.outcome = Outcome::Failed(Unmeasured::from(Failure::from(kind.clone()))))
        };
        assert!(failed(FailureKind::Engine { message: "no such column".to_owned() }));
        assert!(!failed(FailureKind::Interrupted), "Ctrl-C is no failure of an engine's");
    }
}

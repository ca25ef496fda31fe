//! What was imported before: [`Past`]. A result is known by its key, which is made of its file's content, and by what it says: a table that
//! has grown, or a file that was written in another form, has the results that it had, and only the rest is new.
//!
//! By what it says it is known to files of the same name alone: two files may have measured the same time.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use anyhow::Result;

use super::Kind;
use super::item::{Candidate, Is, Item};
use crate::history::journal::{self, IMPORTED};
use crate::history::rows::{Converter, hash};
use crate::history::store::Store;
use crate::host::record::{self, Measurement, Metric, Metrics, Outcome, Record, SCHEMA, metric, parse};

/// What there is.
pub(super) struct Past {
    known: HashSet<u64>,
    deleted: HashSet<u64>,
    /// By what they say, figures of tables apart.
    said: HashMap<u64, Vec<Said>>,
}

/// An imported result.
struct Said {
    /// In the history.
    key: u64,
    /// Of a table, whose rows are looked for one by one.
    metrics: Metrics,
}

impl Past {
    /// What the history and the journal of imports have.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub(super) fn read(store: &Store, home: &Path) -> Result<Self> {
        let keys = |statement: &str| -> Result<HashSet<u64>> {
            Ok(store.rows(statement, [], |row| row.get::<_, u64>(0))?.into_iter().collect())
        };
        let deleted = keys("SELECT result FROM deleted_results")?;
        let mut past = Self { known: keys("SELECT result FROM results")?, deleted, said: HashMap::new() };
        for source in journal::sources(home)? {
            if source.path.parent().is_none_or(|folder| !folder.ends_with(IMPORTED)) {
                continue;
            }
            for (_, record) in record::read_lines(&source.path)? {
                // The history tells what is no record.
                if let Some((said, record)) = record.ok().and_then(|record| Some((said(&record)?, record))) {
                    past.keep(said, record);
                }
            }
        }
        Ok(past)
    }

    fn keep(&mut self, said: u64, record: Record) {
        let metrics =
            if of(&record).is_some_and(|(is_table, _)| is_table) { record.metrics.clone() } else { Metrics::default() };
        self.said.entry(said).or_default().push(Said { key: key(record), metrics });
    }

    /// What becomes of a result. Of a table's only those rows are left that are new.
    ///
    /// # Errors
    /// When it has no form in JSON.
    pub(super) fn decide(&mut self, Candidate { mut record, line, rows }: Candidate) -> Result<Item> {
        let is_ours = line.is_some();
        let mut line = line.map_or_else(|| serde_json::to_string(&record), Ok)?;
        // As it will be read: the last digit of a number may be another then.
        let read = if is_ours { record.clone() } else { parse(line.as_bytes(), None)? };
        let (said, mut key) = (said(&read).filter(|_| !is_ours), key(read.clone()));
        let mut is = if self.known.insert(key) { Is::New } else { Is::Known };
        let mut known_rows = if is == Is::Known { rows } else { 0 };
        let before = said.and_then(|said| self.said.get(&said)).filter(|_| is == Is::New);
        if let Some(before) = before.and_then(|before| if rows == 0 { before.first() } else { None }) {
            (is, key) = (Is::Known, before.key);
        } else if let Some(before) = before {
            let left = Left::of(&read.metrics, before);
            if left.is_nothing() {
                (is, key, known_rows) = (Is::Known, left.key.unwrap_or(key), rows);
            } else if left.rows > 0 {
                known_rows = left.rows;
                record.metrics = left.in_metrics(&record.metrics);
                line = serde_json::to_string(&record)?;
            }
        }
        if self.deleted.contains(&key) {
            (is, known_rows) = (Is::Deleted, 0);
        }
        if let (Is::New, Some(said)) = (is, said) {
            self.keep(said, parse(line.as_bytes(), None)?);
        }
        let (engine, query) = (record.id.engine, record.id.query);
        Ok(Item { line, engine, query, is, known_rows, has_rows: rows > 0 })
    }
}

/// The values of a table's result that no earlier one has.
struct Left {
    /// Of each figure the places of its values that are left.
    places: Vec<(String, Vec<(usize, f64)>)>,
    /// How many rows are taken away.
    rows: usize,
    /// The first earlier result.
    key: Option<u64>,
}

impl Left {
    fn of(metrics: &Metrics, before: &[Said]) -> Self {
        let all = |metric: Metric| (metric.name, metric.values.into_iter().enumerate().collect());
        let mut left = Self { places: metrics.clone().into_iter().map(all).collect(), rows: 0, key: None };
        for said in before {
            left.take(said);
        }
        left
    }

    /// Takes the values of an earlier result away, all or none: it may be of rows that were mended since.
    fn take(&mut self, said: &Said) {
        let mut places = self.places.clone();
        for known in said.metrics.clone() {
            let Some((_, values)) = places.iter_mut().find(|(name, _)| *name == known.name) else { return };
            for value in &known.values {
                // The same digits, or it is another value.
                let Some(at) = values.iter().position(|(_, other)| other.to_bits() == value.to_bits()) else { return };
                values.remove(at);
            }
        }
        self.places = places;
        self.rows += said.metrics.values(metric::TIME).len();
        self.key.get_or_insert(said.key);
    }

    fn is_nothing(&self) -> bool {
        self.key.is_some() && self.places.iter().all(|(_, values)| values.is_empty())
    }

    /// These figures with the values that are left.
    fn in_metrics(&self, metrics: &Metrics) -> Metrics {
        let mut left = Metrics::default();
        for mut metric in metrics.clone() {
            let places = self.places.iter().find(|(name, _)| *name == metric.name).map(|(_, places)| places);
            metric.values = places.into_iter().flatten().map(|(place, _)| metric.values[*place]).collect();
            left.put(metric);
        }
        left
    }
}

/// Whether an imported record is of a table, and the name of the file that it is from.
fn of(record: &Record) -> Option<(bool, String)> {
    let (kind, rest) = record.provenance_reason.as_deref()?.split_once(": ")?;
    let (file, _) = rest.rsplit_once(", sha256 ")?;
    Some((kind == Kind::Csv.word(), Path::new(file).file_name()?.to_string_lossy().into_owned()))
}

/// What an imported record says, and in which file: all but where that lies and when it was imported. Figures of tables are apart.
fn said(record: &Record) -> Option<u64> {
    let (is_table, file) = of(record)?;
    let mut said = record.clone();
    (said.schema, said.run_id, said.provenance_reason) = (SCHEMA, None, None);
    said.command.clear();
    if is_table {
        said.metrics = Metrics::default();
        if let Outcome::Measured(how) = &mut said.outcome {
            *how = Measurement::default();
        }
    }
    Some(hash(&(file, said)))
}

/// The key of a record in the history.
fn key(record: Record) -> u64 {
    Converter::default().rows(record, "", 0).key
}

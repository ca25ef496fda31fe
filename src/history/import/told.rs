//! What an importer makes of a file: [`Found`], with a [`Told`] for each result. What a file does not tell is absent.

use std::collections::BTreeMap;

use super::json::Entry;
use super::times;
use crate::host::record::{Git, Metrics, Record};
use crate::host::variant::Cache;
use crate::measure::machine::Host;
use crate::protocol::id::{BenchId, Scale};

/// What is in a file.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) told: Vec<Told>,
    /// Records of ours, whose lines are kept as they are.
    pub(super) records: Vec<(String, Record)>,
    pub(super) misfits: Vec<Misfit>,
    /// What a reader of the figures should know, each once.
    pub(super) notes: Vec<String>,
}

/// What does not fit, and why.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) place: String,
    pub(super) reason: String,
}

/// A result, with the names that its file has for things.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// Where it stands in its file.
    pub(super) place: String,
    /// Of how many rows of a table it is; 0 of what is no table.
    pub(super) rows: usize,
    /// The file that it is from and its checksum, where that is not the one that was named.
    pub(super) file: Option<(String, String)>,
    /// The cell, where the file has an id of ours; then the next four are not looked at.
    pub(super) id: Option<BenchId>,
    pub(super) engine: String,
    pub(super) query: String,
    /// What else tells it from other results of its file, in the order of the variant.
    pub(super) axes: Vec<String>,
    pub(super) scale: Option<Scale>,
    /// None: the kind of file.
    pub(super) suite: Option<String>,
    /// The name or command of the whole, as it stands in the file.
    pub(super) text: Option<String>,
    pub(super) version: Option<String>,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) threads: Option<u64>,
    pub(super) cache: Option<Cache>,
    pub(super) iterations: Vec<u64>,
    pub(super) metrics: Metrics,
    pub(super) end: End,
    /// What is to be known of this one, as a part of its verdict.
    pub(super) caution: Option<String>,
    pub(super) host: Host,
    pub(super) git: Option<Git>,
    /// RFC 3339, UTC.
    pub(super) started_at: Option<String>,
}

/// How it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum End {
    #[default]
    Measured,
    Skipped(String),
    Failed(String),
}

impl Found {
    /// What is nothing but a reason.
    pub(super) fn nothing(place: &str, reason: String) -> Self {
        let mut found = Self::default();
        found.misfit(place, reason);
        found
    }

    pub(super) fn misfit(&mut self, place: &str, reason: String) {
        self.misfits.push(Misfit { place: place.to_owned(), reason });
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// A result, or why an entry is not a result.
    pub(super) fn take(&mut self, place: &str, told: Result<Told, String>) {
        match told {
            Ok(told) => self.told.push(Told { place: place.to_owned(), ..told }),
            Err(reason) => self.misfit(place, reason),
        }
    }

    /// The date in one of these fields, if there is one.
    ///
    /// # Errors
    /// When it is no date.
    pub(super) fn date(&mut self, entry: &Entry<'_>, keys: &[&str]) -> Result<Option<String>, String> {
        let Some((key, value)) = keys.iter().find_map(|key| Some((key, entry.get(key)?))) else { return Ok(None) };
        if let Some(number) = value.as_f64() {
            let epoch = times::epoch(number);
            return epoch.map(Some).ok_or_else(|| format!("{key} is {number}, which are no seconds since 1970"));
        }
        let date = value.as_str().and_then(times::date).ok_or_else(|| format!("{key} is {value}, which is no date"))?;
        if !date.zone_told {
            self.note(format!("{key} has no time zone: taken as UTC"));
        }
        Ok(Some(date.utc))
    }
}

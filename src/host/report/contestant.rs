//! Who is compared: an engine in one version, build, mode and set of settings, under a label of its own.

use super::gather::Found;
use super::known::Known;
use crate::host::record::Record;
use crate::protocol::engine::Build;

/// An engine as it stands in a table.
#[derive(Debug, Clone)]
pub struct Contestant<'a> {
    /// The name in ids.
    pub engine: &'a str,
    /// A record of it, with its version, mode, build and settings: the first, of those that opened if any did.
    pub record: &'a Record,
    /// What tables and pictures call it.
    pub label: String,
    /// Its colour in every picture.
    pub color: [u8; 3],
    /// Whether it is the hand-written plans that the others are held against.
    pub reference: bool,
}

impl<'a> Contestant<'a> {
    fn of(record: &'a Record, known: &Known) -> Self {
        let engine = &record.id.engine;
        let entry = known.engine(engine);
        Self {
            engine,
            record,
            label: record.label(),
            color: known.color(engine),
            reference: entry.is_some_and(|entry| entry.reference.as_ref() == Some(&record.dataset.suite)),
        }
    }

    /// What is known of how its program was built.
    pub(super) fn build_parts(&self) -> [(&'static str, Option<&'a String>); 4] {
        let Build { source, compiler, flags, allocator } = &self.record.engine.build;
        [("source", source), ("compiler", compiler), ("flags", flags), ("allocator", allocator)]
            .map(|(name, part)| (name, part.as_ref()))
    }

    /// Whether this is who the record is of. One of an engine that did not open belongs to whoever has its name and mode.
    fn is_of(&self, record: &Record) -> bool {
        let (this, other) = (&self.record.engine, &record.engine);
        self.engine == record.id.engine
            && self.record.mode == record.mode
            && (other.version.is_none()
                || (&this.version, &this.build, &this.settings) == (&other.version, &other.build, &other.settings))
    }

    /// Whether this is the same contestant in another group; labels do not tell.
    pub(super) fn is_same(&self, other: &Contestant<'_>) -> bool {
        self.has_opened() == other.has_opened() && self.is_of(other.record)
    }

    /// Whether its version is known.
    pub(super) fn has_opened(&self) -> bool {
        self.record.engine.version.is_some()
    }
}

/// Everyone in these records, in order of appearance, and for each record its contestant.
pub(super) fn contestants<'a>(found: &[&'a Found], known: &Known) -> (Vec<Contestant<'a>>, Vec<usize>) {
    let mut all: Vec<Contestant<'_>> = Vec::new();
    // Those that opened first: a record that did not finds its owner then.
    let mut opened_first = found.to_vec();
    opened_first.sort_by_key(|found| found.record.engine.version.is_none());
    for found in opened_first {
        if !all.iter().any(|contestant| contestant.is_of(&found.record)) {
            let mut new = Contestant::of(&found.record, known);
            let twins = all.iter().filter(|other| other.label.split(" [").next() == Some(&new.label)).count();
            if twins > 0 {
                // Same name, version and mode: built or set in another way, which the page's origins tell.
                new.label += &format!(" [{}]", twins + 1);
            }
            all.push(new);
        }
    }
    let owner = |record: &Record| all.iter().position(|contestant| contestant.is_of(record)).unwrap_or_default();
    let owners = found.iter().map(|found| owner(&found.record)).collect();
    (all, owners)
}

//! Who is compared: an engine in one version, one build, one mode and with one set of settings, under a label that nobody else
//! has.

use std::collections::BTreeMap;

use serde::Serialize;

use super::gather::Found;
use super::known::Known;
use crate::host::record::Record;
use crate::protocol::engine::Build;

/// An engine as it stands in a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contestant {
    /// The name in ids.
    pub engine: String,
    /// Its version; unknown when it never opened.
    pub version: Option<String>,
    /// Its way to execute; none: its default.
    pub mode: Option<String>,
    /// How its program was built.
    pub build: Build,
    /// Settings that are not its defaults.
    pub settings: BTreeMap<String, String>,
    /// What tables and pictures call it.
    pub label: String,
    /// Its colour in every picture.
    pub color: [u8; 3],
    /// Whether it is the hand-written plans that the others are held against.
    pub reference: bool,
}

/// Colours for engines that have none of their own: apart in lightness as well as in hue.
const SPARE: [[u8; 3]; 4] = [[34, 136, 51], [136, 100, 60], [120, 94, 240], [190, 60, 90]];

impl Contestant {
    fn of(record: &Record, known: &Known) -> Self {
        let engine = &record.id.engine;
        let entry = known.engine(engine);
        let spare = SPARE[engine.bytes().map(usize::from).sum::<usize>() % SPARE.len()];
        Self {
            engine: engine.clone(),
            version: record.engine.version.clone(),
            mode: record.mode.clone(),
            build: record.engine.build.clone(),
            settings: record.engine.settings.clone(),
            label: record.label(),
            color: entry.and_then(|entry| entry.color).unwrap_or(spare),
            reference: entry.is_some_and(|entry| entry.reference.as_ref() == Some(&record.dataset.workload)),
        }
    }

    /// Whether this is who the record is of. A record of an engine that did not open says neither version nor build: it
    /// belongs to whoever has its name.
    fn is_of(&self, record: &Record) -> bool {
        let engine = &record.engine;
        self.engine == record.id.engine
            && self.mode == record.mode
            && (engine.version.is_none()
                || (self.version == engine.version && self.build == engine.build && self.settings == engine.settings))
    }
}

/// Everyone in these records, in order of appearance, and for each record its contestant.
pub(super) fn contestants(found: &[&Found], known: &Known) -> (Vec<Contestant>, Vec<usize>) {
    let mut all: Vec<Contestant> = Vec::new();
    // Those that opened first: a record that did not finds its owner then.
    let opened = |found: &&&Found| found.record.engine.version.is_some();
    for found in found.iter().filter(opened).chain(found.iter().filter(|found| !opened(found))) {
        if !all.iter().any(|contestant| contestant.is_of(&found.record)) {
            all.push(Contestant::of(&found.record, known));
        }
    }
    let owner = |record: &Record| all.iter().position(|contestant| contestant.is_of(record)).unwrap_or_default();
    let owners = found.iter().map(|found| owner(&found.record)).collect();
    label(&mut all);
    (all, owners)
}

fn label(all: &mut [Contestant]) {
    for index in 0..all.len() {
        let label = all[index].label.clone();
        let twins = all[..index].iter().filter(|other| other.label.split(" [").next() == Some(&label)).count();
        if twins > 0 {
            // Same name, version and mode: built or set in another way, which the page's origins tell.
            all[index].label = format!("{label} [{}]", twins + 1);
        }
    }
}

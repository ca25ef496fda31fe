//! Marks: results that somebody has called simulated or estimated, although their records say that they were measured. The main type is
//! [`Marks`]; `cargo xtask history mark` makes them, and its view `marks` says the same.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;

use crate::host::decisions::{self, Annotation, Decision};
use crate::host::record::{Provenance, Record};

/// The newest mark of each result, engine and class of machines; the default has none.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// By what it is of, and the name of that.
    newest: HashMap<(String, String), Annotation>,
}

impl Marks {
    /// Those of a history, which need not be there.
    ///
    /// # Errors
    /// As [`decisions::read`].
    pub fn read(history: &Path) -> Result<Self> {
        let mut marks = Self::default();
        for decision in decisions::read(history)? {
            let Decision::Annotation(mark) = decision else { continue };
            if !["simulated", "estimated", "measured"].contains(&mark.kind.as_str()) {
                continue;
            }
            let of = (mark.of.clone(), mark.target.clone());
            let known = marks.newest.entry(of).or_insert_with(|| mark.clone());
            if known.written_at <= mark.written_at {
                *known = mark;
            }
        }
        Ok(marks)
    }

    /// Gives a record the provenance that the newest of its marks says; `measured` takes the marks before it back.
    pub(super) fn apply(&self, record: &mut Record, record_id: &str) {
        if self.newest.is_empty() {
            return;
        }
        let names = [
            ("result", record_id.to_owned()),
            ("engine", record.id.engine.clone()),
            ("machine class", record.machine_class()),
        ];
        let marks = names.into_iter().filter_map(|(of, target)| self.newest.get(&(of.to_owned(), target)));
        let Some(mark) = marks.max_by_key(|mark| mark.written_at) else { return };
        let provenance = match mark.kind.as_str() {
            "simulated" => Provenance::Simulated,
            "estimated" => Provenance::Estimated,
            _ => return,
        };
        record.provenance = provenance;
        record.provenance_reason = Some(format!("marked by {}: {}", mark.author, mark.text));
    }
}

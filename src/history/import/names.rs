//! Names of other tools as parts of ids, which take fewer characters and no two meanings: [`part`] and [`Names`].

use std::collections::HashMap;

use crate::history::rows::hash;
use crate::protocol::id::{BenchId, Scale};

/// A longer part of an id is cut, and ends in a checksum of the whole.
const LONGEST: usize = 60;

/// A name as a part of an id: small letters, digits, `-`, `_`, `.` and `@`; whatever else becomes `-`.
pub(super) fn part(name: &str) -> String {
    let mut made = String::new();
    for c in name.chars() {
        let kept = c.is_ascii_alphanumeric() || "_.@".contains(c);
        if kept {
            made.push(c.to_ascii_lowercase());
        } else if !made.ends_with('-') && !made.is_empty() {
            made.push('-');
        }
    }
    let made = made.trim_end_matches('-');
    if made.is_empty() {
        return format!("name-{}", checksum(&name));
    }
    if made.len() <= LONGEST { made.to_owned() } else { format!("{}-{}", &made[..LONGEST - 9], checksum(&name)) }
}

fn checksum(of: &impl serde::Serialize) -> String {
    format!("{:08x}", hash(of) >> 32)
}

/// Which cell was given to what, over all results of a file.
#[derive(Debug, Default)]
pub(super) struct Names {
    given: HashMap<String, Vec<String>>,
}

impl Names {
    /// The cell of these names. Where another result's names have come to the same cell, the query ends in a checksum.
    pub(super) fn cell(
        &mut self,
        names: &[String],
        [engine, query]: [&str; 2],
        scale: Scale,
        variant: &[String],
    ) -> BenchId {
        let variant = variant.iter().map(|name| part(name)).collect::<Vec<_>>().join("-");
        let mut id = BenchId { engine: part(engine), query: part(query), scale, variant };
        let of = self.given.entry(id.to_string()).or_insert_with(|| names.to_owned());
        if of.as_slice() != names {
            id.query = format!("{}-{}", id.query, checksum(&names));
        }
        id
    }
}

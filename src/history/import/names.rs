//! Names of other tools as parts of ids, which take fewer characters and no two meanings: [`part`] and [`Names`].

use std::collections::HashMap;

use crate::history::rows::hash;
use crate::protocol::id::{BenchId, Scale};

/// A longer part of an id is cut, and ends in a checksum of the whole.
const LONGEST: usize = 60;

/// A name as a part of an id: small letters, digits, `-`, `_`, `.` and `@`. Whatever else becomes `-`, and then a checksum of the name
/// stands behind it: `a b` and `a-b` may be of two files, or of two imports a year apart. `Q1` and `q1` are one name.
pub(super) fn part(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let mut made = String::new();
    for c in name.chars() {
        let kept = c.is_ascii_alphanumeric() || "_.@".contains(c);
        if kept {
            made.push(c);
        } else if !made.ends_with('-') && !made.is_empty() {
            made.push('-');
        }
    }
    if made == name && made.len() <= LONGEST && !made.is_empty() && !made.ends_with('-') {
        return made;
    }
    made.truncate(LONGEST - 9);
    let made = Some(made.trim_end_matches('-')).filter(|made| !made.is_empty()).unwrap_or("name");
    format!("{made}-{}", checksum(&name))
}

fn checksum(of: &impl serde::Serialize) -> String {
    format!("{:08x}", hash(of) >> 32)
}

/// Which cell was given to what, over all results of a file, whose names may differ in capital letters alone.
#[derive(Debug, Default)]
pub(super) struct Names {
    given: HashMap<String, Vec<String>>,
}

impl Names {
    /// The cell of these names; the first part of the variant is the kind of file. Where names of the same file have come to the same
    /// cell, the query ends in a checksum.
    pub(super) fn cell(
        &mut self,
        names: &[String],
        [engine, query]: [&str; 2],
        scale: Scale,
        variant: &[String],
    ) -> BenchId {
        let mut parts: Vec<String> = variant.iter().map(|name| part(name)).collect();
        // Of `a-b` and `c`, or of `a` and `b-c`: joined, they are the same.
        if parts.len() > 2 && parts[1..].iter().any(|part| part.contains('-')) {
            parts.push(checksum(&variant));
        }
        let mut id = BenchId { engine: part(engine), query: part(query), scale, variant: parts.join("-") };
        let of = self.given.entry(id.to_string()).or_insert_with(|| names.to_owned());
        if of.as_slice() != names {
            id.query = format!("{}-{}", id.query, checksum(&names));
        }
        id
    }
}

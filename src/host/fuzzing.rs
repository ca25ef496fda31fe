//! Entries for `tests/fuzz.rs`: what the host does with bytes that it did not write, without the program or the run around them.
//! No part of the library's interface.

use std::path::Path;

use anyhow::Result;

use crate::host::data::tables;
use crate::host::session::{read_arrow, shown};
use crate::host::suite::{QuerySpec, Tolerances};
use crate::host::verify::cause::{Said, causes};
use crate::host::verify::compare::{Precision, compare_shown};
use crate::host::verify::groups::{Vote, groups, majority};
use crate::protocol::answer::{Shown, Wanted};
use crate::protocol::messages::{ArrowFile, Reply};

/// Reads a program's line, and the answer in it where it has one.
pub fn reply(line: &[u8]) -> Option<Shown> {
    let reply: Reply = serde_json::from_slice(line).ok()?;
    // As a message has it.
    serde_json::to_string(&reply).ok()?;
    shown(reply).ok()
}

/// Reads a program's answer in a file, which goes then.
///
/// # Errors
/// As the host tells them.
pub fn arrow_file(path: &Path, rows: u64, wanted: Wanted) -> Result<Shown> {
    let folder = path.parent().unwrap_or(path);
    let failed = |kind| anyhow::anyhow!("{kind:?}");
    read_arrow(&ArrowFile { path: path.to_owned(), rows }, folder, wanted).map_err(failed)
}

/// Holds answers of independent engines against each other, and gives all the words that are found for it.
pub fn cross_check(answers: &[Shown], query: &QuerySpec) -> Vec<String> {
    let engines: Vec<[String; 1]> = (0..answers.len()).map(|place| [place.to_string()]).collect();
    let votes = answers.iter().zip(&engines).enumerate();
    let votes = votes.map(|(place, (answer, components))| Vote { place, components, answer });
    let groups = groups(votes, query);
    let mut words: Vec<String> = majority(&groups).map(|group| group.components().join(", ")).into_iter().collect();
    for (ours, theirs) in answers.iter().zip(answers.iter().skip(1)) {
        for precision in [Precision::Full, Precision::Published(Tolerances { decimals: 2, sum: 100, percent: 1 })] {
            words.extend(compare_shown(ours, theirs, query, precision).err().map(|found| found.to_string()));
        }
        if let (Shown::Rows(ours), Shown::Rows(theirs)) = (ours, theirs) {
            let kinds = ours.columns.iter().zip(&theirs.columns);
            let values = ours.rows.iter().flatten().zip(theirs.rows.iter().flatten());
            for ((one, other), (a, b)) in kinds.zip(values) {
                words.extend(causes(
                    Said { kind: one.kind, text: a.as_deref() },
                    Said { kind: other.kind, text: b.as_deref() },
                ));
            }
        }
    }
    words
}

/// All that is read of a Parquet file's footer, also of one that is part of an Iceberg table.
///
/// # Errors
/// What is wrong with it.
pub fn footer(file: &Path) -> Result<()> {
    tables::look_into(file)
}

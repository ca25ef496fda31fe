//! Our own records, of every version: the journal of another machine. They stay what they are, with their run ids and their provenance.

use std::path::Path;

use serde_json::{Map, Value};

use super::told::Found;
use crate::host::record::{parse, run_of};

/// The rule by which names are made, as people read it.
pub(super) const RULE: &str = "records of ours stay as they are, with their runs, machines and provenance";

/// Whether a line, or a whole file, looks like a record.
pub(super) fn is(line: &[u8]) -> bool {
    let fields = serde_json::from_slice::<Map<String, Value>>(line);
    fields.is_ok_and(|fields| fields.get("schema").is_some_and(Value::is_u64) && fields.contains_key("id"))
}

/// A record of several lines as one; a text in it cannot have the end of a line.
pub(super) fn in_a_line(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect()
}

/// What is in a file.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Found {
    let mut found = Found::default();
    let run = run_of(path);
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let place = format!("line {}", index + 1);
        match parse(line, run).map_err(|error| error.to_string()).and_then(|record| Ok((kept(line, run)?, record))) {
            Ok((line, record)) => found.records.push((line, record)),
            Err(reason) => found.misfit(&place, reason),
        }
    }
    found
}

/// The line as it is kept: as it is. In one of an older schema stands no run, which its file was named after.
fn kept(line: &[u8], run: Option<&str>) -> Result<String, String> {
    let fields = serde_json::from_slice::<Map<String, Value>>(line).map_err(|error| error.to_string())?;
    let text = str::from_utf8(line).map_err(|error| error.to_string())?;
    match (fields.get("run_id"), run, text.strip_prefix('{')) {
        // Its digits stay as they are, which reading and writing numbers would not promise.
        (None, Some(run), Some(rest)) => Ok(format!("{{\"run_id\":{},{rest}", Value::from(run))),
        _ => Ok(text.to_owned()),
    }
}

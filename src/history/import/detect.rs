//! Which kind a file is of, by what is in it.

use std::path::Path;

use serde_json::Value;

use super::{Kind, clickbench, critcmp, engines, google, hyperfine, models, ours, pytest};

/// The kind of a file's bytes, where that can be told without reading all of it as JSON.
pub(super) fn by_bytes(path: &Path, bytes: &[u8]) -> Option<Kind> {
    let first = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty());
    if first.is_some_and(ours::is) {
        return Some(Kind::Records);
    }
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_lowercase();
    match end.as_str() {
        "csv" | "tsv" => Some(Kind::Csv),
        // One whose first line is broken names its other lines.
        "jsonl" => Some(Kind::Records),
        _ => None,
    }
}

/// Whether JSON looks like that of a kind.
type IsOne = fn(&Value) -> bool;

/// The kind of a file in JSON; the narrowest is asked first, and what is nothing but figures last.
pub(super) fn by_json(json: &Value) -> Option<Kind> {
    let all: [(Kind, IsOne); 7] = [
        (Kind::Hyperfine, hyperfine::is),
        (Kind::Pytest, pytest::is),
        (Kind::Google, google::is),
        (Kind::Critcmp, critcmp::is),
        (Kind::Clickbench, clickbench::is),
        (Kind::Models, models::is),
        (Kind::Engines, engines::is),
    ];
    all.into_iter().find(|(_, is)| is(json)).map(|(kind, _)| kind)
}

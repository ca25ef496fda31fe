//! Idempotency keys: what was answered to a request that may be sent again, [`Keys`]. They are kept beside the history, so that a key
//! means the same after a kill. A record that comes again without a key is recognised too: this is for the answer to be the same, and for
//! a key that stands for something else.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// Keys that are known, the newest.
const KEPT: usize = 10_000;

/// All that are known.
#[derive(Debug)]
pub(super) struct Keys {
    path: PathBuf,
    known: Mutex<BTreeMap<String, Line>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    key: String,
    /// Over the body of the request.
    checksum: String,
    answer: serde_json::Value,
    /// In milliseconds since 1970.
    at: i64,
}

/// What is known of a key.
#[derive(Debug, PartialEq)]
pub(super) enum Known {
    /// Nothing.
    New,
    /// It was answered so.
    Answered(serde_json::Value),
    /// It stands for another body.
    Other,
}

impl Keys {
    /// Those that lie beside a history.
    ///
    /// # Errors
    /// When their file is there and cannot be read or written.
    pub(super) fn read(history: &Path) -> Result<Self> {
        let path = history.with_added_extension("keys.jsonl");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.with_context(|| format!("cannot read {}", path.display()))?,
        };
        // A kill may have cut the last line off.
        let mut lines: Vec<Line> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        lines.sort_by_key(|line| line.at);
        let kept = lines.split_off(lines.len().saturating_sub(KEPT));
        if !lines.is_empty() || !(text.is_empty() || text.ends_with('\n')) {
            let text: Vec<String> = kept.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
            crate::host::files::write_whole(&path, (text.join("\n") + "\n").as_bytes())?;
        }
        Ok(Self { path, known: Mutex::new(kept.into_iter().map(|line| (line.key.clone(), line)).collect()) })
    }

    /// What is known of a key with this body.
    pub(super) fn get(&self, key: &str, checksum: &str) -> Known {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(key) {
            None => Known::New,
            Some(line) if line.checksum == checksum => Known::Answered(line.answer.clone()),
            Some(_) => Known::Other,
        }
    }

    /// Keeps what was answered.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn keep(&self, key: &str, checksum: &str, answer: &serde_json::Value) -> Result<()> {
        let at = chrono::Utc::now().timestamp_millis();
        let line = Line { key: key.to_owned(), checksum: checksum.to_owned(), answer: answer.clone(), at };
        let text = serde_json::to_string(&line)? + "\n";
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let file = OpenOptions::new().create(true).append(true).open(&self.path);
        let written = file.and_then(|mut file: File| file.write_all(text.as_bytes()).and_then(|()| file.sync_data()));
        written.with_context(|| format!("cannot write {}", self.path.display()))?;
        known.insert(key.to_owned(), line);
        if known.len() > KEPT {
            let oldest = known.values().min_by_key(|line| line.at).map(|line| line.key.clone());
            oldest.map(|key| known.remove(&key));
        }
        Ok(())
    }
}

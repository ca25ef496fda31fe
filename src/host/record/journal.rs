//! The files of records: one [`Writer`] a run, and readers that refuse no history.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Error, LineError, Record, SCHEMA, identity, upcast};

/// The file that one run appends its records to; made with the first of them.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: Option<File>,
}

impl Writer {
    /// A file below `folder`, named after the run.
    pub(crate) fn new(folder: &Path, run_id: &str) -> Self {
        Self { path: file_of(folder, run_id), file: None }
    }

    /// This file, whatever it is called.
    #[cfg(feature = "history")]
    pub(crate) fn named(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None }
    }

    /// Appends one record and flushes it to the disk.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append(&mut self, record: &Record) -> Result<(), Error> {
        self.write(record).map_err(|source| Error::Unwritable(self.path.clone(), source))
    }

    fn write(&mut self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                if let Some(folder) = self.path.parent() {
                    fs::create_dir_all(folder)?;
                }
                none.insert(OpenOptions::new().create(true).append(true).open(&self.path)?)
            }
        };
        // One write, so that a kill leaves a whole line or none.
        file.write_all(&line).and_then(|()| file.sync_data())
    }

    /// The file, once there is a record in it.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|_| self.path.as_path())
    }
}

/// The file of a run's records below this folder.
pub fn file_of(folder: &Path, run_id: &str) -> PathBuf {
    folder.join(format!("{}.jsonl", identity::stem(run_id)))
}

/// The number of a line in its file, the first being 1, and its record or why it is not one.
pub type Line = (usize, Result<Record, LineError>);

/// Reads the records of one file. Lines that are none, or of a newer schema, are left out and noted: history is never refused.
///
/// # Errors
/// When the file cannot be read.
pub fn read(path: &Path) -> Result<Vec<Record>, Error> {
    let (records, left_out): (Vec<Line>, Vec<Line>) = read_lines(path)?.into_iter().partition(|(_, line)| line.is_ok());
    if let Some((number, Err(first))) = left_out.first() {
        let count = left_out.len();
        log::warn!("records left out: {count} of {}, the first in line {number}: {first}", path.display());
    }
    Ok(records.into_iter().filter_map(|(_, record)| record.ok()).collect())
}

/// Reads the records of one file, each with the number of its line; a line that is not a record has its error.
///
/// # Errors
/// When the file cannot be read.
pub fn read_lines(path: &Path) -> Result<Vec<Line>, Error> {
    let text = fs::read(path).map_err(|source| Error::Unreadable(path.to_owned(), source))?;
    let run = identity::run_of(path);
    let lines = text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    Ok(lines.map(|(index, line)| (index + 1, parse(line, run))).collect())
}

/// A line as a record of today. `run` is whose file it is in, as [`run_of`](super::run_of) tells.
///
/// # Errors
/// When it is no record, or one of a newer schema.
pub fn parse(line: &[u8], run: Option<&str>) -> Result<Record, LineError> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
    }
    // A record of another version need not have this one's fields.
    let versioned = serde_json::from_slice(line).map_err(|source| LineError::NotWhole(SCHEMA, source));
    let Versioned { schema } = versioned?;
    let not_whole = |source| LineError::NotWhole(schema, source);
    let record = if schema == SCHEMA {
        // Without the detour by a value, which takes twice as long.
        Record::deserialize(&mut serde_json::Deserializer::from_slice(line))
    } else {
        Record::deserialize(upcast::to_today(serde_json::from_slice(line).map_err(not_whole)?)?)
    };
    let mut record = record.map_err(not_whole)?;
    record.run_id = record.run_id.or_else(|| run.map(str::to_owned));
    Ok(record)
}

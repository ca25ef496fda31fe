//! The journal as the history reads it: which files there are, what of each is new, and its records in batches of bounded size.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use xxhash_rust::xxh3::Xxh3;

use super::rows::{Converter, Rows};
use crate::host::paths;
use crate::host::record::{SCHEMA, parse, run_of};

/// Records of one batch, at most, and about so many of one transaction.
pub(super) const BATCH: usize = 10_000;

/// Where a home has them: what was measured there, and what was imported.
const FOLDERS: [&str; 2] = ["records", IMPORTED];
/// The folder of what was imported, whose files only the history reads.
pub(super) const IMPORTED: &str = "imported";

/// A file of the journal as it lies there.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// What the history calls it: its path below the home, or the whole one of a file that earlier versions kept elsewhere.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) modified_ns: u64,
}

/// What the history knows of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) bytes: u64,
    pub(super) modified_ns: u64,
    /// Up to here it was taken in, to the end of a line.
    pub(super) taken_bytes: u64,
    pub(super) taken_lines: u64,
    /// Over the bytes up to there.
    pub(super) checksum: String,
    /// The newest schema of records that could be read then.
    pub(super) reads_schema: u64,
    /// Whether what was taken in once was something else later: then results may differ from it.
    pub(super) rewritten: bool,
}

/// Records of a file, in their order, and how far it has been read with them.
pub(super) struct Batch {
    pub(super) name: String,
    pub(super) rows: Vec<Rows>,
    /// Whole lines that are no record, with the reason.
    pub(super) left_out: Vec<(u64, String)>,
    /// What is left where the file ends without the end of a line.
    pub(super) torn: Option<String>,
    /// Whether it begins with the file.
    pub(super) is_first: bool,
    pub(super) known: Known,
}

/// Every file of the journal of a home, by its name, which is by time.
///
/// # Errors
/// When a folder is there and cannot be read.
pub(super) fn sources(home: &Path) -> io::Result<Vec<Source>> {
    let mut found = Vec::new();
    for folder in paths::homes(home).flat_map(|home| FOLDERS.map(|folder| home.join(folder))) {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for path in entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()? {
            // One that goes while we look is none.
            let Ok(about) = fs::metadata(&path) else { continue };
            if path.extension().is_none_or(|end| end != "jsonl") || !about.is_file() {
                continue;
            }
            let modified = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            found.push(Source {
                name: path.strip_prefix(home).unwrap_or(&path).to_string_lossy().into_owned(),
                path,
                bytes: about.len(),
                modified_ns: modified.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
            });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

impl Source {
    /// Whether there is nothing in it that this program has not looked at.
    pub(super) fn is(&self, known: &Known) -> bool {
        (self.bytes, self.modified_ns, u64::from(SCHEMA)) == (known.bytes, known.modified_ns, known.reads_schema)
    }

    /// Whether it still begins with what was taken in of it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn begins_with(&self, known: &Known) -> io::Result<bool> {
        let (mut hash, mut file) = (Xxh3::new(), File::open(&self.path)?);
        Ok(hashed(&mut hash, &mut file, known.taken_bytes) && checksum(&hash) == known.checksum)
    }

    /// Gives what is new in it to `take`, until that gives false. A file that is not what it was is read from its beginning.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(
        &self,
        known: Option<Known>,
        converter: &mut Converter,
        mut take: impl FnMut(Batch) -> bool,
    ) -> io::Result<()> {
        let mut file = BufReader::with_capacity(1 << 20, File::open(&self.path)?);
        let mut hash = Xxh3::new();
        let is_same = known
            .as_ref()
            .is_some_and(|known| hashed(&mut hash, &mut file, known.taken_bytes) && checksum(&hash) == known.checksum);
        let rewritten = known.as_ref().is_some_and(|known| known.rewritten || !is_same);
        let goes_on = is_same && known.as_ref().is_some_and(|known| known.reads_schema == u64::from(SCHEMA));
        let mut at = known.filter(|_| goes_on).unwrap_or_default();
        at.rewritten = rewritten;
        if !goes_on {
            (file, hash) = (BufReader::with_capacity(1 << 20, File::open(&self.path)?), Xxh3::new());
        }
        (at.bytes, at.modified_ns, at.reads_schema) = (self.bytes, self.modified_ns, SCHEMA.into());
        let run = run_of(&self.path);
        let mut is_first = !goes_on;
        let mut line = Vec::new();
        loop {
            let mut batch = Batch {
                name: self.name.clone(),
                rows: Vec::new(),
                left_out: Vec::new(),
                torn: None,
                is_first,
                known: at.clone(),
            };
            let ended = loop {
                line.clear();
                if file.read_until(b'\n', &mut line)? == 0 {
                    break true;
                }
                let text = line.trim_ascii_end();
                let number = at.taken_lines + 1;
                let record = (!text.is_empty()).then(|| parse(text, run));
                if !line.ends_with(b"\n") {
                    // It may become whole: then it is read again, and is the same result.
                    match record {
                        Some(Ok(record)) => batch.rows.push(converter.rows(record, &self.name, number)),
                        Some(Err(error)) => batch.torn = Some(error.to_string()),
                        None => {}
                    }
                    break true;
                }
                hash.update(&line);
                at.taken_bytes += line.len() as u64;
                at.taken_lines = number;
                match record {
                    Some(Ok(record)) => batch.rows.push(converter.rows(record, &self.name, number)),
                    Some(Err(error)) => batch.left_out.push((number, error.to_string())),
                    None => {}
                }
                if batch.rows.len() == BATCH {
                    break false;
                }
            };
            at.checksum = checksum(&hash);
            // Until its last batch is in, a file is not one that is known as it lies there.
            batch.known = if ended { at.clone() } else { Known { bytes: 0, ..at.clone() } };
            if !take(batch) || ended {
                return Ok(());
            }
            is_first = false;
        }
    }
}

/// Hashes so many bytes; whether they are there.
fn hashed(hash: &mut Xxh3, file: &mut impl Read, bytes: u64) -> bool {
    let mut left = file.take(bytes);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match left.read(&mut buffer) {
            Ok(0) => return left.limit() == 0,
            Ok(read) => hash.update(&buffer[..read]),
            Err(_) => return false,
        }
    }
}

fn checksum(hash: &Xxh3) -> String {
    format!("{:016x}", hash.digest())
}

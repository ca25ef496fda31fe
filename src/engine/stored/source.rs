//! Where the bytes of a Parquet file come from, [`Source`]: a file, which is read as it is needed, or an object, of which ranges are fetched.

use std::fmt::{self, Display};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use bytes::{Buf, Bytes};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length};

use crate::engine::Result;

/// A file somewhere, by its name in errors.
pub trait Source: fmt::Debug + Display + Send + Sync {
    /// Begins to fetch these ranges of bytes, which are all that will be read. A file does not even ask which they are.
    fn fetch(&self, ranges: &mut dyn Iterator<Item = Range<u64>>) -> Coming;
}

/// Waits for the bytes.
pub type Coming = Box<dyn FnOnce() -> Result<Chunks> + Send>;

/// What a reader of Parquet takes bytes from.
#[derive(Debug)]
pub enum Chunks {
    /// All of a file.
    File(File),
    /// Of an object with this length some ranges, by their beginnings.
    Fetched(u64, Vec<(u64, Bytes)>),
}

/// A file of this machine.
#[derive(Debug)]
pub struct Local(pub PathBuf);

impl Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl Source for Local {
    fn fetch(&self, _: &mut dyn Iterator<Item = Range<u64>>) -> Coming {
        let path = self.0.clone();
        Box::new(move || Ok(Chunks::File(File::open(path)?)))
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        match self {
            Self::File(file) => Length::len(file),
            Self::Fetched(length, _) => *length,
        }
    }
}

impl ChunkReader for Chunks {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        match self {
            Self::File(file) => {
                let mut file = file.try_clone()?;
                file.seek(SeekFrom::Start(start))?;
                Ok(Box::new(BufReader::new(file)))
            }
            Self::Fetched(_, ranges) => Ok(Box::new(from(ranges, start, 0)?.reader())),
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        match self {
            Self::File(file) => file.get_bytes(start, length),
            Self::Fetched(_, ranges) => Ok(from(ranges, start, length)?.slice(..length)),
        }
    }
}

/// Where the bytes of a column of a row group are.
pub fn range_of(chunk: &ColumnChunkMetaData) -> Range<u64> {
    let (start, length) = chunk.byte_range();
    start..start + length
}

/// What is there from one byte on, so many bytes at least.
fn from(ranges: &[(u64, Bytes)], start: u64, length: usize) -> parquet::errors::Result<Bytes> {
    let within = |(begin, bytes): &(u64, Bytes)| {
        let skipped = usize::try_from(start.checked_sub(*begin)?).ok()?;
        (skipped < bytes.len() && bytes.len() - skipped >= length).then(|| bytes.slice(skipped..))
    };
    let missing = || ParquetError::EOF(format!("the bytes {start}..{} were not fetched", start + length as u64));
    ranges.iter().find_map(within).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetched_ranges_are_read_at_their_places_and_nothing_beside_them() {
        let chunks = Chunks::Fetched(100, vec![(10, Bytes::from("abcdef")), (40, Bytes::from("xyz"))]);
        assert_eq!(chunks.len(), 100);
        assert_eq!(chunks.get_bytes(12, 3).unwrap(), "cde");
        assert_eq!(chunks.get_bytes(40, 3).unwrap(), "xyz");
        let mut text = String::new();
        chunks.get_read(14).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "ef");
        for (start, length) in [(9, 1), (15, 2), (16, 1), (43, 1)] {
            let error = chunks.get_bytes(start, length).unwrap_err().to_string();
            assert!(error.contains(&format!("{start}..")) && error.contains("not fetched"), "{error}");
        }
    }
}

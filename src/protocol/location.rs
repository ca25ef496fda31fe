//! Where data lie: a [`Location`]; and what an Iceberg table is found by: a [`TableRef`]. How they are written as text is known here.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::protocol::engine::Unsupported;

/// A file or a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Location {
    /// On this machine, by its absolute path.
    Local(PathBuf),
    /// In an object store that speaks S3.
    S3 {
        /// The bucket.
        bucket: String,
        /// What is behind it, without a slash at its beginning.
        key: String,
    },
}

impl Location {
    /// The path of one on this machine.
    ///
    /// # Errors
    /// [`Unsupported`] for any other.
    pub fn local(&self) -> Result<&Path, Unsupported> {
        match self {
            Self::Local(path) => Ok(path),
            Self::S3 { .. } => Err(Unsupported(format!(
                "{self} is on S3, and only files of this machine are read here: copy it and name the path, or take an engine \
                 that reads from S3"
            ))),
        }
    }

    /// Whether it is on S3.
    pub fn is_on_s3(&self) -> bool {
        matches!(self, Self::S3 { .. })
    }

    /// What has this name in it, being a folder.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        match self {
            Self::Local(path) => Self::Local(path.join(name)),
            Self::S3 { bucket, key } => {
                let folder = key.trim_end_matches('/');
                let key = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                Self::S3 { bucket: bucket.clone(), key }
            }
        }
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::Local(path)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

impl FromStr for Location {
    type Err = String;

    /// Reads `s3://bucket/key` (also `s3a`, as Hadoop writes it), `file:///path`, `file:/path` or a path.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("file:") {
            return Ok(Self::Local(format!("/{}", rest.trim_start_matches('/')).into()));
        }
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(Self::Local(text.into())) };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if !["s3", "s3a"].contains(&scheme) {
            return Err(format!("'{text}' is on {scheme}: give a path, or s3://bucket/key"));
        }
        if bucket.is_empty() {
            return Err(format!("'{text}' names no bucket: write s3://bucket/key"));
        }
        Ok(Self::S3 { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

impl TryFrom<String> for Location {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl Serialize for Location {
    /// As text; a path that is no UTF-8 has none, which is an error and not another path.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Local(path) => path.serialize(serializer),
            Self::S3 { .. } => serializer.collect_str(self),
        }
    }
}

/// What an Iceberg table is found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableRef {
    /// Its metadata file.
    File(Location),
    /// Its name in a Hive Metastore.
    Metastore {
        /// `thrift://host:port`.
        uri: String,
        /// The database.
        database: String,
        /// The table.
        table: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Location, String> {
        text.parse()
    }

    #[test]
    fn location_reads_what_it_prints() {
        for text in ["/data/a.parquet", "s3://bucket/a/b.parquet", "s3://bucket/"] {
            let location = read(text).unwrap();
            assert_eq!(location.to_string(), text);
            assert_eq!(serde_json::to_string(&location).unwrap(), format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Location>(&format!("\"{text}\"")).unwrap(), location);
        }
        let a = Location::Local("/a".into());
        assert_eq!([read("file:///a"), read("file:/a"), read("/a")], [Ok(a.clone()), Ok(a.clone()), Ok(a)]);
        assert_eq!(read("s3a://b/c"), read("s3://b/c"));
        for folder in ["s3://b", "s3://b/", "s3://b/c/", "/d"] {
            let joined = read(folder).unwrap().join("e").to_string();
            assert_eq!(joined, format!("{}/e", folder.trim_end_matches('/')));
        }
    }

    #[test]
    fn location_elsewhere_is_refused_with_a_reason() {
        assert!(read("gs://bucket/a").unwrap_err().contains("on gs"));
        assert!(read("s3:///a").unwrap_err().contains("no bucket"));
        let refused = read("s3://bucket/a").unwrap().local().unwrap_err().to_string();
        assert!(refused.starts_with("s3://bucket/a is on S3"), "{refused}");
    }
}

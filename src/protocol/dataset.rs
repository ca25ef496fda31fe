//! The tables of a query, as an engine program is told of them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::protocol::id::Scale;
use crate::protocol::location::Location;

/// The tables that a query needs, as files that are there and whole; what an engine program is told to load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// The suite whose tables these are.
    #[serde(rename = "workload")]
    pub suite: String,
    /// The scale of the data.
    pub scale: Scale,
    /// How the files are stored, `parquet`.
    pub format: String,
    /// A checksum over the checksums of all files named here, 64 hexadecimal digits.
    pub sha256: String,
    /// Generator, version and file layout in one line: like data can be told from unlike.
    pub layout: String,
    /// Whether a generator made them: those of a suite and scale are then the same for every query. Otherwise they were given.
    #[serde(default)]
    pub generated: bool,
    /// The tables in the suite's order.
    pub tables: Vec<Table>,
}

impl Dataset {
    /// What it is called where databases have names: `tpch_sf0_1`, and `tpch_sf0_1_monthly` in the format `iceberg-monthly`.
    pub fn database(&self) -> String {
        // Tables of one name and other files take a database of their own; `parquet` and `iceberg` have the same files.
        let layout = self.format.split_once('-').map_or_else(String::new, |(_, layout)| format!("_{layout}"));
        format!("{}_{}{layout}", self.suite, self.scale).replace('.', "_")
    }
}

/// One table's files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The name used in SQL.
    pub name: String,
    /// Rows over all files.
    pub rows: u64,
    /// In the order of the rows.
    pub files: Vec<Location>,
    /// A checksum of what the table holds, 64 hexadecimal digits: a server that has loaded it need not do it again.
    #[serde(default)]
    pub sha256: String,
    /// What its metadata say, for an Iceberg table. The files above are those that its snapshot consists of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iceberg: Option<Iceberg>,
    /// The column that is not in the files but in the names of their folders, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folders: Option<Folders>,
    /// Columns of single precision, or with a part that is: what is computed from these is right to some seven digits. No
    /// engine is told.
    #[serde(skip)]
    pub single_precision: Vec<String>,
    /// How large the whole numbers of each column are, for tables that we did not make. No engine is told.
    #[serde(skip)]
    pub integers: BTreeMap<String, Integers>,
    /// What its suite declares, for servers that keep an index; Parquet files have no keys.
    #[serde(default, skip_serializing_if = "Keys::is_empty")]
    pub keys: Keys,
    /// What to know before an answer over this table is believed, a sentence each: [`Table::has_int96`] columns, files that were
    /// left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cautions: Vec<String>,
}

/// A table with a folder for each value of a column of texts, `category=tech`: a table partitioned as in Hive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folders {
    /// The column, which the files do not have.
    pub column: String,
    /// The folder that holds these folders.
    pub root: Location,
}

/// The values of an integer column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integers {
    /// Their width; 128 where there are none.
    pub bits: u32,
    /// The largest of them without its sign, or a bound on it.
    pub largest: u128,
}

/// Part of the caution about sums and products, after the names of the columns.
pub const OVERFLOW_CAUTION: &str = "may exceed 32 or 64 bits, beyond which many engines wrap silently";

/// The keys of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Keys {
    /// The columns of the primary key; empty where there is none.
    pub primary: Vec<String>,
    /// The columns of each foreign key.
    pub foreign: Vec<Vec<String>>,
}

impl Keys {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.primary.is_empty() && self.foreign.is_empty()
    }
}

/// Part of the caution about INT96 columns, after their names.
pub(crate) const INT96_CAUTION: &str =
    "INT96, a deprecated type of timestamps whose years outside 1677 to 2262 some readers wrap";

impl Table {
    /// The paths of its files, for an engine that reads those of this machine only.
    ///
    /// # Errors
    /// [`Unsupported`](super::engine::Unsupported) for a file elsewhere.
    pub fn paths(&self) -> anyhow::Result<Vec<&Path>> {
        self.files.iter().map(|file| Ok(file.local()?)).collect()
    }

    /// Whether a column is of the deprecated type INT96, on whose values engines may differ.
    pub fn has_int96(&self) -> bool {
        self.cautions.iter().any(|caution| caution.contains(INT96_CAUTION))
    }
}

/// An Iceberg table at one of its snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iceberg {
    /// The absolute path of its metadata file, for engines with a reader of Iceberg of their own.
    pub metadata: Location,
    /// The snapshot that is asked for.
    pub snapshot_id: i64,
    /// Database and table in the metastore, where it was found in one: for servers that look it up there themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<(String, String)>,
    /// The columns of the snapshot's schema, in order.
    pub columns: Vec<String>,
    /// Whether a file lacks one of the columns, whose value is then NULL, or has one that was dropped. Such files have to be
    /// read by name; otherwise each has exactly these columns.
    #[serde(default)]
    pub evolved: bool,
    /// Why the files alone do not tell the table's rows: deletes, or a column that was renamed or has another type by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_reader: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_by_what_its_files_depend_on() {
        let named = |format: &str| {
            let empty = Dataset {
                suite: "tpch".to_owned(),
                scale: "0.01".parse().unwrap(),
                format: format.to_owned(),
                sha256: String::new(),
                layout: String::new(),
                generated: true,
                tables: Vec::new(),
            };
            empty.database()
        };
        assert_eq!((named("parquet"), named("iceberg")), ("tpch_sf0_01".to_owned(), "tpch_sf0_01".to_owned()));
        assert_eq!(named("iceberg-monthly"), "tpch_sf0_01_monthly");
    }
}

//! The data in a record: which files, how many rows, what to know about them.

use serde::{Deserialize, Serialize};

use crate::protocol::dataset::Table;
use crate::protocol::id::Scale;
use crate::protocol::location::Location;

/// A dataset in a record; checksum and layout are unknown when it could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// The suite.
    #[serde(rename = "workload")]
    pub suite: String,
    /// The scale.
    pub scale: Scale,
    /// The format.
    pub format: String,
    /// Over the files of the query's tables.
    pub sha256: Option<String>,
    /// Generator, version and file layout.
    pub layout: Option<String>,
    /// What was read of each table.
    #[serde(default)]
    pub tables: Vec<TableRead>,
    /// What some readers may get wrong about these files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cautions: Vec<String>,
}

/// What was read of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRead {
    /// Its name in the text.
    pub name: String,
    /// Its files, the first hundred of them.
    pub files: Vec<Location>,
    /// How many files there are.
    pub file_count: usize,
    /// Rows by the files' footers, or by the plan of an Iceberg table.
    pub rows: u64,
    /// Whether the query names a column of single precision.
    #[serde(default)]
    pub single_precision: bool,
    /// Rows as the engine counted them; unknown for one that cannot.
    pub engine_rows: Option<u64>,
}

impl TableRead {
    /// Files that a record names.
    const NAMED: usize = 100;

    /// What an engine is told to load, before it has counted anything.
    pub(crate) fn of(table: &Table, single_precision: bool) -> Self {
        Self {
            name: table.name.clone(),
            files: table.files.iter().take(Self::NAMED).cloned().collect(),
            file_count: table.files.len(),
            rows: table.rows,
            single_precision,
            engine_rows: None,
        }
    }
}

impl DatasetRecord {
    /// How much was read, in words: `2 files, 40000 rows`; with the engine's own count where it has one.
    pub fn read_in_words(&self) -> Option<String> {
        if self.tables.is_empty() {
            return None;
        }
        let files: usize = self.tables.iter().map(|table| table.file_count).sum();
        let rows: u64 = self.tables.iter().map(|table| table.rows).sum();
        let counted = self.tables.iter().all(|table| table.engine_rows == Some(table.rows));
        let tables = if self.tables.len() == 1 { String::new() } else { format!("{} tables, ", self.tables.len()) };
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        Some(format!(
            "{tables}{files} file{}, {rows} row{}{}",
            plural(files as u64),
            plural(rows),
            if counted { ", as the engine counts" } else { "" }
        ))
    }

    /// The files that were read, as somebody who gave a folder wants to see them: the first few of each table.
    pub fn files_in_words(&self) -> Vec<String> {
        const SHOWN: usize = 3;
        let told = |table: &TableRead| {
            let names: Vec<String> = table.files.iter().take(SHOWN).map(ToString::to_string).collect();
            let more = table.file_count.saturating_sub(names.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}: {} rows in {}{more}", table.name, table.rows, names.join(", "))
        };
        self.tables.iter().map(told).collect()
    }
}

//! A table's files, and the lazy frame that scans them.

use polars::io::HiveOptions;
use polars::prelude::{LazyFrame, PlRefPath, PolarsResult, ScanArgsParquet, UnionArgs, col, concat_lf_diagonal};

use crate::engine::Result;
use crate::protocol::dataset::Table;

/// A table's files.
#[derive(Debug, Clone)]
pub struct Files {
    paths: Vec<PlRefPath>,
    /// The columns to show, where the files differ in theirs.
    columns: Option<Vec<String>>,
}

impl Files {
    /// Those of this table.
    ///
    /// # Errors
    /// For a path that Polars cannot name, or a file that is elsewhere.
    pub fn of(table: &Table) -> Result<Self> {
        let paths = table.paths()?.into_iter().map(PlRefPath::try_from_path).collect::<PolarsResult<_>>()?;
        let evolved = table.iceberg.as_ref().filter(|iceberg| iceberg.evolved);
        Ok(Self { paths, columns: evolved.map(|iceberg| iceberg.columns.clone()) })
    }

    /// Scans each file by itself: to count rows of files that differ in their columns, since Polars ends with a panic
    /// where it counts what [`Self::scan`] makes of such.
    ///
    /// # Errors
    /// When a file cannot be opened.
    pub fn scan_each(&self) -> PolarsResult<Vec<LazyFrame>> {
        self.paths.iter().map(|path| scan(std::slice::from_ref(path))).collect()
    }

    /// Scans them; nothing is read so far but what a schema takes.
    ///
    /// # Errors
    /// When a file cannot be opened.
    pub fn scan(&self) -> PolarsResult<LazyFrame> {
        let Some(columns) = &self.columns else { return scan(&self.paths) };
        let all = concat_lf_diagonal(self.scan_each()?, UnionArgs::default())?;
        Ok(all.select(columns.iter().map(|name| col(name.as_str())).collect::<Vec<_>>()))
    }
}

fn scan(paths: &[PlRefPath]) -> PolarsResult<LazyFrame> {
    // These are files, not patterns; and their columns are those in them, whatever their paths look like.
    let hive_options = HiveOptions::new_disabled();
    let args = ScanArgsParquet { glob: false, hive_options, ..ScanArgsParquet::default() };
    LazyFrame::scan_parquet_files(paths.iter().cloned().collect(), args)
}

//! Tables as Parquet files, and one pass over a table by several threads, a row group at a time.
//!
//! Not the reading itself, which is in [`super::row_group`]. No data outlives the pass.

use std::fs::File;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, anyhow, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::columns::Stored;
use super::row_group::RowGroup;
use crate::engine::Result;

/// A table's files: their paths and their footers, no data.
#[derive(Debug)]
pub struct Table {
    files: Vec<(PathBuf, Arc<ParquetMetaData>)>,
}

/// What a plan reads of a table.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The columns with the types that they must be stored as.
    pub columns: &'static [(&'static str, Stored)],
    /// A column of days, and the days that the plan asks for: row groups wholly outside are not read.
    pub days: (&'static str, RangeInclusive<i32>),
}

impl Table {
    /// Reads the footers.
    ///
    /// # Errors
    /// When a file cannot be opened or is not Parquet.
    pub fn open(files: &[PathBuf]) -> Result<Self> {
        let footer = |path: &PathBuf| {
            let footer = File::open(path)
                .map_err(anyhow::Error::from)
                .and_then(|file| Ok(ParquetMetaDataReader::new().parse_and_finish(&file)?))
                .with_context(|| path.display().to_string())?;
            Ok((path.clone(), Arc::new(footer)))
        };
        let files = files.iter().map(footer).collect::<Result<_>>()?;
        Ok(Self { files })
    }
}

impl Scan {
    /// Folds every batch of the table into one state for each thread; exactly `threads` work, the caller's among
    /// them, unless there are fewer row groups. Which rows meet in a state is up to chance.
    ///
    /// # Errors
    /// When a file does not hold the wanted columns, cannot be read, or `step` fails.
    pub fn fold<S: Default + Send>(
        &self,
        table: &Table,
        threads: usize,
        step: impl Fn(&mut S, &RecordBatch) -> Result<()> + Sync,
    ) -> Result<Vec<S>> {
        let row_groups = self.row_groups(table)?;
        let next = AtomicUsize::new(0);
        let work = || {
            let mut state = S::default();
            while let Some(row_group) = row_groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                let read = row_group.read(|batch| step(&mut state, batch));
                if read.is_err() {
                    // One failure is the query's: the other threads need not go on.
                    next.store(row_groups.len(), Ordering::Relaxed);
                }
                read.with_context(|| row_group.to_string())?;
            }
            Ok(state)
        };
        thread::scope(|scope| {
            let helpers = threads.min(row_groups.len()).saturating_sub(1);
            let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
            let mine = work();
            let theirs = helpers
                .into_iter()
                .map(|helper| helper.join().unwrap_or_else(|_| Err(anyhow!("a thread of the scan panicked"))));
            // Every helper is joined before the first error is given: a scope panics over one that was not.
            let states: Vec<Result<S>> = theirs.chain([mine]).collect();
            states.into_iter().collect()
        })
    }

    /// The row groups to read, files in order.
    fn row_groups<'a>(&self, table: &'a Table) -> Result<Vec<RowGroup<'a>>> {
        let mut row_groups = Vec::new();
        for (path, footer) in &table.files {
            let reader = self.typed(footer).with_context(|| path.display().to_string())?;
            let names = self.columns.iter().map(|(name, _)| *name);
            let projection = ProjectionMask::columns(footer.file_metadata().schema_descr(), names);
            for (index, metadata) in footer.row_groups().iter().enumerate() {
                if self.may_match(metadata) {
                    row_groups.push(RowGroup { path, index, reader: reader.clone(), projection: projection.clone() });
                }
            }
        }
        Ok(row_groups)
    }

    /// The footer with the arrow types that we want the columns decoded to.
    fn typed(&self, footer: &Arc<ParquetMetaData>) -> Result<ArrowReaderMetadata> {
        // Only Parquet's own types count, or the same column had other types from another writer.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let plain = ArrowReaderMetadata::try_new(Arc::clone(footer), options.clone())?;
        let mut fields = plain.schema().fields().to_vec();
        for (name, stored) in self.columns {
            let (at, field) =
                plain.schema().column_with_name(name).with_context(|| format!("there is no column {name}"))?;
            // The crate would take any scale and call it the wanted one.
            ensure!(
                field.data_type() == &stored.in_file(),
                "column {name} is {}, but the plan is for {}",
                field.data_type(),
                stored.in_file()
            );
            fields[at] = Arc::new(field.clone().with_data_type(stored.in_memory()));
        }
        let schema = Schema::new_with_metadata(fields, plain.schema().metadata().clone());
        Ok(ArrowReaderMetadata::try_new(Arc::clone(footer), options.with_schema(Arc::new(schema)))?)
    }

    /// Whether a row group can hold one of the wanted days; without statistics it can.
    fn may_match(&self, row_group: &RowGroupMetaData) -> bool {
        let (name, wanted) = &self.days;
        let statistics = row_group
            .columns()
            .iter()
            .find(|column| column.column_path().parts() == [*name])
            .and_then(|column| column.statistics());
        match statistics {
            Some(Statistics::Int32(days)) => {
                days.min_opt().is_none_or(|first| first <= wanted.end())
                    && days.max_opt().is_none_or(|last| last >= wanted.start())
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;

    use super::super::columns::lineitem;
    use super::*;

    const SCAN: Scan = Scan { columns: &[("l_shipdate", Stored::Day)], days: ("l_shipdate", 3..=4) };

    /// A table of one file: rows with the days 0 to 9, two in a row group.
    fn ten_days(name: &str) -> (Table, PathBuf) {
        let path = std::env::temp_dir().join(format!("querydyno-{name}-{}.parquet", std::process::id()));
        let rows: Vec<_> = (0..10).map(|day| (0, 0, 0, 0, "A", "F", day)).collect();
        let batch = lineitem(&rows);
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2));
        let file = File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        (Table::open(std::slice::from_ref(&path)).unwrap(), path)
    }

    #[test]
    fn reads_each_row_group_that_may_match_once_whatever_the_threads() {
        let (table, path) = ten_days("prune");
        for threads in 1..=4 {
            let seen = SCAN.fold(&table, threads, |days: &mut Vec<i32>, batch| {
                days.extend_from_slice(super::super::columns::days(batch, "l_shipdate")?);
                Ok(())
            });
            let mut seen = seen.unwrap().concat();
            seen.sort_unstable();
            assert_eq!(seen, [2, 3, 4, 5]);
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn says_where_it_failed() {
        let (table, path) = ten_days("fail");
        let failed = SCAN.fold(&table, 2, |(): &mut (), _| Err(anyhow!("on purpose")));
        let message = format!("{:#}", failed.unwrap_err());
        assert!(message.contains("row group"), "{message}");
        assert!(message.ends_with("on purpose"), "{message}");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn rejects_a_column_of_another_type() {
        let (table, path) = ten_days("type");
        let scan = Scan { columns: &[("l_shipdate", Stored::Money)], ..SCAN };
        let failed = scan.fold(&table, 1, |(): &mut (), _| Ok(()));
        let message = format!("{:#}", failed.unwrap_err());
        assert!(message.contains("l_shipdate is Date32"), "{message}");
        std::fs::remove_file(path).unwrap();
    }
}

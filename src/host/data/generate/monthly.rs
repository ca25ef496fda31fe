//! Deals the rows of generated tables out by the months of one of their columns: one Parquet file a month, and in it the
//! rows of that month in their order.
//!
//! What this is not: partitions, which are what Iceberg's metadata make of such files, see [`crate::host::data::tables`].
//! `cargo xtask data --format iceberg-monthly`
//!
//! Memory: it reads batch by batch, but dates are spread over all orders, so every month has a row group in the making from
//! the first batch to the last, with pages and dictionaries of sixteen columns. TPC-H sf1 takes 1.1 GiB (`VmHWM`); a month has
//! a row group full from sf2 on, so it stays below twice of that. One thread does it, since only then a month's rows come in
//! their order by themselves.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use arrow::array::{Array as _, AsArray as _, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::Date32Type;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::manifest::{FileEntry, Manifest, TableOrigin};
use super::month;
use super::parquet::{Writer, layout_of_files};
use super::progress::generate;
use super::staging::Staging;
use crate::host::interrupt;
use crate::host::progress::Work;

/// The folder beside that of the generated files.
pub(super) const FOLDER: &str = "parquet-monthly";

/// Rows that are read at a time, so that a month gets hundreds of them and not a few. Where pages end depends on it: with
/// another number [`layout`] has to say something else.
const BATCH_ROWS: usize = 65_536;

/// The most files that are open at a time: many systems give a process 1024.
const MOST_MONTHS: usize = 512;

/// A table to be dealt out.
pub(super) struct Task<'a> {
    /// What the new files shall be.
    pub origin: TableOrigin,
    /// The column of dates.
    pub column: &'a str,
    /// The files that are there, in the order of the rows.
    pub files: Vec<PathBuf>,
    pub rows: u64,
    pub bytes: u64,
}

/// The layout in one line, for manifests; another line makes the files again.
pub(super) fn layout(column: &str) -> String {
    format!("{}, by month of {column}", layout_of_files())
}

/// Makes these tables in `folder`, whose lock is held; each appears when it is complete.
///
/// # Errors
/// A column is not there, is no date or has a NULL; the disk is full or cannot be read or written; or an interrupt came.
/// Unfinished tables are removed.
pub(super) fn tables(folder: &Path, tasks: &[&Task]) -> anyhow::Result<()> {
    let Some(first) = tasks.first() else { return Ok(()) };
    let what = format!("{} {} by month", first.origin.suite, first.origin.scale);
    // Keys that stood side by side are in several files now, which their dictionaries pay for.
    let needed = tasks.iter().map(|task| task.bytes + task.bytes / 4).sum();
    let rows = tasks.iter().map(|task| task.rows).sum();
    let names: Vec<&str> = tasks.iter().map(|task| task.origin.table.as_str()).collect();
    generate(folder, &what, &names, (rows, needed), |progress| {
        let made = tasks.iter().map(|task| table(folder, task, progress));
        Ok(made.collect::<anyhow::Result<Vec<_>>>()?.concat())
    })
}

/// Makes one table and gives its files.
fn table(folder: &Path, task: &Task, progress: &Work) -> anyhow::Result<Vec<FileEntry>> {
    let TableOrigin { suite, scale, table, .. } = &task.origin;
    let mut staging = Staging::new(folder, table)?;
    let mut writers: BTreeMap<i32, Writer> = BTreeMap::new();
    for file in &task.files {
        let context = || format!("cannot deal {} out by month", file.display());
        for batch in open(file).with_context(context)? {
            for (month, rows) in by_month(&batch.with_context(context)?, task.column).with_context(context)? {
                let months = writers.len();
                let writer = match writers.entry(month) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => {
                        ensure!(
                            months < MOST_MONTHS,
                            "{} of {table} has more than {MOST_MONTHS} months: so many files cannot be open at a time",
                            task.column
                        );
                        let path = staging.path().join(month::file_name(month));
                        entry.insert(Writer::create(&path, &rows.schema())?)
                    }
                };
                progress.done(writer.push(&rows)?);
            }
            if interrupt::requested() {
                bail!("interrupted while dealing {suite} {scale} out by month");
            }
        }
    }
    let files = writers.into_values().map(|writer| writer.finish()?.entry()).collect::<anyhow::Result<Vec<_>>>()?;
    let manifest = Manifest::new(task.origin.clone(), files);
    ensure!(manifest.rows == task.rows, "{table} has {} rows and not {} any more", manifest.rows, task.rows);
    manifest.write(staging.path())?;
    staging.publish()?;
    Ok(manifest.files)
}

fn open(file: &Path) -> anyhow::Result<ParquetRecordBatchReader> {
    Ok(ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?.with_batch_size(BATCH_ROWS).build()?)
}

/// The rows of each month, in their order.
fn by_month(batch: &RecordBatch, column: &str) -> anyhow::Result<BTreeMap<i32, RecordBatch>> {
    let dates = batch.column_by_name(column).with_context(|| format!("there is no column {column}"))?;
    let days = dates.as_primitive_opt::<Date32Type>();
    let days = days.with_context(|| format!("the column {column} holds {} and no dates", dates.data_type()))?;
    ensure!(
        days.null_count() == 0,
        "the column {column} is NULL in {} rows: they are of no month, and a table cannot be partitioned by it",
        days.null_count()
    );
    let mut places: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
    for (place, day) in (0..).zip(days.values()) {
        let month = month::of_day(*day);
        let month = month.with_context(|| format!("{column} has the day {day} since 1970, which no calendar has"))?;
        places.entry(month).or_default().push(place);
    }
    let rows = |places| take_record_batch(batch, &UInt32Array::from(places));
    places.into_iter().map(|(month, places)| Ok((month, rows(places)?))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Int32Array};

    use super::*;

    fn batch(days: Vec<Option<i32>>) -> RecordBatch {
        let numbers: Int32Array = (0..).take(days.len()).map(Some).collect();
        let columns: [(&str, ArrayRef); 2] = [("n", Arc::new(numbers)), ("d", Arc::new(Date32Array::from(days)))];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn the_rows_of_a_month_stay_in_their_order() {
        let found = by_month(&batch(vec![Some(40), Some(3), Some(-1), Some(0), Some(31)]), "d").unwrap();
        let rows = |month: i32| found[&month]["n"].as_primitive::<arrow::datatypes::Int32Type>().values().to_vec();
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [-1, 0, 1]);
        assert_eq!((rows(-1), rows(0), rows(1)), (vec![2], vec![1, 3], vec![0, 4]));
    }

    #[test]
    fn what_has_no_month_says_so() {
        let error = |days: Vec<Option<i32>>, column: &str| format!("{:#}", by_month(&batch(days), column).unwrap_err());
        assert!(error(vec![Some(1), None], "d").contains("d is NULL in 1 rows"));
        assert!(error(vec![Some(i32::MAX)], "d").contains("which no calendar has"));
        assert!(error(vec![Some(1)], "n").contains("n holds Int32 and no dates"));
        assert!(error(vec![Some(1)], "x").contains("no column x"));
    }
}

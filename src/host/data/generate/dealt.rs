//! Deals the rows of generated tables out to other files by one of their columns: one Parquet file a month of its dates, or one
//! folder for each of its texts, in each the rows in their order. The main type is [`By`].
//!
//! What this is not: partitions of Iceberg, which are what its metadata make of the files by month, see [`crate::host::data::tables`].
//! `cargo xtask data --format iceberg-monthly`
//!
//! Memory: it reads batch by batch, but dates are spread over all orders, so every month has a row group in the making from
//! the first batch to the last, with pages and dictionaries of sixteen columns. TPC-H sf1 takes 1.1 GiB (`VmHWM`); a month has
//! a row group full from sf2 on, so it stays below twice of that. One thread does it, since only then a month's rows come in
//! their order by themselves.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use arrow::array::{Array as _, AsArray as _, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::Date32Type;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::generator::PART_ROWS;
use super::manifest::{FileEntry, Manifest, TableOrigin};
use super::month;
use super::parquet::{Writer, layout_of_files};
use super::progress::generate;
use super::staging::Staging;
use crate::host::interrupt;
use crate::host::progress::Work;
use crate::host::suite::Suite;
use crate::host::variant::PARQUET_BY_CATEGORY;

/// Rows that are read at a time, so that a month gets hundreds of them and not a few. Where pages end depends on it: with
/// another number [`By::layout`] has to say something else.
const BATCH_ROWS: usize = 65_536;

/// The most files that are open at a time: many systems give a process 1024.
const MOST_FILES: usize = 512;

/// What decides in which file a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The month of a date.
    Month,
    /// A text, which is in the name of the file's folder then, and in no file.
    Value,
}

impl By {
    /// The folder beside that of the generated files.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Month => "parquet-monthly",
            Self::Value => PARQUET_BY_CATEGORY,
        }
    }

    /// The column by which a table is dealt out, if it declares one.
    pub(super) fn column<'a>(self, suite: &'a Suite, table: &str) -> Option<&'a str> {
        match self {
            Self::Month => suite.partition(table),
            Self::Value => suite.category(table),
        }
    }

    /// The layout in one line, for manifests; another line makes the files again.
    pub(super) fn layout(self, column: &str) -> String {
        match self {
            Self::Month => format!("{}, by month of {column}", layout_of_files()),
            Self::Value => format!("{}, files of about {PART_ROWS} rows, by value of {column}", layout_of_files()),
        }
    }

    /// What a dataset's layout says of such a table.
    pub(super) fn of_table(self, table: &str, column: &str) -> String {
        match self {
            Self::Month => format!(", {table} by month of {column}"),
            Self::Value => format!(", {table} by value of {column}"),
        }
    }

    /// The rows of each file, in their order.
    fn piles(self, batch: &RecordBatch, column: &str) -> anyhow::Result<BTreeMap<Key, RecordBatch>> {
        let place = batch.schema().index_of(column).with_context(|| format!("there is no column {column}"))?;
        let keys = batch.column(place);
        ensure!(
            keys.null_count() == 0,
            "the column {column} is NULL in {} rows: they are of no {}, and a table cannot be partitioned by it",
            keys.null_count(),
            if self == Self::Month { "month" } else { "folder" }
        );
        let mut places: BTreeMap<Key, Vec<u32>> = BTreeMap::new();
        match self {
            Self::Month => {
                let days = keys.as_primitive_opt::<Date32Type>();
                let days =
                    days.with_context(|| format!("the column {column} holds {} and no dates", keys.data_type()))?;
                for (place, day) in (0..).zip(days.values()) {
                    let month = month::of_day(*day);
                    let month = month
                        .with_context(|| format!("{column} has the day {day} since 1970, which no calendar has"))?;
                    places.entry(Key::Month(month)).or_default().push(place);
                }
            }
            Self::Value => {
                let texts = keys.as_string_opt::<i32>();
                let texts =
                    texts.with_context(|| format!("the column {column} holds {} and no texts", keys.data_type()))?;
                for (place, text) in (0..).zip(texts.iter().flatten()) {
                    if let Some(places) = places.get_mut(&Key::Value(text.to_owned())) {
                        places.push(place);
                        continue;
                    }
                    // Engines differ in how they write what no folder can be called.
                    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                    ensure!(
                        !text.is_empty() && text.chars().all(plain),
                        "{column} is '{text}' in a row, which cannot be part of a folder's name: take a column of plain words"
                    );
                    places.insert(Key::Value(text.to_owned()), vec![place]);
                }
            }
        }
        let rows = match self {
            Self::Month => batch.clone(),
            Self::Value => {
                let kept: Vec<usize> = (0..batch.num_columns()).filter(|other| *other != place).collect();
                batch.project(&kept)?
            }
        };
        let rows = |places| take_record_batch(&rows, &UInt32Array::from(places));
        places.into_iter().map(|(key, places)| Ok((key, rows(places)?))).collect()
    }
}

/// What the rows of a file have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Month(i32),
    Value(String),
}

impl Key {
    /// The file's name within the table's folder; of some files with the same key, the one with this number.
    fn file_name(&self, column: &str, number: usize) -> String {
        match self {
            Self::Month(month) => month::file_name(*month),
            Self::Value(text) => format!("{column}={text}/part-{number:03}.parquet"),
        }
    }
}

/// A table to be dealt out.
pub(super) struct Task<'a> {
    /// What the new files shall be.
    pub origin: TableOrigin,
    /// The column of dates or texts.
    pub column: &'a str,
    /// The files that are there, in the order of the rows.
    pub files: Vec<PathBuf>,
    pub rows: u64,
    pub bytes: u64,
}

/// Makes these tables in `folder`, whose lock is held; each appears when it is complete.
///
/// # Errors
/// A column is not there, is of the wrong type or has a NULL; the disk is full or cannot be read or written; or an interrupt came.
/// Unfinished tables are removed.
pub(super) fn tables(folder: &Path, by: By, tasks: &[&Task]) -> anyhow::Result<()> {
    let Some(first) = tasks.first() else { return Ok(()) };
    let how = if by == By::Month { "by month" } else { "by category" };
    let what = format!("{} {} {how}", first.origin.suite, first.origin.scale);
    // Keys that stood side by side are in several files now, which their dictionaries pay for.
    let needed = tasks.iter().map(|task| task.bytes + task.bytes / 4).sum();
    let rows = tasks.iter().map(|task| task.rows).sum();
    let names: Vec<&str> = tasks.iter().map(|task| task.origin.table.as_str()).collect();
    generate(folder, &what, &names, (rows, needed), |progress| {
        let made = tasks.iter().map(|task| table(folder, by, task, progress));
        Ok(made.collect::<anyhow::Result<Vec<_>>>()?.concat())
    })
}

/// Makes one table and gives its files.
fn table(folder: &Path, by: By, task: &Task, progress: &Work) -> anyhow::Result<Vec<FileEntry>> {
    let TableOrigin { suite, scale, table, .. } = &task.origin;
    let mut staging = Staging::new(folder, table)?;
    let mut open: BTreeMap<Key, Pile> = BTreeMap::new();
    for file in &task.files {
        let context = || format!("cannot deal {} out", file.display());
        for batch in read(file).with_context(context)? {
            for (key, rows) in by.piles(&batch.with_context(context)?, task.column).with_context(context)? {
                let piles = open.len();
                let pile = match open.entry(key.clone()) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => {
                        ensure!(
                            piles < MOST_FILES,
                            "{} of {table} has more than {MOST_FILES} values or months: so many files cannot be open at a time",
                            task.column
                        );
                        entry.insert(Pile::default())
                    }
                };
                let name = |number| key.file_name(task.column, number);
                progress.done(pile.push(&rows, staging.path(), by, name)?);
            }
            if interrupt::requested() {
                bail!("interrupted while dealing out {suite} {scale}");
            }
        }
    }
    let mut files = Vec::new();
    for mut pile in open.into_values() {
        pile.end()?;
        files.append(&mut pile.files);
    }
    let manifest = Manifest::new(task.origin.clone(), files);
    ensure!(manifest.rows == task.rows, "{table} has {} rows and not {} any more", manifest.rows, task.rows);
    manifest.write(staging.path())?;
    staging.publish()?;
    Ok(manifest.files)
}

/// The files of one key.
#[derive(Default)]
struct Pile {
    /// The file in the making, its name, and its rows.
    open: Option<(Writer, String, u64)>,
    files: Vec<FileEntry>,
}

impl Pile {
    /// Adds rows and gives their number.
    fn push(
        &mut self,
        rows: &RecordBatch,
        folder: &Path,
        by: By,
        name: impl Fn(usize) -> String,
    ) -> anyhow::Result<u64> {
        // A month is one file; of the others an engine reads several at a time.
        if by == By::Value && self.open.as_ref().is_some_and(|(.., rows)| *rows >= PART_ROWS) {
            self.end()?;
        }
        if self.open.is_none() {
            let name = name(self.files.len());
            let path = folder.join(&name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
            }
            self.open = Some((Writer::create(&path, &rows.schema())?, name, 0));
        }
        let Some((writer, _, count)) = &mut self.open else { return Ok(0) };
        let added = writer.push(rows)?;
        *count += added;
        Ok(added)
    }

    fn end(&mut self) -> anyhow::Result<()> {
        if let Some((writer, name, _)) = self.open.take() {
            self.files.push(FileEntry { name, ..writer.finish()?.entry()? });
        }
        Ok(())
    }
}

fn read(file: &Path) -> anyhow::Result<ParquetRecordBatchReader> {
    Ok(ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?.with_batch_size(BATCH_ROWS).build()?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Int32Array, StringArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn batch(days: Vec<Option<i32>>) -> RecordBatch {
        let numbers: Int32Array = (0..).take(days.len()).map(Some).collect();
        let columns: [(&str, ArrayRef); 2] = [("n", Arc::new(numbers)), ("d", Arc::new(Date32Array::from(days)))];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn words(words: Vec<Option<&str>>) -> RecordBatch {
        let numbers: Int32Array = (0..).take(words.len()).map(Some).collect();
        let columns: [(&str, ArrayRef); 2] = [("w", Arc::new(StringArray::from(words))), ("n", Arc::new(numbers))];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn numbers(rows: &RecordBatch) -> Vec<i32> {
        rows["n"].as_primitive::<Int32Type>().values().to_vec()
    }

    #[test]
    fn the_rows_of_a_month_stay_in_their_order() {
        let found = By::Month.piles(&batch(vec![Some(40), Some(3), Some(-1), Some(0), Some(31)]), "d").unwrap();
        let rows = |month| numbers(&found[&Key::Month(month)]);
        assert!(found.keys().eq(&[-1, 0, 1].map(Key::Month)));
        assert_eq!((rows(-1), rows(0), rows(1)), (vec![2], vec![1, 3], vec![0, 4]));
    }

    #[test]
    fn the_rows_of_a_value_lose_its_column() {
        let found = By::Value.piles(&words(vec![Some("b"), Some("a"), Some("b")]), "w").unwrap();
        let rows = |text: &str| numbers(&found[&Key::Value(text.to_owned())]);
        assert_eq!((found.len(), rows("a"), rows("b")), (2, vec![1], vec![0, 2]));
        assert!(found.values().all(|rows| rows.num_columns() == 1));
        assert_eq!(Key::Value("a".to_owned()).file_name("w", 2), "w=a/part-002.parquet");
    }

    #[test]
    fn what_has_no_month_or_no_folder_says_so() {
        let error =
            |days: Vec<Option<i32>>, column: &str| format!("{:#}", By::Month.piles(&batch(days), column).unwrap_err());
        assert!(error(vec![Some(1), None], "d").contains("d is NULL in 1 rows"));
        assert!(error(vec![Some(i32::MAX)], "d").contains("which no calendar has"));
        assert!(error(vec![Some(1)], "n").contains("n holds Int32 and no dates"));
        assert!(error(vec![Some(1)], "x").contains("no column x"));
        let error = |texts: Vec<Option<&str>>, column: &str| {
            format!("{:#}", By::Value.piles(&words(texts), column).unwrap_err())
        };
        assert!(error(vec![None], "w").contains("they are of no folder"));
        assert!(error(vec![Some("a"), Some("a/b")], "w").contains("'a/b' in a row, which cannot be part"));
        assert!(error(vec![Some("a")], "n").contains("n holds Int32 and no texts"));
    }
}

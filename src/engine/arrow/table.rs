//! Tables as Parquet files: paths and footers, kept from loading, and the row groups that a plan goes through.

mod batches;

use std::fmt;
use std::fs::File;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::chunk::Chunk;
use super::parallel;
use super::physical::{Column, Physical, Short, Text};
use super::rows::Rows;
use crate::engine::Result;

/// A table's files: their paths and their footers, no data.
#[derive(Debug)]
pub struct Table {
    files: Vec<(PathBuf, Arc<ParquetMetaData>)>,
}

/// Where a row group is; nothing of it is read yet.
#[derive(Debug)]
struct Place<'a> {
    path: &'a PathBuf,
    index: usize,
    metadata: &'a RowGroupMetaData,
}

/// A row group whose file is open. Threads must not share a file's position, so each row group has its own.
#[derive(Debug)]
pub struct RowGroup<'a> {
    file: File,
    metadata: &'a RowGroupMetaData,
    rows: u32,
}

impl Table {
    /// Reads the footers.
    ///
    /// # Errors
    /// When a file cannot be opened or is not Parquet.
    pub fn open<P: AsRef<Path>>(files: &[P]) -> Result<Self> {
        let footer = |path: &Path| {
            let footer = File::open(path)
                .map_err(anyhow::Error::from)
                .and_then(|file| Ok(ParquetMetaDataReader::new().parse_and_finish(&file)?))
                .with_context(|| path.display().to_string())?;
            Ok((path.to_owned(), Arc::new(footer)))
        };
        Ok(Self { files: files.iter().map(|path| footer(path.as_ref())).collect::<Result<_>>()? })
    }

    /// Folds every row group into one state for each thread, see [`parallel::fold`].
    ///
    /// # Errors
    /// When a file cannot be read, or `step` fails; tells where.
    pub fn fold<S: Default + Send>(
        &self,
        threads: usize,
        step: impl Fn(&mut S, &RowGroup<'_>) -> Result<()> + Sync,
    ) -> Result<Vec<S>> {
        self.fold_some(threads, |_| Ok(true), step)
    }

    /// As [`fold`](Self::fold) of those row groups that can hold one of these days, as far as statistics tell.
    ///
    /// # Errors
    /// As [`fold`](Self::fold).
    pub fn fold_days<S: Default + Send>(
        &self,
        threads: usize,
        (column, days): (Column<Short>, RangeInclusive<i32>),
        step: impl Fn(&mut S, &RowGroup<'_>) -> Result<()> + Sync,
    ) -> Result<Vec<S>> {
        let may_match = |row_group: &RowGroupMetaData| {
            Ok(match chunk_of(row_group, &column)?.statistics() {
                Some(Statistics::Int32(found)) => {
                    found.min_opt().is_none_or(|first| first <= days.end())
                        && found.max_opt().is_none_or(|last| last >= days.start())
                }
                _ => true,
            })
        };
        self.fold_some(threads, may_match, step)
    }

    fn fold_some<S: Default + Send>(
        &self,
        threads: usize,
        wanted: impl Fn(&RowGroupMetaData) -> Result<bool>,
        step: impl Fn(&mut S, &RowGroup<'_>) -> Result<()> + Sync,
    ) -> Result<Vec<S>> {
        let mut places = Vec::new();
        for (path, footer) in &self.files {
            for (index, metadata) in footer.row_groups().iter().enumerate() {
                let place = Place { path, index, metadata };
                if wanted(metadata).with_context(|| place.to_string())? {
                    places.push(place);
                }
            }
        }
        parallel::fold(threads, &places, |state, place| {
            place.open().and_then(|row_group| step(state, &row_group)).with_context(|| place.to_string())
        })
    }
}

impl<'a> Place<'a> {
    fn open(&self) -> Result<RowGroup<'a>> {
        let rows = u32::try_from(self.metadata.num_rows()).context("rows are counted in 32 bits")?;
        Ok(RowGroup { file: File::open(self.path)?, metadata: self.metadata, rows })
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row group {}", self.path.display(), self.index)
    }
}

impl RowGroup<'_> {
    /// All rows.
    pub fn rows(&self) -> Rows<'static> {
        Rows::Range(0..self.rows)
    }

    /// Reads a column, as far as it holds the wanted rows.
    ///
    /// # Errors
    /// When there is no such column, it is stored as another type, or cannot be read.
    pub fn read<P: Physical>(&self, column: &Column<P>, wanted: &Rows<'_>) -> Result<Chunk<P>> {
        let read = || Chunk::read(column.name(), &self.file, chunk_of(self.metadata, column)?, self.rows, wanted);
        read().with_context(|| format!("column {}", column.name()))
    }

    /// The numbers of these rows, in their order.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn values<P, T: Copy + Default>(&self, column: &Column<P>, rows: &Rows<'_>) -> Result<Vec<T>>
    where
        P: for<'v> Physical<Value<'v> = T>,
    {
        self.read(column, rows)?.map(rows, |value| value)
    }

    /// The texts of these rows, in their order.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn texts(&self, column: &Column<Text>, rows: &Rows<'_>) -> Result<Vec<Vec<u8>>> {
        let chunk = self.read(column, rows)?;
        let texts = chunk.map(rows, |text| text)?;
        Ok(texts.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// What `f` makes of the values of these rows, in their order. It sees a value once or a few times, not always
    /// once for each row.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn map<P: Physical, T: Copy + Default>(
        &self,
        column: &Column<P>,
        rows: &Rows<'_>,
        f: impl for<'v> Fn(P::Value<'v>) -> T,
    ) -> Result<Vec<T>> {
        self.read(column, rows)?.map(rows, f)
    }

    /// Those of the rows whose values `f` lets through.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn filter<P: Physical>(
        &self,
        column: &Column<P>,
        rows: &Rows<'_>,
        f: impl for<'v> Fn(P::Value<'v>) -> bool,
    ) -> Result<Vec<u32>> {
        self.read(column, rows)?.filter(rows, f)
    }
}

fn chunk_of<'a, P>(row_group: &'a RowGroupMetaData, column: &Column<P>) -> Result<&'a ColumnChunkMetaData> {
    let chunk = row_group
        .columns()
        .iter()
        .find(|chunk| matches!(chunk.column_path().parts(), [name] if name == column.name()))
        .with_context(|| format!("there is no column {}", column.name()))?;
    column.check(chunk.column_descr())?;
    Ok(chunk)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use arrow::array::{Date32Array, RecordBatch};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;

    use super::super::tpch::columns::{L_QUANTITY, L_SHIPDATE};
    use super::*;

    /// A table of one file: rows with the days 0 to 9, two in a row group.
    fn ten_days(name: &str) -> (Table, PathBuf) {
        let path = std::env::temp_dir().join(format!("querydyno-{name}-{}.parquet", std::process::id()));
        let days: Date32Array = (0..10).map(Some).collect();
        let batch = RecordBatch::try_from_iter([("l_shipdate", Arc::new(days) as _)]).unwrap();
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
            let seen = table.fold_days(threads, (L_SHIPDATE, 3..=4), |days: &mut Vec<i32>, row_group| {
                days.extend(row_group.values(&L_SHIPDATE, &row_group.rows())?);
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
        let failed = table.fold(2, |(): &mut (), _| Err(anyhow!("on purpose")));
        let message = format!("{:#}", failed.unwrap_err());
        assert!(message.contains("row group"), "{message}");
        assert!(message.ends_with("on purpose"), "{message}");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn rejects_a_column_of_another_type() {
        let (table, path) = ten_days("type");
        let read = |column: Column<Short>| {
            let failed = table.fold(1, |(): &mut (), row_group| row_group.read(&column, &row_group.rows()).map(|_| ()));
            failed.map(|_| ()).map_err(|error| format!("{error:#}"))
        };
        assert!(read(L_SHIPDATE).is_ok());
        assert!(read(Column::number("l_shipdate")).unwrap_err().contains("l_shipdate is DATE of INT32"));
        assert!(read(Column::day("l_day")).unwrap_err().contains("no column l_day"));
        let failed = table.fold(1, |(): &mut (), row_group| row_group.read(&L_QUANTITY, &row_group.rows()).map(|_| ()));
        assert!(failed.is_err());
        std::fs::remove_file(path).unwrap();
    }
}

//! Tables as Parquet files: paths and footers, kept from loading, and the row groups that a plan goes through.

mod batches;

use std::fs::File;
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::chunk::Chunk;
use super::parallel;
use super::physical::{Column, Named, Physical, Short, Text};
use super::rows::Rows;
use crate::engine::Result;
use crate::engine::stored::{Ahead, Chunks, Coming, Local, Source, range_of};

/// A table's files: where they are and their footers, no data.
#[derive(Debug)]
pub struct Table {
    files: Vec<(Box<dyn Source>, Arc<ParquetMetaData>)>,
    /// Row groups whose bytes are fetched before they are asked for.
    ahead: usize,
}

/// A column of days, and which of them are wanted.
pub type Days = (Column<Short>, RangeInclusive<i32>);

/// A row group whose file is open, or whose bytes are here. Threads must not share a file's position, so each row group has its own.
#[derive(Debug)]
pub struct RowGroup<'a> {
    file: Chunks,
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
            let source: Box<dyn Source> = Box::new(Local(path.to_owned()));
            Ok((source, Arc::new(footer)))
        };
        Ok(Self::new(files.iter().map(|path| footer(path.as_ref())).collect::<Result<_>>()?, 0))
    }

    /// Of files whose footers were read. So many row groups are fetched ahead.
    pub fn new(files: Vec<(Box<dyn Source>, Arc<ParquetMetaData>)>, ahead: usize) -> Self {
        Self { files, ahead }
    }

    /// Folds the row groups into one state for each thread, see [`parallel::fold`]; with days, only those row groups that can
    /// hold one of them in this column, as far as statistics tell. Of an object nothing but these `columns` can be read.
    ///
    /// # Errors
    /// When a file cannot be read, or `step` fails; tells where.
    pub fn fold<S: Default + Send>(
        &self,
        threads: usize,
        columns: &[&dyn Named],
        days: Option<&Days>,
        step: impl Fn(&mut S, &RowGroup<'_>) -> Result<()> + Sync,
    ) -> Result<Vec<S>> {
        let mut row_groups = Vec::new();
        for (source, footer) in &self.files {
            for (index, metadata) in footer.row_groups().iter().enumerate() {
                let place = move || format!("{source}, row group {index}");
                if days.map_or(Ok(true), |days| may_match(metadata, days)).with_context(place)? {
                    row_groups.push((source, metadata, place));
                }
            }
        }
        let turns = vec![(); row_groups.len()];
        let row_groups =
            Ahead::new(row_groups, self.ahead, |(source, metadata, _)| source.fetch(&mut ranges(metadata, columns)));
        parallel::fold(threads, &turns, |state, ()| {
            let Some(((_, metadata, place), coming)) = row_groups.next() else { return Ok(()) };
            RowGroup::open(coming, metadata).and_then(|row_group| step(state, &row_group)).with_context(place)
        })
    }

    /// What `find` finds in the row groups, together for each thread; of which row groups, as in [`fold`](Self::fold).
    ///
    /// # Errors
    /// As [`fold`](Self::fold).
    pub fn gather<T: Send, I: IntoIterator<Item = T>>(
        &self,
        threads: usize,
        columns: &[&dyn Named],
        days: Option<&Days>,
        find: impl Fn(&RowGroup<'_>) -> Result<I> + Sync,
    ) -> Result<Vec<Vec<T>>> {
        self.fold(threads, columns, days, |found: &mut Vec<T>, row_group| {
            found.extend(find(row_group)?);
            Ok(())
        })
    }
}

/// Where the bytes of these columns are. One that is not there is told when it is read.
fn ranges<'a>(row_group: &'a RowGroupMetaData, columns: &'a [&'a dyn Named]) -> impl Iterator<Item = Range<u64>> + 'a {
    columns.iter().filter_map(|column| find(row_group, column.name())).map(range_of)
}

fn may_match(row_group: &RowGroupMetaData, (column, days): &Days) -> Result<bool> {
    let Some(Statistics::Int32(found)) = chunk_of(row_group, column)?.statistics() else { return Ok(true) };
    Ok(found.min_opt().is_none_or(|first| first <= days.end())
        && found.max_opt().is_none_or(|last| last >= days.start()))
}

impl<'a> RowGroup<'a> {
    fn open(coming: Coming, metadata: &'a RowGroupMetaData) -> Result<Self> {
        let rows = u32::try_from(metadata.num_rows()).context("rows are counted in 32 bits")?;
        Ok(Self { file: coming()?, metadata, rows })
    }

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
    pub fn texts<const N: usize>(&self, columns: [Column<Text>; N], rows: &Rows<'_>) -> Result<Vec<[Vec<u8>; N]>> {
        let chunks = columns.iter().map(|column| self.read(column, rows)).collect::<Result<Vec<_>>>()?;
        let texts = chunks.iter().map(|chunk| chunk.map(rows, |text| text)).collect::<Result<Vec<_>>>()?;
        Ok((0..rows.len()).map(|row| std::array::from_fn(|column| texts[column][row].to_vec())).collect())
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

fn chunk_of<'a, P: Physical>(row_group: &'a RowGroupMetaData, column: &Column<P>) -> Result<&'a ColumnChunkMetaData> {
    let chunk = find(row_group, column.name()).with_context(|| format!("there is no column {}", column.name()))?;
    column.check(chunk.column_descr())?;
    Ok(chunk)
}

fn find<'a>(row_group: &'a RowGroupMetaData, column: &str) -> Option<&'a ColumnChunkMetaData> {
    row_group.columns().iter().find(|chunk| matches!(chunk.column_path().parts(), [name] if name == column))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

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
            let seen = table.gather(threads, &[&L_SHIPDATE], Some(&(L_SHIPDATE, 3..=4)), |row_group| {
                row_group.values(&L_SHIPDATE, &row_group.rows())
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
        let failed = table.fold(2, &[], None, |(): &mut (), _| Err(anyhow!("on purpose")));
        let message = format!("{:#}", failed.unwrap_err());
        assert!(message.contains("row group"), "{message}");
        assert!(message.ends_with("on purpose"), "{message}");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn rejects_a_column_of_another_type() {
        let (table, path) = ten_days("type");
        let read = |column: Column<Short>| {
            let failed = table.fold(1, &[&column], None, |(): &mut (), row_group| {
                row_group.read(&column, &row_group.rows()).map(|_| ())
            });
            failed.map(|_| ()).map_err(|error| format!("{error:#}"))
        };
        assert!(read(L_SHIPDATE).is_ok());
        assert!(read(Column::number("l_shipdate")).unwrap_err().contains("l_shipdate is DATE of INT32"));
        assert!(read(Column::day("l_day")).unwrap_err().contains("no column l_day"));
        let failed = table.fold(1, &[&L_QUANTITY], None, |(): &mut (), row_group| {
            row_group.read(&L_QUANTITY, &row_group.rows()).map(|_| ())
        });
        assert!(failed.is_err());
        std::fs::remove_file(path).unwrap();
    }
}

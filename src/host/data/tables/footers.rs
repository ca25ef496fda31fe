//! What Parquet footers tell of a table: rows, columns with Iceberg's names of their types, and their metrics.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::statistics::Statistics;
use parquet::schema::types::Type;

use super::files::Files;
use super::overflow;
use super::schema::{Schema, alike};
use crate::host::checksum::sha256;
use crate::host::data::iceberg::shape::FileColumn;
use crate::host::interrupt;
use crate::protocol::dataset::Table;
use crate::protocol::iceberg::{Bound, Column, ColumnMetrics};
use crate::protocol::location::Location;

/// A table of Parquet files that somebody else made.
///
/// # Errors
/// When one of them is no Parquet file, or they are not of one schema.
pub(super) fn table(name: &str, files: Files) -> Result<Table> {
    let Files { paths, mut cautions } = files;
    let mut rows = 0;
    let mut print = String::new();
    let mut first: Option<(&PathBuf, Schema)> = None;
    let mut integers = BTreeMap::new();
    for file in &paths {
        interrupt::check()?;
        let footer = read(file)?;
        let schema = Schema::of(&footer);
        match &first {
            None => first = Some((file, schema)),
            Some((other, theirs)) => alike((other, theirs), (file, &schema))?,
        }
        rows += u64::try_from(footer.file_metadata().num_rows())?;
        overflow::widen(&mut integers, overflow::integers(&footer));
        // Not the content, which may be any size: another file of this size and time is not told apart.
        let metadata = fs::metadata(file)?;
        print += &format!("{} {} {:?}\n", file.display(), metadata.len(), metadata.modified()?);
    }
    let single_precision = first.iter().flat_map(|(_, schema)| schema.single_precision()).collect();
    cautions.extend(first.iter().flat_map(|(_, schema)| schema.cautions()));
    Ok(Table {
        name: name.to_owned(),
        rows,
        files: paths.into_iter().map(Location::from).collect(),
        sha256: sha256(&print),
        single_precision,
        integers,
        cautions,
        ..Table::default()
    })
}

pub(super) fn columns(footer: &ParquetMetaData) -> Vec<FileColumn> {
    let fields = footer.file_metadata().schema().get_fields().iter();
    let column = |field: &Type| {
        let info = field.get_basic_info();
        FileColumn {
            name: info.name().to_owned(),
            id: info.has_id().then(|| info.id()),
            required: info.repetition() == Repetition::REQUIRED,
            kind: if field.is_primitive() { kind(field) } else { None },
        }
    };
    fields.map(|field| column(field)).collect()
}

/// The columns of a table as Iceberg has them, and the metrics of one of its files.
///
/// # Errors
/// When it is no Parquet file, or a column is nested or of a type that Iceberg does not have.
pub(super) fn described(file: &Path) -> Result<(Vec<Column>, Vec<ColumnMetrics>)> {
    let footer = read(file)?;
    let columns = (1..).zip(columns(&footer)).map(|(id, FileColumn { name, kind, required, .. })| {
        let kind = kind.with_context(|| format!("the column {name} of {} has no Iceberg type", file.display()))?;
        Ok(Column { id, name, kind, required, has_default: false })
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let metrics = columns.iter().enumerate().map(|(place, column)| measured(&footer, place, column)).collect();
    Ok((columns, metrics))
}

/// The footer of a file.
///
/// # Errors
/// When it is no Parquet file.
pub(super) fn read(file: &Path) -> Result<ParquetMetaData> {
    let context = || format!("{} cannot be read as Parquet", file.display());
    let opened = File::open(file).with_context(context)?;
    ParquetMetaDataReader::new().parse_and_finish(&opened).with_context(context)
}

/// Iceberg's name of a primitive column's type.
fn kind(field: &Type) -> Option<String> {
    let info = field.get_basic_info();
    let name = match (info.logical_type_ref(), field.get_physical_type()) {
        (Some(LogicalType::Decimal(decimal)), _) => {
            return Some(format!("decimal({}, {})", decimal.precision, decimal.scale));
        }
        (Some(LogicalType::Date), _) => "date",
        (Some(LogicalType::String), _) => "string",
        (Some(LogicalType::Uuid), _) => "uuid",
        (Some(LogicalType::Time(time)), _) if time.unit == TimeUnit::MICROS => "time",
        (Some(LogicalType::Timestamp(stamp)), _) => match (stamp.unit, stamp.is_adjusted_to_u_t_c) {
            (TimeUnit::MICROS, false) => "timestamp",
            (TimeUnit::MICROS, true) => "timestamptz",
            (TimeUnit::NANOS, false) => "timestamp_ns",
            (TimeUnit::NANOS, true) => "timestamptz_ns",
            (TimeUnit::MILLIS, _) => return None,
        },
        (Some(LogicalType::Integer(int)), Physical::INT32) if int.is_signed => "int",
        (Some(LogicalType::Integer(int)), Physical::INT64) if int.is_signed => "long",
        (None, _) if info.converted_type() != ConvertedType::NONE => return older(field),
        (None, Physical::BOOLEAN) => "boolean",
        (None, Physical::INT32) => "int",
        (None, Physical::INT64) => "long",
        (None, Physical::FLOAT) => "float",
        (None, Physical::DOUBLE) => "double",
        (None, Physical::BYTE_ARRAY) => "binary",
        (Some(_), _) | (None, Physical::FIXED_LEN_BYTE_ARRAY | Physical::INT96) => return None,
    };
    Some(name.to_owned())
}

/// As [`kind`], of a file whose writer knows only the older way to say types.
fn older(field: &Type) -> Option<String> {
    let name = match field.get_basic_info().converted_type() {
        ConvertedType::UTF8 => "string",
        ConvertedType::DATE => "date",
        ConvertedType::INT_8 | ConvertedType::INT_16 | ConvertedType::INT_32 => "int",
        ConvertedType::INT_64 => "long",
        // It was never said whether that is in UTC; the specification takes it for that.
        ConvertedType::TIMESTAMP_MICROS => "timestamptz",
        ConvertedType::DECIMAL => return Some(format!("decimal({}, {})", field.get_precision(), field.get_scale())),
        _ => return None,
    };
    Some(name.to_owned())
}

/// Sums of a column over the row groups, and its range where each of them tells one.
fn measured(footer: &ParquetMetaData, place: usize, column: &Column) -> ColumnMetrics {
    let chunks = || footer.row_groups().iter().map(|group| group.column(place));
    let positive = |number: i64| u64::try_from(number).unwrap_or_default();
    let ranges: Option<Vec<(Bound, Bound)>> = chunks().map(|chunk| range(chunk.statistics()?, &column.kind)).collect();
    let wider = |(least, most): (Bound, Bound), (low, high): (Bound, Bound)| {
        (if below(&low, &least) { low } else { least }, if below(&most, &high) { high } else { most })
    };
    ColumnMetrics {
        id: column.id,
        bytes: chunks().map(|chunk| positive(chunk.compressed_size())).sum(),
        values: chunks().map(|chunk| positive(chunk.num_values())).sum(),
        nulls: chunks().map(|chunk| chunk.statistics()?.null_count_opt()).sum(),
        bounds: ranges.and_then(|ranges| ranges.into_iter().reduce(wider)),
    }
}

/// The range of a column chunk, for the types whose ranges are worth having.
fn range(statistics: &Statistics, kind: &str) -> Option<(Bound, Bound)> {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(|text| Bound::Text(text.to_owned()));
    Some(match statistics {
        Statistics::Int32(found) => (Bound::Int((*found.min_opt()?).into()), Bound::Int((*found.max_opt()?).into())),
        Statistics::Int64(found) => (Bound::Int(*found.min_opt()?), Bound::Int(*found.max_opt()?)),
        // A range that was cut is none: its end need not be a value, and for some readers has to be.
        Statistics::ByteArray(found) if kind == "string" && found.min_is_exact() && found.max_is_exact() => {
            (text(found.min_opt()?.data())?, text(found.max_opt()?.data())?)
        }
        _ => return None,
    })
}

fn below(a: &Bound, b: &Bound) -> bool {
    match (a, b) {
        (Bound::Int(a), Bound::Int(b)) => a < b,
        (Bound::Text(a), Bound::Text(b)) => a < b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::data_type::{Int32Type, Int64Type};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;

    /// A file of these columns without rows.
    fn write(path: &Path, fields: &str) {
        let schema = Arc::new(parse_message_type(&format!("message m {{ {fields} }}")).unwrap());
        SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::default()).unwrap().close().unwrap();
    }

    fn table_in(folder: &Path) -> Result<Table> {
        table("t", Files::of(folder)?)
    }

    #[test]
    fn table_refuses_files_whose_column_is_in_two_units() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("a.parquet"), "required int32 id; optional int64 t (TIMESTAMP(MILLIS, false));");
        write(&folder.path().join("b.parquet"), "optional int96 t; optional int32 id;");
        let error = table_in(folder.path()).unwrap_err().to_string();
        assert!(error.contains("the column t is INT64 TIMESTAMP(MILLIS, no zone) in "), "{error}");
        assert!(error.contains("/a.parquet and INT96 in ") && error.contains("/b.parquet, "), "{error}");
        write(&folder.path().join("a.parquet"), "required int32 id; optional int96 t;");
        let table = table_in(folder.path()).unwrap();
        assert_eq!((table.files.len(), table.rows, table.has_int96()), (2, 0, true));
    }

    #[test]
    fn table_takes_the_older_words_for_the_same_type() {
        let folder = tempfile::tempdir().unwrap();
        let types = "optional int32 d (DATE); optional binary s (UTF8); optional int64 n (DECIMAL(9, 2));";
        write(&folder.path().join("a.parquet"), types);
        // The footer of a writer that knows converted types alone.
        let fields = parse_message_type(&format!("message m {{ {types} }}")).unwrap();
        let older = |field: &Type| {
            let info = field.get_basic_info();
            let builder = Type::primitive_type_builder(info.name(), field.get_physical_type());
            let builder = builder.with_repetition(info.repetition()).with_converted_type(info.converted_type());
            match info.converted_type() {
                ConvertedType::DECIMAL => builder.with_precision(9).with_scale(2).build().unwrap(),
                _ => builder.build().unwrap(),
            }
        };
        let fields: Vec<_> = fields.get_fields().iter().map(|field| Arc::new(older(field))).collect();
        assert!(fields.iter().all(|field| field.get_basic_info().logical_type_ref().is_none()));
        let schema = Arc::new(Type::group_type_builder("m").with_fields(fields).build().unwrap());
        let file = File::create(folder.path().join("b.parquet")).unwrap();
        SerializedFileWriter::new(file, schema, Arc::default()).unwrap().close().unwrap();
        assert_eq!(table_in(folder.path()).unwrap().cautions, Vec::<String>::new());
    }

    #[test]
    fn table_counts_rows_and_keeps_the_cautions() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("year=2024");
        fs::create_dir(&at).unwrap();
        fs::write(at.join("notes.txt"), "").unwrap();
        let schema = Arc::new(parse_message_type("message m { required int32 id; required int64 ID; }").unwrap());
        let file = File::create(at.join("a.pq")).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int32Type>().write_batch(&[1, 2, 3], None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&[1, 2, 3], None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        let table = table_in(folder.path()).unwrap();
        assert_eq!((table.rows, table.files), (3, vec![at.join("a.pq").into()]));
        let told = [
            "not part of the table: year=2024/notes.txt",
            "year=2024, is none of them",
            "columns ID, id have one name",
        ];
        assert_eq!(table.cautions.len(), told.len(), "{:?}", table.cautions);
        assert!(table.cautions.iter().zip(told).all(|(caution, told)| caution.contains(told)), "{:?}", table.cautions);
        fs::write(at.join("b.parquet"), "PAR1").unwrap();
        let error = table_in(folder.path()).unwrap_err().to_string();
        assert!(error.contains("b.parquet cannot be read as Parquet"), "{error}");
    }
}

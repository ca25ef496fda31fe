//! The columns of Parquet files as a server has them: every type that loses nothing, texts as long as the longest.
//!
//! Texts of a known length stay in memory where a server sorts and groups; of unknown length they go through its disk.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::sql::named;
use crate::engine::{Result, Unsupported};

/// Bytes that all texts of a row may take together; a row has 65,535, and other columns want some.
const ROW: usize = 60_000;
/// Bytes of a letter, as the server counts them before it knows the letters.
const LETTER: usize = 4;

/// A file, opened; its columns are in its schema.
pub(super) fn open(file: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    ParquetRecordBatchReaderBuilder::try_new(opened).with_context(|| format!("cannot read {}", file.display()))
}

/// What stands between the brackets of CREATE TABLE, without keys.
pub(super) fn columns(files: &[impl AsRef<Path>]) -> Result<Vec<String>> {
    let first = files.first().context("the table has no files")?;
    let schema = open(first.as_ref())?.schema().clone();
    let mut letters = vec![0; schema.fields().len()];
    for file in files {
        measure(file.as_ref(), &schema, &mut letters)?;
    }
    let mut left = ROW;
    let column = |(field, letters): (&arrow::datatypes::FieldRef, usize)| definition(field, letters, &mut left);
    schema.fields().iter().zip(letters).map(column).collect()
}

/// Finds the most letters of each column of texts.
fn measure(file: &Path, schema: &Schema, letters: &mut [usize]) -> Result<()> {
    let reader = open(file)?;
    let types = |schema: &Schema| -> Vec<_> {
        schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
    };
    ensure!(
        types(reader.schema()) == types(schema),
        "{} has other columns than the table's first file",
        file.display()
    );
    let texts: Vec<usize> = (0..letters.len()).filter(|&index| is_text(schema.field(index).data_type())).collect();
    let mask = ProjectionMask::roots(reader.parquet_schema(), texts.iter().copied());
    for batch in reader.with_projection(mask).build()? {
        let batch = batch.with_context(|| format!("cannot read {}", file.display()))?;
        for (&index, array) in texts.iter().zip(batch.columns()) {
            let texts = cast(array, &DataType::LargeUtf8)?;
            let found = texts.as_string::<i64>().iter().flatten().map(|text| text.chars().count());
            letters[index] = found.fold(letters[index], usize::max);
        }
    }
    Ok(())
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// A column's name and type; `left` are the bytes that texts may still take.
fn definition(field: &Field, letters: usize, left: &mut usize) -> Result<String> {
    let data_type = match field.data_type() {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int8 => "TINYINT".to_owned(),
        DataType::Int16 => "SMALLINT".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::UInt8 => "TINYINT UNSIGNED".to_owned(),
        DataType::UInt16 => "SMALLINT UNSIGNED".to_owned(),
        DataType::UInt32 => "INT UNSIGNED".to_owned(),
        DataType::UInt64 => "BIGINT UNSIGNED".to_owned(),
        DataType::Float32 => bail!(Unsupported(format!(
            "the column {} is of single precision, and the server has no type for it: it shows a FLOAT with six digits, and \
             a DOUBLE of the same digits is another number",
            field.name()
        ))),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => {
            ensure!((0..=30).contains(scale), "the column {} has a scale of {scale}", field.name());
            format!("DECIMAL({precision},{scale})")
        }
        text if is_text(text) => {
            let bytes = letters * LETTER + 2;
            if bytes > *left {
                "LONGTEXT".to_owned()
            } else {
                *left -= bytes;
                format!("VARCHAR({})", letters.max(1))
            }
        }
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond, _) => {
            "DATETIME(6)".to_owned()
        }
        other => bail!(Unsupported(format!("the server has no type for the column {} of type {other}", field.name()))),
    };
    let null = if field.is_nullable() { "NULL" } else { "NOT NULL" };
    Ok(format!("{} {data_type} {null}", named(field.name())))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;

    use super::*;

    fn file(folder: &Path, name: &str, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let path = folder.join(name);
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        path
    }

    #[test]
    fn texts_are_as_long_as_the_longest_in_any_file() {
        let folder = tempfile::tempdir().unwrap();
        let text = |values: Vec<&str>| Arc::new(StringArray::from(values)) as ArrayRef;
        let key = || Arc::new(Int64Array::from(vec![1])) as ArrayRef;
        let money = || Arc::new(Decimal128Array::from(vec![5]).with_precision_and_scale(15, 2).unwrap()) as ArrayRef;
        let files = [
            file(folder.path(), "a", vec![("k", key()), ("t", text(vec!["äöü"])), ("m", money())]),
            file(folder.path(), "b", vec![("k", key()), ("t", text(vec!["four"])), ("m", money())]),
        ];
        let wanted = ["`k` BIGINT NOT NULL", "`t` VARCHAR(4) NOT NULL", "`m` DECIMAL(15,2) NOT NULL"];
        assert_eq!(columns(&files).unwrap(), wanted);
        let other = file(folder.path(), "c", vec![("k", key())]);
        assert!(columns(&[files[0].clone(), other]).unwrap_err().to_string().contains("other columns"));
    }

    #[test]
    fn what_does_not_fit_a_row_is_kept_beside_it() {
        let field = Field::new("t", DataType::Utf8, true);
        let mut left = ROW;
        assert_eq!(definition(&field, 14_000, &mut left).unwrap(), "`t` VARCHAR(14000) NULL");
        assert_eq!(definition(&field, 14_000, &mut left).unwrap(), "`t` LONGTEXT NULL");
        assert_eq!(definition(&field, 0, &mut left).unwrap(), "`t` VARCHAR(1) NULL");
        let nested = Field::new("n", DataType::Timestamp(TimeUnit::Nanosecond, None), true);
        assert!(definition(&nested, 0, &mut left).unwrap_err().is::<Unsupported>());
        let single = Field::new("f", DataType::Float32, true);
        assert!(definition(&single, 0, &mut left).unwrap_err().is::<Unsupported>());
    }
}

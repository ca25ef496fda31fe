//! The columns of Parquet files as Trino's Hive connector declares them: every type that it reads as what it is.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, bail};
use arrow::datatypes::{DataType, Field};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::engine::{Result, Unsupported};

/// What stands between the brackets of CREATE TABLE, from the first file: the connector finds columns by their names.
pub(super) fn columns(file: &Path) -> Result<Vec<String>> {
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(opened);
    let reader = reader.with_context(|| format!("cannot read {}", file.display()))?;
    reader.schema().fields().iter().map(|field| definition(field)).collect()
}

/// A name.
pub(super) fn named(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn definition(field: &Field) -> Result<String> {
    let kind = kind(field, field.data_type())?;
    Ok(format!("{} {kind}", named(field.name())))
}

/// The name of a type, which is that of a column or of something in it.
fn kind(field: &Field, data_type: &DataType) -> Result<String> {
    Ok(match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) if *scale >= 0 => format!("decimal({precision},{scale})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar".to_owned(),
        DataType::Date32 => "date".to_owned(),
        // With the digits that the session reads, or the connector refuses the table.
        DataType::Timestamp(..) => "timestamp(9)".to_owned(),
        DataType::List(element) | DataType::LargeList(element) => {
            format!("array({})", kind(field, element.data_type())?)
        }
        other => bail!(Unsupported(format!(
            "Trino's Hive connector has no type for the column {} of type {other}",
            field.name()
        ))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::TimeUnit;

    #[test]
    fn definition_names_types_and_refuses_the_rest() {
        for (data_type, wanted) in [
            (DataType::Int32, "\"a\"\"b\" integer"),
            (DataType::Decimal128(15, 2), "\"a\"\"b\" decimal(15,2)"),
            (DataType::Utf8View, "\"a\"\"b\" varchar"),
            (DataType::Timestamp(TimeUnit::Microsecond, None), "\"a\"\"b\" timestamp(9)"),
            (DataType::new_list(DataType::Utf8, false), "\"a\"\"b\" array(varchar)"),
        ] {
            assert_eq!(definition(&Field::new("a\"b", data_type, true)).unwrap(), wanted);
        }
        for data_type in [DataType::UInt32, DataType::Binary, DataType::Decimal256(50, 2)] {
            assert!(definition(&Field::new("a", data_type, true)).unwrap_err().is::<Unsupported>());
        }
        assert_eq!(quoted("it's"), "'it''s'");
    }
}

//! How many bytes of a dataset a query needs: those of the columns that its text names.

use std::fs::File;

use ::parquet::file::reader::{FileReader as _, SerializedFileReader};
use anyhow::{Context as _, Result};

use crate::host::sql::Text;
use crate::protocol::dataset::Dataset;
use crate::protocol::units::Bytes;

/// Bytes of the column chunks, as they lie in the files, of all columns that the text names, in whatever case. What stands
/// in a comment or a literal names none.
///
/// # Errors
/// When a file's footer cannot be read.
pub fn column_bytes(dataset: &Dataset, sql: &str) -> Result<Bytes> {
    let wanted = Text::read(sql).names();
    let mut bytes = 0;
    for file in dataset.tables.iter().flat_map(|table| &table.files) {
        let path = file.local()?;
        let context = || format!("cannot read the footer of {}", path.display());
        let reader = SerializedFileReader::new(File::open(path).with_context(context)?).with_context(context)?;
        for group in reader.metadata().row_groups() {
            let chunks =
                group.columns().iter().filter(|column| wanted.contains(&column.column_path().string().to_lowercase()));
            bytes += chunks.map(|column| u64::try_from(column.compressed_size()).unwrap_or_default()).sum::<u64>();
        }
    }
    Ok(Bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::parquet::arrow::ArrowWriter;
    use arrow::array::{ArrayRef, Int64Array, RecordBatch};

    use super::*;

    #[test]
    fn column_bytes_counts_words_and_quoted_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let column = || Arc::new(Int64Array::from_iter_values(0..100)) as ArrayRef;
        let batch =
            RecordBatch::try_from_iter([("Price", column()), ("what's up", column()), ("day", column())]).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let dataset = serde_json::json!({
            "workload": "w", "scale": "sf1", "format": "parquet", "sha256": "", "layout": "",
            "tables": [{"name": "a", "files": [path], "rows": 100}],
        });
        let dataset: Dataset = serde_json::from_value(dataset).unwrap();
        let bytes = |sql: &str| column_bytes(&dataset, sql).unwrap().0;
        let one = bytes("SELECT price FROM a");
        assert!(one > 0);
        assert_eq!(bytes("SELECT \"What's up\" FROM a"), one);
        assert_eq!(bytes("SELECT PRICE, `what's up` FROM a -- day"), 2 * one);
        assert_eq!(bytes("SELECT 'price', $$day$$ /* day */ FROM a"), 0);
    }
}

//! Every way in which a file may store a column gives the same values.

use std::fs::File;
use std::path::PathBuf;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};

use super::*;
use crate::engine::arrow::physical::{Long, Short, Text};

const ROWS: u32 = 10_000;

fn long(row: u32) -> i64 {
    i64::from(row.wrapping_mul(0x9E37_79B9) % 3_000) - 1_000
}

/// Long runs of equal values among others.
fn short(row: u32) -> i32 {
    i32::try_from(if row % 1_000 < 600 { row / 1_000 } else { row }).unwrap()
}

fn text(row: u32) -> String {
    "x".repeat(row as usize % 7) + &(row % 50).to_string()
}

/// A file that is removed with this.
struct Written(PathBuf);

impl Drop for Written {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Written {
    fn new(name: &str, batch: &RecordBatch, properties: WriterProperties) -> Self {
        let path = std::env::temp_dir().join(format!("querydyno-chunk-{name}-{}.parquet", std::process::id()));
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
        Self(path)
    }

    fn read<P: Physical>(&self, column: usize, wanted: &Rows<'_>) -> Result<Chunk<P>> {
        let file = File::open(&self.0).unwrap();
        let footer = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
        Chunk::read("column", &Chunks::File(file), footer.row_group(0).column(column), ROWS, wanted)
    }
}

fn columns(nullable: bool) -> RecordBatch {
    let longs: ArrayRef = Arc::new((0..ROWS).map(long).collect::<Int64Array>());
    let shorts: ArrayRef = Arc::new((0..ROWS).map(short).collect::<Int32Array>());
    let texts: ArrayRef = Arc::new((0..ROWS).map(|row| Some(text(row))).collect::<StringArray>());
    RecordBatch::try_from_iter_with_nullable([
        ("long", longs, nullable),
        ("short", shorts, nullable),
        ("text", texts, nullable),
    ])
    .unwrap()
}

fn check_rows(file: &Written, rows: &Rows<'_>) {
    let all: Vec<u32> = rows.iter().collect();
    let longs = file.read::<Long>(0, rows).unwrap();
    assert_eq!(longs.map(rows, |value| value).unwrap(), all.iter().copied().map(long).collect::<Vec<_>>());
    let few: Vec<u32> = all.iter().copied().filter(|row| long(*row) % 11 == 0).collect();
    assert_eq!(longs.filter(rows, |value| value % 11 == 0).unwrap(), few);
    let rows_of_few = Rows::from(&few);
    assert_eq!(longs.map(&rows_of_few, |value| -value).unwrap(), few.iter().map(|row| -long(*row)).collect::<Vec<_>>());

    let shorts = file.read::<Short>(1, rows).unwrap();
    assert_eq!(shorts.map(rows, |value| value).unwrap(), all.iter().copied().map(short).collect::<Vec<_>>());
    let texts = file.read::<Text>(2, rows).unwrap();
    assert_eq!(texts.map(rows, <[u8]>::len).unwrap(), all.iter().map(|row| text(*row).len()).collect::<Vec<_>>());
    let ends: Vec<u32> = all.iter().copied().filter(|row| text(*row).ends_with('7')).collect();
    assert_eq!(texts.filter(rows, |text| text.ends_with(b"7")).unwrap(), ends);
}

fn check(name: &str, nullable: bool, properties: impl FnOnce(WriterPropertiesBuilder) -> WriterPropertiesBuilder) {
    let small_pages = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_data_page_row_count_limit(3_000)
        .set_write_batch_size(500);
    let file = Written::new(name, &columns(nullable), properties(small_pages).build());
    check_rows(&file, &Rows::Range(0..ROWS));
    check_rows(&file, &Rows::Range(2_990..6_001));
    check_rows(&file, &Rows::Range(77..77));
    for step in [1, 2, 5, 97, 4_001] {
        let rows: Vec<u32> = (3..ROWS).step_by(step).collect();
        check_rows(&file, &Rows::from(&rows));
    }
}

#[test]
fn dictionary_codes() {
    check("dictionary", false, |properties| properties);
}

#[test]
fn dictionaries_that_grew_too_large() {
    check("fallback", false, |properties| properties.set_dictionary_page_size_limit(500));
}

#[test]
fn plain_values_without_compression() {
    check("plain", false, |properties| {
        properties.set_dictionary_enabled(false).set_compression(Compression::UNCOMPRESSED)
    });
}

#[test]
fn pages_of_version_2_with_its_encodings() {
    check("v2", false, |properties| properties.set_writer_version(WriterVersion::PARQUET_2_0));
    check("delta", false, |properties| {
        properties.set_writer_version(WriterVersion::PARQUET_2_0).set_dictionary_enabled(false)
    });
    check("split", false, |properties| {
        let properties = properties.set_dictionary_enabled(false);
        properties.set_column_encoding("long".into(), Encoding::BYTE_STREAM_SPLIT)
    });
}

#[test]
fn columns_that_could_hold_null() {
    check("nullable", true, |properties| properties);
}

#[test]
fn a_null_is_an_error() {
    let longs: ArrayRef = Arc::new((0..ROWS).map(|row| (row != 9_000).then_some(7)).collect::<Int64Array>());
    let batch = RecordBatch::try_from_iter([("long", longs)]).unwrap();
    let file = Written::new("null", &batch, WriterProperties::default());
    let failed = file.read::<Long>(0, &Rows::Range(0..ROWS)).unwrap_err();
    assert!(failed.to_string().contains("NULL"), "{failed}");
}

#[test]
fn rows_that_were_not_read_are_an_error() {
    let file = Written::new("unread", &columns(false), WriterProperties::builder().build());
    let chunk = file.read::<Long>(0, &Rows::Range(0..0)).unwrap();
    assert!(chunk.map(&Rows::Range(0..1), |value| value).is_err());
    assert!(chunk.filter(&Rows::Some(&[5]), |_| true).is_err());
}

//! Whether a server reads the instants of Parquet files as they are: [`check`].
//!
//! The Hive connector moves those that are kept in UTC, and all of INT96, into the zone `hive.parquet.time-zone`: that of the server's Java
//! unless the catalog sets it. No session can change that, so a file with known instants is read first.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::client::Client;
use super::schema::{named, quoted};
use super::value::Cell;
use crate::protocol::dataset::Dataset;

/// The first days of a winter and of a summer month, in seconds: few zones are that of UTC in both.
const KNOWN: [i64; 2] = [1_704_067_200, 1_719_792_000];
const TABLE: &str = "querydyno_zone";

/// Refuses a server that moves instants, if there are any in the files of the dataset.
pub(super) fn check(client: &Client, dataset: &Dataset, folder: &Path) -> Result<()> {
    let firsts = dataset.tables.iter().filter_map(|table| table.paths().ok()?.first().copied());
    if !firsts.map(has_times).collect::<Result<Vec<_>>>()?.contains(&true) {
        return Ok(());
    }
    let folder = folder.join(TABLE);
    write(&folder)?;
    let place = folder.to_str().context("the path of its folder is no text in UTF-8")?;
    let name = named(TABLE);
    client.run(&format!("DROP TABLE IF EXISTS {name}"))?;
    client.run(&format!(
        "CREATE TABLE {name} (\"at\" timestamp(9)) WITH (external_location = {}, format = 'PARQUET')",
        quoted(&format!("local://{place}"))
    ))?;
    let found = client.run(&format!("SELECT \"at\" FROM {name} ORDER BY 1"))?;
    client.run(&format!("DROP TABLE IF EXISTS {name}"))?;
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    let cells: Vec<&Cell> = found.rows.iter().flatten().collect();
    if let Some(moved) = moved(&cells) {
        bail!(
            "the server at {} reads instants of Parquet files {moved}: set hive.parquet.time-zone=UTC in its catalog {}",
            client.address().shown(),
            client.address().catalog
        );
    }
    Ok(())
}

fn has_times(file: &Path) -> Result<bool> {
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(opened);
    let reader = reader.with_context(|| format!("cannot read {}", file.display()))?;
    Ok(reader.schema().fields().iter().any(|field| matches!(field.data_type(), DataType::Timestamp(..))))
}

fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join("known.parquet");
    let known = TimestampMicrosecondArray::from_iter_values(KNOWN.map(|seconds| seconds * 1_000_000));
    let column: ArrayRef = Arc::new(known.with_timezone("UTC"));
    let batch = RecordBatch::try_from_iter([("at", column)])?;
    let made = File::create(&file).with_context(|| format!("cannot write {}", file.display()))?;
    let mut writer = ArrowWriter::try_new(made, batch.schema(), None)?;
    writer.write(&batch)?;
    writer.close().map(drop).with_context(|| format!("cannot write {}", file.display()))
}

/// How the instants are moved that were found in place of those that are known; `None` when they are the same.
fn moved(found: &[&Cell]) -> Option<String> {
    let known = KNOWN.map(|seconds| i128::from(seconds) * 1_000_000_000);
    let seconds: Vec<i128> = found
        .iter()
        .zip(known)
        .filter_map(|(cell, known)| match cell {
            Cell::Timestamp(nanos) => Some((nanos - known) / 1_000_000_000),
            _ => None,
        })
        .collect();
    match seconds[..] {
        [0, 0] => None,
        [winter, summer] => Some(format!("{} minutes off in winter and {} in summer", winter / 60, summer / 60)),
        _ => Some("as something else".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moved_tells_zones_from_utc() {
        let at = |hours: [i128; 2]| {
            let cells: Vec<Cell> = (0..2)
                .map(|place| Cell::Timestamp((i128::from(KNOWN[place]) + hours[place] * 3600) * 1_000_000_000))
                .collect();
            moved(&cells.iter().collect::<Vec<_>>())
        };
        assert_eq!(at([0, 0]), None);
        assert_eq!(at([-5, -4]).unwrap(), "-300 minutes off in winter and -240 in summer");
        // London in winter.
        assert_eq!(at([0, 1]).unwrap(), "0 minutes off in winter and 60 in summer");
        assert!(moved(&[]).is_some() && moved(&[&Cell::Null, &Cell::Null]).is_some());
    }

    #[test]
    fn write_makes_a_file_that_has_times() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        assert!(has_times(&folder.path().join("known.parquet")).unwrap());
    }
}

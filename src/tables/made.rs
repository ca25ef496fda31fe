//! Iceberg tables over generated Parquet files: metadata made once and kept, registered where a metastore is set.
//!
//! On disk: `<data>/<workload>/<scale>/iceberg/<table>/{made.json, metadata/...}`; the data files are those of `parquet`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{Found, ICEBERG, count, footers, of_snapshot, plan};
use crate::answer::reference::write_whole;
use crate::fixture::{Dataset, Store, Table};
use crate::iceberg::client::ask;
use crate::iceberg::messages::{DataFile, Place, Reply, Request};
use crate::lock::Lock;
use crate::settings::Settings;

/// Raised whenever tables are made in another way: then all are made again.
const VERSION: u32 = 1;

/// What a table was made of.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    version: u32,
    /// Of the Parquet files.
    sha256: String,
    /// Where they lie: metadata have absolute paths.
    files: Vec<PathBuf>,
    metadata: PathBuf,
}

/// The same tables as Iceberg tables, planned.
pub(super) fn iceberg(parquet: Dataset, settings: &Settings, store: &Store) -> Result<Found> {
    let folder = std::path::absolute(store.folder(&parquet.workload, parquet.scale, ICEBERG))?;
    let metadata = metadata(&folder, &parquet.tables)?;
    let places = places(&parquet, metadata, settings)?;
    let planned = plan(&places.iter().map(|place| (place.clone(), None)).collect::<Vec<_>>())?;
    let mut planning = None;
    let mut tables = Vec::new();
    for ((table, place), planned) in parquet.tables.into_iter().zip(&places).zip(&planned) {
        count(&mut planning, place, &table.name, planned);
        // The same files, so the same checksum: a server need not load them again.
        tables.push(Table { sha256: table.sha256, ..of_snapshot(&table.name, planned)? });
    }
    let layout = format!("{}, Iceberg v2", parquet.layout);
    Ok(Found { dataset: Dataset { format: ICEBERG.to_owned(), layout, tables, ..parquet }, planning })
}

/// The metadata file of each table; makes what is missing or of other files.
fn metadata(folder: &Path, tables: &[Table]) -> Result<Vec<PathBuf>> {
    let kept = |table: &Table| -> Option<PathBuf> {
        let text = fs::read(folder.join(&table.name).join("made.json")).ok()?;
        let made: Made = serde_json::from_slice(&text).ok()?;
        let same = made.version == VERSION && made.sha256 == table.sha256 && made.files == table.files;
        (same && made.metadata.is_file()).then_some(made.metadata)
    };
    if let Some(all) = tables.iter().map(kept).collect() {
        return Ok(all);
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let _lock = Lock::wait(folder, "makes Iceberg tables")?;
    tables.iter().map(|table| kept(table).map_or_else(|| make(&folder.join(&table.name), table), Ok)).collect()
}

fn make(location: &Path, table: &Table) -> Result<PathBuf> {
    let within = || format!("cannot make the Iceberg table {}", location.display());
    if location.exists() {
        fs::remove_dir_all(location).with_context(within)?;
    }
    let mut columns = Vec::new();
    let mut files = Vec::new();
    for path in &table.files {
        let (described, metrics) = footers::described(path)?;
        let rows = metrics.first().map_or(0, |column| column.values);
        columns = described;
        files.push(DataFile {
            path: path.clone(),
            rows,
            bytes: fs::metadata(path)?.len(),
            month: None,
            columns: metrics,
        });
    }
    let request = Request::Make { location: location.to_owned(), columns, partition_by_month: None, files };
    let replies = ask(&[request]).with_context(within)?;
    let [Reply::Make { metadata }] = replies.as_slice() else { bail!("asked to make a table, got {replies:?}") };
    let made =
        Made { version: VERSION, sha256: table.sha256.clone(), files: table.files.clone(), metadata: metadata.clone() };
    // Last, so that a table that was half made is made again.
    write_whole(&location.join("made.json"), &serde_json::to_vec_pretty(&made)?).with_context(within)?;
    Ok(metadata.clone())
}

/// Where the tables are looked up: in their folders, or in the metastore, which is told of them first.
fn places(parquet: &Dataset, metadata: Vec<PathBuf>, settings: &Settings) -> Result<Vec<Place>> {
    let Some(uri) = &settings.metastore else {
        return Ok(metadata.into_iter().map(Place::File).collect());
    };
    let database = format!("{}_{}", parquet.workload, parquet.scale).replace('.', "_");
    let named = parquet.tables.iter().map(|table| table.name.clone()).zip(metadata);
    let (places, requests): (Vec<_>, Vec<_>) = named
        .map(|(table, metadata)| {
            let place = Place::Metastore { uri: uri.clone(), database: database.clone(), table: table.clone() };
            let request = Request::Register { metastore: uri.clone(), database: database.clone(), table, metadata };
            (place, request)
        })
        .unzip();
    ask(&requests)?;
    Ok(places)
}

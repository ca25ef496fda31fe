//! Iceberg tables over generated Parquet files: metadata made once and kept, registered where a metastore is set.
//!
//! On disk: `<data>/<suite>/<scale>/<format>/<table>/{made.json, metadata/...}`. The data files are those of `parquet`, and
//! those of `parquet-monthly` where a table is partitioned. `cargo xtask data --format iceberg`. Those on S3 are in `made_on_s3`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::footers;
use super::planning::{Found, count, of_snapshot, plan};
use crate::host::data::generate::{Store, month_of_file};
use crate::host::data::iceberg::client::ask;
use crate::host::files::write_whole;
use crate::host::lock::Lock;
use crate::host::settings::Settings;
use crate::host::suite::Suite;
use crate::host::variant::{ICEBERG, ICEBERG_MONTHLY};
use crate::protocol::dataset::{Dataset, Table};
use crate::protocol::iceberg::{DataFile, Reply, Request};
use crate::protocol::location::{Location, TableRef};
use crate::protocol::s3::Access;

/// Raised whenever tables are made in another way: then all are made again.
const VERSION: u32 = 1;
/// What it adds to the layout of the files.
pub(super) const LAYOUT: &str = ", Iceberg v2";

/// What a table was made of.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    version: u32,
    /// Of the Parquet files.
    sha256: String,
    /// Where they lie: metadata have absolute paths.
    files: Vec<Location>,
    /// The column by whose months it is partitioned.
    #[serde(default)]
    partition: Option<String>,
    pub(super) metadata: Location,
}

impl Made {
    pub(super) fn new(table: &Table, partition: Option<&str>, metadata: Location) -> Self {
        let (sha256, files) = (table.sha256.clone(), table.files.clone());
        Self { version: VERSION, sha256, files, partition: partition.map(str::to_owned), metadata }
    }

    /// Whether it was made of these files, and as it would be made now.
    pub(super) fn is_of(&self, table: &Table, partition: Option<&str>) -> bool {
        self.version == VERSION
            && self.sha256 == table.sha256
            && self.files == table.files
            && self.partition.as_deref() == partition
    }
}

/// A table's files, and the column by whose months they are partitioned.
type Files<'a> = (&'a Table, Option<&'a str>);

/// The same files as Iceberg tables, planned. Where a suite is given, tables for which it declares a column are partitioned by
/// its months; their files have to be of one month each.
pub(super) fn iceberg(files: Dataset, monthly: Option<&Suite>, settings: &Settings, store: &Store) -> Result<Found> {
    let format = if monthly.is_some() { ICEBERG_MONTHLY } else { ICEBERG };
    let dataset = Dataset { format: format.to_owned(), ..files };
    let folder = std::path::absolute(store.folder(&dataset.suite, dataset.scale, format))?;
    let partition = |table: &Table| monthly?.partition(&table.name);
    let files: Vec<Files<'_>> = dataset.tables.iter().map(|table| (table, partition(table))).collect();
    let made = metadata(&folder, &files)?;
    planned(dataset, &made, settings)
}

/// Tables of ours with these metadata files, planned: registered in the metastore and looked up there, where one is set.
pub(super) fn planned(dataset: Dataset, made: &[Location], settings: &Settings) -> Result<Found> {
    let access = settings.s3.access_if_told().filter(|_| made.iter().any(Location::is_on_s3));
    let places = places(&dataset, made, settings, access)?;
    let planned = plan(places.iter().map(|place| (place.clone(), None)), access)?;
    let mut planning = None;
    let mut tables = Vec::new();
    for (((table, place), planned), made) in dataset.tables.into_iter().zip(&places).zip(&planned).zip(made) {
        ensure!(
            planned.metadata == *made,
            "another process registered a table {} of its own in the metastore just now: give each a metastore, or the same data folder",
            table.name
        );
        count(&mut planning, place, &table.name, planned);
        // The same files, so the same checksum: a server need not load them again.
        tables.push(Table {
            sha256: table.sha256,
            keys: table.keys,
            ..of_snapshot(&table.name, planned, place, access)?
        });
    }
    let layout = dataset.layout + LAYOUT;
    Ok(Found { dataset: Dataset { layout, tables, ..dataset }, planning })
}

/// The metadata file of each table; makes what is missing or of other files.
fn metadata(folder: &Path, tables: &[Files<'_>]) -> Result<Vec<Location>> {
    let kept = |(table, partition): &Files<'_>| -> Option<Location> {
        let text = fs::read(folder.join(&table.name).join("made.json")).ok()?;
        let made: Made = serde_json::from_slice(&text).ok()?;
        (made.is_of(table, *partition) && made.metadata.local().is_ok_and(Path::is_file)).then_some(made.metadata)
    };
    if let Some(all) = tables.iter().map(kept).collect() {
        return Ok(all);
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let _lock = Lock::wait(folder, "makes Iceberg tables")?;
    tables.iter().map(|files| kept(files).map_or_else(|| make(&folder.join(&files.0.name), *files), Ok)).collect()
}

fn make(location: &Path, (table, partition): Files<'_>) -> Result<Location> {
    let within = || format!("cannot make the Iceberg table {}", location.display());
    if location.exists() {
        fs::remove_dir_all(location).with_context(within)?;
    }
    let request = request(location.to_owned().into(), (table, partition), &table.files)?;
    let metadata = ask_to_make(None, request).with_context(within)?;
    let made = Made::new(table, partition, metadata);
    // Last, so that a table that was half made is made again.
    write_whole(&location.join("made.json"), &serde_json::to_vec_pretty(&made)?).with_context(within)?;
    Ok(made.metadata)
}

/// What is asked to make a table at `location` of files that are here, and are called by `names` in its metadata.
pub(super) fn request(location: Location, (table, partition): Files<'_>, names: &[Location]) -> Result<Request> {
    let (mut columns, mut files) = (Vec::new(), Vec::new());
    for (path, name) in table.paths()?.into_iter().zip(names) {
        let (described, metrics) = footers::described(path)?;
        let rows = metrics.first().map_or(0, |column| column.values);
        let month = month_of_file(path).filter(|_| partition.is_some());
        if partition.is_some() && month.is_none() {
            bail!("the name of {} says no month, and {} is partitioned by months", path.display(), table.name);
        }
        columns = described;
        let bytes = fs::metadata(path)?.len();
        files.push(DataFile { path: name.clone(), rows, bytes, month, columns: metrics });
    }
    Ok(Request::Make { location, columns, partition_by_month: partition.map(str::to_owned), files })
}

/// The metadata file of the table that is made.
pub(super) fn ask_to_make(access: Option<&Access>, request: Request) -> Result<Location> {
    match ask(access, &[request])?.pop() {
        Some(Reply::Make { metadata }) => Ok(metadata),
        other => bail!("asked to make a table, querydyno-iceberg replied {other:?}"),
    }
}

/// Where the tables are looked up: in their folders, or in the metastore, which is told of them first.
fn places(
    dataset: &Dataset,
    metadata: &[Location],
    settings: &Settings,
    access: Option<&Access>,
) -> Result<Vec<TableRef>> {
    let Some(uri) = &settings.metastore else {
        return Ok(metadata.iter().cloned().map(TableRef::File).collect());
    };
    let database = dataset.database();
    let named = dataset.tables.iter().map(|table| table.name.clone()).zip(metadata.iter().cloned());
    let (places, requests): (Vec<_>, Vec<_>) = named
        .map(|(table, metadata)| {
            let (uri, database) = (uri.clone(), database.clone());
            let place = TableRef::Metastore { uri: uri.clone(), database: database.clone(), table: table.clone() };
            (place, Request::Register { metastore: uri, database, table, metadata })
        })
        .unzip();
    ask(access, &requests)?;
    Ok(places)
}

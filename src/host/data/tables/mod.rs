//! The tables that a cell loads: made by a generator or there already, as Parquet files or as Iceberg tables.
//!
//! [`dataset`] is the one way from a query's table names to what an engine program is told, and [`make`] the same ahead of a
//! run. Data files are made by [`Store`]; here it is found out what is meant, and Iceberg tables are made over them and
//! planned. Nothing of it is in a sample; planning is recorded apart ([`Planning`]).

mod files;
mod footers;
mod foreign;
mod made;
mod metadata;
mod overflow;
mod schema;
mod source;
mod steps;
mod walk;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::host::checksum::sha256;
use crate::host::data::generate::Store;
use crate::host::data::iceberg::client::ask;
use crate::host::data::iceberg::shape::{Shape, shape};
use crate::host::settings::Settings;
use crate::host::sql::Text;
use crate::host::suite::{TableSpec, Workload};
use crate::host::variant::{FORMATS, ICEBERG, ICEBERG_MONTHLY, PARQUET};
use crate::protocol::dataset::{Dataset, Iceberg, Table};
use crate::protocol::iceberg::{Planned, Reply, Request};
use crate::protocol::id::Scale;
use crate::protocol::location::TableRef;
pub(crate) use overflow::caution as overflow_caution;
use schema::Schema;
use source::Source;

/// A dataset, and what it took to find out its files.
pub(crate) struct Found {
    pub(crate) dataset: Dataset,
    pub(crate) planning: Option<Planning>,
}

/// Iceberg planning: from the tables' names to their lists of files. Not part of any sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planning {
    /// Where the tables were looked up: the metastore's address, or `folder`.
    pub catalog: String,
    /// Finding the tables and reading their metadata files, over all of them, in nanoseconds.
    pub catalog_ns: u64,
    /// From the metadata to the lists of files, over all tables, in nanoseconds.
    pub planning_ns: u64,
    /// Files over all tables.
    pub files: usize,
    /// The snapshot of each table.
    pub snapshots: BTreeMap<String, i64>,
}

/// Makes these tables of a workload at a scale and in a format, one of [`FORMATS`], unless they are there; with a metastore in
/// the settings Iceberg tables are registered there too, in the database [`Dataset::database`].
///
/// # Errors
/// What cannot be made, found or read, and what to do about it; a table or a format that does not exist.
pub fn make(
    workload: &Workload,
    tables: &[String],
    scale: Scale,
    format: &str,
    settings: &Settings,
    store: &Store,
) -> Result<Dataset> {
    dataset(workload, tables, scale, format, settings, store).map(|found| found.dataset)
}

/// The tables of that name at a scale and in a format, whole and planned.
///
/// # Errors
/// What cannot be made, found or read, and what to do about it.
pub(crate) fn dataset(
    workload: &Workload,
    names: &[String],
    scale: Scale,
    format: &str,
    settings: &Settings,
    store: &Store,
) -> Result<Found> {
    let specs: Vec<&TableSpec> = workload.tables.iter().filter(|table| names.contains(&table.name)).collect();
    if specs.iter().any(|table| table.source.is_some()) {
        return given(workload, &specs, scale, settings);
    }
    match format {
        PARQUET => Ok(Found { dataset: store.ensure(workload, scale, PARQUET, names)?, planning: None }),
        ICEBERG => made::iceberg(store.ensure(workload, scale, PARQUET, names)?, None, settings, store),
        ICEBERG_MONTHLY => {
            made::iceberg(store.ensure_monthly(workload, scale, names)?, Some(workload), settings, store)
        }
        other => bail!("there is no format '{other}' for {}: use {}", workload.name, FORMATS.join(", ")),
    }
}

/// Tables that were there before us.
fn given(workload: &Workload, specs: &[&TableSpec], scale: Scale, settings: &Settings) -> Result<Found> {
    let mut tables = Vec::new();
    let mut planning = None;
    for spec in specs {
        let source = spec.source.as_deref().with_context(|| {
            format!("the table {} of {} has no source, and other tables have: each needs one", spec.name, workload.name)
        })?;
        let within = || format!("table {source}");
        tables.push(match Source::of(source, settings.metastore.as_deref()).with_context(within)? {
            Source::Parquet(files) => footers::table(&spec.name, files).with_context(within)?,
            Source::Iceberg { place, snapshot_id } => {
                let planned = plan([(place.clone(), snapshot_id)]).with_context(within)?;
                let [planned] = planned.try_into().map_err(|_| anyhow::anyhow!("one table was asked for"))?;
                count(&mut planning, &place, &spec.name, &planned);
                of_snapshot(&spec.name, &planned, &place)?
            }
        });
    }
    let sources: Vec<&str> = specs.iter().filter_map(|spec| spec.source.as_deref()).collect();
    let format = if planning.is_some() { ICEBERG } else { PARQUET };
    let dataset = Dataset {
        workload: workload.name.clone(),
        scale,
        format: format.to_owned(),
        sha256: sha256(tables.iter().map(|table| table.sha256.as_str()).collect::<String>()),
        layout: format!("as it was found: {}", sources.join(", ")),
        generated: false,
        tables,
    };
    Ok(Found { dataset, planning })
}

/// Why one of these tables is not where a workload says it is; what a metastore would say of a name is not asked.
pub(crate) fn missing(workload: &Workload, names: &[String], settings: &Settings) -> Option<anyhow::Error> {
    let specs = workload.tables.iter().filter(|table| names.contains(&table.name));
    specs.filter_map(|spec| spec.source.as_deref()).find_map(|source| {
        let found = Source::of(source, settings.metastore.as_deref());
        found.with_context(|| format!("table {source}")).err()
    })
}

/// Whether a query's text names a column of single precision: then its answer is right to some seven digits.
pub fn reads_single_precision(table: &Table, sql: &str) -> bool {
    Text::read(sql).may_read(table.single_precision.iter().map(String::as_str))
}

/// Plans these tables, each at its current snapshot or at the one that is named.
fn plan(tables: impl IntoIterator<Item = (TableRef, Option<i64>)>) -> Result<Vec<Planned>> {
    let requests = tables.into_iter().map(|(table, snapshot_id)| Request::Plan { table, snapshot_id });
    let replies = ask(&requests.collect::<Vec<_>>())?;
    let planned = |reply| match reply {
        Reply::Plan(planned) => Ok(planned),
        other => bail!("asked for a plan, querydyno-iceberg replied {other:?}"),
    };
    replies.into_iter().map(planned).collect()
}

/// A table as an engine program is told it.
fn of_snapshot(name: &str, planned: &Planned, place: &TableRef) -> Result<Table> {
    let files: Vec<_> = planned.files.iter().map(|file| file.path.clone()).collect();
    let (mut integers, mut schema) = (BTreeMap::new(), None);
    let columns = planned.files.iter().map(|file| {
        // One that is no Parquet is refused by its format.
        if !file.format.eq_ignore_ascii_case(PARQUET) {
            return Ok(Vec::new());
        }
        let footer = footers::read(file.path.local()?)?;
        overflow::widen(&mut integers, overflow::integers(&footer));
        // The files of a snapshot have the types of its columns.
        schema.get_or_insert_with(|| Schema::of(&footer));
        Ok(footers::columns(&footer))
    });
    let (evolved, needs_reader) = match shape(planned, &columns.collect::<Result<Vec<_>>>()?) {
        _ if files.is_empty() => {
            (false, Some("it has no data files: there is nothing to tell its columns' types".to_owned()))
        }
        Shape::Plain => (false, None),
        Shape::Evolved => (true, None),
        Shape::NeedsReader(why) => (false, Some(why)),
    };
    Ok(Table {
        name: name.to_owned(),
        rows: planned.files.iter().map(|file| file.rows).sum(),
        sha256: sha256(format!("{} {} {files:?}", planned.uuid, planned.snapshot_id)),
        files,
        iceberg: Some(Iceberg {
            metadata: planned.metadata.clone(),
            snapshot_id: planned.snapshot_id,
            name: match place {
                TableRef::File(_) => None,
                TableRef::Metastore { database, table, .. } => Some((database.clone(), table.clone())),
            },
            columns: planned.columns.iter().map(|column| column.name.clone()).collect(),
            evolved,
            needs_reader,
        }),
        single_precision: schema.iter().flat_map(Schema::single_precision).collect(),
        integers,
        cautions: schema.iter().flat_map(Schema::cautions).collect(),
        ..Table::default()
    })
}

fn count(planning: &mut Option<Planning>, place: &TableRef, name: &str, planned: &Planned) {
    let catalog = match place {
        TableRef::File(_) => "folder".to_owned(),
        TableRef::Metastore { uri, .. } => uri.clone(),
    };
    let empty = Planning { catalog, catalog_ns: 0, planning_ns: 0, files: 0, snapshots: BTreeMap::new() };
    let sum = planning.get_or_insert(empty);
    sum.catalog_ns += planned.catalog_ns;
    sum.planning_ns += planned.planning_ns;
    sum.files += planned.files.len();
    sum.snapshots.insert(name.to_owned(), planned.snapshot_id);
}

/// All that is read of a file's footer.
///
/// # Errors
/// When it is no Parquet file.
pub(crate) fn look_into(file: &std::path::Path) -> Result<()> {
    let footer = footers::read(file)?;
    footers::columns(&footer);
    overflow::integers(&footer);
    // Not every type has a name in Iceberg.
    let _ = footers::described(file);
    Ok(())
}

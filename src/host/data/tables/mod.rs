//! The tables that a cell loads: made by a generator or there already, as Parquet files or as Iceberg tables.
//!
//! [`dataset`] is the one way from a query's table names to what an engine program is told, and [`make`] the same ahead of a
//! run. Data files are made by [`Store`]; here it is found out what is meant, and Iceberg tables are made over them and
//! planned. Nothing of it is in a sample; planning is recorded apart ([`Planning`]).

mod expected;
mod files;
mod footers;
mod foreign;
mod made;
mod made_on_s3;
mod metadata;
mod overflow;
mod planning;
mod schema;
mod source;
mod steps;
mod stored;
mod walk;

use anyhow::{Context, Result, bail};

use crate::host::checksum::sha256;
use crate::host::data::generate::Store;
use crate::host::settings::Settings;
use crate::host::sql::Text;
use crate::host::suite::{Suite, TableSpec};
use crate::host::variant::{FORMATS, ICEBERG, ICEBERG_MONTHLY, ICEBERG_S3, PARQUET, PARQUET_BY_CATEGORY, S3};
use crate::protocol::dataset::{Dataset, Table};
use crate::protocol::id::Scale;
use crate::protocol::location::{Location, TableRef};
pub(crate) use expected::{Expected, expected};
pub use made_on_s3::put;
pub(crate) use overflow::caution as overflow_caution;
pub(crate) use planning::Found;
pub use planning::Planning;
use planning::{count, of_snapshot, plan};
use source::Source;

/// Makes these tables of a suite at a scale and in a format, one of [`FORMATS`], unless they are there; with a metastore in
/// the settings Iceberg tables are registered there too, in the database [`Dataset::database`].
///
/// # Errors
/// What cannot be made, found or read, and what to do about it; a table or a format that does not exist.
pub fn make(
    suite: &Suite,
    tables: &[String],
    scale: Scale,
    format: &str,
    settings: &Settings,
    store: &Store,
) -> Result<Dataset> {
    dataset(suite, tables, scale, format, settings, store).map(|found| found.dataset)
}

/// The tables of that name at a scale and in a format, whole and planned.
///
/// # Errors
/// What cannot be made, found or read, and what to do about it.
pub(crate) fn dataset(
    suite: &Suite,
    names: &[String],
    scale: Scale,
    format: &str,
    settings: &Settings,
    store: &Store,
) -> Result<Found> {
    let specs = specs(suite, names);
    if specs.iter().any(|table| table.source.is_some()) {
        return given(suite, &specs, scale, settings);
    }
    match format {
        PARQUET => Ok(Found { dataset: store.ensure(suite, scale, PARQUET, names)?, planning: None }),
        PARQUET_BY_CATEGORY => Ok(Found { dataset: store.ensure_by_category(suite, scale, names)?, planning: None }),
        ICEBERG => made::iceberg(store.ensure(suite, scale, PARQUET, names)?, None, settings, store),
        ICEBERG_MONTHLY => made::iceberg(store.ensure_monthly(suite, scale, names)?, Some(suite), settings, store),
        S3 => {
            let dataset = store.stored(suite, scale, names, settings.s3.bucket()?, settings.s3.access()?)?;
            Ok(Found { dataset, planning: None })
        }
        ICEBERG_S3 => made_on_s3::found((suite, scale, names), settings.s3.bucket()?, settings, store),
        other => bail!("there is no format '{other}' for {}: use {}", suite.name, FORMATS.join(", ")),
    }
}

/// The tables of these names, as the suite has them.
fn specs<'a>(suite: &'a Suite, names: &[String]) -> Vec<&'a TableSpec> {
    suite.tables.iter().filter(|table| names.contains(&table.name)).collect()
}

/// Tables that were there before us.
fn given(suite: &Suite, specs: &[&TableSpec], scale: Scale, settings: &Settings) -> Result<Found> {
    let mut tables = Vec::new();
    let mut planning = None;
    for spec in specs {
        let source = spec.source.as_deref().with_context(|| {
            format!("the table {} of {} has no source, and other tables have: each needs one", spec.name, suite.name)
        })?;
        let within = || format!("table {source}");
        tables.push(match Source::of(source, settings.metastore.as_deref()).with_context(within)? {
            Source::Parquet(files) => footers::table(&spec.name, files).with_context(within)?,
            Source::Stored(place) => stored::table(&spec.name, &place, settings.s3.access()?).with_context(within)?,
            Source::Iceberg { place, snapshot_id } => {
                let access = match &place {
                    TableRef::File(metadata) if metadata.is_on_s3() => Some(settings.s3.access()?),
                    _ => settings.s3.access_if_told(),
                };
                let planned = plan([(place.clone(), snapshot_id)], access).with_context(within)?;
                let [planned] = planned.try_into().map_err(|_| anyhow::anyhow!("one table was asked for"))?;
                count(&mut planning, &place, &spec.name, &planned);
                of_snapshot(&spec.name, &planned, &place, access).with_context(within)?
            }
        });
    }
    let sources: Vec<&str> = specs.iter().filter_map(|spec| spec.source.as_deref()).collect();
    let on_s3 = tables.iter().flat_map(|table| &table.files).any(Location::is_on_s3);
    let format = match (planning.is_some(), on_s3) {
        (false, false) => PARQUET,
        (true, false) => ICEBERG,
        (false, true) => S3,
        (true, true) => ICEBERG_S3,
    };
    let dataset = Dataset {
        suite: suite.name.clone(),
        scale,
        format: format.to_owned(),
        sha256: sha256(tables.iter().map(|table| table.sha256.as_str()).collect::<String>()),
        layout: format!("as it was found: {}", sources.join(", ")),
        generated: false,
        tables,
    };
    Ok(Found { dataset, planning })
}

/// Why one of these tables is not where a suite says it is; what a metastore would say of a name is not asked.
pub(crate) fn missing(suite: &Suite, names: &[String], settings: &Settings) -> Option<anyhow::Error> {
    let specs = suite.tables.iter().filter(|table| names.contains(&table.name));
    specs.filter_map(|spec| spec.source.as_deref()).find_map(|source| {
        let found = Source::of(source, settings.metastore.as_deref());
        found.with_context(|| format!("table {source}")).err()
    })
}

/// Whether a query's text names a column of single precision: then its answer is right to some seven digits.
pub fn reads_single_precision(table: &Table, sql: &str) -> bool {
    Text::read(sql).may_read(table.single_precision.iter().map(String::as_str))
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

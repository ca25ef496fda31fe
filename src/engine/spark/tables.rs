//! A dataset's tables as views of a session: [`load`].
//!
//! A view of Parquet files has the list of its files from here on; what is in them is read in each run.

use std::path::Path;

use anyhow::{Context, bail};

use super::address::{Kind, Service};
use super::client::{Client, SHARED};
use super::iceberg::{self, View};
use super::{relation, s3};
use crate::engine::{Dataset, Result, Unsupported, metastore, refuse_unreadable};
use crate::protocol::dataset::Table;
use crate::protocol::location::Location;

/// The address at which the server finds the metastore, when that is not where this program finds it.
const METASTORE: &str = "SPARK_METASTORE_URI";

/// Makes every table of the dataset known to the session, whose server `spreads` its work over other machines or not.
pub(super) fn load(client: &mut Client, service: &Service, spreads: bool, dataset: &Dataset) -> Result<()> {
    let title = service.engine.title();
    if service.engine == Kind::Thunderduck {
        refuse_unreadable(dataset, false)?;
        if let Some(table) = dataset.tables.iter().find(|table| table.folders.is_some()) {
            let why = "has a column in the names of its folders, and only Spark is told so";
            bail!(Unsupported(format!("table {} {why}", table.name)));
        }
    } else if dataset.tables.iter().any(|table| table.iceberg.is_some()) {
        let metastore = metastore::seen_by_server(METASTORE);
        for (name, value) in iceberg::settings(metastore.as_deref()) {
            client.set(&name, &value)?;
        }
    }
    if dataset.tables.iter().any(|table| table.folders.is_some()) {
        // The column is a text, whatever its values look like.
        client.set("spark.sql.sources.partitionColumnTypeInference.enabled", "false")?;
    }
    let advice = if spreads { format!(" ({SHARED})") } else { String::new() };
    for table in &dataset.tables {
        view(client, service, table).with_context(|| format!("{title} cannot read table {}{advice}", table.name))?;
        client.refuse_cached(&format!("table {}", table.name), relation::table(&table.name).plan())?;
    }
    Ok(())
}

fn view(client: &mut Client, service: &Service, table: &Table) -> Result<()> {
    let Some(found) = table.iceberg.as_ref().filter(|_| service.engine == Kind::Spark) else {
        if service.engine == Kind::Spark && table.files.iter().any(Location::is_on_s3) {
            return stored(client, service, table);
        }
        let paths = table.paths()?.into_iter().map(path).collect::<Result<Vec<_>>>()?;
        let frame = match &table.folders {
            Some(folders) => relation::parquet_below(no_pattern(folders.root.to_string())?, paths),
            None => relation::parquet(paths),
        };
        return client.command(frame.create_or_replace_temp_view(&table.name));
    };
    let command = match iceberg::view(&table.name, found)? {
        View::Statement(sql) => relation::statement(&sql),
        View::File(metadata) => relation::iceberg(metadata, found.snapshot_id).create_or_replace_temp_view(&table.name),
    };
    client.command(command).map_err(|error| {
        if !iceberg::is_missing(&format!("{error:#}")) {
            return error;
        }
        Unsupported(format!(
            "the server at {} has no Iceberg among its jars: where mvn is installed, cargo xtask services up {} starts one that has",
            client.address().shown(),
            service.name
        ))
        .into()
    })
}

/// A view of objects on S3, for which the session was set up.
fn stored(client: &mut Client, service: &Service, table: &Table) -> Result<()> {
    let path = |file| no_pattern(s3::path(file, client.session())?);
    let paths = table.files.iter().map(path).collect::<Result<Vec<_>>>()?;
    client.command(relation::parquet(paths).create_or_replace_temp_view(&table.name)).map_err(|error| {
        if s3::is_missing(&format!("{error:#}")) {
            return s3::missing(&client.address().shown(), service.name).into();
        }
        error
    })
}

/// A file as Spark takes it: in a path, `*`, `?`, `[` and `{` would be a pattern's.
fn path(file: &Path) -> Result<String> {
    no_pattern(file.to_str().context("the path of a file is no text in UTF-8")?.to_owned())
}

fn no_pattern(text: String) -> Result<String> {
    let pattern = text.chars().find(|letter| "*?[]{}\\".contains(*letter));
    if let Some(letter) = pattern {
        bail!(Unsupported(format!("the path {text} has a '{letter}', which Spark takes for a pattern")));
    }
    Ok(text)
}

//! Iceberg tables on S3 over the generated tables there: [`put`] makes their metadata, [`found`] finds and plans them.
//!
//! In a bucket, or a folder in one: `<suite>/<scale>/iceberg/<table>/{metadata/.., made.json}`. The data files are those of the format
//! `s3`. `made.json` has what the store calls each object of the metadata, and is written last: a table with one is whole, and what was
//! changed since is told without reading it.

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::made::{Made, ask_to_make, planned, request};
use super::planning::Found;
use crate::host::data::generate::Store;
use crate::host::data::s3::{ask, parts};
use crate::host::settings::Settings;
use crate::host::suite::Suite;
use crate::host::variant::{ICEBERG, ICEBERG_S3, PARQUET};
use crate::protocol::dataset::{Dataset, Table};
use crate::protocol::id::Scale;
use crate::protocol::location::Location;
use crate::protocol::s3::{Access, Object, Reply, Request};

/// The file beside a table's metadata.
const FILE: &str = "made.json";

/// What lies there.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    made: Made,
    objects: Vec<Object>,
}

/// Tables of a suite at a scale.
pub(super) type Named<'a> = (&'a Suite, Scale, &'a [String]);

/// Makes the named tables over those that [`Store::upload`] has put there; those that are whole are left alone. They are registered
/// where a metastore is set.
///
/// # Errors
/// When the tables of the format `s3` are not there, or the store does not take what is made.
pub fn put(
    suite: &Suite,
    tables: &[String],
    scale: Scale,
    place: &Location,
    settings: &Settings,
    store: &Store,
) -> Result<Dataset> {
    let access = settings.s3.access()?;
    let here = store.ensure(suite, scale, PARQUET, tables)?;
    let there = store.stored(suite, scale, tables, place, access)?;
    ensure!(
        here.sha256 == there.sha256,
        "{place} has other tables of {} {scale} than this machine: remove one of them, and say this again",
        suite.name
    );
    let folder = folder(place, suite, scale);
    for ((here, there), state) in here.tables.iter().zip(&there.tables).zip(states(&folder, &there, access)?) {
        if let Err(why) = state {
            let location = folder.join(&there.name);
            log::info!("making {location}: {why}");
            make(&location, here, there, access)?;
        }
    }
    // What a second look says is what a run will say.
    found((suite, scale, tables), place, settings, store).map(|found| found.dataset)
}

/// The named tables as they are there, whole and planned.
///
/// # Errors
/// When one is not there or is not what was made: which, why, and what to do; or the store does not let us look.
pub(super) fn found(
    (suite, scale, tables): Named<'_>,
    place: &Location,
    settings: &Settings,
    store: &Store,
) -> Result<Found> {
    let access = settings.s3.access()?;
    let dataset = store.stored(suite, scale, tables, place, access)?;
    let folder = folder(place, suite, scale);
    let mut metadata = Vec::new();
    for (table, state) in dataset.tables.iter().zip(states(&folder, &dataset, access)?) {
        metadata.push(state.map_err(|why| {
            anyhow::anyhow!(
                "there is no Iceberg table {}, or it is not whole: {why}; cargo xtask data {} --scale {} --format {ICEBERG_S3} \
                 --location {place} makes it",
                folder.join(&table.name),
                suite.name,
                scale.factor()
            )
        })?);
    }
    planned(Dataset { format: ICEBERG_S3.to_owned(), ..dataset }, &metadata, settings)
}

fn folder(place: &Location, suite: &Suite, scale: Scale) -> Location {
    place.join(&suite.name).join(&scale.to_string()).join(ICEBERG)
}

/// The metadata file of each table, or why it has none.
fn states(folder: &Location, dataset: &Dataset, access: &Access) -> Result<Vec<Result<Location, String>>> {
    let mut requests = Vec::new();
    for table in &dataset.tables {
        let location = folder.join(&table.name);
        let (bucket, key) = parts(&location.join(FILE))?;
        requests.push(Request::Read { bucket, key });
        requests.push(list(&location)?);
    }
    let replies = ask(access, &requests, |_| {})?;
    let of_table = |(table, replies): (&Table, &[Reply])| match replies {
        [Reply::Read { text }, Reply::List { objects }] => Ok(state(text.as_deref(), objects, table)),
        other => bail!("querydyno-s3 replied {other:?}"),
    };
    dataset.tables.iter().zip(replies.chunks(2)).map(of_table).collect()
}

fn list(table: &Location) -> Result<Request> {
    let (bucket, key) = parts(&table.join("metadata"))?;
    Ok(Request::List { bucket, prefix: format!("{key}/") })
}

/// A table by what lies beside it and by what is there.
fn state(text: Option<&str>, objects: &[Object], table: &Table) -> Result<Location, String> {
    let text = text.ok_or_else(|| format!("it has no {FILE}"))?;
    let Ok(Stored { made, objects: wanted }) = serde_json::from_str(text) else {
        return Err(format!("its {FILE} is none of ours"));
    };
    if !made.is_of(table, None) {
        return Err("it was made of other files, or in another way".to_owned());
    }
    match wanted.iter().find(|object| !objects.contains(object)) {
        Some(object) => Err(format!("{} is not there, or is another one by now", object.key)),
        None => Ok(made.metadata),
    }
}

fn make(location: &Location, here: &Table, there: &Table, access: &Access) -> Result<()> {
    let within = || format!("cannot make the Iceberg table {location}");
    let request = request(location.clone(), (here, None), &there.files)?;
    let metadata = ask_to_make(Some(access), request).with_context(within)?;
    let Some(Reply::List { objects }) = ask(access, &[list(location)?], |_| {})?.pop() else {
        bail!("querydyno-s3 did not list {location}");
    };
    let stored = Stored { made: Made::new(there, None, metadata), objects };
    let (bucket, key) = parts(&location.join(FILE))?;
    let text = serde_json::to_string_pretty(&stored)? + "\n";
    ask(access, &[Request::Write { bucket, key, text }], |_| {}).with_context(within)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_tells_what_was_changed_in_the_store() {
        let table = Table {
            name: "t".to_owned(),
            files: vec!["s3://bench/t/0.parquet".parse().unwrap()],
            sha256: "a".to_owned(),
            ..Table::default()
        };
        let metadata: Location = "s3://bench/i/t/metadata/00001-a.metadata.json".parse().unwrap();
        let object = Object { key: "i/t/metadata/snap-1.avro".to_owned(), bytes: 7, etag: Some("e1".to_owned()) };
        let stored = Stored { made: Made::new(&table, None, metadata.clone()), objects: vec![object.clone()] };
        let text = serde_json::to_string(&stored).unwrap();
        let told = |text, objects: &[Object], table: &Table| state(text, objects, table);
        assert_eq!(told(Some(&text), std::slice::from_ref(&object), &table), Ok(metadata));
        assert!(told(None, &[], &table).unwrap_err().contains("no made.json"));
        assert!(told(Some("{}"), &[], &table).unwrap_err().contains("none of ours"));
        let newer = Object { etag: Some("e2".to_owned()), ..object.clone() };
        for objects in [&[][..], &[newer]] {
            assert!(
                told(Some(&text), objects, &table).unwrap_err().contains("snap-1.avro is not there, or is another")
            );
        }
        let other = Table { sha256: "b".to_owned(), ..table };
        assert!(told(Some(&text), &[object], &other).unwrap_err().contains("other files"));
    }
}

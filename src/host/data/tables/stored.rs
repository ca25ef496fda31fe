//! Tables on S3 that were there before us: an object, all Parquet objects of a folder, or those that a pattern means.
//!
//! What is known of a table is in the [`Footers`] of its files, which are fetched into files of the same length that hold nothing else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use super::files::{Files, folder_caution, is_named_parquet};
use super::footers;
use super::foreign::{LOGS, Log, logged};
use super::metadata::newest;
use super::steps::{Steps, is_hidden};
use crate::host::checksum::sha256;
use crate::host::data::s3::{ask, parts};
use crate::host::paths;
use crate::host::scratch;
use crate::protocol::dataset::Table;
use crate::protocol::location::Location;
use crate::protocol::s3::{Access, Object, Reply, Request};

/// The table at this place.
///
/// # Errors
/// When there is no Parquet object, or one that is none; or the store does not let us look.
pub(super) fn table(name: &str, place: &Location, access: &Access) -> Result<Table> {
    let (bucket, key) = parts(place)?;
    let (base, objects) = meant(place, access)?;
    let file = |object: &Object| Location::S3 { bucket: bucket.clone(), key: object.key.clone() };
    let fetched = Footers::fetch(objects.iter().map(|object| (file(object), object.bytes)), access)?;
    let files = objects.iter().map(|object| Ok(fetched.path(&file(object))?.to_owned()));
    let keys: Vec<PathBuf> = objects.iter().map(|object| PathBuf::from(&object.key)).collect();
    let cautions = folder_caution(Path::new(&base), &keys).into_iter().collect();
    let files = Files { paths: files.collect::<Result<_>>()?, cautions };
    let found = footers::table(name, files).with_context(|| format!("of the objects at s3://{bucket}/{key}"))?;
    let print = |object: &Object| format!("s3://{bucket}/{} {} {:?}\n", object.key, object.bytes, object.etag);
    Ok(Table {
        sha256: sha256(objects.iter().map(print).collect::<String>()),
        files: objects.iter().map(file).collect(),
        ..found
    })
}

/// Where the footers of files are on this machine: of objects on S3 a copy that goes with this, of a file here the file itself.
pub(super) struct Footers {
    copies: BTreeMap<Location, PathBuf>,
    _folder: Option<TempDir>,
}

impl Footers {
    /// Of objects on S3 and their lengths; of all other files there is nothing to fetch.
    ///
    /// # Errors
    /// When one of them is no Parquet object, or the store does not let us look.
    pub(super) fn fetch(files: impl IntoIterator<Item = (Location, u64)>, access: &Access) -> Result<Self> {
        let folder = scratch::folder(&paths::own("scratch"))?;
        let (mut copies, mut requests) = (BTreeMap::new(), Vec::new());
        for (location, bytes) in files {
            let (bucket, key) = parts(&location)?;
            let file = folder.path().join(format!("{:06}.parquet", requests.len()));
            requests.push(Request::Footer { bucket, key, bytes, file: file.clone() });
            copies.insert(location, file);
        }
        ask(access, &requests, |_| {})?;
        Ok(Self { copies, _folder: Some(folder) })
    }

    /// Of files that are all on this machine.
    pub(super) fn here() -> Self {
        Self { copies: BTreeMap::new(), _folder: None }
    }

    /// The file that has the footer of this one.
    ///
    /// # Errors
    /// When it is on S3 and was not fetched.
    pub(super) fn path<'a>(&'a self, of: &'a Location) -> Result<&'a Path> {
        match self.copies.get(of) {
            Some(copy) => Ok(copy),
            None => Ok(of.local()?),
        }
    }
}

/// The folder that was named, or that of what was named, and the objects of a table in the order of their keys. An object or a folder whose
/// name looks like a pattern is taken as it is named.
fn meant(place: &Location, access: &Access) -> Result<(String, Vec<Object>)> {
    let (bucket, key) = parts(place)?;
    let folder = format!("{}/", key.trim_end_matches('/')).trim_start_matches('/').to_owned();
    let plain = key.split(['*', '?', '[']).next().unwrap_or_default();
    let is_pattern = plain.len() < key.len();
    let may_be_object = is_named_parquet(Path::new(&key)) && !key.ends_with('/');
    let prefix = if is_pattern || may_be_object { plain } else { &folder }.to_owned();
    let list = Request::List { bucket: bucket.clone(), prefix };
    let Some(Reply::List { mut objects }) = ask(access, &[list], |_| {})?.pop() else {
        bail!("querydyno-s3 did not list {place}");
    };
    let base = if may_be_object && objects.iter().any(|object| object.key == key) {
        objects.retain(|object| object.key == key);
        folder_of(&key)
    } else if is_pattern && !objects.iter().any(|object| object.key.starts_with(&folder)) {
        let logs = logs(&bucket, folder_of(plain), &objects, access);
        let (base, steps) = Steps::of(Path::new(&key)).with_context(|| format!("{place}"))?;
        objects.retain(|object| Path::new(&object.key).strip_prefix(&base).is_ok_and(|path| steps.matches(path)));
        refuse_logged(&bucket, &logs, &objects)?;
        folder_of(plain)
    } else {
        let logs = logs(&bucket, &folder, &objects, access);
        let metadata = objects.iter().filter_map(|object| object.key.strip_prefix(&folder)?.strip_prefix("metadata/"));
        if let Some(newest) = newest(metadata) {
            let file = place.join("metadata").join(newest);
            bail!(
                "{place} is an Iceberg table, whose metadata tell which of its Parquet files count: give its metadata file, \
                 which by their names is {file}"
            );
        }
        let is_data = |path: &str| is_named_parquet(Path::new(path)) && !path.split('/').any(is_hidden);
        objects.retain(|object| object.key.strip_prefix(&folder).is_some_and(is_data));
        refuse_logged(&bucket, &logs, &objects)?;
        &folder
    };
    ensure!(
        !objects.is_empty(),
        "there are no Parquet files {place}: give an object, a folder or a pattern such as s3://bucket/data/*.parquet"
    );
    Ok((base.to_owned(), objects))
}

/// Tables of other formats: their folders, and their logs among these objects and in the folders above.
fn logs(bucket: &str, folder: &str, objects: &[Object], access: &Access) -> Vec<(PathBuf, Log)> {
    let list = |folder: &Path, name: &str| Request::List {
        bucket: bucket.to_owned(),
        prefix: format!("{}/", folder.join(name).display()),
    };
    let above = Path::new(folder).ancestors().flat_map(|folder| LOGS.map(|(name, _)| list(folder, name)));
    // Who may list the table's folder alone sees no log above it.
    let replies = ask(access, &above.collect::<Vec<_>>(), |_| {}).unwrap_or_default();
    let found =
        replies.iter().filter_map(|reply| if let Reply::List { objects } = reply { Some(objects) } else { None });
    let of = |key: &str, log: Log| {
        let table = Path::new(key).ancestors().skip(1).find(|folder| folder.ends_with(log.0))?.parent()?;
        Some((table.to_owned(), log))
    };
    found
        .flatten()
        .chain(objects)
        .flat_map(|object| LOGS.into_iter().filter_map(move |log| of(&object.key, log)))
        .collect()
}

/// Refuses objects that lie in such a table.
fn refuse_logged(bucket: &str, logs: &[(PathBuf, Log)], objects: &[Object]) -> Result<()> {
    let holds = |table: &Path| objects.iter().any(|object| Path::new(&object.key).starts_with(table));
    match logs.iter().find(|(table, _)| holds(table)) {
        Some((table, log)) => Err(logged(format_args!("s3://{bucket}/{}", table.display()), *log)),
        None => Ok(()),
    }
}

/// The folder of a key, without its slash.
fn folder_of(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(folder, _)| folder)
}

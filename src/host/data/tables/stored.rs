//! Tables on S3 that were there before us: an object, all Parquet objects of a folder, or those that a pattern means.
//!
//! What is known of a table is in the footers of its files, which are fetched into files of the same length that hold nothing else.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use super::files::{Files, is_named_parquet};
use super::footers;
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
    let objects = meant(place, access)?;
    let folder = scratch::folder(&paths::own("scratch"))?;
    let path = |number: usize| folder.path().join(format!("{number:06}.parquet"));
    let footer = |(number, object): (usize, &Object)| Request::Footer {
        bucket: bucket.clone(),
        key: object.key.clone(),
        bytes: object.bytes,
        file: path(number),
    };
    ask(access, &objects.iter().enumerate().map(footer).collect::<Vec<_>>(), |_| {})?;
    let files = Files { paths: (0..objects.len()).map(path).collect(), cautions: Vec::new() };
    let found = footers::table(name, files).with_context(|| format!("of the objects at s3://{bucket}/{key}"))?;
    let print = |object: &Object| format!("s3://{bucket}/{} {} {:?}\n", object.key, object.bytes, object.etag);
    Ok(Table {
        sha256: sha256(objects.iter().map(print).collect::<String>()),
        files: objects.iter().map(|object| Location::S3 { bucket: bucket.clone(), key: object.key.clone() }).collect(),
        ..found
    })
}

/// The objects of a table, in the order of their keys.
fn meant(place: &Location, access: &Access) -> Result<Vec<Object>> {
    let (bucket, key) = parts(place)?;
    let plain = key.split(['*', '?', '[']).next().unwrap_or_default();
    let is_pattern = plain.len() < key.len();
    let prefix = if is_pattern || is_named_parquet(Path::new(&key)) {
        plain.to_owned()
    } else {
        format!("{}/", key.trim_end_matches('/')).trim_start_matches('/').to_owned()
    };
    let Some(Reply::List { objects }) = ask(access, &[Request::List { bucket, prefix: prefix.clone() }], |_| {})?.pop()
    else {
        bail!("querydyno-s3 did not list {place}");
    };
    let pattern = is_pattern.then(|| glob::Pattern::new(&key)).transpose().with_context(|| format!("{place}"))?;
    // As in a shell, a star means no slash.
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::default() };
    let is_meant = |object: &Object| match &pattern {
        Some(pattern) => pattern.matches_with(&object.key, options),
        None if prefix == key => object.key == key,
        None => {
            let below = object.key.strip_prefix(&prefix).unwrap_or(&object.key);
            is_named_parquet(Path::new(&object.key)) && !below.split('/').any(|name| name.starts_with(['_', '.']))
        }
    };
    let objects: Vec<Object> = objects.into_iter().filter(is_meant).collect();
    ensure!(
        !objects.is_empty(),
        "there are no Parquet files {place}: give an object, a folder or a pattern such as s3://bucket/data/*.parquet"
    );
    Ok(objects)
}

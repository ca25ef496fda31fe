//! Generated tables on S3: [`Store::upload`] puts those of this machine there, [`Store::stored`] finds them again.
//!
//! In a bucket, or a folder in one: `<suite>/<scale>/parquet/<table>/{part-000.parquet, .., manifest.json}`. The manifest is that of
//! the files here, with what the store calls the content of each object. It is written last: a table with one is whole. What was changed since is
//! told by sizes and by those names, without reading a byte.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::check;
use super::manifest::{self, Manifest, TableOrigin};
use super::store::{Store, checksum_of, layout};
use crate::host::data::s3::{ask, parts};
use crate::host::interrupt;
use crate::host::progress::{Unit, Work};
use crate::host::suite::Suite;
use crate::host::variant::{PARQUET, S3};
use crate::protocol::dataset::{Dataset, Table};
use crate::protocol::id::Scale;
use crate::protocol::location::Location;
use crate::protocol::s3::{Access, Object, Reply, Request};
use crate::protocol::units::Bytes;

/// What lies beside a table's objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    manifest: Manifest,
    /// By the names of the files.
    etags: BTreeMap<String, String>,
}

/// What became of a table there.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Whole(Manifest),
    Missing,
    /// There, and not usable; says why.
    Broken(String),
}

/// What an upload did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Uploaded {
    /// Objects that were sent, manifests not among them.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Store {
    /// The named tables as they are on S3, whole.
    ///
    /// # Errors
    /// When one is not there or is not what its manifest says: which, why, and what to do; or the store does not let us look.
    pub fn stored(
        &self,
        suite: &Suite,
        scale: Scale,
        tables: &[String],
        place: &Location,
        access: &Access,
    ) -> Result<Dataset> {
        let origins = self.origins(suite, scale, tables)?;
        let folder = folder(place, suite, scale);
        let mut whole = Vec::new();
        for (origin, state) in origins.iter().zip(states(&folder, &origins, access)?) {
            let table = folder.join(&origin.table);
            let advice = format!("cargo xtask data {} --scale {} --location {place}", suite.name, scale.factor());
            match state {
                State::Whole(manifest) => whole.push(manifest),
                State::Missing => bail!("there is no table {table}: {advice} puts it there"),
                State::Broken(why) => bail!("{table} is not whole: {why}; {advice} puts it there again"),
            }
        }
        let table = |manifest: &Manifest| {
            let name = &manifest.origin.table;
            let files = manifest.files.iter().map(|file| folder.join(name).join(&file.name));
            Table {
                name: name.clone(),
                rows: manifest.rows,
                files: files.collect(),
                sha256: checksum_of([manifest]),
                keys: suite.keys(name),
                ..Table::default()
            }
        };
        Ok(Dataset {
            suite: suite.name.clone(),
            scale,
            format: S3.to_owned(),
            sha256: checksum_of(&whole),
            layout: layout(suite)?,
            generated: true,
            tables: whole.iter().map(table).collect(),
        })
    }

    /// Puts the named tables there, which are made here first if need be; those that are there and whole are left alone. Says what was sent.
    ///
    /// # Errors
    /// As [`ensure`](Self::ensure) and [`stored`](Self::stored), and when the store does not take them: what was sent is then no table yet.
    pub fn upload(
        &self,
        suite: &Suite,
        scale: Scale,
        tables: &[String],
        place: &Location,
        access: &Access,
    ) -> Result<Uploaded> {
        let here = self.manifests(suite, scale, tables)?;
        let origins: Vec<TableOrigin> = here.iter().map(|(_, manifest)| manifest.origin.clone()).collect();
        let folder = folder(place, suite, scale);
        let states = states(&folder, &origins, access)?;
        let missing: Vec<_> = here.iter().zip(states).filter(|(_, state)| !matches!(state, State::Whole(_))).collect();
        let mut uploaded = Uploaded::default();
        if missing.is_empty() {
            return Ok(uploaded);
        }
        let bytes = missing.iter().flat_map(|((_, manifest), _)| &manifest.files).map(|file| file.bytes).sum();
        log::info!("uploading {} tables, {}, to {folder}", missing.len(), Bytes(bytes));
        let work = Work::begin(Unit::Bytes, bytes, "uploading");
        for ((from, manifest), state) in missing {
            interrupt::check()?;
            let table = &manifest.origin.table;
            if let State::Broken(why) = state {
                log::info!("uploading {} {scale} {table} again: {why}", suite.name);
            }
            work.now(table);
            let to = folder.join(table);
            let mut requests = Vec::new();
            for file in &manifest.files {
                let (bucket, key) = parts(&to.join(&file.name))?;
                requests.push(Request::Upload { bucket, key, file: from.join(&file.name) });
            }
            requests.push(list(&to)?);
            let Some(Reply::List { objects }) = ask(access, &requests, |bytes| work.done(bytes))?.pop() else {
                bail!("querydyno-s3 did not list {to}");
            };
            let stored = Stored { manifest: manifest.clone(), etags: etags(manifest, &objects)? };
            let (bucket, key) = parts(&to.join(manifest::FILE))?;
            let text = serde_json::to_string_pretty(&stored)? + "\n";
            ask(access, &[Request::Write { bucket, key, text }], |_| {})?;
            uploaded.objects += manifest.files.len();
            uploaded.bytes += manifest.files.iter().map(|file| file.bytes).sum::<u64>();
        }
        drop(work);
        // What a second look says is what a run will say.
        self.stored(suite, scale, tables, place, access)?;
        Ok(uploaded)
    }
}

fn folder(place: &Location, suite: &Suite, scale: Scale) -> Location {
    place.join(&suite.name).join(&scale.to_string()).join(PARQUET)
}

/// How each table is there.
fn states(folder: &Location, origins: &[TableOrigin], access: &Access) -> Result<Vec<State>> {
    let mut requests = Vec::new();
    for origin in origins {
        let table = folder.join(&origin.table);
        let (bucket, key) = parts(&table.join(manifest::FILE))?;
        requests.push(Request::Read { bucket, key });
        requests.push(list(&table)?);
    }
    let replies = ask(access, &requests, |_| {})?;
    let of_table = |(origin, replies): (&TableOrigin, &[Reply])| match replies {
        [Reply::Read { text: None }, _] => Ok(State::Missing),
        [Reply::Read { text: Some(text) }, Reply::List { objects }] => Ok(state(text, objects, origin)),
        other => bail!("querydyno-s3 replied {other:?}"),
    };
    origins.iter().zip(replies.chunks(2)).map(of_table).collect()
}

fn list(table: &Location) -> Result<Request> {
    let (bucket, key) = parts(table)?;
    Ok(Request::List { bucket, prefix: format!("{key}/") })
}

/// What the store calls each file's content, where it has all of it.
fn etags(manifest: &Manifest, found: &[Object]) -> Result<BTreeMap<String, String>> {
    let found = by_name(found);
    let mut etags = BTreeMap::new();
    for file in &manifest.files {
        let object =
            found.get(file.name.as_str()).with_context(|| format!("{} was sent and is not there", file.name))?;
        ensure!(
            object.bytes == file.bytes,
            "{} was sent with {} bytes and has {} there: does another program write there?",
            object.key,
            file.bytes,
            object.bytes
        );
        etags.extend(object.etag.clone().map(|etag| (file.name.clone(), etag)));
    }
    Ok(etags)
}

fn by_name(objects: &[Object]) -> BTreeMap<&str, &Object> {
    objects.iter().map(|object| (object.key.rsplit('/').next().unwrap_or(&object.key), object)).collect()
}

/// A table by its manifest and by what is there.
fn state(text: &str, objects: &[Object], wanted: &TableOrigin) -> State {
    let Ok(Stored { manifest, etags }) = serde_json::from_str::<Stored>(text) else {
        return State::Broken(format!("its {} is none of ours", manifest::FILE));
    };
    if manifest.origin != *wanted {
        return State::Broken(check::difference(&manifest.origin, wanted));
    }
    let found = by_name(objects);
    for file in &manifest.files {
        let name = file.name.as_str();
        match found.get(name) {
            None => return State::Broken(format!("{name} is not there")),
            Some(object) if object.bytes != file.bytes => {
                return State::Broken(format!("{name} has {} bytes instead of {}", object.bytes, file.bytes));
            }
            Some(object) if object.etag.is_some() && object.etag.as_ref() != etags.get(name) => {
                return State::Broken(format!("{name} was overwritten: its ETag is another"));
            }
            Some(_) => {}
        }
    }
    let names: BTreeSet<&str> = manifest.files.iter().map(|file| file.name.as_str()).collect();
    // Some readers take a folder for a table.
    let stranger = found.keys().find(|name| name.ends_with(".parquet") && !names.contains(*name));
    stranger.map_or(State::Whole(manifest.clone()), |name| {
        State::Broken(format!("{name} is there too, and is not part of it: remove it"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::manifest::FileEntry;
    use super::*;

    fn stored() -> (Stored, Vec<Object>) {
        let origin = TableOrigin {
            generator: "g 1".to_owned(),
            layout: "l".to_owned(),
            suite: "w".to_owned(),
            scale: Scale::ONE,
            table: "t".to_owned(),
            source: None,
        };
        let name = "part-000.parquet".to_owned();
        let file = FileEntry { name: name.clone(), rows: 1, bytes: 7, sha256: "a".to_owned(), modified_ns: 0 };
        let stored = Stored { manifest: Manifest::new(origin, vec![file]), etags: [(name, "e1".to_owned())].into() };
        let object = Object { key: "x/t/part-000.parquet".to_owned(), bytes: 7, etag: Some("e1".to_owned()) };
        (stored, vec![object])
    }

    #[test]
    fn state_tells_what_was_changed_in_the_store() {
        let (stored, objects) = stored();
        let text = serde_json::to_string(&stored).unwrap();
        let origin = &stored.manifest.origin;
        assert_eq!(state(&text, &objects, origin), State::Whole(stored.manifest.clone()));
        let told = |change: fn(&mut Vec<Object>)| {
            let mut objects = objects.clone();
            change(&mut objects);
            match state(&text, &objects, origin) {
                State::Broken(why) => why,
                other => panic!("{other:?}"),
            }
        };
        assert!(told(|objects| objects[0].bytes = 6).contains("6 bytes instead of 7"));
        assert!(told(|objects| objects[0].etag = Some("e2".to_owned())).contains("overwritten"));
        assert!(told(Vec::clear).contains("not there"));
        assert!(
            told(|objects| objects.push(Object { key: "x/t/b.parquet".to_owned(), ..objects[0].clone() }))
                .contains("b.parquet")
        );
        let newer = TableOrigin { generator: "g 2".to_owned(), ..origin.clone() };
        assert!(matches!(state(&text, &objects, &newer), State::Broken(why) if why.contains("g 2")));
        assert!(matches!(state("{}", &objects, origin), State::Broken(why) if why.contains("none of ours")));
    }
}

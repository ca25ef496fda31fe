//! The [`Store`]: where data lives, and the ways to it, [`Store::ensure`], [`Store::ensure_monthly`] and [`Store::ensure_by_category`].
//!
//! This file only decides what has to be done; checking is in `check`, making in `generate` and `dealt`.
//! On disk: `<root>/<suite>/<scale>/<format>/<table>/{manifest.json, part-000.parquet, ..}`, with the format `parquet`;
//! `parquet-monthly` and `part-1992-01.parquet, ..`; or `parquet-by-category` and `category=tech/part-000.parquet, ..`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};

use super::check::{self, State};
use super::dealt::{self, By, Task};
use super::manifest::{Manifest, TableOrigin};
use super::{generator_of, parquet, staging, workers};
use crate::host::checksum::sha256;
use crate::host::lock::Lock;
use crate::host::suite::Suite;
use crate::host::variant::PARQUET_BY_CATEGORY;
use crate::protocol::dataset::{Dataset, Folders, Table};
use crate::protocol::id::Scale;
use crate::protocol::location::Location;

/// The only format that is made so far; a second one is a second writer beside `parquet.rs`.
const FORMAT: &str = "parquet";

/// A folder of generated data that checks and repairs itself.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    threads: usize,
}

impl Store {
    /// The store in the folder `root`, which need not exist yet; generates on all cores.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), threads: std::thread::available_parallelism().map_or(1, usize::from) }
    }

    /// The same store, generating on `threads` threads; the data is the same for any number.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    /// The folder that holds the tables of one suite, scale and format.
    pub fn folder(&self, suite: &str, scale: Scale, format: &str) -> PathBuf {
        self.root.join(suite).join(scale.to_string()).join(format)
    }

    /// Gives exactly the named tables, checked; makes what is missing, outdated or broken.
    ///
    /// Says nothing when all is there; otherwise progress goes to stderr. Processes that ask at once share
    /// one generation. A file is taken for whole when its size and modification time are the recorded ones;
    /// with another modification time its checksum decides.
    ///
    /// # Errors
    /// A suite, format or table that does not exist, a full disk, a file that cannot be read or written,
    /// or an interrupt (Ctrl-C). What was half made is removed.
    pub fn ensure(&self, suite: &Suite, scale: Scale, format: &str, tables: &[String]) -> anyhow::Result<Dataset> {
        ensure!(format == FORMAT, "there is no format '{format}' for {}: use '{FORMAT}'", suite.name);
        let generated = self.generated(suite, scale, tables)?;
        Ok(dataset(suite, scale, layout(suite)?, &generated))
    }

    /// The same tables, those that declare a [`partition`](crate::host::suite::TableSpec::partition) in one file a month; the
    /// files of the others are those that [`ensure`](Self::ensure) gives. The generated files are made first, and stay.
    ///
    /// # Errors
    /// As [`ensure`](Self::ensure); and when the declared column is none of dates, or has a NULL.
    pub fn ensure_monthly(&self, suite: &Suite, scale: Scale, tables: &[String]) -> anyhow::Result<Dataset> {
        let (layout, found) = self.dealt(suite, scale, tables, By::Month)?;
        Ok(dataset(suite, scale, layout, &found))
    }

    /// The same tables, those that declare a [`category`](crate::host::suite::TableSpec::category) in one folder for each of its
    /// values, without that column in the files. The generated files are made first, and stay.
    ///
    /// # Errors
    /// As [`ensure`](Self::ensure); and when the declared column is none of texts, or has a NULL or a text that names no folder.
    pub fn ensure_by_category(&self, suite: &Suite, scale: Scale, tables: &[String]) -> anyhow::Result<Dataset> {
        let (layout, found) = self.dealt(suite, scale, tables, By::Value)?;
        let mut dataset = Dataset { format: PARQUET_BY_CATEGORY.to_owned(), ..dataset(suite, scale, layout, &found) };
        for (table, kept) in dataset.tables.iter_mut().zip(&found) {
            let folders = |column: &str| Folders { column: column.to_owned(), root: kept.folder.clone().into() };
            table.folders = suite.category(&table.name).map(folders);
        }
        Ok(dataset)
    }

    /// The tables, those that declare it dealt out to other files, and their layout.
    fn dealt(&self, suite: &Suite, scale: Scale, tables: &[String], by: By) -> anyhow::Result<(String, Vec<Kept>)> {
        let found = self.generated(suite, scale, tables)?;
        let tasks: Vec<Task> = found.iter().filter_map(|source| task(source, suite, by)).collect();
        let request = Request {
            folder: self.absolute(suite, scale, by.folder())?,
            origins: tasks.iter().map(|task| task.origin.clone()).collect(),
        };
        let made = request.kept(|missing| {
            let wanted: Vec<&Task> = tasks.iter().filter(|task| missing.contains(&task.origin)).collect();
            dealt::tables(&request.folder, by, &wanted)
        })?;
        let of_tables: String = tasks.iter().map(|task| by.of_table(&task.origin.table, task.column)).collect();
        Ok((layout(suite)? + &of_tables, in_place(found, made)))
    }

    /// The checksum and the layout that [`ensure`](Self::ensure) would give, without making or reading any data: no checksum where
    /// a table is not there.
    ///
    /// # Errors
    /// A suite or a table that does not exist.
    pub(crate) fn known(
        &self,
        suite: &Suite,
        scale: Scale,
        tables: &[String],
    ) -> anyhow::Result<(Option<String>, String)> {
        let known = self.request(suite, scale, tables)?.known();
        Ok((known.map(|all| checksum(&all)), layout(suite)?))
    }

    /// The same of [`ensure_monthly`](Self::ensure_monthly).
    ///
    /// # Errors
    /// As [`known`](Self::known).
    pub(crate) fn known_monthly(
        &self,
        suite: &Suite,
        scale: Scale,
        tables: &[String],
    ) -> anyhow::Result<(Option<String>, String)> {
        self.known_dealt(suite, scale, tables, By::Month)
    }

    /// The same of [`ensure_by_category`](Self::ensure_by_category).
    ///
    /// # Errors
    /// As [`known`](Self::known).
    pub(crate) fn known_by_category(
        &self,
        suite: &Suite,
        scale: Scale,
        tables: &[String],
    ) -> anyhow::Result<(Option<String>, String)> {
        self.known_dealt(suite, scale, tables, By::Value)
    }

    fn known_dealt(
        &self,
        suite: &Suite,
        scale: Scale,
        tables: &[String],
        by: By,
    ) -> anyhow::Result<(Option<String>, String)> {
        let mut whole = layout(suite)?;
        for table in in_order(suite, tables)? {
            whole += &by.column(suite, table).map(|column| by.of_table(table, column)).unwrap_or_default();
        }
        let Some(found) = self.request(suite, scale, tables)?.known() else { return Ok((None, whole)) };
        let origins = found.iter().filter_map(|source| Some(task(source, suite, by)?.origin)).collect();
        let made = Request { folder: self.absolute(suite, scale, by.folder())?, origins }.known();
        Ok((made.map(|made| checksum(&in_place(found, made))), whole))
    }

    /// What the named tables shall be.
    pub(super) fn origins(&self, suite: &Suite, scale: Scale, tables: &[String]) -> anyhow::Result<Vec<TableOrigin>> {
        Ok(self.request(suite, scale, tables)?.origins)
    }

    /// The named tables on this machine, made if need be: each by its folder and its manifest.
    pub(super) fn manifests(
        &self,
        suite: &Suite,
        scale: Scale,
        tables: &[String],
    ) -> anyhow::Result<Vec<(PathBuf, Manifest)>> {
        let kept = self.generated(suite, scale, tables)?;
        Ok(kept.into_iter().map(|Kept { folder, manifest }| (folder, manifest)).collect())
    }

    fn generated(&self, suite: &Suite, scale: Scale, tables: &[String]) -> anyhow::Result<Vec<Kept>> {
        let generator = generator_of(suite)?;
        let request = self.request(suite, scale, tables)?;
        request.kept(|missing| workers::tables(generator, &request.folder, self.threads, missing))
    }

    fn request(&self, suite: &Suite, scale: Scale, tables: &[String]) -> anyhow::Result<Request> {
        let generator = generator_of(suite)?;
        let origin = |table: &str| TableOrigin {
            generator: generator.version().to_owned(),
            layout: parquet::layout(),
            suite: suite.name.clone(),
            scale,
            table: table.to_owned(),
            source: None,
        };
        Ok(Request {
            origins: in_order(suite, tables)?.into_iter().map(origin).collect(),
            folder: self.absolute(suite, scale, FORMAT)?,
        })
    }

    fn absolute(&self, suite: &Suite, scale: Scale, format: &str) -> anyhow::Result<PathBuf> {
        let folder = std::path::absolute(self.folder(&suite.name, scale, format));
        folder.with_context(|| format!("cannot make {} absolute", self.root.display()))
    }
}

/// A generated table that is to be dealt out, if it declares by what.
fn task<'a>(source: &Kept, suite: &'a Suite, by: By) -> Option<Task<'a>> {
    let column = by.column(suite, source.name())?;
    let manifest = &source.manifest;
    let origin = TableOrigin { layout: by.layout(column), source: Some(checksum([source])), ..manifest.origin.clone() };
    let bytes = manifest.files.iter().map(|file| file.bytes).sum();
    Some(Task { origin, column, files: source.files(), rows: manifest.rows, bytes })
}

/// A table that is there and whole.
struct Kept {
    folder: PathBuf,
    manifest: Manifest,
}

impl Kept {
    fn name(&self) -> &str {
        &self.manifest.origin.table
    }

    fn files(&self) -> Vec<PathBuf> {
        self.manifest.files.iter().map(|file| self.folder.join(&file.name)).collect()
    }
}

/// Tables that are wanted in a folder, and what they shall be.
struct Request {
    folder: PathBuf,
    origins: Vec<TableOrigin>,
}

impl Request {
    /// The tables, in their order; `make` is called for those that are missing or broken.
    fn kept(&self, make: impl FnOnce(&[TableOrigin]) -> anyhow::Result<()>) -> anyhow::Result<Vec<Kept>> {
        // Complete data is used without the lock: nothing is written, so a read-only folder will do.
        match self.whole() {
            Some(kept) if !staging::left_behind(&self.folder) => Ok(kept),
            _ => self.repair(make),
        }
    }

    /// All tables, when sizes and modification times say that nothing was touched.
    fn whole(&self) -> Option<Vec<Kept>> {
        let quick = |origin: &TableOrigin| {
            let folder = self.folder.join(&origin.table);
            let State::Whole(manifest) = check::quick(&folder, origin) else { return None };
            Some(Kept { folder, manifest })
        };
        self.origins.iter().map(quick).collect()
    }

    /// All tables as they are or would be made again: what was touched and is no longer what its manifest says is made anew.
    fn known(&self) -> Option<Vec<Kept>> {
        let quick = |origin: &TableOrigin| {
            let folder = self.folder.join(&origin.table);
            match check::quick(&folder, origin) {
                State::Whole(manifest) | State::Touched(manifest, _) => Some(Kept { folder, manifest }),
                State::Broken(_) | State::Missing => None,
            }
        };
        self.origins.iter().map(quick).collect()
    }

    /// Takes the lock and makes what really is missing or broken.
    fn repair(&self, make: impl FnOnce(&[TableOrigin]) -> anyhow::Result<()>) -> anyhow::Result<Vec<Kept>> {
        fs::create_dir_all(&self.folder).with_context(|| {
            format!("cannot make {}; set QUERYDYNO_DATA to a folder that can be written", self.folder.display())
        })?;
        let _lock = Lock::wait(&self.folder, "makes data")?;
        staging::sweep(&self.folder)?;

        let mut missing = Vec::new();
        for origin in &self.origins {
            let TableOrigin { suite, scale, table, .. } = origin;
            match check::thorough(&self.folder.join(table), origin)? {
                State::Whole(_) => continue,
                State::Missing => {}
                State::Touched(_, why) | State::Broken(why) => {
                    log::info!("making {suite} {scale} {table} again: {why}");
                }
            }
            missing.push(origin.clone());
        }
        if !missing.is_empty() {
            make(&missing)?;
        }

        self.whole().with_context(|| {
            format!("{} changed while it was being made; is another program writing there?", self.folder.display())
        })
    }
}

/// Those tables that are `made` anew in place of the generated ones.
fn in_place(mut found: Vec<Kept>, made: Vec<Kept>) -> Vec<Kept> {
    for table in made {
        if let Some(place) = found.iter_mut().find(|source| source.name() == table.name()) {
            *place = table;
        }
    }
    found
}

/// Generator and layout of a suite's generated tables, in one line.
pub(super) fn layout(suite: &Suite) -> anyhow::Result<String> {
    Ok(format!("{}, {}", generator_of(suite)?.version(), parquet::layout()))
}

/// What an engine program is told of these tables.
fn dataset(suite: &Suite, scale: Scale, layout: String, tables: &[Kept]) -> Dataset {
    let table = |kept: &Kept| Table {
        name: kept.name().to_owned(),
        rows: kept.manifest.rows,
        files: kept.files().into_iter().map(Location::from).collect(),
        sha256: checksum([kept]),
        keys: suite.keys(kept.name()),
        ..Table::default()
    };
    Dataset {
        suite: suite.name.clone(),
        scale,
        format: FORMAT.to_owned(),
        sha256: checksum(tables),
        layout,
        generated: true,
        tables: tables.iter().map(table).collect(),
    }
}

fn checksum<'a>(tables: impl IntoIterator<Item = &'a Kept>) -> String {
    checksum_of(tables.into_iter().map(|kept| &kept.manifest))
}

/// Over the checksums of all files.
pub(super) fn checksum_of<'a>(tables: impl IntoIterator<Item = &'a Manifest>) -> String {
    let files = tables.into_iter().flat_map(|manifest| &manifest.files);
    sha256(files.map(|file| file.sha256.as_str()).collect::<String>())
}

/// The wanted tables in the suite's order, each once.
fn in_order<'a>(suite: &'a Suite, wanted: &[String]) -> anyhow::Result<Vec<&'a str>> {
    let mut known: Vec<&str> = suite.tables.iter().map(|table| table.name.as_str()).collect();
    if let Some(stranger) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("there is no table '{stranger}' in {}: it has {}", suite.name, known.join(", "));
    }
    known.retain(|name| wanted.iter().any(|wanted| wanted == name));
    Ok(known)
}

//! An engine's own shared library, made by its makers and linked into its program: DuckDB's, out of its wheel.
//!
//! The main types are [`Pinned`], what `fixtures/engines.toml` says of it, and [`Library`], a folder with the library and
//! what goes with it. A wheel's library is kept in the target folder, unpacked and otherwise untouched, under a name
//! that has its version and checksum; a folder that is there is whole. What this is not: the linking, see [`Library::link`],
//! which cargo does.
//!
//! `cargo xtask build duckdb` fetches it.

mod client;
mod elf;
mod fetch;
mod page;
mod pip;
mod place;
mod stub;
#[cfg(test)]
mod tests;
mod url;
mod zip;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::host::checksum::sha256;
use crate::host::lock::Lock;
use crate::host::scratch;
use crate::host::settings::DuckDbFrom;
use crate::host::space;
use crate::protocol::units::Bytes;
use client::Client;
pub(crate) use client::INSTALL as INSTALL_CLIENT;
use elf::Object;
use fetch::Fetch;
pub(crate) use fetch::NotToBeHad;
use pip::Pip;

/// As the linker looks for it.
const FILE: &str = "libduckdb.so";
/// Written into a folder: what the library is.
const FACTS: &str = "library.json";
/// A folder of the user's own with a library in it; the crate's own name for it.
pub(crate) const FOLDER: &str = "DUCKDB_LIB_DIR";
/// While it is unpacked there are the wheel, the library, and the copies that the crate and cargo make of it.
const COPIES: u64 = 12;

/// Which library, for which machines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// What the package index calls the package that it is in.
    pub package: String,
    /// Its version.
    pub version: String,
    /// What it takes to compile the engine instead, in minutes of CPU time.
    pub source_cpu_minutes: u32,
    /// By machine, as Rust calls it: `x86_64`.
    pub wheels: BTreeMap<String, Wheel>,
}

/// One file of the package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// Its name in the index.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Its checksum.
    pub sha256: String,
    /// The name of the library in it.
    pub object: String,
}

/// Where the engine comes from, before anything is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin<'a> {
    /// A folder of the user's own.
    Folder(PathBuf),
    Wheel(&'a Wheel),
    Source,
}

/// A library that is there, with what it takes to link it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Library {
    folder: PathBuf,
    /// Stand-ins for Python's functions, where it names any.
    stub: Option<PathBuf>,
    pub(crate) facts: Facts,
}

/// What a record tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// `duckdb-2.0.0-...whl (sha256 5a36...)`.
    pub(crate) source: String,
    /// The compiler of its code, as the file tells it.
    pub(crate) compiler: Option<String>,
    /// Which allocators serve it.
    pub(crate) allocator: String,
    /// By which name a program looks for it.
    pub(crate) name: String,
}

/// The program that libraries are fetched with, where this machine has one.
pub(crate) fn client() -> Option<&'static str> {
    Client::find().map(Client::program)
}

impl Pinned {
    /// Where the engine comes from on this machine: the user's word, then his folder, then the wheel, where there is one for it.
    pub(crate) fn origin(&self, told: Option<DuckDbFrom>) -> Origin<'_> {
        let folder = env::var_os(FOLDER).filter(|folder| !folder.is_empty());
        let wheel = self.wheels.get(env::consts::ARCH).filter(|_| cfg!(all(target_os = "linux", target_env = "gnu")));
        match (told, folder, wheel) {
            (Some(DuckDbFrom::Source), _, _) => Origin::Source,
            (None, Some(folder), _) => Origin::Folder(folder.into()),
            (_, _, Some(wheel)) => Origin::Wheel(wheel),
            (_, _, None) => Origin::Source,
        }
    }

    /// The makers' library, fetched if it is not there yet.
    ///
    /// # Errors
    /// [`NotToBeHad`] when nobody here has it; otherwise why it could not be had, in a sentence. Nothing half made is taken for whole.
    pub(crate) fn fetched(&self, wheel: &Wheel, home: &Path) -> Result<Library> {
        self.fetched_by(wheel, home, Pip::read)
    }

    fn fetched_by(&self, wheel: &Wheel, home: &Path, pip: impl FnOnce() -> Pip) -> Result<Library> {
        if let Some(library) = self.found(wheel, home) {
            return Ok(library);
        }
        fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
        let _lock = Lock::wait(home, "fetches a library")?;
        if let Some(library) = self.found(wheel, home) {
            return Ok(library);
        }
        let needed = Bytes(wheel.bytes.saturating_mul(COPIES));
        let free = space::free(home).with_context(|| format!("cannot ask for free space at {}", home.display()))?;
        ensure!(
            free >= needed.0,
            fetch::no_room(home, &format!("the library of {} {} takes about {needed}", self.package, self.version))
        );
        log::info!(
            "fetching the library of {} {} that its makers publish, once: {}, a download of {}",
            self.package,
            self.version,
            wheel.file,
            Bytes(wheel.bytes)
        );
        let pip = pip();
        let fetch = Fetch { package: &self.package, wheel, folder: home, pip: &pip };
        let archive = fetch.bytes()?;
        let content = zip::entry(&archive, &wheel.object).with_context(|| format!("in {}", wheel.file))?;
        let staging = scratch::folder(&home.join("making"))?;
        let made = staging.path().join("library");
        let source = format!("{} (sha256 {})", wheel.file, wheel.sha256);
        place::make(&made, &content, source).map_err(|error| place::explained(error, home))?;
        let folder = self.folder(wheel, home);
        // One without its facts is not whole, and of no use to anybody.
        let _ = fs::remove_dir_all(&folder);
        fs::rename(&made, &folder)
            .with_context(|| format!("cannot rename {} to {}", made.display(), folder.display()))?;
        fetch.tidy();
        self.found(wheel, home).with_context(|| format!("{} is gone at once", folder.display()))
    }

    /// The makers' library if it is there.
    pub(crate) fn found(&self, wheel: &Wheel, home: &Path) -> Option<Library> {
        let folder = self.folder(wheel, home);
        let facts: Facts = serde_json::from_str(&fs::read_to_string(folder.join(FACTS)).ok()?).ok()?;
        let stub = Some(folder.join(stub::FILE)).filter(|stub| stub.is_file());
        folder.join(FILE).is_file().then_some(Library { folder, stub, facts })
    }

    fn folder(&self, wheel: &Wheel, home: &Path) -> PathBuf {
        let short = wheel.sha256.get(..8).unwrap_or(&wheel.sha256);
        home.join(format!("{}-{}-{short}", self.package, self.version))
    }
}

impl Library {
    /// The library in a folder of the user's own, and stand-ins where it is from a wheel.
    ///
    /// # Errors
    /// When there is none in it, or it is no shared library.
    pub(crate) fn in_folder(folder: &Path, home: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let content = fs::read(&path)
            .with_context(|| format!("{FOLDER} names {}, and {} cannot be read", folder.display(), path.display()))?;
        let object = Object::read(&content).with_context(|| format!("{} is no shared library", path.display()))?;
        let sum = sha256(&content);
        let facts = place::facts(&object, format!("a {FILE} of {FOLDER} (sha256 {sum})"));
        let python = stub::of_python(&object.undefined);
        let mut stub = None;
        if !python.is_empty() {
            let beside = home.join(format!("own-{}", &sum[..8]));
            fs::create_dir_all(&beside).with_context(|| format!("cannot make {}", beside.display()))?;
            stub::make(&python, &beside)?;
            stub = Some(beside.join(stub::FILE));
        }
        Ok(Self { folder: folder.to_owned(), stub, facts })
    }
}

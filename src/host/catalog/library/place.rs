//! A library in its folder and beside the programs that are linked with it, and what a linker is told.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::elf::Object;
use super::{FACTS, FILE, FOLDER, Facts, Library, fetch, stub};
use crate::host::scratch;

/// Functions of a jemalloc that goes with the library, under names of its own.
const OWN_JEMALLOC: &str = "duckdb_je_malloc";

/// Makes the folder of a library: the library, its stand-ins, and last its facts.
pub(super) fn make(folder: &Path, content: &[u8], source: String) -> Result<()> {
    let object = Object::read(content).context("the library cannot be read")?;
    fs::create_dir_all(folder)?;
    let python = stub::of_python(&object.undefined);
    if !python.is_empty() {
        stub::make(&python, folder)?;
    }
    fs::write(folder.join(FILE), content)?;
    fs::write(folder.join(FACTS), serde_json::to_string(&facts(&object, source))?)?;
    // A power cut must not leave empty files under a name that says whole.
    for file in fs::read_dir(folder)? {
        fs::File::open(file?.path())?.sync_all()?;
    }
    Ok(())
}

/// Says what a full disk means, where that was it.
pub(super) fn explained(error: anyhow::Error, folder: &Path) -> anyhow::Error {
    match error.downcast::<io::Error>() {
        Ok(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            anyhow::anyhow!(fetch::no_room(folder, &error.to_string()))
        }
        Ok(error) => anyhow::Error::new(error).context(format!("cannot write in {}", folder.display())),
        Err(error) => error,
    }
}

/// What the library tells of itself.
pub(super) fn facts(object: &Object, source: String) -> Facts {
    let own = object.defined.contains(OWN_JEMALLOC);
    Facts {
        source,
        compiler: object.compiler(),
        allocator: if own { "DuckDB's own jemalloc and the system's" } else { "system" }.to_owned(),
        name: object.name.clone().unwrap_or_else(|| FILE.to_owned()),
    }
}

impl Library {
    /// Tells cargo, and through it the crate's build script, where the library is. A command that links takes
    /// [`arguments`](Self::arguments) too, for the program alone, so that nothing else is compiled anew.
    pub(crate) fn link(&self, cargo: &mut Command) {
        cargo.env(FOLDER, &self.folder).env_remove("DUCKDB_STATIC");
    }

    /// For the linker: the stand-ins, and where the program looks for both. First beside itself, so that it can be copied
    /// elsewhere with them; before what `LD_LIBRARY_PATH` says, so that it measures the library of its record.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut linker: Vec<OsString> =
            ["--disable-new-dtags", "-rpath", "$ORIGIN", "-rpath"].map(OsString::from).into();
        linker.push(self.folder.clone().into());
        if let Some(stub) = &self.stub {
            if let Some(folder) = stub.parent().filter(|folder| *folder != self.folder) {
                linker.extend(["-rpath".into(), folder.into()]);
            }
            linker.extend(["--no-as-needed".into(), stub.into()]);
        }
        // One by one, since a folder's name may hold the comma that -Wl splits at.
        let each = linker.into_iter().flat_map(|argument| [OsString::from("-Xlinker"), argument]);
        let as_rust = |argument: OsString| {
            let mut whole = OsString::from("link-arg=");
            whole.push(argument);
            [OsString::from("-C"), whole]
        };
        each.flat_map(as_rust).collect()
    }

    /// Puts the library and its stand-ins beside a program; silent where they are there.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn put_beside(&self, folder: &Path) -> Result<()> {
        let library = (self.folder.join(FILE), folder.join(&self.facts.name));
        let stub = self.stub.iter().map(|stub| (stub.clone(), folder.join(stub::FILE)));
        for (from, to) in [library].into_iter().chain(stub) {
            put(&from, &to)
                .with_context(|| format!("cannot put {} beside the program in {}", from.display(), folder.display()))?;
        }
        Ok(())
    }
}

/// A second name for the file, or a copy on another disk; in one step, since programs may be starting.
fn put(from: &Path, to: &Path) -> Result<()> {
    if same(from, to) {
        return Ok(());
    }
    let staging = scratch::folder(to.parent().context("it is in no folder")?)?;
    let new = staging.path().join("library");
    if fs::hard_link(from, &new).is_err() {
        fs::copy(from, &new)?;
        let modified = fs::metadata(from)?.modified()?;
        fs::File::options().write(true).open(&new)?.set_modified(modified)?;
    }
    Ok(fs::rename(&new, to)?)
}

/// Whether it is the same file, or a copy of it as it is now.
fn same(one: &Path, other: &Path) -> bool {
    let (Ok(one), Ok(other)) = (fs::metadata(one), fs::metadata(other)) else { return false };
    let linked = one.dev() == other.dev() && one.ino() == other.ino();
    linked || (one.len() == other.len() && one.modified().is_ok_and(|time| other.modified().is_ok_and(|of| time == of)))
}

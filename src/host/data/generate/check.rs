//! Tells whether a table on disk still is what its manifest says.
//!
//! [`quick`] looks at names, sizes and modification times, a few microseconds a file; [`thorough`] takes the
//! checksum of every file whose modification time changed. Making a table again is not done here.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::manifest::{self, Manifest, TableOrigin, modified_ns};
use crate::host::checksum::hex;
use crate::host::interrupt;

/// What became of a table.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    Whole(Manifest),
    /// Of the right size but with another modification time, copied perhaps; says which file.
    Touched(Manifest, String),
    /// There, but not usable; says why.
    Broken(String),
    Missing,
}

/// Checks without reading the files.
pub(super) fn quick(folder: &Path, expected: &TableOrigin) -> State {
    if !folder.exists() {
        return State::Missing;
    }
    let manifest = match Manifest::read(folder) {
        Ok(manifest) => manifest,
        Err(error) => return State::Broken(format!("{error:#}")),
    };
    if manifest.origin != *expected {
        return State::Broken(difference(&manifest.origin, expected));
    }
    let mut touched = None;
    for file in &manifest.files {
        let name = &file.name;
        let metadata = match fs::metadata(folder.join(name)) {
            Ok(metadata) if metadata.len() == file.bytes => metadata,
            Ok(other) => return State::Broken(format!("{name} has {} bytes instead of {}", other.len(), file.bytes)),
            Err(error) => return State::Broken(format!("{name}: {error}")),
        };
        if modified_ns(&metadata).ok() != Some(file.modified_ns) {
            touched.get_or_insert_with(|| format!("{name} was modified"));
        }
    }
    match touched {
        None => State::Whole(manifest),
        Some(why) => State::Touched(manifest, why),
    }
}

/// Checks, and hashes every file that was touched since; when they are whole, their new times are written down.
///
/// # Errors
/// A file or the manifest cannot be read or written, or an interrupt came in between. Never [`State::Touched`].
pub(super) fn thorough(folder: &Path, expected: &TableOrigin) -> anyhow::Result<State> {
    let mut manifest = match quick(folder, expected) {
        State::Touched(manifest, _) => manifest,
        state => return Ok(state),
    };
    log::info!("checking {}: its files were modified", folder.display());
    for file in &mut manifest.files {
        let path = folder.join(&file.name);
        let modified = modified_ns(&fs::metadata(&path)?)?;
        if modified == file.modified_ns {
            continue;
        }
        let sha256 = sha256(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if sha256 != file.sha256 {
            return Ok(State::Broken(format!(
                "{} was overwritten: its checksum is {sha256} instead of {}",
                file.name, file.sha256
            )));
        }
        file.modified_ns = modified;
    }
    manifest.write(folder)?;
    Ok(State::Whole(manifest))
}

fn sha256(path: &Path) -> anyhow::Result<String> {
    let file = File::open(path)?;
    let (mut part, mut digest) = (Vec::new(), Sha256::new());
    loop {
        interrupt::check()?;
        part.clear();
        if (&file).take(1 << 20).read_to_end(&mut part)? == 0 {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(&part);
    }
}

/// Names the first thing that is not as expected.
pub(super) fn difference(found: &TableOrigin, expected: &TableOrigin) -> String {
    let name = |origin: &TableOrigin| format!("{} {} {}", origin.suite, origin.scale, origin.table);
    let source =
        |origin: &TableOrigin| origin.source.as_ref().map_or_else(String::new, |sha256| format!("of {sha256}"));
    let pairs = [
        (name(found), name(expected)),
        (found.generator.clone(), expected.generator.clone()),
        (found.layout.clone(), expected.layout.clone()),
        (source(found), source(expected)),
    ];
    let different = pairs.into_iter().find(|(found, expected)| found != expected);
    let (found, expected) = different.unwrap_or_default();
    format!("{} says '{found}', wanted is '{expected}'", manifest::FILE)
}

//! The metadata file of an Iceberg table's folder: [`current`].

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Whether a folder is an Iceberg table's: its `metadata` has a metadata file.
pub(super) fn is_iceberg(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder.join("metadata")) else { return false };
    entries.flatten().any(|entry| version(&entry.path()).is_some())
}

/// The current metadata file of an Iceberg table's folder, or the path itself if it is one; `None` for anything else.
pub(super) fn metadata_in(path: &Path) -> Option<Result<PathBuf>> {
    if path.to_string_lossy().ends_with(".metadata.json") {
        return Some(Ok(path.to_owned()));
    }
    let folder = path.join("metadata");
    folder.is_dir().then(|| current(&folder))
}

/// The version that is hinted at or one that was written after the hint, else the highest: `v3.metadata.json` or
/// `00003-uuid.metadata.json`.
fn current(folder: &Path) -> Result<PathBuf> {
    let hint = fs::read_to_string(folder.join("version-hint.text")).ok().and_then(|hint| hint.trim().parse().ok());
    if let Some(hint) = hint {
        let versions = (hint..u64::MAX).map(|version| folder.join(format!("v{version}.metadata.json")));
        if let Some(newest) = versions.take_while(|path| path.is_file()).last() {
            return Ok(newest);
        }
    }
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter_map(|path| Some((version(&path)?, path))).collect();
    found.sort();
    match found.as_slice() {
        [.., (before, one), (last, other)] if before == last => bail!(
            "{} and {} are both version {last}: a commit that failed may have left one; give the path of the one that counts",
            one.display(),
            other.display()
        ),
        [.., (_, path)] => Ok(path.clone()),
        [] => bail!("{} holds no metadata file of an Iceberg table", folder.display()),
    }
}

/// The metadata file of the highest version among the names of a folder.
pub(super) fn newest<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names.filter_map(|name| Some((version(Path::new(name))?, name))).max().map(|(_, name)| name)
}

fn version(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?.strip_suffix(".metadata.json")?;
    let digits: String = name.trim_start_matches('v').chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

//! A folder that is the old one or the new one, whatever happens between: [`Staged`].

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use serde_json::Value;

use crate::host::scratch::lives;

/// The file by which a folder is known to be one of ours.
const MARK: &str = "querydyno-export.json";

/// A folder in the making, beside the one that it replaces.
#[derive(Debug)]
pub(super) struct Staged {
    at: PathBuf,
    staging: PathBuf,
}

impl Staged {
    /// Begins beside `folder`.
    ///
    /// # Errors
    /// When what is there is another's, or nothing can be written beside it.
    pub(super) fn begin(folder: &Path) -> Result<Self> {
        // Behind a link it is the folder that the link names.
        let at = match folder.canonicalize() {
            Ok(at) => at,
            Err(_) => std::path::absolute(folder)?,
        };
        let is_ours = match fs::read_dir(&at) {
            Ok(mut entries) => entries.next().is_none() || at.join(MARK).is_file(),
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            Err(error) => return Err(error).with_context(|| format!("cannot export to {}", at.display())),
        };
        ensure!(
            is_ours,
            "{} has files and no {MARK}, so --export did not write it: name an empty folder, or one that is not there",
            at.display()
        );
        let (Some(parent), Some(name)) = (at.parent(), at.file_name()) else {
            anyhow::bail!("cannot export to {}: name a folder within another", at.display());
        };
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let begins = format!(".{}.exporting-", name.to_string_lossy());
        sweep(parent, &begins);
        let staging = parent.join(format!("{begins}{}", std::process::id()));
        fs::create_dir(&staging).with_context(|| format!("cannot make {}", staging.display()))?;
        Ok(Self { at, staging })
    }

    /// Writes a file of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, file: &str, bytes: &[u8]) -> Result<()> {
        let path = self.staging.join(file);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, bytes));
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Puts it in place of what was there.
    ///
    /// # Errors
    /// When that cannot be done; then what was there is still there.
    pub(super) fn finish(self, about: &Value) -> Result<()> {
        self.write(MARK, format!("{about:#}\n").as_bytes())?;
        let replaced = match fs::symlink_metadata(&self.at) {
            Err(_) => fs::rename(&self.staging, &self.at),
            // What was there is the staged one then, which goes with this value.
            Ok(_) => match renameat_with(CWD, &self.staging, CWD, &self.at, RenameFlags::EXCHANGE) {
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => self.replace(),
                exchanged => exchanged.map_err(Into::into),
            },
        };
        replaced.with_context(|| format!("cannot put the new pages in place of {}", self.at.display()))
    }

    /// On a file system that cannot exchange two: there is a moment without either.
    fn replace(&self) -> std::io::Result<()> {
        let old = self.staging.with_added_extension("old");
        fs::rename(&self.at, &old)?;
        if let Err(error) = fs::rename(&self.staging, &self.at) {
            fs::rename(&old, &self.at)?;
            return Err(error);
        }
        fs::remove_dir_all(old)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // The next one removes what stays.
        let _ = fs::remove_dir_all(&self.staging);
    }
}

/// Removes what those left who were killed.
fn sweep(parent: &Path, begins: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let writer = name.to_str().and_then(|name| name.strip_prefix(begins)?.parse().ok());
        if writer.is_some_and(|pid| !lives(pid)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

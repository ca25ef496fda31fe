//! Getting a wheel: from a folder that pip is told of, else from a package index; what is given back is whole and is what
//! `engines.toml` names, by size and SHA-256.
//!
//! What came before a download broke off is kept beside, and the next run goes on after it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use thiserror::Error;

use super::client::{Client, Failure, INSTALL, Kind};
use super::pip::Pip;
use super::{Wheel, page, url};
use crate::host::checksum::sha256;
use crate::host::interrupt;
use crate::host::progress::{Unit, Work};
use crate::host::space;
use crate::protocol::units::Bytes;

const TRIES: u32 = 4;
/// Before the second try; twice that before the third.
const PAUSE: Duration = Duration::from_millis(500);

/// It is not to be had here: no way to an index, or no index that has it.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct NotToBeHad(String);

#[derive(Debug)]
pub(super) struct Fetch<'a> {
    /// What pip calls the package.
    pub(super) package: &'a str,
    pub(super) wheel: &'a Wheel,
    /// Where an unfinished download stays.
    pub(super) folder: &'a Path,
    pub(super) pip: &'a Pip,
}

impl Fetch<'_> {
    /// The wheel.
    ///
    /// # Errors
    /// [`NotToBeHad`]; or a sentence on a download that broke off again and again, is another file, or found no room.
    pub(super) fn bytes(&self) -> Result<Vec<u8>> {
        let file = &self.wheel.file;
        for folder in &self.pip.folders {
            let path = folder.join(file);
            if path.is_file() {
                let bytes = read(&path)?;
                self.check(&bytes)
                    .with_context(|| format!("{} is another file than engines.toml names", path.display()))?;
                return Ok(bytes);
            }
        }
        if self.pip.indexes.is_empty() {
            bail!(NotToBeHad(format!("pip is told to ask no package index, and none of its folders has {file}")));
        }
        let Some(client) = Client::find() else {
            bail!(NotToBeHad(format!("neither curl nor wget is there to download with; {INSTALL}")));
        };
        let mut refused = Vec::new();
        for index in &self.pip.indexes {
            match self.address(client, index)? {
                Ok(address) => return self.download(client, &address),
                Err(why) => refused.push(format!("{}: {why}", url::shown(index))),
            }
        }
        bail!(NotToBeHad(refused.join("; ")))
    }

    /// Removes what a download left.
    pub(super) fn tidy(&self) {
        let _ = fs::remove_file(self.part());
    }

    fn part(&self) -> PathBuf {
        self.folder.join(format!("{}.part", self.wheel.file))
    }

    /// Where the file is, by the index's page of the package.
    fn address(&self, client: Client, index: &str) -> Result<Result<String, String>> {
        let asked = format!("{}/{}/", index.trim_end_matches('/'), self.package);
        let path = self.folder.join("index.html");
        for attempt in 1..=TRIES {
            let _ = fs::remove_file(&path);
            match client.get(self.pip, &asked, &path, |_| {})? {
                Ok(from) => {
                    let page = read(&path)?;
                    let _ = fs::remove_file(&path);
                    let found = page::link(&String::from_utf8_lossy(&page), &from, &self.wheel.file);
                    return Ok(found.ok_or_else(|| format!("it has no {}", self.wheel.file)));
                }
                Err(Failure { kind: Kind::Disk, said }) => bail!(no_room(self.folder, &said)),
                Err(Failure { kind: Kind::Again, .. }) if attempt < TRIES => pause(attempt)?,
                Err(failure) => return Ok(Err(failure.said)),
            }
        }
        bail!("no try was the last")
    }

    fn download(&self, client: Client, address: &str) -> Result<Vec<u8>> {
        let (part, wanted) = (self.part(), self.wheel.bytes);
        let work = Work::begin(Unit::Bytes, wanted, &self.wheel.file);
        let mut last = None;
        for attempt in 1..=TRIES {
            if length(&part) > wanted {
                self.tidy();
            }
            let before = length(&part);
            if before < wanted
                && let Err(failure) = client.get(self.pip, address, &part, |there| work.at(there))?
            {
                match failure.kind {
                    Kind::Disk => bail!(no_room(self.folder, &failure.said)),
                    Kind::Unreachable | Kind::Refused if before == 0 && length(&part) == 0 => {
                        bail!(NotToBeHad(format!("{}: {}", url::shown(address), failure.said)))
                    }
                    // It may have no parts to give, or others than before.
                    Kind::Refused => self.tidy(),
                    Kind::Again | Kind::Unreachable => {}
                }
                last = Some(failure.said);
            }
            if length(&part) >= wanted {
                let bytes = read(&part)?;
                let Err(other) = self.check(&bytes) else { return Ok(bytes) };
                self.tidy();
                // What an earlier run left may be the fault.
                ensure!(
                    before > 0,
                    "{} is not what engines.toml names ({other}): it was thrown away; if the index is yours, mend it there, or compile DuckDB with QUERYDYNO_DUCKDB=source",
                    url::shown(address)
                );
            }
            pause(attempt)?;
        }
        bail!(
            "the download of {} broke off after {} of {}, {TRIES} times{}: run the command again, it goes on from there",
            self.wheel.file,
            Bytes(length(&part)),
            Bytes(wanted),
            last.map(|said| format!(" ({said})")).unwrap_or_default()
        )
    }

    fn check(&self, bytes: &[u8]) -> Result<()> {
        let (there, wanted) = (bytes.len() as u64, self.wheel.bytes);
        ensure!(there == wanted, "it has {there} bytes instead of {wanted}");
        let found = sha256(bytes);
        ensure!(found == self.wheel.sha256, "its SHA-256 is {found} instead of {}", self.wheel.sha256);
        Ok(())
    }
}

/// What a disk without room means, in a sentence.
pub(super) fn no_room(folder: &Path, said: &str) -> String {
    let free = space::free(folder).map_or_else(|_| "an unknown amount".to_owned(), |free| Bytes(free).to_string());
    format!(
        "cannot write in {} ({said}), where {free} is free: free some space, or set CARGO_TARGET_DIR to a folder on another disk",
        folder.display()
    )
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

fn pause(attempt: u32) -> Result<()> {
    if attempt < TRIES {
        std::thread::sleep(PAUSE * 2_u32.pow(attempt - 1));
    }
    interrupt::check()
}

//! Where the history is, and opening it with all that the journal has: [`Place`].

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use super::Error;
use super::caller;
use super::decisions::keep_up;
use super::store::{Access, PATIENCE, Store};
use super::take_in::{TakenIn, due, take_in};
use crate::host::paths;

// Which history is meant. No doc comment: clap would take it for what the command does.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// Another history, such as a backup or a demo; then the journal is left alone
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) database: Option<PathBuf>,
}

impl Place {
    /// The history, open for reading, with all that the journal has.
    pub(super) fn reading(&self) -> Result<Store> {
        if let Some(opened) = caller::opened() {
            let (path, connection, _) = opened?;
            return Ok(Store::shared(path, connection, Access::Reads)?);
        }
        if let Some(path) = &self.database {
            return Ok(Store::read(path, PATIENCE)?);
        }
        let path = paths::history();
        let seen = match Store::read(&path, PATIENCE) {
            Ok(store) => store.is_current()?.then_some(store),
            Err(Error::Missing(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let due = due(&paths::home(), seen.as_ref())?;
        let files = due.len();
        if let (0, Some(store)) = (files, seen) {
            // Who may only read gets an answer too.
            if let Err(error) = keep_up(&store) {
                log::warn!("note: {error:#}");
            }
            return Ok(store);
        }
        match self.writing() {
            Ok(_) => {}
            // Somebody else reads: so can we, what is there.
            Err(error) if matches!(error.downcast_ref(), Some(Error::Busy { .. })) => {
                match Store::read(&path, PATIENCE) {
                    Ok(store) => {
                        log::warn!("note: {files} files of the journal are not taken in yet: {error:#}");
                        return Ok(store);
                    }
                    Err(_) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
        Ok(Store::read(&path, PATIENCE)?)
    }

    /// The history, open for writing, and what it has just taken in.
    pub(super) fn writing(&self) -> Result<(Store, TakenIn)> {
        self.writing_within(PATIENCE)
    }

    /// As [`writing`](Self::writing), waiting so long for whoever has it locked.
    pub(super) fn writing_within(&self, patience: Duration) -> Result<(Store, TakenIn)> {
        if let Some(opened) = caller::opened() {
            let (path, connection, taken) = opened?;
            return Ok((Store::shared(path, connection, Access::Writes)?, taken));
        }
        if let Some(path) = &self.database {
            ensure!(path.is_file(), Error::Missing(path.clone()));
            let store = Store::write(path, patience)?;
            keep_up(&store)?;
            return Ok((store, TakenIn::default()));
        }
        let store = Store::write(&paths::history(), patience)?;
        keep_up(&store)?;
        let due = due(&paths::home(), Some(&store))?;
        let taken = take_in(&store, due)?;
        if taken.results > 0 {
            log::info!("taken in: {} new results of {} files of the journal", taken.results, taken.files);
        }
        Ok((store, taken))
    }
}

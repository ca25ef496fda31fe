//! Cold runs: a fresh program for each, none of its data in the page cache, and a proof of it by what was read from disk.
//!
//! The kernel is asked to forget the files (`posix_fadvise`, which needs no root) after loading, right before the run:
//! so the run pays again for whatever the engine did not keep from loading. What the disk itself, or the machine below a virtual one, keeps in
//! its own memory is out of reach.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::{Advice, fadvise};

use super::launch::Fresh;
use super::select::Cell;
use crate::host::session::{Failure, FailureKind, Program, Runs, Session};
use crate::host::settings::Settings;
use crate::protocol::dataset::Dataset;
use crate::protocol::task::Task;
use crate::protocol::units::Bytes;

/// Of the bytes that a query needs, how many must come from the disk for a run to count as cold, in percent.
const COLD_PERCENT: u64 = 90;

pub(super) struct Cold<'a> {
    pub(super) cell: &'a Cell<'a>,
    pub(super) program: &'a Program,
    pub(super) settings: &'a Settings,
    pub(super) query: Task,
    pub(super) dataset: Dataset,
    /// Bytes of the columns that the query names.
    pub(super) needed: Bytes,
}

impl Cold<'_> {
    /// One run in a program of its own, which is left for its answer.
    ///
    /// # Errors
    /// As every run, and when it was not cold.
    pub(super) fn run(&self, rows: u64) -> Result<(Session, Runs), Failure> {
        let fresh = Fresh::of(self.cell, self.program, self.settings, &self.dataset, &self.query);
        let mut session = fresh.launch(false)?.session;
        // First: it may read what has to be cold.
        session.reset()?;
        forget(&self.dataset).map_err(|error| self.not_cold(None, format!("{error:#}")))?;
        let runs = session.run_again(1, rows)?;
        self.check(&runs)?;
        Ok((session, runs))
    }

    fn check(&self, runs: &Runs) -> Result<(), Failure> {
        let unknown = |why: &str| self.not_cold(None, why.to_owned());
        if self.needed == Bytes(0) {
            return Err(unknown("the query names no column, so nothing can be asked of the disk"));
        }
        let told = "the kernel does not tell what a process reads (/proc/PID/io)";
        let moved = runs.moved.ok_or_else(|| unknown(told))?;
        let (read, asked, least) = (moved.disk_read_bytes, moved.read_call_bytes, self.needed.0 / 100 * COLD_PERCENT);
        if read >= least {
            return Ok(());
        }
        let why = if asked < least {
            format!("the engine read {} by calls: it skips the rest, or maps it into memory", Bytes(asked))
        } else {
            "it read them from memory: their file system keeps none of them on a disk, or they could not be dropped from the page cache (cargo xtask doctor)".to_owned()
        };
        Err(self.not_cold(Some(Bytes(read)), why))
    }

    fn not_cold(&self, read: Option<Bytes>, why: String) -> Failure {
        FailureKind::NotCold { read, needed: self.needed, why }.into()
    }
}

fn forget(dataset: &Dataset) -> Result<()> {
    dataset.tables.iter().flat_map(|table| &table.files).try_for_each(|file| forget_file(file.local()?))
}

/// Has the kernel drop a file from the page cache.
pub(crate) fn forget_file(path: &Path) -> Result<()> {
    let context = || format!("cannot drop {} from the page cache", path.display());
    let file = File::open(path).with_context(context)?;
    // Pages that are not written yet stay.
    file.sync_data().with_context(context)?;
    fadvise(&file, 0, None, Advice::DontNeed).with_context(context)
}

//! The progress of one generation, told in rows. Its last line, with time and size, comes always.

use std::io::IsTerminal as _;
use std::time::Instant;

use crate::host::progress::{Unit, Work};
use crate::protocol::units::{Bytes, Count, Nanos};

/// A generation that goes on.
#[derive(Debug)]
pub(super) struct Generation {
    work: Work,
    what: String,
    started: Instant,
}

impl Generation {
    /// Begins with `what`, `tpch sf1`, of about so many rows; with a line where there is no terminal.
    pub(super) fn start(what: &str, tables: &[&str], rows: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            log::info!("generating {what}: {} (about {} rows)", tables.join(", "), Count(rows));
        }
        Self { work: Work::begin(Unit::Rows, rows, what), what: what.to_owned(), started: Instant::now() }
    }

    /// Counts rows that were made.
    pub(super) fn add(&self, rows: u64) {
        self.work.done(rows);
    }

    /// Ends with one line on what was made.
    pub(super) fn finish(self, rows: u64, bytes: u64) {
        let Self { work, what, started } = self;
        drop(work);
        log::info!("generated {what}: {} rows, {} in {}", Count(rows), Bytes(bytes), Nanos::from(started.elapsed()));
    }
}

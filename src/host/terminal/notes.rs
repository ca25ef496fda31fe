//! Notes of library code, which does not print: it logs, and whoever has a terminal shows that on stderr.

use std::io::{self, Write as _};

use log::{LevelFilter, Log, Metadata, Record};

use super::bars;
use super::captured::keep_noted;
use crate::host::progress;

struct Notes;

/// Shows what the library notes from here on, a line each, on stderr, and bars of what takes long. For a program with a
/// terminal, once, at its beginning; without it a program that calls the library hears what its own logger shows.
pub fn show_notes() {
    progress::watch(bars::show);
    // A second call, or another logger that was there before, changes nothing.
    if log::set_logger(&Notes).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

impl Log for Notes {
    /// Ours, and none of a library's that we use.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= LevelFilter::Info && metadata.target().starts_with(env!("CARGO_CRATE_NAME"))
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) && !keep_noted(&record.args().to_string()) {
            // Nobody is left to be told that stderr is closed.
            bars::aside(|| drop(writeln!(io::stderr(), "{}", record.args())));
        }
    }

    fn flush(&self) {}
}

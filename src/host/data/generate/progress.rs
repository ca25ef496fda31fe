//! What goes with making a dataset's files: room on the disk, progress in rows, and a last line with time and size, which comes always.

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Instant;

use super::manifest::FileEntry;
use crate::host::progress::{Unit, Work};
use crate::host::space;
use crate::protocol::units::{Bytes, Count, Nanos};

/// Has `make` make the files of `what`, `tpch sf1`, in `folder`: these tables, of about so many rows and bytes. Where there is no
/// terminal a line tells of it.
///
/// # Errors
/// Those of `make`, and a disk that is too small or full.
pub(super) fn generate(
    folder: &Path,
    what: &str,
    tables: &[&str],
    (rows, needed): (u64, u64),
    make: impl FnOnce(&Work) -> anyhow::Result<Vec<FileEntry>>,
) -> anyhow::Result<()> {
    space::check(folder, what, needed)?;
    if !std::io::stderr().is_terminal() {
        log::info!("generating {what}: {} (about {} rows)", tables.join(", "), Count(rows));
    }
    let (work, started) = (Work::begin(Unit::Rows, rows, what), Instant::now());
    let files = make(&work).map_err(|error| space::explain(error, folder, what, needed))?;
    drop(work);
    let (rows, bytes) = (files.iter().map(|file| file.rows).sum(), files.iter().map(|file| file.bytes).sum());
    log::info!("generated {what}: {} rows, {} in {}", Count(rows), Bytes(bytes), Nanos::from(started.elapsed()));
    Ok(())
}

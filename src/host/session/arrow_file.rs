//! A result that a program wrote into a file: read batch by batch into a [`Sink`], so that it takes little memory.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use arrow_ipc::reader::StreamReader;

use super::failure::FailureKind;
use crate::host::guarded::guarded;
use crate::host::interrupt;
use crate::protocol::answer::{Shown, Sink, Wanted};
use crate::protocol::engine::Unsupported;
use crate::protocol::messages::ArrowFile;

crate::protocol::answer::arrow::define_show!(arrow);

/// What is wanted of the file, which goes then. It has to lie in the session's scratch folder.
///
/// # Errors
/// When it is somewhere else, is no Arrow stream, has other rows than was said, or a column of a type that cannot be compared.
pub(crate) fn read(file: &ArrowFile, scratch: &Path, wanted: Wanted) -> std::result::Result<Shown, FailureKind> {
    let path = &file.path;
    let garbage = |said: String| FailureKind::Garbage { said, request: "answer".to_owned() };
    if !path.starts_with(scratch) {
        return Err(garbage(format!("its answer is in {}, outside of its scratch folder", path.display())));
    }
    let shown = guarded(|| read_stream(file, wanted));
    // The scratch folder goes too, but not before the session.
    let _ = fs::remove_file(path);
    shown.map_err(|error| match error.downcast::<Unsupported>() {
        Ok(Unsupported(reason)) => FailureKind::Unsupported { reason },
        Err(_) if interrupt::requested() => FailureKind::Interrupted,
        Err(error) => garbage(format!("its answer in {}: {error:#}", path.display())),
    })
}

fn read_stream(file: &ArrowFile, wanted: Wanted) -> Result<Shown> {
    let reader = StreamReader::try_new(BufReader::with_capacity(1 << 20, File::open(&file.path)?), None)?;
    let mut sink = Sink::new(file.rows, wanted);
    sink.columns(columns_of(&reader.schema())?);
    let mut rows = 0;
    for batch in reader {
        interrupt::check()?;
        let batch = batch?;
        rows += batch.num_rows() as u64;
        // A batch without values can have any number of rows, which would never end.
        ensure!(rows <= file.rows, "has more rows than the {} that were announced", file.rows);
        show(&batch, &mut sink)?;
    }
    ensure!(rows == file.rows, "has {rows} rows, and {} were announced", file.rows);
    sink.finish().context("has no columns")
}

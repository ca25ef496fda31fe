//! Taking in the journal: what is new in it becomes results, some thousand in a transaction, with the note of how far each file was
//! read. So a kill at any point leaves a batch in or out as a whole, and what is taken in twice changes nothing.

use std::collections::HashMap;
use std::mem;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::{Context as _, Result};

use super::Error;
use super::journal::{self, BATCH, Batch, Known, Source};
use super::rows::Converter;
use super::stage::reached;
use super::staging::{insert, stage};
use super::store::Store;

/// Transactions that may wait for DuckDB.
const AHEAD: usize = 2;
/// How large DuckDB's log may grow before it is checkpointed in between.
const LOG: &str = "1GB";
/// Unreadable lines that are reported of one file.
const TOLD: usize = 3;

/// What taking in has done.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct TakenIn {
    pub(super) files: usize,
    /// Results that were not there before.
    pub(super) results: u64,
    /// Whole lines that are no record, and ends of files that may become one.
    pub(super) left_out: usize,
}

/// The files that have something new for this history, with what is known of them.
///
/// # Errors
/// When the journal or the history cannot be read.
pub(super) fn due(home: &Path, store: Option<&Store>) -> Result<Vec<(Source, Option<Known>)>> {
    let sources = journal::sources(home).with_context(|| format!("cannot read the records in {}", home.display()))?;
    let mut known = store.map_or_else(|| Ok(HashMap::new()), known_files)?;
    let all = sources.into_iter().map(|source| {
        let known = known.remove(&source.name);
        (source, known)
    });
    Ok(all.filter(|(source, known)| known.as_ref().is_none_or(|known| !source.is(known))).collect())
}

/// What the history knows of each file of the journal, by its name.
///
/// # Errors
/// What DuckDB says.
pub(super) fn known_files(store: &Store) -> Result<HashMap<String, Known>, Error> {
    let all = "SELECT file, bytes, modified_ns, taken_bytes, taken_lines, checksum, reads_schema, rewritten FROM journal_files";
    let files = store.rows(all, [], |row| {
        let known = Known {
            bytes: row.get(1)?,
            modified_ns: row.get(2)?,
            taken_bytes: row.get(3)?,
            taken_lines: row.get(4)?,
            checksum: row.get(5)?,
            reads_schema: row.get(6)?,
            rewritten: row.get(7)?,
        };
        Ok((row.get(0)?, known))
    })?;
    Ok(files.into_iter().collect())
}

/// Takes in what these files have. A file that cannot be read is reported and left out.
///
/// # Errors
/// When the history cannot be written; what was taken in before is in.
pub(super) fn take_in(store: &Store, due: Vec<(Source, Option<Known>)>) -> Result<TakenIn> {
    let mut taken = TakenIn { files: due.len(), ..TakenIn::default() };
    // Others ask meanwhile of a server, which has settings of its own and checkpoints when its log is long enough.
    let is_alone = taken.files > 0 && !store.is_shared;
    if is_alone {
        // One checkpoint at the end: each writes the last rows of every column anew. One thread, since parsing has the other: two of
        // DuckDB's would mostly wait for each other.
        store.execute(&format!("SET checkpoint_threshold = '{LOG}'; SET threads = 1"))?;
    }
    // Parsing and DuckDB run at the same time, each in a thread of its own.
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            let mut converter = Converter::default();
            let (mut group, mut results) = (Vec::new(), 0);
            for (source, known) in due {
                // Nobody takes any more after an error on the other side.
                let next = |batch: Batch| {
                    results += batch.rows.len();
                    group.push(batch);
                    if results < BATCH {
                        return true;
                    }
                    results = 0;
                    sender.send(mem::take(&mut group)).is_ok()
                };
                if let Err(error) = source.read(known, &mut converter, next) {
                    log::warn!("left out: {} cannot be read: {error}", source.path.display());
                }
            }
            let _ = sender.send(group);
        });
        for group in receiver {
            taken.results += take(store, &group)?;
            taken.left_out += group.iter().map(tell).sum::<usize>();
        }
        anyhow::Ok(())
    })?;
    if is_alone {
        store.execute("CHECKPOINT; RESET checkpoint_threshold; RESET threads")?;
        reached("checkpointed");
    }
    Ok(taken)
}

/// Takes in the batches of a transaction; how many of their results are new.
fn take(store: &Store, group: &[Batch]) -> Result<u64, Error> {
    if group.is_empty() {
        return Ok(0);
    }
    store.execute("BEGIN")?;
    stage(store, group.iter().flat_map(|batch| &batch.rows))?;
    reached("staged");
    store.execute(&insert())?;
    reached("inserted");
    let new = store.value("SELECT count(*) FROM staged_results")?;
    group.iter().try_for_each(|batch| note(store, batch)).map_err(|error| store.error(error))?;
    reached("noted");
    store.execute("COMMIT")?;
    reached("committed");
    Ok(new)
}

/// Writes down how far the file has been read, and what was left out of it.
fn note(store: &Store, Batch { name, left_out, known, is_first, .. }: &Batch) -> duckdb::Result<()> {
    if *is_first {
        store.connection.execute("DELETE FROM journal_left_out WHERE file = ?", [name])?;
    }
    for (line, reason) in left_out {
        let values = duckdb::params![name, line, reason];
        store.connection.execute("INSERT OR REPLACE INTO journal_left_out VALUES (?, ?, ?)", values)?;
    }
    let Known { bytes, modified_ns, taken_bytes, taken_lines, checksum, reads_schema, rewritten } = known;
    let values = duckdb::params![name, bytes, modified_ns, taken_bytes, taken_lines, checksum, reads_schema, rewritten];
    let note =
        "INSERT OR REPLACE INTO journal_files VALUES (?, ?, ?, ?, ?, ?, ?, current_timestamp AT TIME ZONE 'UTC', ?)";
    store.connection.execute(note, values).map(drop)
}

/// Tells what was left out of a batch; how much it is.
fn tell(batch: &Batch) -> usize {
    for (line, reason) in batch.left_out.iter().take(TOLD) {
        log::warn!("left out: line {line} of {}: {reason}", batch.name);
    }
    let more = batch.left_out.len().saturating_sub(TOLD);
    if more > 0 {
        log::warn!("left out: {more} more lines of {} (FROM journal_left_out)", batch.name);
    }
    if let Some(reason) = &batch.torn {
        log::warn!("left out until it is whole: the end of {}: {reason}", batch.name);
    }
    batch.left_out.len() + usize::from(batch.torn.is_some())
}

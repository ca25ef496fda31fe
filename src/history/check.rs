//! Whether the history is whole: every column read, so that each block's checksum is looked at; every figure against the checksum that
//! was written when its record was taken in; each file of the journal against what was taken in of it; and nothing that points to nothing.
//!
//! Records are read again only where a file of the journal is not what it was, or with `--records`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;

use super::journal::{self, Known, Source};
use super::rows::Converter;
use super::staging::{append, stage};
use super::store::Store;
use super::take_in::known_files;
use super::{Error, checksums};
use crate::host::terminal::output;

/// The name of a result's record, as the view `measurements` has it.
const RECORD: &str = r"concat(regexp_extract(journal_file, '([^/]*?)(\.jsonl)?$', 1), ':', journal_line)";
/// So many of each are named.
const NAMED: usize = 5;
/// What may be wrong in the history alone, each with the rows that are: what people call them, by `{record}`.
const ALONE: [(&str, &str); 5] = [
    (
        "figures that are there twice",
        "SELECT concat({record}, ' ', cell) FROM results SEMI JOIN (SELECT result FROM metrics GROUP BY result, name HAVING count(*) > 1) USING (result)",
    ),
    (
        "figures without a result",
        "SELECT concat('result ', result, ': ', name) FROM metrics ANTI JOIN results USING (result)",
    ),
    (
        "results without a machine, engine, task, dataset, plan or run",
        "SELECT concat({record}, ' ', cell) FROM results r WHERE r.machine NOT IN (FROM machines SELECT machine) OR r.engine NOT IN (FROM engines SELECT engine) OR r.task NOT IN (FROM tasks SELECT task) OR r.dataset NOT IN (FROM datasets SELECT dataset) OR (r.plan IS NOT NULL AND r.plan NOT IN (FROM plans SELECT plan)) OR r.run NOT IN (FROM runs SELECT run)",
    ),
    (
        "results that were deleted and are there",
        "SELECT concat({record}, ' ', cell) FROM results SEMI JOIN deleted_results USING (result)",
    ),
    (
        "annotations of results that are not there",
        // A mark outlives its result, which is deleted for being simulated.
        "SELECT concat(target, ': ', text) FROM annotations WHERE of = 'result' AND kind NOT IN ('simulated', 'estimated', 'measured') AND target NOT IN (SELECT {record} FROM results)",
    ),
];
/// What may differ from the records of the journal. `staged_...` is what these say.
const FROM_JOURNAL: [(&str, &str); 4] = [
    (
        "results of the journal that are missing",
        "SELECT concat({record}, ' ', cell) FROM staged_results WHERE result NOT IN (SELECT result FROM results UNION FROM deleted_results SELECT result)",
    ),
    (
        "results that differ from the journal",
        "SELECT concat({record}, ' ', cell) FROM results SEMI JOIN (SELECT COLUMNS(* EXCLUDE (run, journal_file, journal_line, checksum)) FROM staged_results WHERE result IN (FROM results SELECT result) EXCEPT SELECT COLUMNS(* EXCLUDE (run, journal_file, journal_line, checksum)) FROM results) USING (result)",
    ),
    (
        "figures of the journal that are missing or differ",
        "SELECT concat({record}, ' ', cell, ': ', name) FROM results JOIN (FROM staged_metrics WHERE result IN (FROM results SELECT result) EXCEPT FROM metrics) USING (result)",
    ),
    (
        "figures that the journal does not have",
        "SELECT concat({record}, ' ', cell, ': ', name) FROM results JOIN (FROM metrics WHERE result IN (FROM staged_results SELECT result) EXCEPT FROM staged_metrics) USING (result)",
    ),
];

/// Looks at everything; whether all is well. What is found is printed, a line each. Without a home there is no journal to compare with.
/// With `records` every record of it is read again.
///
/// # Errors
/// When it cannot go on.
pub(super) fn check(store: &Store, home: Option<&Path>, records: bool) -> Result<bool> {
    let mut sound = scan(store)?;
    if sound {
        for (what, rows) in ALONE {
            sound &= ask(store, what, rows)?;
        }
        let by_checksum = checksums::is_current(store)?;
        if by_checksum {
            sound &= compare_checksums(store)?;
        }
        let sources = home.map_or_else(|| Ok(Vec::new()), journal::sources)?;
        let (files, known) = (sources.len(), known_files(store)?);
        for name in known.keys().filter(|name| home.is_some() && !sources.iter().any(|source| source.name == **name)) {
            log::warn!("note: {name} is gone from the journal: its results are in the history alone, so back it up");
        }
        let again = read_again(sources, &known, records || !by_checksum)?;
        let read = again.len();
        if read > 0 {
            stage_journal(store, &again)?;
            for (what, rows) in FROM_JOURNAL {
                sound &= ask(store, what, rows)?;
            }
        }
        let results: u64 = store.value("SELECT count(*) FROM results")?;
        let how = if by_checksum {
            "each with its figures as they were taken in"
        } else {
            "their checksums are of another version of DuckDB"
        };
        output::line(format_args!(
            "{results} results, {how}; the journal has {files} files, {read} of them read again record by record"
        ))?;
    }
    output::line(if sound { "the history is whole" } else { "the history is NOT whole" })?;
    Ok(sound)
}

/// Whether there are no such rows. Says how many there are, and which the first of them.
fn ask(store: &Store, what: &str, rows: &str) -> Result<bool> {
    let rows = format!("{} ORDER BY ALL", rows.replace("{record}", RECORD));
    let found = store.rows(&rows, [], |row| row.get::<_, String>(0))?;
    if found.is_empty() {
        return Ok(true);
    }
    output::line(format_args!("WRONG: {} {what}", found.len()))?;
    found.iter().take(NAMED).try_for_each(|name| output::line(format_args!("  {name}")))?;
    if found.len() > NAMED {
        output::line(format_args!("  ... and {} more", found.len() - NAMED))?;
    }
    Ok(false)
}

/// Whether every result has the checksum that it was taken in with, and none is gone or came by another way.
fn compare_checksums(store: &Store) -> Result<bool> {
    let differs = format!(
        "SELECT concat({{record}}, ' ', cell) FROM results r JOIN ({}) c USING (result) WHERE r.checksum IS DISTINCT FROM c.checksum",
        checksums::of("")
    );
    let sound = ask(store, "results with other figures than were taken in", &differs)?;
    let (taken, there): (u64, u64) =
        (store.value("SELECT results FROM totals")?, store.value("SELECT count(*) FROM results")?);
    let total = "SELECT checksum = (SELECT coalesce(bit_xor(checksum), 0) FROM results) FROM totals";
    if taken == there && store.value(total)? {
        return Ok(sound);
    }
    output::line(format_args!(
        "WRONG: {taken} results were taken in and not deleted, {there} are there, and they are not the same"
    ))?;
    Ok(false)
}

/// The files whose records have to be read again: those that are not what was taken in of them.
fn read_again(sources: Vec<Source>, known: &HashMap<String, Known>, all: bool) -> Result<Vec<Source>> {
    let mut again = Vec::new();
    for source in sources {
        let is_same = match known.get(&source.name) {
            // What a bench has written since the journal was taken in is no result yet.
            None => true,
            Some(known) => !all && !known.rewritten && source.begins_with(known)?,
        };
        if !is_same {
            again.push(source);
        }
    }
    Ok(again)
}

/// Reads every value of every column, and names those that cannot be read.
pub(super) fn scan(store: &Store) -> Result<bool, anyhow::Error> {
    let columns =
        "SELECT table_name, column_name FROM duckdb_columns() JOIN duckdb_tables() USING (database_name, table_name)
                   WHERE database_name = current_database() AND NOT temporary ORDER BY ALL";
    let columns = store.rows(columns, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut sound = true;
    for (table, column) in &columns {
        match store.value::<Option<u64>>(&format!("SELECT bit_xor(hash(\"{column}\")) FROM \"{table}\"")) {
            Ok(_) => {}
            Err(error @ (Error::Damaged { .. } | Error::Unknown(_) | Error::Sql(_))) => {
                sound = false;
                output::line(format_args!("WRONG: {table}.{column} cannot be read: {error}"))?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sound)
}

/// Reads these files of the journal into temporary tables.
fn stage_journal(store: &Store, sources: &[Source]) -> Result<()> {
    stage(store, [])?;
    let mut converter = Converter::default();
    for source in sources {
        let mut ended = Ok(());
        source.read(None, &mut converter, |batch| {
            ended = append(store, &batch.rows);
            ended.is_ok()
        })?;
        ended?;
    }
    // A line of two files is one result, and what a bench has written since the journal was taken in is none yet.
    store.execute(
        "CREATE OR REPLACE TEMP TABLE staged_results AS SELECT DISTINCT ON (result) s.* FROM staged_results s
             JOIN journal_files f ON f.file = s.journal_file AND s.journal_line <= f.taken_lines;
         CREATE OR REPLACE TEMP TABLE staged_metrics AS SELECT DISTINCT m.* FROM staged_metrics m
             SEMI JOIN staged_results USING (result)",
    )?;
    Ok(())
}

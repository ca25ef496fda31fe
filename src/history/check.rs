//! Whether the history is whole: every column read, so that each block's checksum is looked at; every figure against the journal; and
//! nothing that points to nothing.

use std::path::Path;

use anyhow::Result;

use super::Error;
use super::journal;
use super::rows::Converter;
use super::staging::{append, stage};
use super::store::Store;
use crate::host::terminal::output;

/// What may be wrong, each with the statement that lists it: what people call it by, its record and cell where it has them. `staged_...`
/// is what the journal says.
const QUESTIONS: [(&str, &str); 9] = [
    (
        "results of the journal that are missing",
        "SELECT name FROM staged_names WHERE result NOT IN (SELECT result FROM results UNION FROM deleted_results SELECT result)",
    ),
    (
        "results that differ from the journal",
        "SELECT name FROM staged_names SEMI JOIN (
             SELECT COLUMNS(* EXCLUDE (run, journal_file, journal_line)) FROM staged_results WHERE result IN (FROM results SELECT result)
             EXCEPT SELECT COLUMNS(* EXCLUDE (run, journal_file, journal_line)) FROM results
         ) USING (result)",
    ),
    (
        "figures of the journal that are missing or differ",
        "SELECT n.name || ': ' || m.name FROM staged_names n JOIN (
             FROM staged_metrics WHERE result IN (FROM results SELECT result) EXCEPT FROM metrics
         ) m USING (result)",
    ),
    (
        "figures that the journal does not have",
        "SELECT n.name || ': ' || m.name FROM staged_names n JOIN (
             FROM metrics WHERE result IN (FROM staged_results SELECT result) EXCEPT FROM staged_metrics
         ) m USING (result)",
    ),
    (
        "figures that are there twice",
        "SELECT concat_ws(' ', coalesce(record, result::VARCHAR), cell) || ': ' || x.name AS name
         FROM (SELECT result, name FROM metrics GROUP BY ALL HAVING count(*) > 1) x LEFT JOIN measurements USING (result)",
    ),
    (
        "figures without a result",
        "SELECT 'result ' || result || ': ' || name AS name FROM metrics ANTI JOIN results USING (result)",
    ),
    (
        "results without a machine, engine, task, dataset, plan or run",
        "SELECT concat_ws(' ', record, cell) AS name FROM measurements SEMI JOIN (
             FROM results r WHERE r.machine NOT IN (FROM machines SELECT machine) OR r.engine NOT IN (FROM engines SELECT engine)
                 OR r.task NOT IN (FROM tasks SELECT task) OR r.dataset NOT IN (FROM datasets SELECT dataset)
                 OR (r.plan IS NOT NULL AND r.plan NOT IN (FROM plans SELECT plan)) OR r.run NOT IN (FROM runs SELECT run)
         ) USING (result)",
    ),
    (
        "results that were deleted and are there",
        "SELECT concat_ws(' ', record, cell) AS name FROM measurements SEMI JOIN deleted_results USING (result)",
    ),
    (
        "annotations of results that are not there",
        // A mark outlives its result, which is deleted for being simulated.
        "SELECT target || ': ' || text AS name FROM annotations WHERE of = 'result' AND kind NOT IN ('simulated', 'estimated', 'measured')
             AND target NOT IN (FROM measurements SELECT record)",
    ),
];
/// So many of each are named.
const NAMED: usize = 5;

/// Looks at everything; whether all is well. What is found is printed, a line each. Without a home there is no journal to compare with.
///
/// # Errors
/// When it cannot go on.
pub(super) fn check(store: &Store, home: Option<&Path>) -> Result<bool> {
    let mut sound = scan(store)?;
    if sound {
        let files = stage_journal(store, home)?;
        for (what, question) in QUESTIONS {
            let names = store.rows(&format!("{question} ORDER BY ALL"), [], |row| row.get::<_, String>(0))?;
            if names.is_empty() {
                continue;
            }
            sound = false;
            output::line(format_args!("WRONG: {} {what}", names.len()))?;
            names.iter().take(NAMED).try_for_each(|name| output::line(format_args!("  {name}")))?;
            if names.len() > NAMED {
                output::line(format_args!("  ... and {} more", names.len() - NAMED))?;
            }
        }
        let [all, compared, gone] =
            ["", " SEMI JOIN staged_results USING (result)", " ANTI JOIN staged_results USING (result)"]
                .map(|which| store.value::<u64>(&format!("SELECT count(*) FROM results{which}")));
        output::line(format_args!(
            "{} results, {} of them compared with the journal's {files} files figure by figure, {} in no file that is there",
            all?, compared?, gone?
        ))?;
    }
    output::line(if sound { "the history is whole" } else { "the history is NOT whole" })?;
    Ok(sound)
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
            Err(error @ (Error::Damaged { .. } | Error::Sql(_))) => {
                sound = false;
                output::line(format_args!("WRONG: {table}.{column} cannot be read: {error}"))?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sound)
}

/// Reads the whole journal into temporary tables; how many files it has.
fn stage_journal(store: &Store, home: Option<&Path>) -> Result<usize> {
    stage(store, [])?;
    let mut converter = Converter::default();
    let sources = home.map_or_else(|| Ok(Vec::new()), journal::sources)?;
    for source in &sources {
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
             SEMI JOIN staged_results USING (result);
         CREATE OR REPLACE TEMP VIEW staged_names AS SELECT result,
             concat(regexp_extract(journal_file, '([^/]*?)(\\.jsonl)?$', 1), ':', journal_line, ' ', cell) AS name FROM staged_results",
    )?;
    Ok(sources.len())
}

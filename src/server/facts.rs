//! All that is known of one result, as rows: a fact, a figure or a note each.

use arrow::array::{Array as _, AsArray as _};

use super::ask::shown;
use super::problem::Problem;
use crate::history::served::Owner;
use crate::history::served::questions::{self, Parameter, Rows};

/// The rows of the result of this name.
///
/// # Errors
/// When there is none.
pub(super) fn facts(owner: &Owner, record: &str) -> Result<Rows, Problem> {
    let none = || {
        let name = shown(record);
        Problem::new(
            "not-found",
            format!("no result is called '{name}'; /api/v1/results names them, such as 20261120T120000Z-4711:3"),
        )
    };
    let internal = |error: anyhow::Error| Problem::of(&error, "internal");
    // By file and line first: the name of every result would have to be put together.
    let (file, line) = record.rsplit_once(':').ok_or_else(none)?;
    let line = line.parse::<i64>().map_err(|_| none())?;
    let key = "SELECT r.result::VARCHAR AS key FROM results r JOIN journal_files f ON r.journal_file = f.file
               WHERE regexp_extract(f.file, '([^/]*?)(\\.jsonl)?$', 1) = ? AND r.journal_line = ?";
    let found =
        questions::rows(owner, key, &[Parameter::Text(file.to_owned()), Parameter::Whole(line)]).map_err(internal)?;
    let keys = found.batches.first().and_then(|batch| batch.column(0).as_string_opt::<i32>());
    let result = keys.filter(|keys| !keys.is_empty()).map(|keys| keys.value(0).to_owned()).ok_or_else(none)?;
    let statement = ABOUT.replace("{result}", &result);
    questions::rows(owner, &statement, &[]).map_err(internal)
}

/// All of one result. Its key is a number that the history has made.
const ABOUT: &str = "
    WITH told AS MATERIALIZED (
        SELECT m.* EXCLUDE (result, machine, engine, task, dataset, plan), r.answer_rows, r.input_rows, r.iterations, r.warm_up_ns,
               r.environment, r.stderr, e.compiler, e.flags, e.allocator, e.source, e.settings, c.kernel, c.governor, p.text AS plan_text, t.sql
        FROM measurements m JOIN results r ON r.result = m.result
        LEFT JOIN engines e ON e.engine = m.engine LEFT JOIN machines c ON c.machine = m.machine
        LEFT JOIN plans p ON p.plan = m.plan LEFT JOIN tasks t ON t.task = m.task
        WHERE m.result = {result}::UBIGINT AND r.result = {result}::UBIGINT
    )
    SELECT 'fact' AS kind, name, value, NULL::VARCHAR AS unit, NULL::DOUBLE[] AS samples
    FROM (UNPIVOT (SELECT COLUMNS(*)::VARCHAR FROM told) ON COLUMNS(*) INTO NAME name VALUE value)
    UNION ALL
    SELECT 'figure', name, value::VARCHAR, unit, samples FROM metrics WHERE result = {result}::UBIGINT
    UNION ALL
    SELECT 'note', a.kind || ' of the ' || a.of || ' by ' || a.author || ' at ' || a.written_at, a.text, NULL, NULL
    FROM annotations a JOIN told m ON a.target IN
        (m.record, m.cell, m.series, m.run, m.machine_class, m.engine_name, m.engine_name || '/' || m.query)";

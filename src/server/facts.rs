//! All that is known of one result, as rows: a fact, a figure or a note each.

use super::ask::shown;
use super::problem::Problem;
use crate::history::served::Owner;
use crate::history::served::questions::{self, Parameter, Rows};

/// The rows of the result of this name.
///
/// # Errors
/// When there is none.
pub(super) fn facts(owner: &Owner, record: &str) -> Result<Rows, Problem> {
    let statement = "
        WITH meant AS (SELECT result FROM measurements WHERE record = ?), told AS (
            SELECT m.* EXCLUDE (result, machine, engine, task, dataset, plan), r.answer_rows, r.input_rows, r.iterations, r.warm_up_ns,
                   r.environment, r.stderr, e.compiler, e.flags, e.allocator, e.source, e.settings, c.kernel, c.governor, p.text AS plan_text, t.sql
            FROM measurements m JOIN meant USING (result) JOIN results r USING (result)
            LEFT JOIN engines e ON e.engine = m.engine LEFT JOIN machines c ON c.machine = m.machine
            LEFT JOIN plans p ON p.plan = m.plan LEFT JOIN tasks t ON t.task = m.task
        )
        SELECT 'fact' AS kind, name, value, NULL::VARCHAR AS unit, NULL::DOUBLE[] AS samples
        FROM (UNPIVOT (SELECT COLUMNS(*)::VARCHAR FROM told) ON COLUMNS(*) INTO NAME name VALUE value)
        UNION ALL
        SELECT 'figure', name, value::VARCHAR, unit, samples FROM metrics JOIN meant USING (result)
        UNION ALL
        SELECT 'note', a.kind || ' of the ' || a.of || ' by ' || a.author || ' at ' || a.written_at, a.text, NULL, NULL
        FROM annotations a JOIN measurements m ON a.target IN
            (m.record, m.cell, m.series, m.run, m.machine_class, m.engine_name, m.engine_name || '/' || m.query)
        WHERE m.result IN (FROM meant)";
    let found = questions::rows(owner, statement, &[Parameter::Text(record.to_owned())]);
    let found = found.map_err(|error| Problem::of(&error, "internal"))?;
    if found.count() == 0 {
        let name = shown(record);
        let why = format!("no result is called '{name}'; /api/v1/results names them, such as 20261120T120000Z-4711:3");
        return Err(Problem::new("not-found", why));
    }
    Ok(found)
}

//! SQL of anybody's, which can only select, for so long and so many rows.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use serde::Deserialize;

use super::asked::shown;
use crate::history::served::questions;
use crate::server::app::App;
use crate::server::ask::{Ask, Endpoint, Gives, Reply, Rows, Upload, is_too_long};
use crate::server::problem::Problem;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    sql: String,
}

/// Characters of a text.
pub(super) const LONGEST: usize = 25_000;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: Method::POST,
        path: "/api/v1/sql",
        name: "sql",
        summary: "Ask in SQL",
        detail: "One statement that selects, in DuckDB's SQL, over the tables and views of `src/history/mod.rs`: `FROM best_engine_per_query`. It can write nothing and reach no file; it is stopped after a time, and `cut` says whether there are more rows than it gives.",
        parameters: &[],
        body: Some(Upload {
            about: "The statement",
            example: r#"{"sql": "SELECT query, engine, time_ms FROM best_engine_per_query"}"#,
            schema: "Statement",
            is_keyed: false,
        }),
        gives: Gives::Rows,
        problems: &[422],
        // It changes nothing, so nobody needs a token for it.
        writes: false,
        run: sql,
    }]
}

fn sql(app: &Arc<App>, ask: &Ask) -> Result<Reply, Problem> {
    let statement: Statement =
        serde_json::from_slice(&ask.body).map_err(|error| Problem::invalid(format!("no {{\"sql\": ...}}: {error}")))?;
    if statement.sql.is_empty() || is_too_long(&statement.sql, LONGEST) || statement.sql.contains('\0') {
        return Err(Problem::invalid(format!("'sql' is a text of 1 to {LONGEST} characters without a zero byte")));
    }
    let (most, limit) = (app.options.sql_rows as usize, Duration::from_secs(app.options.sql_time.into()));
    let found = questions::sql(&app.owner, &statement.sql, most, limit);
    let (rows, is_cut) = found.map_err(|error| Problem::of(&error, "invalid-sql"))?;
    Ok(Reply::Rows(Rows { shown: shown(&rows, ask.format)?, is_cut, ..Rows::default() }))
}

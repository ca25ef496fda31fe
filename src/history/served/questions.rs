//! What a server asks of the history: rows of its views, SQL of anybody's, and the commands that have the rest.

use std::time::Duration;

use anyhow::{Result, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clap::Parser as _;
use duckdb::params_from_iter;
use duckdb::types::{ToSqlOutput, Value};

use super::super::caller::{self, Caller};
use super::super::command::{Cli, Through};
use super::super::format::{Format, render};
use super::super::store::Access;
use super::super::{Unmeant, query, statements};
use super::guard::selects;
use super::owner::Owner;
use crate::host::terminal::{Captured, captured};

/// A value that a statement has a `?` for.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameter {
    /// A text; DuckDB casts it where it is compared with something else.
    Text(String),
    /// A number.
    Whole(i64),
}

impl duckdb::ToSql for Parameter {
    fn to_sql(&self) -> duckdb::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(match self {
            Self::Text(text) => Value::Text(text.clone()),
            Self::Whole(number) => Value::BigInt(*number),
        }))
    }
}

/// Rows with their types.
#[derive(Debug)]
pub struct Rows {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows, some in each.
    pub batches: Vec<RecordBatch>,
}

impl Rows {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Without those behind the first so many; whether there were any.
    pub fn cut(&mut self, most: usize) -> bool {
        let mut left = most;
        let before = self.count();
        for batch in &mut self.batches {
            let rows = batch.num_rows().min(left);
            *batch = batch.slice(0, rows);
            left -= rows;
        }
        self.batches.retain(|batch| batch.num_rows() > 0);
        before > most
    }

    /// All of them in a form.
    ///
    /// # Errors
    /// For a value that has no such form.
    pub fn render(&self, format: Format) -> Result<Vec<u8>> {
        render(format, &self.schema, &self.batches)
    }

    /// All of them as objects of JSON.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn objects(&self) -> Result<Vec<serde_json::Value>> {
        Ok(serde_json::from_slice(&self.render(Format::Json)?)?)
    }
}

/// The rows of a statement of ours.
///
/// # Errors
/// What DuckDB says of it.
pub fn rows(owner: &Owner, statement: &str, parameters: &[Parameter]) -> Result<Rows> {
    owner.read(|store| {
        let fetched = query::fetch(store, statement, params_from_iter(parameters));
        let (schema, batches) = fetched.map_err(|error| store.error(error))?;
        Ok(Rows { schema, batches })
    })
}

/// The cells that a filter means, a line each, of those that have results.
///
/// # Errors
/// When the filter is invalid, or no cell matches it.
pub fn cells(owner: &Owner, filter: &str) -> Result<String> {
    owner.read(|store| query::cells(store, filter))
}

/// The first rows of a statement of anybody's, which can only select, and whether there are more.
///
/// # Errors
/// When it is no SQL, does something else, or takes longer than it may.
pub fn sql(owner: &Owner, text: &str, most: usize, limit: Duration) -> Result<(Rows, bool)> {
    owner.read_within(limit, |store| {
        let statements = selects(store, text)?;
        let refused = || {
            Unmeant(
                "only statements that select are taken here: SELECT, FROM, WITH, DESCRIBE, SHOW, SUMMARIZE".to_owned(),
            )
        };
        ensure!(statements.is_some(), refused());
        let one = || Unmeant("one statement at a time: send the others by themselves".to_owned());
        ensure!(statements == Some(1), one());
        // DuckDB ends by itself what has more. The text is on lines of its own: it may end in a comment.
        let text = text.trim().trim_end_matches(';');
        let limited = format!("SELECT * FROM (\n{text}\n) LIMIT {}", most.saturating_add(1));
        let (schema, batches) = statements::rows(store, &limited)?;
        let mut rows = Rows { schema, batches };
        let has_more = rows.cut(most);
        Ok((rows, has_more))
    })
}

/// Runs a history command for somebody who is not on this machine: what it prints and notes.
///
/// # Errors
/// Those of the command, or when there is no such command for them.
pub fn command(owner: &Owner, arguments: &[&str], author: &str) -> Result<Captured> {
    let arguments = ["history"].iter().chain(arguments);
    let cli = Cli::try_parse_from(arguments).map_err(|error| Unmeant(error.kind().to_string()))?;
    let access = match cli.through() {
        Through::Reads => Access::Reads,
        Through::Writes => Access::Writes,
        Through::Alone | Through::Elsewhere => return Err(Unmeant("no command for others".to_owned()).into()),
    };
    let (ran, kept) = captured(|| {
        let caller = Caller::remote(author);
        owner.run(access, |connection| {
            caller::as_if(caller, (owner.path(), connection), super::super::take_in::TakenIn::default(), || cli.run())
        })
    });
    ran.map(|_| kept)
}

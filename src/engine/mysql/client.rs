//! A connection to a server: statements, results, and errors that say what to do next.
//!
//! Queries go by the text protocol, so that the server plans each run anew. Nothing here knows one server from another.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::time::Instant;

use anyhow::{Context, anyhow};
use mysql::prelude::Queryable;
use mysql::{Conn, Error, LocalInfileHandler};

use super::output::Output;
use super::service::Login;
use super::sql::{named, quoted, setting};
use crate::engine::Result;
use crate::protocol::engine::{EngineInfo, Phases};

/// A connection. Not `Debug`: the client's own shows the password.
pub struct Client {
    connection: Conn,
    login: Login,
    /// Seconds after which the server gives a statement up.
    gives_up_after: Option<u64>,
}

/// A server's setting for how long a statement may take.
#[derive(Debug)]
pub struct Limit {
    /// Its name.
    pub setting: &'static str,
    /// What a second is there.
    pub second: u64,
    /// What it is set to for no limit, or for the least of one.
    pub none: u64,
    /// The most seconds that it takes.
    pub most: u64,
}

/// Seconds that a server has beyond what the host gives: where both would end a run, it is the host's to tell.
const GRACE: u64 = 1;
/// The errors of a server that has reached its limit: of MariaDB, `MySQL` and StarRocks.
const LIMIT_REACHED: [u16; 3] = [1969, 3024, 5024];

/// What the server said of a statement that has no rows.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// Rows that it changed or loaded.
    pub rows: u64,
    /// Warnings.
    pub warnings: u16,
}

impl Client {
    /// Connects, and speaks UTF-8.
    ///
    /// # Errors
    /// Says whether nobody answers, the password is wrong, or it is another kind of server.
    pub fn connect(login: Login) -> Result<Self> {
        let connection = Conn::new(login.options()).map_err(|error| login.refused(&error))?;
        Ok(Self { connection, login, gives_up_after: None })
    }

    /// What the engine is, for the record: a network between is part of every time.
    pub fn info(&self, version: String, mut settings: BTreeMap<String, String>) -> EngineInfo {
        let server = self.login.server();
        let machine = if server.local { "this machine" } else { "another machine" };
        settings.insert("protocol".to_owned(), format!("text, tcp, {machine}"));
        EngineInfo { version, settings, server: Some(server), ..EngineInfo::default() }
    }

    /// A statement without rows.
    ///
    /// # Errors
    /// The server's own words, or that the connection broke.
    pub fn execute(&mut self, sql: &str) -> Result<Done> {
        match self.connection.query_drop(sql) {
            Ok(()) => Ok(Done { rows: self.connection.affected_rows(), warnings: self.connection.warnings() }),
            Err(error) => Err(self.told(error, 0)),
        }
    }

    /// The statement that asks this program for a file: `send` writes it.
    ///
    /// # Errors
    /// As [`execute`](Self::execute); the error of `send` among them.
    pub fn execute_sending(&mut self, sql: &str, send: LocalInfileHandler) -> Result<Done> {
        self.connection.set_local_infile_handler(Some(send));
        let done = self.execute(sql);
        // A server may ask for files at any time: it gets none that it was not told to ask for.
        self.connection.set_local_infile_handler(None);
        done
    }

    /// A query with every row of its result.
    ///
    /// # Errors
    /// As [`execute`](Self::execute), with the number of rows that had arrived.
    pub fn run(&mut self, sql: &str) -> Result<Output> {
        let mut rows = Vec::new();
        match fetch(&mut self.connection, sql, &mut rows, || ()) {
            Ok(columns) => Ok(Output { columns, rows }),
            Err(error) => Err(self.told(error, rows.len())),
        }
    }

    /// The same, with the time up to the first row and the time of getting the rest.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_in_phases(&mut self, sql: &str) -> Result<(Output, Phases)> {
        let (mut rows, mut first) = (Vec::new(), None);
        let start = Instant::now();
        let columns = fetch(&mut self.connection, sql, &mut rows, || {
            first.get_or_insert_with(Instant::now);
        });
        let end = Instant::now();
        let columns = columns.map_err(|error| self.told(error, rows.len()))?;
        let first = first.unwrap_or(end);
        let phases = Phases::of(None, Some(first - start), Some(end - first));
        Ok((Output { columns, rows }, phases))
    }

    /// The rows of a query about the server itself, as text.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn texts(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.run(sql)?.texts()
    }

    /// The first value of the first row; none without a row, or when it is NULL.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn value(&mut self, sql: &str) -> Result<Option<String>> {
        Ok(self.texts(sql)?.into_iter().next().and_then(|row| row.into_iter().next().flatten()))
    }

    /// How many rows a table has.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn count(&mut self, table: &str) -> Result<Option<u64>> {
        let count = self.value(&format!("SELECT COUNT(*) FROM `{table}`"))?;
        Ok(count.and_then(|count| count.parse().ok()))
    }

    /// A setting as the server has it in this session; none where it has no such setting.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn variable(&mut self, name: &str) -> Result<Option<String>> {
        let rows = self.texts(&format!("SHOW VARIABLES LIKE {}", quoted(name)))?;
        // An underscore stands for any letter there.
        let mut found = rows.into_iter().filter(|row| row.first().is_some_and(|cell| cell.as_deref() == Some(name)));
        Ok(found.next().and_then(|row| row.into_iter().nth(1).flatten()))
    }

    /// Sets it for this session.
    ///
    /// # Errors
    /// When the server does not take it, naming it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let sql = format!("SET SESSION {} = {}", named(name), setting(value));
        self.execute(&sql)
            .map(drop)
            .with_context(|| format!("{} does not take the setting {name} = {value}", self.login.service.title))
    }

    /// Sets how long a statement may take from now on. The host keeps the time and ends this program; a server goes on,
    /// since it looks for its client only when it has rows to send. Does nothing where the server has no such setting.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn limit(&mut self, limit: Option<&Limit>, seconds: Option<u64>) -> Result<()> {
        let Some(limit) = limit else { return Ok(()) };
        let seconds = seconds.map(|seconds| seconds.saturating_add(GRACE).min(limit.most));
        self.set(limit.setting, &seconds.map_or(limit.none, |seconds| seconds * limit.second).to_string())?;
        self.gives_up_after = seconds;
        Ok(())
    }

    /// An error of a statement for who reads it; `rows` had arrived before it.
    fn told(&self, error: Error, rows: usize) -> anyhow::Error {
        let (address, service) = (self.login.address(), self.login.service);
        match error {
            Error::MySqlError(told) if LIMIT_REACHED.contains(&told.code) => {
                let when = self.gives_up_after.map_or_else(String::new, |seconds| format!(" after {seconds} s"));
                anyhow!("the server gave up{when}: {told}; raise the deadline with QUERYDYNO_TIMEOUT")
            }
            Error::MySqlError(told) => anyhow!("{}: {told}{}", service.title, hint(told.code)),
            Error::IoError(error) if error.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<Unreadable>) => {
                anyhow!("{error}")
            }
            broken => {
                let why = match &broken {
                    Error::IoError(error) => error.to_string(),
                    Error::CodecError(error) => error.to_string(),
                    other => other.to_string(),
                };
                let when = if rows == 0 { String::new() } else { format!(" after {rows} rows of a result") };
                anyhow!(
                    "the connection to the server at {address} broke{when}: {why}; whether it still runs is told by \
                     cargo xtask services status, and why it stopped by its log"
                )
            }
        }
    }
}

/// What to do about errors that a server is asked for by how it was set up; by their numbers, which are documented.
fn hint(code: u16) -> &'static str {
    match code {
        1044 | 1142 | 1227 => r"; the user needs GRANT ALL ON `querydyno\_%`.*",
        1148 | 3948 | 4166 => "; the server has to be started with local_infile=ON, MariaDB's default",
        _ => "",
    }
}

/// A file of ours that cannot be read while the server waits for it: no fault of the connection.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// Runs the query and puts its rows where they stay when it fails; `arrived` is called at each.
fn fetch(
    connection: &mut Conn,
    sql: &str,
    rows: &mut Vec<mysql::Row>,
    mut arrived: impl FnMut(),
) -> mysql::Result<std::sync::Arc<[mysql::Column]>> {
    let mut result = connection.query_iter(sql)?;
    let columns = result.columns().as_ref().into();
    for row in result.by_ref() {
        arrived();
        rows.push(row?);
    }
    Ok(columns)
}

//! A connection to the server: [`Connection`], made anew where it broke off, with some patience.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, anyhow};
use postgres::error::SqlState;
use postgres::{Client, Error};

use super::address::{Address, with_causes};
use crate::engine::Result;
use crate::measure::tree;
use crate::protocol::task::SinkUse;

/// The pause before each further attempt, 6.1 s in all: PostgreSQL takes seconds to recover after one of its processes was killed. Pauses
/// are within the time of a run.
const PAUSES_MS: [u64; 6] = [100, 200, 400, 800, 1_600, 3_000];
/// Settings of the server that what a write costs depends on.
const SETTINGS: [&str; 6] =
    ["fsync", "synchronous_commit", "wal_level", "wal_compression", "shared_buffers", "max_wal_size"];

/// A connection that is made when it is needed.
pub(in super::super) struct Connection {
    pub(super) address: Address,
    client: Option<Client>,
    /// So far.
    retries: u64,
}

/// What the server had done for us, and logged for all, at some time.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Usage {
    log_position: i64,
    /// The process that serves us, and its processor time; of one elsewhere nothing is known.
    process: Option<(u32, u64)>,
    retries: u64,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When no server answers or lets us in.
    pub(in super::super) fn open(address: Address) -> Result<Self> {
        let mut connection = Self { address, client: None, retries: 0 };
        connection.tried(|_| Ok(()))?;
        Ok(connection)
    }

    /// Does some work, and again after a pause where the connection broke off or the server asks for patience. The work has to be
    /// idempotent.
    ///
    /// # Errors
    /// When it fails for another reason, or still.
    pub(super) fn tried<T>(
        &mut self,
        mut work: impl FnMut(&mut Client) -> std::result::Result<T, Failed>,
    ) -> Result<T> {
        let mut pauses = PAUSES_MS.into_iter();
        let mut attempts = 1;
        loop {
            let error = match self.connected() {
                Ok(client) => match work(client) {
                    Ok(done) => return Ok(done),
                    Err(Failed::Otherwise(error)) => return Err(error),
                    Err(Failed::Server(error)) => (error, false),
                },
                Err(error) => (error, true),
            };
            // After a COPY that was refused each request fails, while the client still says that it is connected.
            self.client = None;
            // One that was there a moment ago may be started again.
            let was_there = attempts > 1 && error.1 && error.0.code().is_none();
            let pause = pauses.next().filter(|_| was_there || passes(&error.0));
            let Some(pause) = pause else { return Err(self.told(&error.0, error.1, attempts)) };
            attempts += 1;
            self.retries += 1;
            sleep(Duration::from_millis(pause));
        }
    }

    fn connected(&mut self) -> std::result::Result<&mut Client, Error> {
        self.client.take_if(|client| client.is_closed());
        match &mut self.client {
            Some(_) => {}
            none => *none = Some(self.address.connect()?),
        }
        // It was just put there.
        Ok(self.client.as_mut().unwrap_or_else(|| unreachable!("a connection was made")))
    }

    fn told(&self, error: &Error, connecting: bool, attempts: usize) -> anyhow::Error {
        let said = if connecting {
            self.address.refused(error)
        } else {
            anyhow!("PostgreSQL at {}: {}", self.address.shown(), with_causes(error))
        };
        if attempts > 1 { said.context(format!("tried {attempts} times")) } else { said }
    }

    /// Does statements that change nothing when they are done twice.
    ///
    /// # Errors
    /// When one fails.
    pub(in super::super) fn execute(&mut self, statements: &[String]) -> Result<()> {
        for statement in statements {
            self.tried(|client| Ok(client.batch_execute(statement)?))
                .with_context(|| format!("the statement: {}", statement.trim()))?;
        }
        Ok(())
    }

    /// The server's version and settings, for the record.
    ///
    /// # Errors
    /// When it does not tell.
    pub(in super::super) fn settings(&mut self) -> Result<BTreeMap<String, String>> {
        let names: Vec<&str> = [&["server_version"][..], &SETTINGS].concat();
        self.tried(|client| {
            let rows =
                client.query("select name, current_setting(name) from pg_settings where name = any($1)", &[&names])?;
            Ok(rows.iter().map(|row| (format!("postgresql.{}", row.get::<_, &str>(0)), row.get(1))).collect())
        })
    }

    /// What the server has done so far.
    ///
    /// # Errors
    /// When it does not tell.
    pub(in super::super) fn usage(&mut self) -> Result<Usage> {
        const NOW: &str = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint, pg_backend_pid()";
        let local = self.address.is_local();
        let (log_position, process) = self.tried(|client| {
            let row = client.query_one(NOW, &[])?;
            let pid = u32::try_from(row.get::<_, i32>(1)).ok().filter(|_| local);
            let process = pid.and_then(|pid| Some((pid, tree::cpu_ns(&[pid])?)));
            Ok((row.get(0), process))
        })?;
        Ok(Usage { log_position, process, retries: self.retries })
    }
}

impl Usage {
    /// What was done since an earlier time. Of another process than then nothing is known.
    pub(in super::super) fn since(self, before: Self) -> SinkUse {
        let same = self.process.zip(before.process).filter(|(now, before)| now.0 == before.0);
        SinkUse {
            log_bytes: u64::try_from(self.log_position - before.log_position).ok(),
            cpu_time_ns: same.map(|(now, before)| now.1.saturating_sub(before.1)),
            retries: self.retries - before.retries,
        }
    }
}

/// Why some work did not succeed.
pub(super) enum Failed {
    /// By what the server or the connection to it says.
    Server(Error),
    /// By something that is the same the next time.
    Otherwise(anyhow::Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

/// Whether it may be otherwise a moment later: the connection broke off, the server starts or ends, or another one was in the way.
fn passes(error: &Error) -> bool {
    let Some(code) = error.code() else {
        // The connection itself ended, without a word of the server. Where nobody listens there was none, and waiting is no use.
        return error.is_closed() || is_cut(error);
    };
    let known = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
    ];
    known.contains(code) || code.code().starts_with("08")
}

fn is_cut(error: &Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&io.kind());
        }
        cause = error.source();
    }
    false
}

//! The file of the history, opened: [`Store`]. One process writes, or several read; who finds it locked waits a little.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use duckdb::types::Value;
use duckdb::{AccessMode, Config, Connection};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::decided::take_over;
use super::schema::{self, VERSION};
use super::stage::reached;
use super::{Error, checksums};
use crate::host::scratch;

/// The storage that files are written in: what DuckDB 1.5 and everything newer reads.
const STORAGE: &str = "v1.5.0";
/// For how long a file that is locked is tried again, where somebody waits for an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// And where nobody else is expected.
pub(super) const AT_ONCE: Duration = Duration::ZERO;
/// How often it is tried.
const POLL: Duration = Duration::from_millis(50);

/// A history that is open.
#[derive(Debug)]
pub struct Store {
    /// Where it is.
    pub path: PathBuf,
    pub(super) connection: Connection,
    /// Whether it is one of several connections of a server.
    pub(super) is_shared: bool,
}

/// What a connection of a server may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Reads,
    Writes,
}

/// What a server gives DuckDB: the results of a hundred thousand cells take a fraction of it, and what needs more goes to the disk.
const MEMORY: &str = "192MB";
/// Threads of one question: several are asked at a time, and what is measured on this machine has the others.
const THREADS: u32 = 1;
/// How long the log of a server grows.
const LOG: &str = "32MB";

impl Store {
    /// Opens it for reading. Nothing can be written, and no other file be read, whatever the SQL.
    ///
    /// # Errors
    /// When it is not there, in use for longer than `patience`, damaged, or of another version.
    pub fn read(path: &Path, patience: Duration) -> Result<Self, Error> {
        if !path.exists() {
            return Err(Error::Missing(path.to_owned()));
        }
        let config = || Config::default().access_mode(AccessMode::ReadOnly)?.enable_external_access(false);
        let store = Self { connection: open(path, patience, config)?, path: path.to_owned(), is_shared: false };
        store.execute("SET lock_configuration = true")?;
        schema::version(&store.connection, path)?;
        reached("read");
        Ok(store)
    }

    /// Opens it for writing, made if it is not there, and brought up to today's schema.
    ///
    /// # Errors
    /// As [`read`](Self::read), or when it cannot be made.
    pub fn write(path: &Path, patience: Duration) -> Result<Self> {
        if !path.exists() {
            make(path)?;
        }
        let config = || Config::default().access_mode(AccessMode::ReadWrite);
        let store = Self { connection: open(path, patience, config)?, path: path.to_owned(), is_shared: false };
        schema::migrate(&store.connection, path)?;
        checksums::renew(&store)?;
        reached("opened");
        Ok(store)
    }

    /// Opens it for writing, for as long as a server runs: no statement reaches another file or changes a setting.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(super) fn own(path: &Path, patience: Duration) -> Result<Self> {
        if !path.exists() {
            make(path)?;
        }
        let config = || Config::default().access_mode(AccessMode::ReadWrite)?.enable_external_access(false);
        let store = Self { connection: open(path, patience, config)?, path: path.to_owned(), is_shared: true };
        schema::migrate(&store.connection, path)?;
        checksums::renew(&store)?;
        store.execute(&format!(
            "SET memory_limit = '{MEMORY}'; SET threads = {THREADS}; SET checkpoint_threshold = '{LOG}'; SET lock_configuration = true"
        ))?;
        reached("opened");
        Ok(store)
    }

    /// One more connection of a server. One that reads is in a transaction that can do nothing else.
    ///
    /// # Errors
    /// What DuckDB says.
    pub(super) fn shared(path: PathBuf, connection: Connection, access: Access) -> Result<Self, Error> {
        let store = Self { connection, path, is_shared: true };
        if access == Access::Reads {
            store.execute("BEGIN TRANSACTION READ ONLY")?;
        }
        Ok(store)
    }

    /// Whether its schema is today's.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub(super) fn is_current(&self) -> Result<bool, Error> {
        Ok(schema::version(&self.connection, &self.path)? == VERSION)
    }

    /// Runs statements that give no rows.
    ///
    /// # Errors
    /// What DuckDB says.
    pub(super) fn execute(&self, statements: &str) -> Result<(), Error> {
        self.connection.execute_batch(statements).map_err(|error| self.error(error))
    }

    /// What DuckDB's error means for this history.
    pub(super) fn error(&self, error: duckdb::Error) -> Error {
        Error::of(&self.path, error)
    }

    /// The first value of a statement.
    ///
    /// # Errors
    /// What DuckDB says.
    pub(super) fn value<T: duckdb::types::FromSql>(&self, statement: &str) -> Result<T, Error> {
        self.connection.query_row(statement, [], |row| row.get(0)).map_err(|error| self.error(error))
    }

    /// Every row of a statement.
    ///
    /// # Errors
    /// What DuckDB says.
    pub(super) fn rows<T>(
        &self,
        statement: &str,
        parameters: impl duckdb::Params,
        row: impl FnMut(&duckdb::Row<'_>) -> duckdb::Result<T>,
    ) -> Result<Vec<T>, Error> {
        let all = || self.connection.prepare(statement)?.query_map(parameters, row)?.collect();
        let all: duckdb::Result<Vec<T>> = all();
        all.map_err(|error| self.error(error))
    }
}

/// Opens a file, waiting for whoever has it locked.
fn open(path: &Path, patience: Duration, config: impl Fn() -> duckdb::Result<Config>) -> Result<Connection, Error> {
    let deadline = Instant::now() + patience;
    let mut told = false;
    loop {
        // What a query asks for is there or it is not: nothing is fetched.
        let config = config().and_then(|config| config.enable_autoload_extension(false));
        let error = match config.and_then(|config| Connection::open_with_flags(path, config)) {
            Ok(connection) => return Ok(connection),
            Err(error) => Error::of(path, error),
        };
        let Error::Busy { holder, .. } = &error else { return Err(error) };
        if Instant::now() >= deadline {
            return Err(error);
        }
        if !told {
            log::info!("waiting for {holder}, which uses the history");
            told = true;
        }
        sleep(POLL);
    }
}

/// Attaches a new file of [`STORAGE`] as the database `made`.
///
/// # Errors
/// When it cannot be written.
pub(super) fn attach_new(connection: &Connection, file: &Path) -> Result<(), Error> {
    let attach = format!("ATTACH '{}' AS made (STORAGE_VERSION '{STORAGE}')", quoted(file));
    connection.execute_batch(&attach).map_err(|error| Error::of(file, error))
}

/// Makes a history without results, with what was decided before, which appears whole or not at all. One that has appeared meanwhile stays.
fn make(path: &Path) -> Result<()> {
    let staged = Staged::new(path)?;
    let connection = Connection::open_in_memory()?;
    attach_new(&connection, &staged.file)?;
    connection.execute_batch("USE made")?;
    schema::migrate(&connection, path)?;
    take_over(&connection, path)?;
    connection.execute_batch("CHECKPOINT; USE memory; DETACH made").map_err(|error| Error::of(path, error))?;
    reached("made");
    match renameat_with(CWD, &staged.file, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(sync(path)?),
        Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot put {} in its place", path.display())),
    }
}

/// A place for a file in the making, beside the one that it will be; it goes with this value, or by a later one after a kill.
pub(super) struct Staged {
    folder: tempfile::TempDir,
    pub(super) file: PathBuf,
}

impl Staged {
    pub(super) fn new(path: &Path) -> Result<Self> {
        let folder = scratch::folder(&path.with_added_extension("making"))?;
        let file = folder.path().join("history.duckdb");
        Ok(Self { folder, file })
    }

    /// The folder that it is in, for what else is needed to make it.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // The folder above goes too where nobody else makes anything in it.
        let _ = fs::remove_dir_all(self.folder.path());
        let _ = self.folder.path().parent().map(fs::remove_dir);
    }
}

/// Has the disk keep a file and its name.
///
/// # Errors
/// When it cannot.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    File::open(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()
}

/// A path between single quotes.
pub(super) fn quoted(path: &Path) -> String {
    path.to_string_lossy().replace('\'', "''")
}

/// The numbers of a list, as the column `samples` has them; none of NULL.
pub(super) fn samples(list: &Value) -> Vec<f64> {
    let Value::List(values) = list else { return Vec::new() };
    let double = |value: &Value| if let Value::Double(value) = value { Some(*value) } else { None };
    values.iter().filter_map(double).collect()
}

//! The one process that has the history open, with a connection for each that asks: [`Owner`].

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use duckdb::Connection;

use super::super::Error;
use super::super::decisions::keep_up;
use super::super::store::{Access, Store};
use super::super::take_in::{TakenIn, due, take_in};
use crate::host::turns::Turns;

/// How long a server waits for a command that has the file.
const OPENING: Duration = Duration::from_secs(30);
/// How long a question waits for a file that was given away.
const LENT: Duration = Duration::from_secs(5);
/// How long giving it away waits for questions.
const LENDING: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);
/// Connections that are kept for the next who asks.
const IDLE: usize = 8;

/// Why a question has no answer although nothing is wrong with it.
#[derive(Debug)]
pub enum Unanswered {
    /// A command has the file for now.
    Lent,
    /// It took longer than it may.
    TooLong(Duration),
}

impl std::error::Error for Unanswered {}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lent => f.write_str("a history command has the file for now: try again in a few seconds"),
            Self::TooLong(limit) => write!(
                f,
                "it took longer than {} s and was stopped: ask for less, or with `cargo xtask history sql` on the machine itself",
                limit.as_secs_f32()
            ),
        }
    }
}

/// The history, open for as long as this lives.
#[derive(Debug)]
pub struct Owner {
    path: PathBuf,
    /// Whose journal is taken in; none for a file that has none, such as a backup or a demo.
    home: Option<PathBuf>,
    /// Nothing while a command has the file.
    open: RwLock<Option<Open>>,
    /// One more with each change.
    version: AtomicU64,
    /// One more with each change that is not only new results.
    said: AtomicU64,
}

#[derive(Debug)]
struct Open {
    writer: Mutex<Store>,
    /// Connections are made of it.
    source: Mutex<Connection>,
    idle: Mutex<Vec<Store>>,
    questions: Turns,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Open {
    fn new(path: &Path) -> Result<Self> {
        let writer = Store::own(path, OPENING)?;
        let source = writer.connection.try_clone().map_err(|error| writer.error(error))?;
        Ok(Self {
            writer: Mutex::new(writer),
            source: Mutex::new(source),
            idle: Mutex::default(),
            questions: Turns::default(),
        })
    }

    fn connection(&self) -> duckdb::Result<Connection> {
        lock(&self.source).try_clone()
    }

    fn answer<T>(&self, path: &Path, ask: impl Fn(&Store) -> Result<T>) -> Result<T> {
        let kept = lock(&self.idle).pop();
        let store = if let Some(store) = kept {
            store
        } else {
            let connection = self.connection().map_err(|error| Error::of(path, error))?;
            Store::shared(path.to_owned(), connection, Access::Writes)?
        };
        store.execute("BEGIN TRANSACTION READ ONLY")?;
        let answer = ask(&store);
        // One whose transaction does not end is not used again.
        if store.execute("ROLLBACK").is_ok() {
            let mut idle = lock(&self.idle);
            if idle.len() < IDLE {
                idle.push(store);
            }
        }
        answer
    }
}

/// The file, which nobody else has until this is dropped.
pub(super) struct Lent<'a> {
    open: RwLockWriteGuard<'a, Option<Open>>,
    owner: &'a Owner,
    is_for_good: bool,
}

impl Owner {
    /// Opens it, makes it if it is not there, and takes in what the journal of `home` has.
    ///
    /// # Errors
    /// When it cannot be opened, or another process has it for too long.
    pub fn new(path: &Path, home: Option<&Path>) -> Result<Self> {
        let owner = Self {
            path: path.to_owned(),
            home: home.map(Path::to_owned),
            open: RwLock::new(Some(Open::new(path)?)),
            version: AtomicU64::new(1),
            said: AtomicU64::new(1),
        };
        owner.write(keep_up)?;
        owner.take_in()?;
        Ok(owner)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whose journal it takes in.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// A number that is another after each change of the history.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// A number that is another after each change but new results: after that, what there was may be another.
    pub fn said(&self) -> u64 {
        self.said.load(Ordering::Acquire)
    }

    fn has_changed(&self) {
        self.said.fetch_add(1, Ordering::AcqRel);
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    fn opened(&self) -> Result<RwLockReadGuard<'_, Option<Open>>> {
        let deadline = Instant::now() + LENT;
        loop {
            match self.open.try_read() {
                Ok(open) if open.is_some() => return Ok(open),
                Err(TryLockError::Poisoned(open)) if open.get_ref().is_some() => return Ok(open.into_inner()),
                _ if Instant::now() >= deadline => return Err(Unanswered::Lent.into()),
                _ => sleep(POLL),
            }
        }
    }

    /// Asks it something, on a connection of its own that can only read. If the answer takes more memory than other questions leave, it is
    /// asked once more, alone.
    ///
    /// # Errors
    /// Those of the question; when a command has the file for longer than a question waits.
    pub(crate) fn read<T>(&self, ask: impl Fn(&Store) -> Result<T>) -> Result<T> {
        let guard = self.opened()?;
        let open = guard.as_ref().context("closed")?;
        let beside_others = {
            let _turn = open.questions.take();
            open.answer(&self.path, &ask)
        };
        let is_too_large = |error: &anyhow::Error| error.downcast_ref().is_some_and(Error::is_out_of_memory);
        match beside_others {
            Err(error) if is_too_large(&error) => {
                let _turn = open.questions.take_all();
                open.answer(&self.path, &ask)
            }
            answer => answer,
        }
    }

    /// The same, stopped after so long.
    ///
    /// # Errors
    /// As [`read`](Self::read), and when it takes longer.
    pub(crate) fn read_within<T>(&self, limit: Duration, ask: impl Fn(&Store) -> Result<T>) -> Result<T> {
        self.read(|store| {
            let handle = store.connection.interrupt_handle();
            let (over, watched) = channel::<()>();
            let watch = thread::spawn(move || {
                let is_late = watched.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
                if is_late {
                    handle.interrupt();
                }
                is_late
            });
            let answer = ask(store);
            drop(over);
            let is_late = watch.join().unwrap_or(false);
            answer.map_err(|error| if is_late { Unanswered::TooLong(limit).into() } else { error })
        })
    }

    /// Changes it, after whoever else does. Afterwards it is of another version.
    ///
    /// # Errors
    /// Those of the change; when a command has the file for longer than that waits.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&Store) -> Result<T>) -> Result<T> {
        let guard = self.opened()?;
        let open = guard.as_ref().context("closed")?;
        let writer = lock(&open.writer);
        let changed = change(&writer);
        // What a failed change has left open would be part of the next.
        if changed.is_err() {
            let _ = writer.execute("ROLLBACK");
        }
        self.has_changed();
        changed
    }

    /// Takes in what is new in the journal: how many results.
    ///
    /// # Errors
    /// When the journal cannot be read or the history not be written.
    pub fn take_in(&self) -> Result<u64> {
        self.taken_in().map(|taken| taken.results)
    }

    pub(super) fn taken_in(&self) -> Result<TakenIn> {
        let Some(home) = &self.home else { return Ok(TakenIn::default()) };
        let taken = {
            let guard = self.opened()?;
            let open = guard.as_ref().context("closed")?;
            let writer = lock(&open.writer);
            let taken = due(home, Some(&writer)).and_then(|due| take_in(&writer, due));
            if taken.is_err() {
                let _ = writer.execute("ROLLBACK");
            }
            taken
        };
        match taken {
            Ok(taken) => {
                if taken.results > 0 || taken.left_out > 0 {
                    self.version.fetch_add(1, Ordering::AcqRel);
                }
                Ok(taken)
            }
            Err(error) => {
                // After a full disk DuckDB does nothing more until the file is opened anew.
                if matches!(error.downcast_ref(), Some(Error::Full { .. } | Error::Damaged { .. })) {
                    drop(self.lend());
                }
                Err(error)
            }
        }
    }

    /// A connection for a command that is run here, which may do what `access` says; the command is over before the file can be given
    /// away.
    pub(super) fn run<T>(&self, access: Access, run: impl FnOnce(Connection) -> Result<T>) -> Result<T> {
        let guard = self.opened()?;
        let open = guard.as_ref().context("closed")?;
        let connection = open.connection().map_err(|error| Error::of(&self.path, error))?;
        if access == Access::Reads {
            let _turn = open.questions.take();
            return run(connection);
        }
        let _writer = lock(&open.writer);
        let ran = run(connection);
        self.has_changed();
        ran
    }

    /// Closes it, for good: what was written is in the file then, and no longer in a log beside it.
    pub fn close(&self) {
        match self.lend() {
            Ok(mut lent) => lent.is_for_good = true,
            Err(error) => log::warn!("the history was not closed, which loses nothing: {error:#}"),
        }
    }

    /// Closes the file for somebody else, until what it gives is dropped.
    pub(super) fn lend(&self) -> Result<Lent<'_>> {
        let deadline = Instant::now() + LENDING;
        let mut open = loop {
            match self.open.try_write() {
                Ok(open) => break open,
                Err(TryLockError::Poisoned(open)) => break open.into_inner(),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(Unanswered::Lent.into()),
                Err(TryLockError::WouldBlock) => sleep(POLL),
            }
        };
        *open = None;
        Ok(Lent { open, owner: self, is_for_good: false })
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        while !self.is_for_good {
            match Open::new(&self.owner.path) {
                Ok(open) => {
                    *self.open = Some(open);
                    break;
                }
                // Whoever asks meanwhile is told that it is given away.
                Err(error) => log::warn!("the history cannot be opened again, trying on: {error:#}"),
            }
            sleep(Duration::from_secs(1));
        }
        self.owner.has_changed();
    }
}

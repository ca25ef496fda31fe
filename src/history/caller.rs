//! Who asks: this process's own user, or, where a server owns the history, somebody whose command it runs. The main type is [`Caller`].

use std::cell::RefCell;
use std::env;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use duckdb::Connection;
use serde::{Deserialize, Serialize};

use super::take_in::TakenIn;

/// What a command needs of the process that it was typed in.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct Caller {
    /// Where relative paths begin.
    folder: PathBuf,
    author: String,
    /// What was on stdin, where the command reads it.
    stdin: Option<String>,
    is_terminal: bool,
}

/// The history that a server has opened, for the command that this thread runs.
struct Opened {
    caller: Caller,
    path: PathBuf,
    connection: Connection,
    taken: TakenIn,
}

/// What this process has read of stdin for a command that it then runs itself.
static READ: OnceLock<String> = OnceLock::new();

thread_local! {
    static OPENED: RefCell<Option<Opened>> = const { RefCell::new(None) };
}

impl Caller {
    /// Somebody who has no folder, terminal or stdin here.
    pub(super) fn remote(author: &str) -> Self {
        Self { folder: env::temp_dir(), author: author.to_owned(), ..Self::default() }
    }

    /// This process.
    ///
    /// # Errors
    /// When stdin is wanted and cannot be read.
    pub(super) fn here(reads_stdin: bool) -> io::Result<Self> {
        let stdin = reads_stdin.then(stdin).transpose()?;
        Ok(Self { folder: env::current_dir()?, author: user(), stdin, is_terminal: io::stdout().is_terminal() })
    }
}

impl Caller {
    /// What was on stdin, where the command reads it.
    pub(super) fn stdin(&self) -> Option<&str> {
        self.stdin.as_deref()
    }
}

/// Runs something in this thread as if the caller had, on a connection of the server's.
pub(super) fn as_if<T>(
    caller: Caller,
    (path, connection): (&Path, Connection),
    taken: TakenIn,
    run: impl FnOnce() -> T,
) -> T {
    /// Forgotten, whatever becomes of it.
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            OPENED.set(None);
        }
    }
    OPENED.set(Some(Opened { caller, path: path.to_owned(), connection, taken }));
    let _over = Over;
    run()
}

/// A connection of its own to the history that a server has opened, with where it is and what was just taken in.
pub(super) fn opened() -> Option<duckdb::Result<(PathBuf, Connection, TakenIn)>> {
    OPENED.with_borrow(|opened| {
        let Opened { path, connection, taken, .. } = opened.as_ref()?;
        Some(connection.try_clone().map(|connection| (path.clone(), connection, *taken)))
    })
}

fn of_caller<T>(of: impl FnOnce(&Caller) -> T) -> Option<T> {
    OPENED.with_borrow(|opened| opened.as_ref().map(|opened| of(&opened.caller)))
}

/// Who says it, as the system knows them.
pub(super) fn author() -> String {
    of_caller(|caller| caller.author.clone()).unwrap_or_else(user)
}

fn user() -> String {
    env::var("USER").or_else(|_| env::var("LOGNAME")).unwrap_or_else(|_| "unknown".to_owned())
}

/// All of stdin.
pub(super) fn stdin() -> io::Result<String> {
    if let Some(text) = of_caller(|caller| caller.stdin.clone().unwrap_or_default()) {
        return Ok(text);
    }
    if let Some(text) = READ.get() {
        return Ok(text.clone());
    }
    let text = io::read_to_string(io::stdin())?;
    Ok(READ.get_or_init(|| text).clone())
}

/// Whether people read stdout.
pub(super) fn reads_on_terminal() -> bool {
    of_caller(|caller| caller.is_terminal).unwrap_or_else(|| io::stdout().is_terminal())
}

/// A path as the caller means it.
pub(super) fn from_here(path: &Path) -> PathBuf {
    of_caller(|caller| caller.folder.join(path)).unwrap_or_else(|| path.to_owned())
}

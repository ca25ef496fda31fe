//! Work that takes long, told as it goes on to whoever [`watch`]es. Nothing here draws: `host::terminal` does.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nothing: it is waited for.
    Nothing,
    /// Bytes of a download.
    Bytes,
    /// Rows that are generated.
    Rows,
    /// Processes of an audit.
    Processes,
    /// Pairs of a gate.
    Pairs,
    /// Pages of an export.
    #[cfg_attr(not(feature = "server"), expect(dead_code, reason = "only the server exports"))]
    Pages,
}

/// What became of some work.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Progress<'a> {
    /// It begins: so many are to be done.
    Began(Unit, u64),
    /// This is done now, or waited for.
    Now(&'a str),
    /// So many more are to be done.
    Expected(u64),
    /// So many more are done.
    Done(u64),
    /// So many are done in all.
    At(u64),
    /// Its end, good or bad.
    Ended,
}

type Watcher = fn(u64, &Progress<'_>);

static WATCHER: OnceLock<Watcher> = OnceLock::new();

/// Has all progress told to this watcher from here on, each with the number of its work. The first one stays.
pub(crate) fn watch(watcher: Watcher) {
    // A second call changes nothing.
    let _ = WATCHER.set(watcher);
}

/// Work that goes on for as long as this lives.
#[derive(Debug)]
pub(crate) struct Work(u64);

impl Work {
    /// Begins, with `what` is done first where that is known.
    pub(crate) fn begin(unit: Unit, of: u64, what: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let work = Self(NEXT.fetch_add(1, Ordering::Relaxed));
        work.tell(&Progress::Began(unit, of));
        if !what.is_empty() {
            work.now(what);
        }
        work
    }

    /// Begins to wait.
    pub(crate) fn wait(what: &str) -> Self {
        Self::begin(Unit::Nothing, 0, what)
    }

    pub(crate) fn now(&self, what: &str) {
        self.tell(&Progress::Now(what));
    }

    pub(crate) fn expect(&self, more: u64) {
        self.tell(&Progress::Expected(more));
    }

    pub(crate) fn done(&self, more: u64) {
        self.tell(&Progress::Done(more));
    }

    pub(crate) fn at(&self, all: u64) {
        self.tell(&Progress::At(all));
    }

    fn tell(&self, progress: &Progress<'_>) {
        if let Some(watcher) = WATCHER.get() {
            watcher(self.0, progress);
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.tell(&Progress::Ended);
    }
}

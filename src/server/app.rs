//! What all requests share: [`App`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::ask::Ask;
use super::cached::{BOUND, Cached, Stamp};
use super::counters::Counters;
use super::keys::Keys;
use super::latest::Latest;
use super::options::Options;
use super::page::Page;
use super::runs::Runs;
use super::standing::Standing;
use super::turns::Turns;
use crate::history::served::Owner;
use crate::history::served::{questions, snapshot};
use crate::host::report::Known;

/// Pages of the newest result of each cell.
const STANDING: [&str; 4] = ["/", "/matrix", "/query", "/compare"];
/// What all pages that are kept have together, compressed: some thousands of them.
const PAGES: usize = 16 << 20;

/// The server.
pub(super) struct App {
    pub(super) owner: Arc<Owner>,
    pub(super) options: Options,
    /// What each write needs; none where everybody who gets here is this machine's user.
    pub(super) token: Option<String>,
    /// Engines as they are known here, with their colours.
    pub(super) known: Known,
    pub(super) counters: Counters,
    pub(super) runs: Runs,
    pub(super) keys: Keys,
    /// By path and query; each with its path and what was asked.
    pub(super) pages: Cached<(&'static str, Ask), Page>,
    /// Of those who ask for a page that is not made.
    pub(super) turns: Turns,
    standing: Latest<Standing>,
    changes: Latest<Vec<Value>>,
    /// Whether somebody makes anew what is old.
    is_renewed: AtomicBool,
    is_stopping: AtomicBool,
}

impl App {
    /// With the newest results read.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub(super) fn new(owner: Arc<Owner>, options: Options, token: Option<String>, known: Known) -> Result<Arc<Self>> {
        let keys = Keys::read(owner.path())?;
        let app = Arc::new(Self {
            options,
            token,
            known,
            counters: Counters::default(),
            runs: Runs::default(),
            keys,
            pages: Cached::new(PAGES),
            turns: Turns::default(),
            standing: Latest::default(),
            changes: Latest::default(),
            is_renewed: AtomicBool::new(false),
            is_stopping: AtomicBool::new(false),
            owner,
        });
        app.renew_standing()?;
        Ok(app)
    }

    /// Where results changed in the last seven days, as `history changes` tells it in JSON, as it was looked for last. None before that,
    /// where somebody is at it; where nobody is, it is looked for now.
    ///
    /// # Errors
    /// Those of the command.
    pub(super) fn changes(&self) -> Result<Option<Arc<Vec<Value>>>> {
        if !self.is_renewed.load(Ordering::Relaxed) {
            self.renew_changes()?;
        }
        Ok(self.changes.get())
    }

    /// From now on somebody makes anew what is old.
    pub(super) fn is_renewed_from_now_on(&self) {
        self.is_renewed.store(true, Ordering::Relaxed);
    }

    /// Whether they are of another version, and were looked for longer ago than this.
    pub(super) fn changes_are_old(&self, pause: Duration) -> bool {
        self.changes.version() != self.owner.version() && self.changes.age().is_none_or(|age| age >= pause)
    }

    /// Looks for them again.
    ///
    /// # Errors
    /// Those of the command.
    pub(super) fn renew_changes(&self) -> Result<()> {
        let look = || -> Result<Vec<Value>> {
            let since = (chrono::Utc::now() - chrono::TimeDelta::days(7)).format("%Y-%m-%d");
            let kept = questions::command(&self.owner, &["changes", "--format=json", &format!("--since={since}")], "")?;
            kept.rows()
        };
        self.changes.renew(|| self.owner.version(), look).map(drop)
    }

    /// Whether what has no end of its own is to end.
    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Ends what has no end of its own: streams of events, and a run that was started.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.runs.all().iter().for_each(|run| run.interrupt());
    }

    /// The newest result of each cell, as it was read last; read again where that has been too old for too long.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub(super) fn standing(&self) -> Result<Arc<Standing>> {
        match self.standing.within(BOUND) {
            Some(standing) => Ok(standing),
            None => self.renew_standing(),
        }
    }

    /// Whether there are newer results than it has.
    pub(super) fn standing_is_old(&self) -> bool {
        self.standing.version() != self.owner.version()
    }

    /// Reads it again, if it is old.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub(super) fn renew_standing(&self) -> Result<Arc<Standing>> {
        let read = || -> Result<Standing> { Ok(Standing::new(snapshot::newest(&self.owner)?, &self.known)) };
        self.standing.renew(|| self.owner.version(), read)
    }

    /// Takes note of the version that the history has now.
    pub(super) fn notice(&self) {
        self.standing.notice(self.owner.version());
    }

    /// Whether a page of this path has to be made although there is one, since what it shows has been old for too long.
    pub(super) fn is_too_old(&self, path: &str) -> bool {
        STANDING.contains(&path) && self.standing.within(BOUND).is_none()
    }

    /// Of what a page of this path would be made now.
    pub(super) fn stamp(&self, path: &str) -> Stamp {
        match path {
            "/api" => (0, 0),
            // What was measured once stays; what is said of it may change.
            "/result" => (self.owner.said(), 0),
            "/" => (self.standing.version(), self.changes.version()),
            "/runs" => (self.owner.version(), self.runs.version()),
            path if STANDING.contains(&path) => (self.standing.version(), 0),
            _ => (self.owner.version(), 0),
        }
    }
}

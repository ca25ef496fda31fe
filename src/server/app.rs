//! What all requests share: [`App`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::cached::Cached;
use super::counters::Counters;
use super::keys::Keys;
use super::options::Options;
use super::page::Page;
use super::runs::Runs;
use super::standing::Standing;
use crate::history::served::Owner;
use crate::history::served::{questions, snapshot};
use crate::host::report::Known;

/// How old the standing may be while results come in.
const STANDING: Duration = Duration::from_secs(2);
/// And the changes, for which every point of every series is looked at.
const CHANGES: Duration = Duration::from_mins(1);
/// And a page, which is made of it.
const PAGES: Duration = Duration::from_secs(1);
/// Pages that are kept, compressed: some 20 kB each.
const KEPT: usize = 1500;

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
    pub(super) pages: Arc<Cached<Page>>,
    standing: Arc<Cached<Standing>>,
    changes: Arc<Cached<Vec<Value>>>,
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
            pages: Arc::new(Cached::new(KEPT, PAGES)),
            standing: Arc::new(Cached::new(1, STANDING)),
            changes: Arc::new(Cached::new(2, CHANGES)),
            is_stopping: AtomicBool::new(false),
            owner,
        });
        app.standing()?;
        Ok(app)
    }

    /// Where results changed in the last seven days, as `history changes` tells it in JSON, at most some minutes old.
    ///
    /// # Errors
    /// Those of the command.
    pub(super) fn changes(self: &Arc<Self>) -> Result<Arc<Vec<Value>>> {
        let since = (chrono::Utc::now() - chrono::TimeDelta::days(7)).format("%Y-%m-%d").to_string();
        let (app, version) = (Arc::clone(self), self.owner.version());
        self.changes.get(&since.clone(), version, move || {
            let kept = questions::command(&app.owner, &["changes", "--format=json", &format!("--since={since}")], "")?;
            Ok(serde_json::from_slice(&kept.stdout).unwrap_or_default())
        })
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

    /// The newest result of each cell, at most some seconds old.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub(super) fn standing(self: &Arc<Self>) -> Result<Arc<Standing>> {
        let (app, version) = (Arc::clone(self), self.owner.version());
        self.standing.get("", version, move || Ok(Standing::new(snapshot::newest(&app.owner)?, &app.known)))
    }
}

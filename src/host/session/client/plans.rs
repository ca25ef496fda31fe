//! Asking a program how its engine would run the task: never timed, and only a program that said it can tell.

use std::path::Path;

use super::{Result, Session};
use crate::protocol::messages::{Reply, Request};

impl Session {
    /// The plan of the prepared task, as the engine tells it. `None` of an engine that has none, and of a program that does not know
    /// the request: it is not asked.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn plan(&mut self) -> Result<Option<String>> {
        if !self.tells_plan {
            return Ok(None);
        }
        match self.ask("plan", &Request::Plan {})? {
            Reply::Plan { text } => Ok(text),
            other => Err(self.garbage("plan", &other)),
        }
    }

    /// The program's folder for spill files, which a plan may name.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }
}

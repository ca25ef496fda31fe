//! Machines of a run as they are now: [`Machine`], and what starts and ends them. One file a kind: [`ec2`](super::ec2) and
//! [`local`](super::local).

use anyhow::Result;

use super::plan::{Job, Plan};

/// A machine that was started for an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) id: String,
    pub(super) engine: String,
    pub(super) attempt: u32,
    /// As EC2 names it: `pending`, `running`, `shutting-down`, `terminated`.
    pub(super) state: String,
    /// Why it ended, where it tells: `Server.SpotInstanceTermination`.
    pub(super) reason: Option<String>,
}

impl Machine {
    pub(super) fn is_up(&self) -> bool {
        matches!(self.state.as_str(), "pending" | "running" | "stopping" | "stopped")
    }

    /// Whether EC2 took a spot instance back.
    pub(super) fn was_taken_back(&self) -> bool {
        self.reason.as_deref().is_some_and(|reason| reason.contains("SpotInstance"))
    }
}

/// Where machines come from.
pub(super) trait Machines {
    /// All of the run, also those that ended.
    ///
    /// # Errors
    /// When nobody can tell.
    fn all(&self, plan: &Plan) -> Result<Vec<Machine>>;

    /// Starts one.
    ///
    /// # Errors
    /// When it is refused.
    fn start(&self, plan: &Plan, job: &Job, attempt: u32) -> Result<()>;

    /// Ends these.
    ///
    /// # Errors
    /// When that fails.
    fn end(&self, machines: &[&Machine]) -> Result<()>;

    /// How many may be up at once.
    fn at_once(&self) -> usize;
}

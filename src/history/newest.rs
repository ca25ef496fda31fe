//! What the host asks before a run that leaves out what needs none: the newest result of each cell on a class of machines, and
//! at which commits there are any. It is no command for people, who have the view `latest`; the host's side is `host::incremental`.

use anyhow::Result;
use clap::Args;

use super::format::Format;
use super::query;
use super::store::Store;

// No doc comment: clap would take it for what the command does.
#[derive(Debug, Args)]
pub(super) struct Newest {
    /// The class of machines, as in `machines.class`
    class: String,
    /// Instead: at which commits each cell has a result
    #[arg(long)]
    commits: bool,
}

impl Newest {
    /// Prints them as JSON.
    ///
    /// # Errors
    /// When a column that it needs is damaged.
    pub(super) fn run(&self, store: &Store) -> Result<()> {
        let question = if self.commits { include_str!("sql/commits.sql") } else { include_str!("sql/newest.sql") };
        query::sql(store, question, [self.class.as_str()], Format::Json, None)
    }
}

//! `cargo xtask cloud`: one machine for each engine, from starting it to the merged report. The main type is [`Cloud`].
//!
//! It is built on the `aws` CLI. What a machine does is `instance.sh`, whoever runs it; who may do what is in `policy`; how it is used is in
//! `src/docs/cloud.md`.

mod aws;
mod bundle;
mod call;
mod calls;
mod check;
mod cleanup;
mod collect;
mod drive;
mod ec2;
mod estimate;
mod follow;
mod grid;
mod local;
mod machines;
mod names;
mod options;
mod plan;
mod policy;
mod prepare;
mod price;
mod script;
mod show;
mod stage;
mod store;
mod up;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Run engines on EC2, a machine for each, in parallel, and bring their results home
///
/// Every machine ends itself when it is done, and after --max-hours whatever happens. Everything that is made carries the tag
/// querydyno=true; nothing else is ever touched. `src/docs/cloud.md` has the whole story, `src/docs/cloud_rights.md` the rights that it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask cloud run --instance-type c6i.2xlarge --engines duckdb,datafusion --dry-run   the plan and every call; touches nothing
  cargo xtask cloud list                                                                    what is up
  cargo xtask cloud terminate --older-than 24h                                              shows what it would end, and asks")]
pub(crate) struct Cloud {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start machines, follow them, collect what they measured, end them
    Run(Box<options::Run>),
    /// Go on with a run whose command was killed or left
    Attach {
        /// The run, as it was told at its beginning
        run: String,
        #[command(flatten)]
        place: options::Place,
    },
    /// List what is up of all runs: instances, and machines of local runs
    List {
        #[command(flatten)]
        place: options::Place,
    },
    /// End what is up; shows which, and asks
    Terminate(cleanup::Terminate),
    /// Look after the bucket
    Bucket(cleanup::Bucket),
}

impl Cloud {
    pub(crate) fn run(self) -> Result<()> {
        match self.action {
            Action::Run(run) => drive::begin(&run),
            Action::Attach { run, place } => drive::attach(&run, &place),
            Action::List { place } => cleanup::list(&place),
            Action::Terminate(terminate) => terminate.run(),
            Action::Bucket(bucket) => bucket.run(),
        }
    }
}

//! The report: records and Criterion's folder in, one cross-engine page out.
//!
//! [`Report::new`] ranks what [`newest`] or [`baseline`] gathered; [`Report::document`] lays it out, and
//! [`terminal`], [`markdown`] and [`html`] show that layout; [`json`] and [`csv`] give the figures to programs. All of
//! them are pure functions but for the gathering, which reads files. `cargo xtask report` calls them.
//!
//! ```no_run
//! use querydyno::host::report::{Known, Marks, Report, Sources, newest, terminal};
//! use querydyno::host::{filter::Filter, paths, settings::Settings};
//! let sources = Sources {
//!     records: vec![paths::home().join("records")],
//!     criterion: paths::criterion(),
//!     known: Known::read(&Settings::read()?)?,
//!     marks: Marks::read(&paths::history())?,
//!     filter: Filter::new("q1", false)?,
//!     needs_times: true,
//! };
//! let gathered = newest(&sources)?;
//! let report = Report::new(&gathered, &sources.known, &[]);
//! print!("{}", terminal::render(&report.document(false)?, false));
//! # Ok::<(), anyhow::Error>(())
//! ```

mod change;
mod conditions;
mod contestant;
mod crossover;
pub mod csv;
mod document;
mod gather;
mod group;
pub mod html;
pub mod json;
mod known;
mod left_out;
pub mod markdown;
mod marks;
mod page;
pub(crate) mod picture;
pub(crate) mod plans;
mod ranking;
pub mod show;
#[cfg(feature = "report-speed")]
pub mod speed;
pub mod terminal;
mod tree;
mod view;

pub use change::{Change, changes, ratio_of_medians, says};
pub use conditions::Conditions;
pub use contestant::Contestant;
pub use crossover::{Crossing, Crossover, ScaleLine};
pub use document::{Block, Document, Table, TableCell, Tone};
pub use gather::{Found, Gathered, Sources, baseline, newest, record};
pub use group::{Cell, Group, natural, state};
pub use known::{Known, KnownEngine};
pub use left_out::{LeftOut, told};
pub use marks::Marks;
pub use picture::Picture;
pub use ranking::{Place, Ranking, Timed, rank};
pub use view::{Sort, View};

use crate::host::audit::Audit;
use crate::host::scaling::{Curve, curves};

/// Everything that a report says, before it is laid out.
#[derive(Debug)]
pub struct Report<'a> {
    /// Cells that may be compared, the largest group first.
    pub groups: Vec<Group<'a>>,
    /// Allocations and instructions of cells that were looked at for them.
    pub inspected: &'a [Found],
    /// Speed-up over threads.
    pub scaling: Vec<Curve>,
    /// Who wins from which scale on.
    pub crossovers: Vec<Crossover>,
    /// Base against head, where two baselines were named.
    pub changes: Option<Changes>,
    /// What was found and not used.
    pub left_out: Vec<LeftOut>,
    /// What is known of each engine's distance from its makers' own build.
    pub audits: &'a [Audit],
}

/// Base against head.
#[derive(Debug)]
pub struct Changes {
    /// The base's name.
    pub base: String,
    /// The head's name.
    pub head: String,
    /// Every cell in both.
    pub cells: Vec<Change>,
    /// Cells that cannot be compared.
    pub not_compared: Vec<LeftOut>,
}

impl<'a> Report<'a> {
    /// Of what was gathered.
    pub fn new(gathered: &'a Gathered, known: &Known, audits: &'a [Audit]) -> Self {
        let groups = Group::all(&gathered.found, known);
        Self {
            scaling: curves(gathered.found.iter().map(|found| &found.record)),
            inspected: &gathered.inspected,
            crossovers: crossover::crossovers(&groups),
            changes: None,
            left_out: gathered.left_out.clone(),
            audits,
            groups,
        }
    }

    /// The same with what became of `base`, which was gathered under that name, in this report's cells, `head`.
    #[must_use]
    pub fn against(mut self, base: (&str, &Gathered), head: (&str, &Gathered)) -> Self {
        let (cells, not_compared) = changes(base.1, head.1);
        for left_out in &base.1.left_out {
            if !self.left_out.contains(left_out) {
                self.left_out.push(left_out.clone());
            }
        }
        self.changes = Some(Changes { base: base.0.to_owned(), head: head.0.to_owned(), cells, not_compared });
        self
    }
}

//! What is not measured and why: results whose record says so, and those that somebody has marked.

use anyhow::Result;
use clap::Args;
use duckdb::params;

use super::form::Form;
use super::place::Place;
use super::query;

// What to list. No doc comment: the command's help is at its variant.
#[derive(Debug, Args)]
pub(super) struct Simulated {
    /// The cells, as in a bench: `duckdb/q1`, `q6`, `^(duckdb|polars)/`
    #[arg(default_value = "")]
    filter: String,
    /// A line for each result, the newest first, instead of a line for each reason
    #[arg(long)]
    results: bool,
    #[command(flatten)]
    form: Form,
}

/// Of the cells that are meant; `marked_by` is empty where the record itself says it.
const FOUND: &str = "
    FROM measurements m LEFT JOIN marks k USING (result)
    WHERE m.provenance != 'measured' AND m.cell IN (SELECT unnest(string_split(?, chr(10))))";

impl Simulated {
    /// Lists them.
    ///
    /// # Errors
    /// When the filter means nothing.
    pub(super) fn run(&self, place: &Place) -> Result<()> {
        self.form.check()?;
        let store = place.reading()?;
        let what = if self.results {
            format!(
                "SELECT m.record, m.started_at, m.cell, m.machine_class, m.provenance, m.provenance_reason AS reason,
                        k.author AS marked_by, k.written_at AS marked_at, round(m.time_ns / 1e6, 3) AS time_ms
                 {FOUND} ORDER BY m.started_at DESC, m.record"
            )
        } else {
            format!(
                "SELECT m.provenance, m.provenance_reason AS reason, k.author AS marked_by, m.machine_class, m.engine_name AS engine,
                        count(*) AS results, min(m.started_at) AS first_at, max(m.started_at) AS last_at
                 {FOUND} GROUP BY ALL ORDER BY m.provenance, reason, m.machine_class, engine"
            )
        };
        let cells = query::cells(&store, &self.filter)?;
        let rows = query::counted(&store, &what, params![cells], self.form.format, self.form.output.as_deref())?;
        if rows == 0 {
            log::info!("all of it is measured");
        }
        Ok(())
    }
}

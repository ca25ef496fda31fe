//! `cargo xtask show`: one cell's whole story.

use anyhow::{Result, bail};
use clap::Args;
use querydyno::host::report::{Conditions, Found, newest, record, show};
use querydyno::host::terminal::output::print;

use crate::json::Json;
use crate::report::{Places, tell};

/// Show all that is known of one cell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask show duckdb/q1/sf1/parquet       the newest record of that cell
  cargo xtask show 20261120T120000Z-4711:3     that record; reports name them
  cargo xtask show q1 --records b/records      of another machine or run")]
pub(crate) struct Show {
    /// A record, as reports name it, or a filter that means one cell
    id: String,
    #[command(flatten)]
    json: Json,
    #[command(flatten)]
    places: Places,
}

impl Show {
    pub(crate) fn run(self) -> Result<()> {
        // A record is a file and a line of it; no cell's name has a colon.
        let is_record = self.id.rsplit_once(':').is_some_and(|(_, line)| line.parse::<usize>().is_ok());
        let found = if is_record { record(&self.places.sources("")?, &self.id)? } else { self.of_cell()? };
        if self.json.is_wanted() {
            self.json.write(&serde_json::to_string_pretty(&found.record)?)
        } else {
            print(&show::render(&found))
        }
    }

    /// The newest record of the one cell that is meant, timed if any is; the others are named on stderr.
    fn of_cell(&self) -> Result<Found> {
        let gathered = newest(&self.places.sources(&self.id)?)?;
        let mut meant: Vec<Found> = gathered.found.into_iter().chain(gathered.inspected).collect();
        meant.sort_by_cached_key(|found| (found.record.inspects.is_none(), found.record.started_at.clone()));
        let mut cells: Vec<String> = meant.iter().map(|found| found.record.id.to_string()).collect();
        cells.sort();
        cells.dedup();
        if cells.len() > 1 {
            let more = cells.len().saturating_sub(10);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            bail!("'{}' means several cells, name one: {}{more}", self.id, cells[..cells.len().min(10)].join(", "));
        }
        let Some(found) = meant.pop() else {
            bail!("no record is of a cell that matches '{}'; `cargo xtask report` lists what was measured", self.id);
        };
        for other in meant.iter().rev() {
            let differs = Conditions::of(&other.record).differs_from(&Conditions::of(&found.record));
            let differs = if differs.is_empty() { differs } else { format!(" ({differs})") };
            tell!("this cell has another record: {} of {}{differs}", other.record_id, other.record.started_at);
        }
        Ok(found)
    }
}

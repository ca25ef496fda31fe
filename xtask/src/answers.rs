//! `cargo xtask answers`: makes reference answers from what independent engines agree on.

use anyhow::{Context, Result, bail};
use clap::Args;
use querydyno::host::catalog::{Catalog, Entry};
use querydyno::host::data::generate::Store;
use querydyno::host::interrupt;
use querydyno::host::run::agree;
use querydyno::host::settings::Settings;
use querydyno::host::suite::{self, QuerySpec, Suite};
use querydyno::host::terminal::output;
use querydyno::host::verify::referee::{self, FEWEST_COMPONENTS, Referee};
use querydyno::protocol::id::Scale;

/// Make reference answers: what engines of at least three independent components agree on
///
/// One engine that differs is enough to have no reference. Answers are kept in the target folder, or with --fixtures in the repository.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask answers --scale 10                            all queries of TPC-H at another scale
  cargo xtask answers SUITE --scale 0.5 --queries QUERY     one query of another suite
  cargo xtask answers --explain                             what each stored answer rests on; runs nothing

Exit codes: 0 made, 1 some queries have no answer on which enough engines agree, 2 usage or an error.")]
pub(crate) struct Answers {
    /// The suite
    #[arg(default_value = suite::DEFAULT)]
    suite: String,
    /// Scale factors, separated by commas [default: `QUERYDYNO_SCALE`, or 1]
    #[arg(long, value_delimiter = ',')]
    scale: Vec<Scale>,
    /// Queries, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    queries: Vec<String>,
    /// Engines to ask, separated by commas [default: all but those on request]
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Show for each stored answer which engines and independent components agreed on it; runs nothing
    #[arg(long, conflicts_with_all = ["engines", "fixtures"])]
    explain: bool,
    /// Write into fixtures, for the repository, instead of the target folder
    #[arg(long)]
    fixtures: bool,
}

impl Answers {
    pub(crate) fn run(self) -> Result<()> {
        let settings = Settings::read()?;
        let catalog = Catalog::read(&settings)?;
        let suite = Suite::read(&self.suite)?;
        let engines: Vec<Entry> = if self.engines.is_empty() {
            catalog.entries().iter().filter(|entry| !entry.on_request).cloned().collect()
        } else {
            self.engines.iter().map(|name| catalog.entry(name)).collect::<Result<_>>()?
        };
        let queries = if self.queries.is_empty() {
            suite.queries.iter().filter(|query| !query.no_stored_answer).collect()
        } else {
            self.queries.iter().map(|name| suite.query(name)).collect::<Result<Vec<_>>>()?
        };
        if let Some(query) = queries.iter().find(|query| query.no_stored_answer) {
            bail!("the answer to {} is too large to be kept, as its suite says: leave it out", query.name);
        }
        let scales = if self.scale.is_empty() { settings.scales.clone() } else { self.scale };
        if self.explain {
            return explain(&suite, &queries, &scales, &settings);
        }
        let store = Store::new(settings.data.clone());
        let mut asked = Vec::new();
        for engine in &engines {
            match engine.program() {
                Ok(program) => asked.push((engine, program)),
                // The others may well be enough.
                Err(error) => output::line(format_args!("not asked: {}: {error:#}", engine.name))?,
            }
            interrupt::check()?;
        }
        let mut open = 0;
        for scale in scales {
            let folder =
                if self.fixtures { Referee::shipped(&suite.name, scale) } else { Referee::local(&suite.name, scale) };
            for query in &queries {
                interrupt::check()?;
                match agree(&asked, &suite, query, scale, &settings, &store) {
                    Ok(found) => {
                        let beyond = match found.beyond_limit {
                            0 => String::new(),
                            rows => format!(", {rows} of them beyond the LIMIT, which tie with its last one"),
                        };
                        output::line(format_args!(
                            "{} at {scale}: {} rows{beyond}, agreed by {} ({})",
                            query.name,
                            found.answer.rows.len(),
                            found.components.join(", "),
                            found.engines.join(", "),
                        ))?;
                        referee::keep(&folder, &suite, query, &found.answer, found.engines, found.ends_in_a_tie)
                            .with_context(|| format!("cannot keep the answer to {}", query.name))?;
                    }
                    Err(error) => {
                        open += 1;
                        output::line(format_args!("{error:#}"))?;
                    }
                }
            }
        }
        crate::ensure_well(open == 0, || {
            format!("{open} queries have no answer on which enough engines agree; the lines above say why")
        })
    }
}

/// Prints on what each stored answer rests.
///
/// # Errors
/// When an answer is missing, or rests on too few components.
fn explain(suite: &Suite, queries: &[&QuerySpec], scales: &[Scale], settings: &Settings) -> Result<()> {
    let referee = Referee::new(settings);
    let mut weak = 0;
    for scale in scales {
        for query in queries {
            let Some((agreed, components)) = referee.explain(suite, query, *scale)? else {
                weak += 1;
                output::line(format_args!("{} at {scale}: none", query.name))?;
                continue;
            };
            let counts = components.len() >= FEWEST_COMPONENTS;
            weak += usize::from(!counts);
            output::line(format_args!(
                "{} at {scale}: {} rows, {} components: {}; engines: {}{}",
                query.name,
                agreed.rows,
                components.len(),
                components.join(", "),
                agreed.engines.join(", "),
                if counts { "" } else { "; too few components, so it does not count" }
            ))?;
        }
    }
    crate::ensure_well(weak == 0, || {
        format!(
            "{weak} answers are missing or rest on fewer than {FEWEST_COMPONENTS} components; make them with: cargo xtask answers"
        )
    })
}

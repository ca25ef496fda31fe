//! Incremental runs: of the cells that are meant, those that need one by the history. The pure part is `decide`; what a run then does
//! with its cells is [`run`](crate::host::run)'s.
//!
//! A cell needs a run when its newest result on this class of machine is
//!
//! | | |
//! |---|---|
//! | missing | there is none, nobody has verified it, or its program was not there. What an engine cannot do by its nature is known |
//! | failed | it failed, was wrong, or is disputed |
//! | outdated | of another program, version, text, data, settings or conditions; what one of the two does not tell is no change |
//! | older | older than asked for: 14 days |
//!
//! What was interrupted counts as not run, and what was deleted from the history too. Engines judge each other where no reference
//! does: then a cell that needs a run takes the others of its query with it.
//!
//! `cargo xtask bench --missing --outdated 'duckdb/tpch'`, or `QUERYDYNO_ONLY=missing,outdated cargo bench -- duckdb/tpch`

mod decide;
mod history;
mod list;
mod planned;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use chrono::Utc;

use crate::host::run::Cell;
use crate::host::run::forecast::Times;
use crate::host::settings::{Only, Priority, Settings};
use crate::host::verify::referee::Referee;
use crate::measure::machine::Host;
use decide::{Newest, Reason, reasons};
pub(crate) use history::{commits, take_in};
pub use list::{CellList, Plan, PlannedCell};
use planned::Now;

/// Cells whose reasons are told where there may be hundreds.
const SHOWN: usize = 20;

/// A cell and what the history says of it.
#[derive(Debug, Clone)]
pub(crate) struct Decided<'a> {
    pub(crate) cell: Cell<'a>,
    reasons: Vec<Reason>,
    /// What it took when it was last measured.
    wall: Option<Duration>,
    /// Whether its engine answered when it was last asked.
    has_answered: bool,
    /// For which other cell it runs, where it needs no run itself.
    company: Option<String>,
}

/// Cells that are run, and in a line those that are not.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    pub(crate) due: Vec<Decided<'a>>,
    pub(crate) left_out: Option<String>,
}

/// The cells that the settings want by the history, of these; says which and why, and how many are left out.
///
/// # Errors
/// When the history cannot be asked.
pub(crate) fn due<'a>(cells: Vec<Cell<'a>>, settings: &Settings) -> Result<Vec<Cell<'a>>> {
    let Selection { due, left_out } = select(decide(cells, settings, true)?, settings);
    Ok(announced(due, left_out.as_deref()))
}

/// The cells, once it is told why they run.
pub(crate) fn announced<'a>(due: Vec<Decided<'a>>, left_out: Option<&str>) -> Vec<Cell<'a>> {
    if due.is_empty() {
        log::info!("nothing to do: no cell needs a run");
    }
    for one in due.iter().take(SHOWN) {
        log::info!("{}: {}", one.cell.id, one.why());
    }
    if due.len() > SHOWN {
        log::info!("... and {} more cells", due.len() - SHOWN);
    }
    if let Some(line) = left_out {
        log::info!("{line}");
    }
    due.into_iter().map(|one| one.cell).collect()
}

/// What the history says of each of these cells. Programs that are there are brought up to date first where `is_updated`.
///
/// # Errors
/// When the history cannot be asked.
pub(crate) fn decide<'a>(cells: Vec<Cell<'a>>, settings: &Settings, is_updated: bool) -> Result<Vec<Decided<'a>>> {
    let all = history::newest(settings, &Host::read().class())?;
    let known: BTreeMap<(&str, &str), &Newest> =
        all.iter().map(|newest| ((newest.cell.as_str(), newest.suite.as_str()), newest)).collect();
    let is_updated = is_updated && settings.only.contains(&Only::Outdated);
    let now = Now::of(&cells, settings, is_updated);
    let ages = settings.only.iter().filter_map(|only| match only {
        Only::Older(age) => Some(*age),
        Only::Missing | Only::Outdated | Only::Failed => None,
    });
    let (older_than, now_ms) = (ages.min(), Utc::now().timestamp_millis());
    let decided = cells.into_iter().map(|cell| {
        let id = cell.id.to_string();
        let newest = known.get(&(id.as_str(), cell.suite.name.as_str())).copied();
        Decided {
            reasons: reasons(&now.planned(&cell), newest, older_than, now_ms),
            wall: newest.and_then(Newest::took),
            has_answered: newest.is_some_and(|newest| newest.outcome == "measured"),
            company: None,
            cell,
        }
    });
    Ok(decided.collect())
}

/// What cells took when they were last measured on this class of machine, as far as the history knows: nothing where its program is
/// not built, or does not answer.
pub(crate) fn times(settings: &Settings) -> Times {
    let mut times = Times::default();
    if !history::is_built(settings) {
        return times;
    }
    match history::newest(settings, &Host::read().class()) {
        Ok(all) => {
            for newest in all {
                if let (Ok(id), Some(took)) = (newest.cell.parse(), newest.took()) {
                    times.add(&id, &newest.suite, took);
                }
            }
        }
        Err(error) => {
            log::info!("note: the history does not tell how long cells took, so all times are guessed: {error:#}");
        }
    }
    times
}

/// Of cells that are run whatever the history says, what it knows of them; nothing where its program is not built.
///
/// # Errors
/// When it is built and does not answer.
pub(crate) fn known<'a>(cells: Vec<Cell<'a>>, settings: &Settings) -> Result<Vec<Decided<'a>>> {
    if history::is_built(settings) || !settings.only.is_empty() {
        return decide(cells, settings, false);
    }
    Ok(undecided(cells))
}

/// Cells of which nothing is asked.
pub(crate) fn undecided(cells: Vec<Cell<'_>>) -> Vec<Decided<'_>> {
    let unknown = |cell| Decided { cell, reasons: Vec::new(), wall: None, has_answered: false, company: None };
    cells.into_iter().map(unknown).collect()
}

/// Those that the settings want, all where they want none in particular.
pub(crate) fn select<'a>(decided: Vec<Decided<'a>>, settings: &Settings) -> Selection<'a> {
    if settings.only.is_empty() {
        return Selection { due: decided, left_out: None };
    }
    let referee = Referee::new(settings);
    let (mut due, mut left) = (Vec::new(), Vec::new());
    for group in decided.chunk_by(|one, other| one.cell.asks_the_same(&other.cell)) {
        let is_wanted = |one: &&Decided<'_>| one.reasons.iter().any(|reason| reason.is_wanted(&settings.only));
        let alone: Vec<&Decided<'_>> =
            group.iter().filter(is_wanted).filter(|one| one.needs_company(&referee)).collect();
        for one in group {
            if is_wanted(&one) {
                due.push(one.clone());
            } else if let Some(other) = alone.iter().find(|other| one.is_company_of(other)) {
                due.push(Decided { company: Some(other.takes_along()), ..one.clone() });
            } else {
                left.push(one);
            }
        }
    }
    let left_out = left_out(&left, decided.len());
    Selection { due, left_out }
}

/// The cells with the highest number first, and with a cell all others of its query: they are judged together.
pub(crate) fn by_priority<'a>(due: &[Decided<'a>], priority: &Priority) -> Vec<Decided<'a>> {
    let number = |one: &Decided<'_>| priority.of(&one.cell.id, &one.cell.suite.name);
    let mut groups: Vec<Vec<Decided<'_>>> = Vec::new();
    for group in due.chunk_by(|one, other| one.cell.asks_the_same(&other.cell)) {
        let mut group = group.to_vec();
        group.sort_by_key(|one| Reverse(number(one)));
        groups.push(group);
    }
    groups.sort_by_key(|group| Reverse(group.first().map(number)));
    groups.concat()
}

impl Decided<'_> {
    /// Why it is run.
    fn why(&self) -> String {
        if let Some(why) = &self.company {
            return why.clone();
        }
        if self.reasons.is_empty() {
            return "asked for".to_owned();
        }
        self.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    /// Whether its result would not be worth the same without those beside it.
    fn needs_company(&self, referee: &Referee) -> bool {
        let Cell { id, suite, query, variant, .. } = &self.cell;
        variant.parallel > 1 || !referee.knows(suite, query, id.scale)
    }

    /// Why others run with it.
    fn takes_along(&self) -> String {
        let why = if self.cell.variant.parallel > 1 {
            "which is not measured alone"
        } else {
            "whose answer no reference verifies"
        };
        format!("runs with {}, {why}", self.cell.id)
    }

    /// Whether it can say something of another cell's answer, under the same conditions; or ran beside it.
    fn is_company_of(&self, other: &Self) -> bool {
        let (own, theirs) = (self.cell.variant, other.cell.variant);
        let is_alike = (own.format, own.threads, own.memory, own.cache)
            == (theirs.format, theirs.threads, theirs.memory, theirs.cache);
        theirs.parallel > 1 || (self.has_answered && is_alike && self.cell.engine.name != other.cell.engine.name)
    }
}

/// How many are left out, and what the history says of them.
fn left_out(left: &[&Decided<'_>], of: usize) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in left {
        *counts.entry(one.reasons.first().map_or("current", Reason::word)).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    (!left.is_empty()).then(|| format!("left out: {} of {of} cells ({})", left.len(), counts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::catalog::Catalog;
    use crate::host::run::select as cells;
    use crate::host::suite::Suite;

    /// Cells of TPC-H at this scale: all engines of these, each query of `q1` and `q6`.
    fn decided<'a>(suites: &'a [Suite], catalog: &'a Catalog, settings: &'a Settings) -> Vec<Decided<'a>> {
        let mut all = cells::all(suites, catalog, settings);
        all.retain(|cell| ["q1", "q6"].contains(&cell.id.query.as_str()) && cell.id.variant == "parquet");
        undecided(all).into_iter().map(|one| Decided { has_answered: true, ..one }).collect()
    }

    fn settings(scale: &str, only: &[Only]) -> Settings {
        let threads = crate::measure::machine::online_cores().to_string();
        let told = [("QUERYDYNO_SCALE", scale), ("QUERYDYNO_THREADS", threads.as_str()), ("QUERYDYNO_MEMORY", "none")];
        let mut settings = Settings::read_with(told).unwrap();
        settings.only = only.to_vec();
        settings
    }

    fn ids(due: &[Decided<'_>]) -> Vec<String> {
        due.iter().map(|one| format!("{}/{}", one.cell.id.engine, one.cell.id.query)).collect()
    }

    /// What is run when duckdb's q6 alone is missing, and what is said of the others.
    fn missing_at(scale: &str) -> (Vec<String>, String, String) {
        let settings = settings(scale, &[Only::Missing]);
        let (suites, catalog) = ([Suite::read("tpch").unwrap()], Catalog::read(&settings).unwrap());
        let names = ["duckdb", "polars", "arrow"].map(str::to_owned);
        let catalog = catalog.only(&names).unwrap();
        let mut all = decided(&suites, &catalog, &settings);
        for one in &mut all {
            match (one.cell.id.engine.as_str(), one.cell.id.query.as_str()) {
                ("duckdb", "q6") => one.reasons = vec![Reason::Missing("never".to_owned())],
                ("arrow", _) => one.has_answered = false,
                ("polars", "q1") => one.reasons = vec![Reason::Failed("crashed".to_owned())],
                _ => {}
            }
        }
        let Selection { due, left_out } = select(all, &settings);
        (ids(&due), left_out.unwrap_or_default(), due.last().map(Decided::why).unwrap_or_default())
    }

    #[test]
    fn select_takes_what_is_wanted_and_tells_what_is_not() {
        let (due, left_out, why) = missing_at("0.01");
        assert_eq!(due, ["duckdb/q6"]);
        assert_eq!(
            (left_out.as_str(), why.as_str()),
            ("left out: 5 of 6 cells (4 current, 1 failed)", "missing: never")
        );
    }

    #[test]
    fn select_takes_with_a_cell_those_that_have_to_judge_its_answer() {
        // At this scale there are no references.
        let (due, left_out, why) = missing_at("0.007");
        assert_eq!(due, ["duckdb/q6", "polars/q6"]);
        assert!(why.starts_with("runs with duckdb/q6/sf0.007/parquet"), "{why}");
        assert_eq!(left_out, "left out: 4 of 6 cells (3 current, 1 failed)");
    }

    #[test]
    fn by_priority_keeps_the_cells_of_a_query_together() {
        let mut settings = settings("0.01", &[]);
        let table = "'polars/q6' = 5\nduckdb = -1".parse().unwrap();
        settings.priority = Priority::read(toml::Value::Table(table)).unwrap();
        let (suites, catalog) = ([Suite::read("tpch").unwrap()], Catalog::read(&settings).unwrap());
        let catalog = catalog.only(&["duckdb", "polars", "arrow"].map(str::to_owned)).unwrap();
        let all = decided(&suites, &catalog, &settings);
        assert_eq!(ids(&all)[0], "duckdb/q1");
        assert_eq!(
            ids(&by_priority(&all, &settings.priority)),
            ["polars/q6", "arrow/q6", "duckdb/q6", "polars/q1", "arrow/q1", "duckdb/q1"]
        );
    }
}

//! Cells as a list that people read, change and give back: what would run with its reasons ([`Plan`]), and what is to run
//! ([`CellList`]). Both are CSV with the columns `engine`, `query`, `scale` and `variant`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::Decided;
use crate::host::run::Cell;
use crate::host::run::engine::{MEASUREMENT, WARM_UP};
use crate::host::run::forecast::{Estimate, Times};
use crate::host::settings::Settings;
use crate::measure::machine;
use crate::protocol::id::{BenchId, Scale};
use crate::protocol::units::Bytes;

/// What a list has to have.
const COLUMNS: [&str; 4] = ["engine", "query", "scale", "variant"];
/// What a variant ends in that is of engines at the same time.
const PARALLEL: &str = "-parallel";

/// What a run would do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The cells, in their order.
    pub cells: Vec<PlannedCell>,
    /// How many cells are left out, and why, in a line.
    pub left_out: Option<String>,
}

/// A cell of a plan.
#[derive(Debug, Clone)]
pub struct PlannedCell {
    /// Which.
    pub id: BenchId,
    /// Of which suite.
    pub suite: String,
    /// Why it is run.
    pub why: String,
    /// Its number by `[priority]`.
    pub priority: i64,
    /// What it took when it was last measured on this class of machine.
    pub takes: Option<Duration>,
    /// What it will take: the same, or a guess from the others.
    pub expected: Duration,
}

impl Plan {
    /// Of cells that were decided on.
    pub(crate) fn of(due: &[Decided<'_>], left_out: Option<String>, settings: &Settings) -> Self {
        let mut times = Times::default();
        for Decided { cell, wall, .. } in due {
            if let Some(took) = wall {
                times.add(&cell.id, &cell.suite.name, *took);
            }
        }
        let planned = |one: &Decided<'_>| PlannedCell {
            id: one.cell.id.clone(),
            suite: one.cell.suite.name.clone(),
            why: one.why(),
            priority: settings.priority.of(&one.cell.id, &one.cell.suite.name),
            takes: one.wall,
            expected: times.of(&one.cell.id, one.cell.suite, one.cell.engine.warms_up, WARM_UP + MEASUREMENT).time,
        };
        Self { cells: due.iter().map(planned).collect(), left_out }
    }

    /// How much it is, in a line: `3 cells, about 40 seconds, the time of 1 cell is a guess`.
    pub fn summary(&self) -> String {
        let cells = self.cells.len();
        if cells == 0 {
            return "nothing to do: no cell needs a run".to_owned();
        }
        let of = |cell: &PlannedCell| Estimate { time: cell.expected, guessed: usize::from(cell.takes.is_none()) };
        let estimate: Estimate = self.cells.iter().map(of).sum();
        format!("{cells} {}, {}", if cells == 1 { "cell" } else { "cells" }, estimate.told(cells))
    }

    /// As CSV, which [`CellList`] reads.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(COLUMNS.iter().chain(&["suite", "why", "priority", "seconds"]))?;
        for PlannedCell { id, suite, why, priority, takes, .. } in &self.cells {
            let seconds = takes.map(|takes| format!("{:.1}", takes.as_secs_f64())).unwrap_or_default();
            let BenchId { engine, query, scale, variant } = id;
            let (scale, priority) = (scale.to_string(), priority.to_string());
            writer.write_record([engine, query, &scale, variant, suite, why, &priority, &seconds])?;
        }
        Ok(writer.into_inner()?)
    }
}

/// Cells that somebody lists.
#[derive(Debug, Clone)]
pub struct CellList {
    file: String,
    /// Each with the number of its line.
    cells: Vec<(u64, BenchId)>,
}

impl CellList {
    /// Reads a list: CSV with a line of names, of which `engine`, `query`, `scale` and `variant` are needed and others ignored.
    ///
    /// # Errors
    /// When it cannot be read, lacks a column, or a line names no cell; says which.
    pub fn read(file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file).with_context(|| {
            let form = COLUMNS.join(",");
            format!(
                "cannot read {}: name a CSV file with the columns {form}, as `--dry-run --output FILE` writes it",
                file.display()
            )
        })?;
        Self::parse(&bytes, file.display().to_string())
    }

    fn parse(bytes: &[u8], file: String) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(bytes);
        let header = reader.headers().with_context(|| format!("{file} is no CSV"))?.clone();
        let place = |name: &str| {
            let found = header.iter().position(|column| column == name);
            found.with_context(|| {
                format!(
                    "{file} has no column '{name}': its first line names {}, and others if you like",
                    COLUMNS.join(",")
                )
            })
        };
        let [engine, query, scale, variant] = [place("engine")?, place("query")?, place("scale")?, place("variant")?];
        let mut cells = Vec::new();
        for row in reader.records() {
            let row = row.with_context(|| format!("{file} is no CSV"))?;
            let line = row.position().map_or(0, csv::Position::line);
            let read = || -> Result<BenchId> {
                let text = |place: usize, name: &str| {
                    row.get(place).filter(|text| !text.is_empty()).with_context(|| format!("it has no {name}"))
                };
                let scale: Scale = text(scale, "scale")?.parse()?;
                let [engine, query, variant] =
                    [text(engine, "engine")?, text(query, "query")?, text(variant, "variant")?];
                Ok(format!("{engine}/{query}/{scale}/{variant}").parse()?)
            };
            let id = read().with_context(|| format!("line {line} of {file}"))?;
            cells.push((line, id));
        }
        ensure!(!cells.is_empty(), "{file} lists no cell");
        Ok(Self { file, cells })
    }

    /// The names of its engines, some of which may end in a version.
    pub(crate) fn engines(&self) -> Vec<&str> {
        self.cells.iter().map(|(_, id)| id.engine.as_str()).collect()
    }

    /// Makes the axes of a run those that these cells have.
    pub(crate) fn set_axes(&self, settings: &mut Settings) {
        let (mut scales, mut threads, mut memory) = (Vec::new(), Vec::new(), Vec::new());
        for (_, BenchId { scale, variant, .. }) in &self.cells {
            let parts = || variant.split('-').skip(1);
            push_new(&mut scales, *scale);
            push_new(&mut threads, parts().find_map(threads_of).unwrap_or_else(machine::online_cores));
            push_new(&mut memory, parts().find_map(memory_of));
        }
        (settings.scales, settings.threads, settings.memory) = (scales, threads, memory);
    }

    /// Those of `all` cells that it lists, in its order, and with a cell all listed ones of its query. `parallel` is how many engines
    /// the run is asked to run at the same time.
    ///
    /// # Errors
    /// When one of them is not there, or is of another number of engines at the same time: names its line.
    pub(crate) fn of<'a>(&self, all: &[Cell<'a>], parallel: usize) -> Result<Vec<Cell<'a>>> {
        let mut found: Vec<(u64, Cell<'a>)> = Vec::new();
        for (line, id) in &self.cells {
            let (variant, told) = id.variant.split_once(PARALLEL).unwrap_or((id.variant.as_str(), "1"));
            let within = || format!("line {line} of {}", self.file);
            if told != "1" && told.parse::<usize>() != Ok(parallel) {
                bail!("{}: {id} is of engines at the same time: add --parallel {told}", within());
            }
            let plain = BenchId { variant: variant.to_owned(), ..id.clone() };
            let cell = all.iter().find(|cell| cell.id == plain).with_context(|| {
                format!(
                    "{}: there is no cell {plain}; cargo bench -- --list names those of the default scale",
                    within()
                )
            })?;
            if found.iter().all(|(_, other)| other.id != cell.id) {
                found.push((*line, cell.clone()));
            }
        }
        let first = |cell: &Cell<'_>| found.iter().find(|(_, other)| other.asks_the_same(cell)).map(|(line, _)| *line);
        let order: BTreeMap<(Option<u64>, u64), &Cell<'a>> =
            found.iter().map(|(line, cell)| ((first(cell), *line), cell)).collect();
        Ok(order.into_values().cloned().collect())
    }
}

fn push_new<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
}

/// `4t`
fn threads_of(part: &str) -> Option<usize> {
    part.strip_suffix('t')?.parse().ok()
}

/// `2GiB`
fn memory_of(part: &str) -> Option<Bytes> {
    part.ends_with('B').then(|| part.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<CellList> {
        CellList::parse(text.as_bytes(), "cells.csv".to_owned())
    }

    #[test]
    fn parse_finds_its_columns_wherever_they_stand() {
        let list =
            parse("why,variant,scale,query,engine\nold,parquet-4t-2GiB,0.01,q6,duckdb\n,parquet,sf1,q1,a@1\n").unwrap();
        let ids: Vec<String> = list.cells.iter().map(|(line, id)| format!("{line} {id}")).collect();
        assert_eq!(ids, ["2 duckdb/q6/sf0.01/parquet-4t-2GiB", "3 a@1/q1/sf1/parquet"]);
        assert_eq!(list.engines(), ["duckdb", "a@1"]);
        let mut settings = Settings::read().unwrap();
        list.set_axes(&mut settings);
        assert_eq!(settings.scales.iter().map(ToString::to_string).collect::<Vec<_>>(), ["sf0.01", "sf1"]);
        assert_eq!(settings.threads, [4, machine::online_cores()]);
        assert_eq!(settings.memory, [Some(Bytes(2 << 30)), None]);
    }

    #[test]
    fn parse_names_the_line_that_is_no_cell() {
        let header = "engine,query,scale,variant";
        for (rows, told) in [
            ("duckdb,q1,sf1,parquet\nduckdb,q1,huge,parquet", "line 3 of cells.csv: 'huge' is not a scale"),
            ("duckdb,,sf1,parquet", "line 2 of cells.csv: it has no query"),
            ("duckdb,q1,sf1", "line 2 of cells.csv: it has no variant"),
            ("duck db,q1,sf1,parquet", "line 2 of cells.csv: 'duck db'"),
            ("", "cells.csv lists no cell"),
        ] {
            let error = format!("{:#}", parse(&format!("{header}\n{rows}\n")).unwrap_err());
            assert!(error.contains(told), "{error}");
        }
        assert!(parse("engine,query,scale\na,q1,1\n").unwrap_err().to_string().contains("no column 'variant'"));
    }

    #[test]
    fn a_plan_can_be_given_back_as_a_list() {
        let cell = |id: &str, takes| PlannedCell {
            id: id.parse().unwrap(),
            suite: "shop".to_owned(),
            why: "outdated: text a -> b, c".to_owned(),
            priority: 3,
            takes,
            expected: takes.unwrap_or(Duration::from_secs(4)),
        };
        let cells = vec![
            cell("duckdb/q1/sf1/parquet", Some(Duration::from_millis(61_500))),
            cell("duckdb/q2/sf1/parquet-cold", None),
        ];
        let mut plan = Plan { cells, left_out: None };
        let text = String::from_utf8(plan.csv().unwrap()).unwrap();
        assert_eq!(text.lines().nth(1), Some("duckdb,q1,sf1,parquet,shop,\"outdated: text a -> b, c\",3,61.5"));
        let list = parse(&text).unwrap();
        let same = list.cells.iter().zip(&plan.cells).all(|((_, listed), planned)| *listed == planned.id);
        assert!(same && list.cells.len() == 2);
        assert_eq!(plan.summary(), "2 cells, about 65 seconds, the time of 1 cell is a guess");
        plan.cells.pop();
        assert_eq!(plan.summary(), "1 cell, about 61 seconds");
        plan.cells.clear();
        assert!(plan.summary().starts_with("nothing to do"));
    }
}

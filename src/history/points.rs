//! The series of the history with their points in order: the source's own where every commit is on its first-parent line, else time.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, ensure};

use super::Unmeant;
use super::query;
use super::store::Store;
use crate::host::checkout::{git, short};

/// A comparable result, with one figure of it.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) result: u64,
    /// Its name in reports.
    pub(super) record: String,
    /// When its cell began, in microseconds since 1970, UTC.
    pub(super) at: Option<i64>,
    /// In the metric's unit; the median of its samples.
    pub(super) value: f64,
    engine: String,
    machine: String,
    pub(super) commit: Option<String>,
    /// Whether something was not committed.
    pub(super) is_dirty: bool,
}

/// All that may be compared over time, in order.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) key: String,
    /// As its newest result is called.
    pub(super) cell: String,
    pub(super) machine_class: String,
    pub(super) provenance: String,
    pub(super) unit: String,
    pub(super) points: Vec<Point>,
    pub(super) order: Order,
}

/// What the order is by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Git's first parents, and time among results of one commit.
    Git,
    /// Time, and why not git.
    Time(String),
}

impl Point {
    /// Its commit as people write it, with `+` where something was not committed.
    pub(super) fn commit_words(&self) -> Option<String> {
        let dirty = if self.is_dirty { "+" } else { "" };
        self.commit.as_ref().map(|commit| format!("{}{dirty}", short(commit)))
    }
}

impl Order {
    /// The word for it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Time(_) => "time",
        }
    }
}

/// Which points are meant.
pub(super) struct Meant<'a> {
    /// A condition over `measurements` with one parameter, and that.
    pub(super) condition: (&'a str, &'a str),
    /// A part of the name of the class of machines, in any case.
    pub(super) machine: Option<&'a str>,
    /// The figure.
    pub(super) metric: &'a str,
    /// Whose commits are asked for their order.
    pub(super) checkout: &'a Path,
}

/// Every series that a filter of cells means, as `read` gives them.
///
/// # Errors
/// When nothing is meant, or the history cannot be read.
pub(super) fn filtered(
    store: &Store,
    filter: &str,
    machine: Option<&str>,
    metric: &str,
    checkout: &Path,
) -> Result<Vec<Series>> {
    let cells = query::cells(store, filter)?;
    let condition = ("cell IN (SELECT unnest(string_split(?, chr(10))))", cells.as_str());
    let series = read(store, &Meant { condition, machine, metric, checkout })?;
    let (results, imported) = counts(store, &cells)?;
    let without_series = || {
        let list = format!("history list {filter}");
        format!(
            "{imported} of {results} results of these cells are imported: their answers were not compared here, so they are in no series; `{}` shows them",
            list.trim_end()
        )
    };
    ensure!(!series.is_empty() || imported < results, Unmeant(without_series()));
    if imported > 0 {
        log::info!("{}", without_series());
    }
    let none = || {
        let on = machine.map(|machine| format!(" on a machine called '{machine}'")).unwrap_or_default();
        Unmeant(format!(
            "no comparable result has the figure '{metric}'{on}: `history sql \"SELECT DISTINCT name FROM metrics\"` and `history sql \"FROM machines\"` tell what there is"
        ))
    };
    ensure!(!series.is_empty(), none());
    Ok(series)
}

/// How many results these cells have, and how many of them are imported.
fn counts(store: &Store, cells: &str) -> Result<(u64, u64)> {
    let select = "SELECT count(*), count(*) FILTER (provenance = 'imported') FROM measurements
                  WHERE cell IN (SELECT unnest(string_split(?, chr(10))))";
    let rows = store.rows(select, [cells], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.first().copied().unwrap_or_default())
}

/// Every series that is meant, by the names of their cells.
///
/// # Errors
/// When the history cannot be read.
pub(super) fn read(store: &Store, meant: &Meant<'_>) -> Result<Vec<Series>> {
    let (condition, parameter) = meant.condition;
    let select = format!(
        "SELECT m.series, m.cell, m.machine_class, m.provenance, x.unit, m.result, m.record, epoch_us(m.started_at), x.value,
                m.engine, m.machine, m.git_commit, coalesce(m.git_dirty, false)
         FROM measurements m JOIN metrics x ON x.result = m.result AND x.name = ?
         WHERE m.comparable AND m.series IS NOT NULL AND x.value > 0 AND {condition}
         ORDER BY m.started_at NULLS LAST, m.result"
    );
    let rows = store.rows(&select, [meant.metric, parameter], |row| {
        let texts: [String; 5] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
        let point = Point {
            result: row.get(5)?,
            record: row.get(6)?,
            at: row.get(7)?,
            value: row.get(8)?,
            engine: row.get(9)?,
            machine: row.get(10)?,
            commit: row.get(11)?,
            is_dirty: row.get(12)?,
        };
        Ok((texts, point))
    })?;
    let machine = meant.machine.map(str::to_lowercase);
    let (mut series, mut places) = (Vec::<Series>::new(), HashMap::new());
    for ([key, cell, machine_class, provenance, unit], point) in rows {
        if machine.as_ref().is_some_and(|machine| !machine_class.to_lowercase().contains(machine)) {
            continue;
        }
        // A mark parts a series: what is simulated is no point of what was measured.
        let place = *places.entry((key.clone(), provenance.clone())).or_insert(series.len());
        if place == series.len() {
            let order = Order::Time(String::new());
            series.push(Series {
                key,
                cell: String::new(),
                machine_class,
                provenance,
                unit,
                points: Vec::new(),
                order,
            });
        }
        series[place].cell = cell;
        series[place].points.push(point);
    }
    // Git is asked once, and only where commits are known.
    let has_commits = series.iter().flat_map(|series| &series.points).any(|point| point.commit.is_some());
    let line = if has_commits { first_parents(meant.checkout) } else { Err("no result tells its commit".to_owned()) };
    for one in &mut series {
        one.sort(line.as_ref());
    }
    series.sort_by(|a, b| (&a.cell, &a.machine_class, &a.key).cmp(&(&b.cell, &b.machine_class, &b.key)));
    Ok(series)
}

/// The commits of the checkout's first-parent line, each with its place from the oldest on; or why they are not known.
fn first_parents(checkout: &Path) -> Result<HashMap<String, usize>, String> {
    let listed = git(checkout).args(["rev-list", "--reverse", "--first-parent", "HEAD"]).output();
    let listed = listed.map_err(|error| format!("git cannot be started: {error}"))?;
    if !listed.status.success() {
        let said = String::from_utf8_lossy(&listed.stderr);
        return Err(format!("git says of {}: {}", checkout.display(), said.trim()));
    }
    let commits = String::from_utf8_lossy(&listed.stdout);
    Ok(commits.lines().enumerate().map(|(place, commit)| (commit.to_owned(), place)).collect())
}

impl Series {
    fn sort(&mut self, line: Result<&HashMap<String, usize>, &String>) {
        // Of one time, as the journal has them.
        let by_time = |point: &Point| {
            let (file, number) = point.record.rsplit_once(':').unwrap_or((&point.record, ""));
            (point.at.unwrap_or(i64::MAX), file.to_owned(), number.parse::<u64>().unwrap_or_default())
        };
        self.points.sort_by_cached_key(by_time);
        let place = |point: &Point, line: &HashMap<String, usize>| {
            let commit = point.commit.as_ref().ok_or_else(|| format!("{} tells no commit", point.record))?;
            let unknown =
                || format!("commit {} of {} is not on the checkout's first-parent line", short(commit), point.record);
            line.get(commit).copied().ok_or_else(unknown)
        };
        let places: Result<Vec<usize>, String> = match line {
            Ok(line) => self.points.iter().map(|point| place(point, line)).collect(),
            Err(reason) => Err(reason.clone()),
        };
        match places {
            Ok(places) => {
                let mut in_line: Vec<(usize, Point)> = places.into_iter().zip(self.points.drain(..)).collect();
                in_line.sort_by_key(|(place, _)| *place);
                self.points.extend(in_line.into_iter().map(|(_, point)| point));
                self.order = Order::Git;
            }
            Err(reason) => self.order = Order::Time(reason),
        }
    }
}

/// What is known of the engines and machines that points come from.
pub(super) struct Facts {
    engines: HashMap<String, Vec<Option<String>>>,
    machines: HashMap<String, Vec<Option<String>>>,
}

/// What may be another from one point to the next, as people call it; the first is the version.
const OF_ENGINES: [&str; 6] = ["engine version", "compiler", "flags", "allocator", "source", "settings"];
const OF_MACHINES: [&str; 3] = ["kernel", "governor", "processor"];
/// Texts up to here are shown, longer ones are told to be others.
const SHOWN: usize = 24;

impl Facts {
    /// Reads them all: there are few.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub(super) fn read(store: &Store) -> Result<Self> {
        let of = |select: &str, count: usize| {
            let rows = store.rows(select, [], |row| {
                let facts = (1..=count).map(|column| row.get(column)).collect::<duckdb::Result<Vec<Option<String>>>>();
                Ok((row.get::<_, String>(0)?, facts?))
            });
            rows.map(HashMap::from_iter)
        };
        let engines = "SELECT engine, version, compiler, flags, allocator, source, settings::VARCHAR FROM engines";
        let machines = "SELECT machine, kernel, governor, cpu FROM machines";
        Ok(Self { engines: of(engines, OF_ENGINES.len())?, machines: of(machines, OF_MACHINES.len())? })
    }

    /// The version of a point's engine.
    pub(super) fn version(&self, point: &Point) -> Option<&str> {
        self.engines.get(&point.engine)?.first()?.as_deref()
    }

    /// What another point's machine and engine have differently.
    pub(super) fn differences(&self, before: &Point, after: &Point) -> Vec<(&'static str, String)> {
        let of_machine = facts(&self.machines, [&before.machine, &after.machine], &OF_MACHINES);
        [of_machine, facts(&self.engines, [&before.engine, &after.engine], &OF_ENGINES)].concat()
    }

    /// What else changed between these points, each thing once, in words.
    pub(super) fn along(&self, points: &[Point]) -> Vec<String> {
        let mut told: Vec<(&str, String)> = Vec::new();
        for pair in points.windows(2) {
            for (name, words) in self.differences(&pair[0], &pair[1]) {
                if told.iter().all(|(known, _)| *known != name) {
                    told.push((name, words));
                }
            }
        }
        told.into_iter().map(|(_, words)| words).collect()
    }
}

fn facts(
    known: &HashMap<String, Vec<Option<String>>>,
    [before, after]: [&String; 2],
    names: &[&'static str],
) -> Vec<(&'static str, String)> {
    let (Some(before), Some(after)) = (known.get(before), known.get(after)) else { return Vec::new() };
    let text = |fact: Option<&String>| fact.map_or("not known", String::as_str).to_owned();
    let words = |name: &str, (before, after): (String, String)| {
        let is_short = before.len() <= SHOWN && after.len() <= SHOWN;
        if is_short { format!("{name} {before} -> {after}") } else { format!("{name} is another") }
    };
    let all = names.iter().zip(before).zip(after).filter(|((_, before), after)| before != after);
    all.map(|((name, before), after)| (*name, words(name, (text(before.as_ref()), text(after.as_ref()))))).collect()
}

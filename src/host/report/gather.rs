//! Finding what a report is made of: the newest record of each cell, or those whose samples a baseline of Criterion's holds.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use super::conditions::Conditions;
use super::known::Known;
use super::left_out::{LeftOut, told};
use super::marks::Marks;
use super::tree::{self, SAMPLES, Stored};
use crate::host::filter::Filter;
use crate::host::record::{self, Inspects, Outcome, Provenance, Record};
use crate::protocol::id::BenchId;

/// Where results lie.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Files of records, or folders of them.
    pub records: Vec<PathBuf>,
    /// Criterion's folder; one that is not there has nothing.
    pub criterion: PathBuf,
    /// What there is today.
    pub known: Known,
    /// What somebody has said of results since.
    pub marks: Marks,
    /// The cells meant, as in a bench; the others are as if they were not there.
    pub filter: Filter,
    /// Whether a cell needs samples enough for a median with an interval; its answer alone does not.
    pub needs_times: bool,
}

/// A record with where it is.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its file's name and line: `20261120T120000Z-4711:3`. `cargo xtask show` takes it.
    pub record_id: String,
    /// The record.
    pub record: Record,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Gathered {
    /// One record a cell, in the order in which they were taken.
    pub found: Vec<Found>,
    /// The newest of each kind of inspection of a cell.
    pub inspected: Vec<Found>,
    /// What was not used.
    pub left_out: Vec<LeftOut>,
}

impl Found {
    /// Why it is not used.
    fn left_out(&self, why: impl Into<String>) -> LeftOut {
        LeftOut::new(format!("{} ({})", self.record.id, self.record_id), why)
    }
}

/// The newest record of each cell under each set of conditions, held against Criterion's own newest samples.
///
/// # Errors
/// When there are no records at all, or a folder cannot be read.
pub fn newest(sources: &Sources) -> Result<Gathered> {
    let (mut all, mut left_out) = all(sources)?;
    all.sort_by(|a, b| a.record.started_at.cmp(&b.record.started_at));
    let mut newest: HashMap<(BenchId, Option<Inspects>, Conditions), Found> = HashMap::with_capacity(all.len());
    for found in all {
        let key = (found.record.id.clone(), found.record.inspects, Conditions::of(&found.record));
        match newest.get_mut(&key) {
            Some(older) if never_ran(&found.record) && !never_ran(&older.record) => {
                let why = "interrupted, or without its engine or its tables; the result before it is shown";
                left_out.push(found.left_out(why));
            }
            Some(older) => {
                let (was, is) = (&older.record.engine, &found.record.engine);
                let same = (&was.version, &was.build, &was.settings) == (&is.version, &is.build, &is.settings);
                if !same && !never_ran(&older.record) {
                    left_out
                        .push(older.left_out("a newer record is of another version, build or setting of the engine"));
                }
                *older = found;
            }
            None => drop(newest.insert(key, found)),
        }
    }
    let mut found: Vec<Found> = newest.into_values().collect();
    found.sort_by(|a, b| (&a.record.started_at, &a.record_id).cmp(&(&b.record.started_at, &b.record_id)));
    let (inspected, found): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.record.inspects.is_some());
    let stored = stored(sources, "new", &mut left_out)?;
    check(&found, &stored, &mut left_out);
    Ok(Gathered { found, inspected, left_out })
}

/// One record, by the name that reports give it.
///
/// # Errors
/// When there is none of that name.
pub fn record(sources: &Sources, record_id: &str) -> Result<Found> {
    let (all, left_out) = all(sources)?;
    let found = all.into_iter().find(|found| found.record_id == record_id);
    let names_it =
        |left_out: &&LeftOut| left_out.what == record_id || left_out.what.ends_with(&format!("({record_id})"));
    if let (None, Some(left_out)) = (&found, left_out.iter().find(names_it)) {
        bail!("{}: {}", left_out.what, left_out.why);
    }
    found.with_context(|| format!("no record {record_id}; `cargo xtask report` lists those that there are"))
}

/// The records whose samples Criterion keeps under this name (`--save-baseline`).
///
/// # Errors
/// When there are no records at all, none has such samples, or a folder cannot be read.
pub fn baseline(sources: &Sources, name: &str) -> Result<Gathered> {
    let (all, mut left_out) = all(sources)?;
    let stored = stored(sources, name, &mut left_out)?;
    ensure!(
        !stored.is_empty(),
        "there is no usable baseline '{name}' of these cells in {}: make it with `cargo bench -- --save-baseline {name}`{}{}",
        sources.criterion.display(),
        if left_out.is_empty() { "" } else { "\n  " },
        told(&left_out).join("\n  ")
    );
    let by_id = by_id(all.iter().filter(|found| found.record.inspects.is_none()));
    let mut found = Vec::new();
    for stored in stored {
        let mut candidates = by_id.get(&stored.id).into_iter().flatten().rev();
        match candidates.find(|found| same(&found.record, &stored)) {
            Some(record) => found.push((*record).clone()),
            None => left_out.push(LeftOut::new(
                format!("{} in baseline {name}", stored.id),
                "no record holds these samples, so their engine, data and answer are unknown",
            )),
        }
    }
    ensure!(
        !found.is_empty(),
        "nothing that Criterion keeps under '{name}' can be used: {}",
        told(&left_out).join("; ")
    );
    found.sort_by(|a, b| a.record.started_at.cmp(&b.record.started_at));
    Ok(Gathered { found, inspected: Vec::new(), left_out })
}

/// Records by their cell.
fn by_id<'a>(found: impl IntoIterator<Item = &'a Found>) -> HashMap<&'a BenchId, Vec<&'a Found>> {
    let mut by_id: HashMap<_, Vec<_>> = HashMap::new();
    for found in found {
        by_id.entry(&found.record.id).or_default().push(found);
    }
    by_id
}

/// Reasons that an error names.
const REASONS: usize = 5;

/// Every usable record, oldest file first.
fn all(sources: &Sources) -> Result<(Vec<Found>, Vec<LeftOut>)> {
    let (mut all, mut left_out) = (Vec::new(), Vec::new());
    let (mut is_meant, mut others) = (false, false);
    let files = files(&sources.records)?;
    let places = || sources.records.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    ensure!(!files.is_empty(), "no records in {}: run a bench first, such as `cargo bench -- q6`", places());
    for file in files {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (line, record) in record::read_lines(&file)? {
            let record_id = format!("{stem}:{line}");
            match record {
                Ok(record) if !sources.filter.means_in(&record.id, &record.dataset.suite) => others = true,
                Ok(mut record) => {
                    sources.marks.apply(&mut record, &record_id);
                    let found = Found { record_id, record };
                    match unusable(&found.record, sources) {
                        None => all.push(found),
                        Some(why) => {
                            is_meant = true;
                            left_out.push(found.left_out(why));
                        }
                    }
                }
                Err(error) => {
                    let why = format!("{:#}", anyhow::Error::from(error));
                    // Without the column, like reasons are the same reason.
                    let why = why.split(" at line ").next().unwrap_or(&why);
                    left_out.push(LeftOut::new(record_id, why.replace("EOF while parsing a", "cut off in a")));
                }
            }
        }
    }
    if all.is_empty() {
        let reasons = told(&left_out);
        ensure!(
            is_meant || !(others || left_out.is_empty()),
            "no record in {} is of a cell that matches '{}'; `cargo xtask report` lists what was measured, cells are named like duckdb/q1/sf1/parquet",
            places(),
            sources.filter
        );
        let more = if reasons.len() > REASONS { "; and more" } else { "" };
        let reasons = reasons.into_iter().take(REASONS).collect::<Vec<_>>().join("; ");
        bail!("no usable record in {}: {reasons}{more}", places());
    }
    Ok((all, left_out))
}

fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
            let mut here: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            here.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
            here.sort();
            files.extend(here);
        } else {
            ensure!(
                path.is_file(),
                "no records in {}: it is not there; a bench makes records, such as `cargo bench -- q6`, and a filter goes before --records",
                path.display()
            );
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// Whether it says nothing of the engine: somebody pressed Ctrl-C, or it was not there.
fn never_ran(record: &Record) -> bool {
    match (&record.outcome, record.failure()) {
        (Outcome::Measured(_), _) => false,
        (_, Some(failure)) => failure.is_interrupted(),
        (Outcome::Skipped(_), None) => true,
        // Tables that could not be found or read: no program was even started.
        (Outcome::Failed(_), None) => record.dataset.sha256.is_none(),
    }
}

fn unusable(record: &Record, sources: &Sources) -> Option<String> {
    let samples = record.samples_ns();
    // What is not measured is shown and not ranked: it needs no interval.
    let timed = record.is_measured() && record.inspects.is_none() && record.provenance == Provenance::Measured;
    let few = sources.needs_times && timed && samples.len() < SAMPLES;
    let torn = samples.iter().any(|time| !time.is_finite() || *time <= 0.0);
    // Somebody's own engine is known where it was measured, and its records tell enough of it.
    let gone = sources.known.gone(&record.id).filter(|_| record.engine.kind != "own");
    gone.or_else(|| few.then(|| format!("{} samples are too few for a median with an interval", samples.len())))
        .or_else(|| torn.then(|| "it has a time that is not a number".to_owned()))
}

fn stored(sources: &Sources, name: &str, left_out: &mut Vec<LeftOut>) -> Result<Vec<Stored>> {
    if !sources.criterion.is_dir() {
        return Ok(Vec::new());
    }
    let mut stored = tree::read(&sources.criterion, name, left_out)?;
    stored.retain(|cell| sources.filter.means(&cell.id));
    stored.retain(|cell| {
        let gone = sources.known.gone(&cell.id);
        let is_known = gone.is_none();
        left_out.extend(gone.map(|why| LeftOut::new(format!("{} in Criterion's folder", cell.id), why)));
        is_known
    });
    Ok(stored)
}

/// Tells of samples in Criterion's folder that are not those of the record that is shown.
fn check(found: &[Found], stored: &[Stored], left_out: &mut Vec<LeftOut>) {
    let by_id = by_id(found);
    for cell in stored {
        let why = match by_id.get(&cell.id) {
            None => "there is no record of this cell, so the engine, data and answer of these samples are unknown",
            Some(records) if !records.iter().any(|found| same(&found.record, cell)) => {
                "Criterion's newest samples are of another run than the newest record, which is shown"
            }
            Some(_) => continue,
        };
        left_out.push(LeftOut::new(format!("{} in Criterion's folder", cell.id), why));
    }
}

/// Whether the record holds these samples, to the last digits that a division leaves.
fn same(record: &Record, stored: &Stored) -> bool {
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-9 * b.abs();
    let samples = record.samples_ns();
    samples.len() == stored.samples_ns.len() && samples.iter().zip(&stored.samples_ns).all(close)
}

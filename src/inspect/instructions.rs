//! Instructions of one run, the mean of a few, counted by callgrind on a simulated processor, with one thread.
//!
//! Each cell's answer is verified first, by its ordinary program. Then the bench `instructions` runs the same program under
//! callgrind, where it reads all its requests from a file and has counting switched on for a few runs, after a first one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::cell::{Inspection, program, unsupported, valgrind};
use super::store;
use super::task::{self, Task, identifier};
use crate::catalog::{build, command};
use crate::harness::attempt::{Ready, Stop};
use crate::harness::select::Cell;
use crate::launch::opening;
use crate::paths;
use crate::record::{self, InstructionsRecord, Provenance, Record};
use crate::session::{Observe, Request};
use crate::settings::Settings;

/// Why such a record is no measurement of time.
const SIMULATED: &str = "instructions were counted by callgrind on a simulated processor: they gauge one engine over time and rank no engines";

/// A jemalloc that does nothing by the clock: neither gives memory back nor tidies its caches of a thread.
const STEADY: &str = "background_thread:false,dirty_decay_ms:-1,muzzy_decay_ms:-1,tcache_gc_incr_bytes:1073741824";

/// Runs that are counted; their mean is the count. Engines decide some things by the clock or by chance (DuckDB puts its
/// filters in an order by their times, tasks meet in another order), which moves one run by up to 0.2 %.
const RUNS: u64 = 16;

/// What is compared, and when that is a failure.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    /// Compare with what was saved under this name; with the last run without one.
    pub baseline: Option<String>,
    /// Save under this name.
    pub save_baseline: Option<String>,
    /// A cell whose instructions rise by more percent than this fails.
    pub limit_percent: Option<f64>,
}

/// An inspected cell.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The cell's record; its `instructions` holds the count.
    pub record: Record,
    /// The count that it was compared with.
    pub before: Option<u64>,
}

impl Counted {
    /// By how many percent the count rose.
    pub fn change_percent(&self) -> Option<f64> {
        Some(change_percent(self.before?, self.record.instructions.as_ref()?.instructions))
    }
}

#[expect(clippy::cast_precision_loss, reason = "instructions of a query are far below 2^53")]
fn change_percent(before: u64, now: u64) -> f64 {
    100.0 * (now as f64 / before as f64 - 1.0)
}

/// Counts the instructions of one run of every cell that the filter means, and compares them with an earlier time.
///
/// # Errors
/// Without Valgrind, for a filter that means no cell, or after an interrupt; what fails in a cell is in its record.
pub fn instructions(filter: Option<&str>, gate: &Gate, settings: &Settings) -> Result<Vec<Counted>> {
    let valgrind = valgrind()?;
    let runner = runner()?;
    let folder = paths::own("inspected").join("instructions");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let tool = format!("callgrind, {valgrind}");
    let mut inspection = Inspection::new(settings);
    let mut before = Vec::new();
    let records = inspection.each(filter, |inspection, cell, record| {
        record.provenance = Provenance::Simulated;
        record.provenance_reason = Some(SIMULATED.to_owned());
        before.push(None);
        let task = task(inspection, cell, &folder, record)?;
        eprintln!("{}: counting", cell.id);
        // One at a time: a program that fails under Valgrind would end all that come after it.
        let summary = run(&task, gate, &runner, &folder)?;
        before.pop();
        before.push(summary.before);
        fill(record, summary, gate, &tool)?;
        Ok(())
    });
    // Best effort: what is left is overwritten by the next time.
    let _ = fs::remove_dir_all(folder.join("scratch"));
    let records = records?;
    inspection.write(&records)?;
    Ok(records.into_iter().zip(before).map(|(record, before)| Counted { record, before }).collect())
}

fn task(inspection: &Inspection<'_>, cell: &Cell<'_>, folder: &Path, record: &mut Record) -> Result<Task, Stop> {
    let engine = cell.parts.engine;
    if engine.script().is_some() {
        return Err(unsupported(format!(
            "{} is driven from Python, whose instructions would drown its own",
            engine.name
        )));
    }
    let program = program(engine)?;
    eprintln!("{}: verifying the answer", cell.id);
    let Ready { session, dataset, query, .. } = inspection.verified(cell, &program, record)?;
    session.close()?;
    let name = identifier(&cell.id.to_string());
    // The same for every time, since a path's length is counted too.
    let scratch = folder.join("scratch").join(&name);
    fs::create_dir_all(&scratch).map_err(anyhow::Error::from)?;
    let (limits, settings) = opening(engine, cell.parts.variant, inspection.settings, &scratch);
    let before = [
        Request::Open { settings },
        Request::Load { dataset },
        Request::Prepare { query },
        // What is loaded or resolved at first use is not the query's own.
        Request::Run { iterations: 1, observe: None },
    ];
    let counted = (0..RUNS).map(|_| Request::Run { iterations: 1, observe: Some(Observe::Instructions) });
    let lines: Vec<String> = before
        .into_iter()
        .chain(counted)
        .map(|request| serde_json::to_string(&request))
        .collect::<Result<_, _>>()
        .map_err(anyhow::Error::from)?;
    let file = folder.join(format!("{name}.jsonl"));
    fs::write(&file, lines.join("\n") + "\n").map_err(anyhow::Error::from)?;
    let mut env = program.variables(limits, &scratch);
    // Which of its functions for copying memory glibc takes depends on the processor otherwise.
    env.insert("GLIBC_TUNABLES".to_owned(), "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM".to_owned());
    // What jemalloc gives back, and when, depends on the clock, which runs otherwise under Valgrind.
    let told = env.remove("MALLOC_CONF").into_iter().chain([STEADY.to_owned()]).collect::<Vec<_>>();
    env.insert("MALLOC_CONF".to_owned(), told.join(","));
    let engine = identifier(&cell.id.engine);
    let query = identifier(&format!("{}/{}/{}", cell.id.query, cell.id.scale, cell.id.variant));
    Ok(Task { engine, query, program: program.path, args: program.args, env, requests: file })
}

/// Has the bench count.
fn run(task: &Task, gate: &Gate, runner: &Path, folder: &Path) -> Result<Summary> {
    let file = folder.join("tasks.json");
    fs::write(&file, serde_json::to_vec(&[task])?).with_context(|| format!("cannot write {}", file.display()))?;
    let home = folder.join("gungraun");
    let summary = home
        .join("querydyno/instructions/queries")
        .join(format!("{}.{}", task.engine, task.query))
        .join("summary.json");
    // One of an earlier time must not be taken for this one's.
    let _ = fs::remove_file(&summary);
    let mut cargo = build::cargo();
    cargo
        .args([
            "bench",
            "--quiet",
            "--no-default-features",
            "--features",
            "instructions",
            "--bench",
            "instructions",
            "--",
        ])
        .env("GUNGRAUN_RUNNER", runner)
        .env("GUNGRAUN_HOME", home)
        .env("GUNGRAUN_SAVE_SUMMARY", "json")
        .env(task::FILE, &file)
        // What this prints is for people to follow; the result is ours to print.
        .stdout(Stdio::from(std::io::stderr()));
    for (option, name) in [("--baseline", &gate.baseline), ("--save-baseline", &gate.save_baseline)] {
        if let Some(name) = name {
            cargo.arg(format!("{option}={name}"));
        }
    }
    let status = command::run(&mut cargo, |_| Ok(()))?;
    ensure!(status.success(), "counting failed, see above");
    let text = fs::read(&summary).with_context(|| format!("cannot read {}", summary.display()))?;
    counted(&serde_json::from_slice(&text)?)
        .with_context(|| format!("{} holds no count; it is of another version of gungraun", summary.display()))
}

/// What was counted for a task: now, and the time before that it was compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Summary {
    now: u64,
    before: Option<u64>,
}

/// The instructions of one run, over all threads, from gungraun's summary of all that were counted.
fn counted(summary: &Value) -> Option<Summary> {
    let profile = summary["profiles"].as_array()?.iter().find(|profile| profile["tool"] == "Callgrind")?;
    let values = &profile["data"]["total"]["metrics"]["Ir"]["values"];
    Some(Summary { now: values["new"].as_u64()? / RUNS, before: values["old"].as_u64().map(|all| all / RUNS) })
}

fn fill(record: &mut Record, found: Summary, gate: &Gate, tool: &str) -> Result<()> {
    if found.now == 0 {
        bail!(
            "callgrind counted no instruction: the program does not switch counting on (it is no program of this package, or the processor is neither x86_64 nor aarch64)"
        );
    }
    record.instructions =
        Some(InstructionsRecord { instructions: found.now, tool: tool.to_owned(), taken_at: record::now() });
    if let (Some(limit), Some(before)) = (gate.limit_percent, found.before) {
        let percent = change_percent(before, found.now);
        ensure!(
            percent <= limit,
            "instructions rose by {percent:.2} % from {before} to {}, the limit is {limit} %",
            found.now
        );
    }
    store::keep("instructions", record)
}

/// gungraun's runner in the version of the library, which it must match exactly; installed on first use.
fn runner() -> Result<PathBuf> {
    let version = build::locked_version("gungraun").context("Cargo.lock names no gungraun")?;
    let root = paths::own("tools").join(format!("gungraun-runner-{version}"));
    let runner = root.join("bin/gungraun-runner");
    if !runner.is_file() {
        eprintln!("installing gungraun-runner {version}, once; takes some minutes");
        let mut cargo = build::cargo();
        cargo
            .args(["install", "gungraun-runner", "--locked", "--version", &format!("={version}"), "--root"])
            .arg(&root);
        let status = command::run(&mut cargo, |_| Ok(()))?;
        ensure!(status.success() && runner.is_file(), "gungraun-runner {version} could not be installed, see above");
    }
    Ok(runner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_tells_now_and_before() {
        let summary = |values: &str| {
            let text = format!(
                r#"{{"profiles":[{{"tool":"Callgrind","data":{{"parts":[],"total":{{"metrics":{{"Ir":{{"values":{values}}}}}}}}}}}]}}"#
            );
            counted(&serde_json::from_str(&text).unwrap())
        };
        assert_eq!(summary(r#"{"new":160}"#), Some(Summary { now: 10, before: None }));
        assert_eq!(summary(r#"{"new":160,"old":32}"#), Some(Summary { now: 10, before: Some(2) }));
        assert_eq!(summary(r#"{"old":160}"#), None);
    }
}

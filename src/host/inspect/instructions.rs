//! Instructions of one run, the mean of a few, counted by callgrind on a simulated processor, with one thread.
//!
//! Each cell's answer is verified first, by its ordinary program. Then the bench `instructions` runs the same program under
//! callgrind, where it reads all its requests from a file and has counting switched on for a few runs, after a first one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

use super::cell::{Inspection, compiled, valgrind};
use crate::host::catalog::{build, command};
use crate::host::checkout::Checkout;
use crate::host::inspected;
use crate::host::lock::Lock;
use crate::host::paths;
use crate::host::record::{self, Inspects, InstructionsRecord, Provenance, Record};
use crate::host::run::launch::opening;
use crate::host::run::{Cell, Event, Ready, Stop};
use crate::host::session::{Failure, FailureKind, Program, environment};
use crate::host::settings::Settings;
use crate::host::terminal::Terminal;
use crate::measure::instructions::{FILE, Task};
use crate::protocol::messages::{Reply, Request};
use crate::protocol::observe::Observe;

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
    /// Compare with what was saved under this name; with the last time without one.
    pub baseline: Option<String>,
    /// Save under this name.
    pub save_baseline: Option<String>,
    /// A cell whose instructions rise by more percent than this over the baseline fails. The last time is no baseline: it
    /// would be the risen count when the same is run again.
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
        Some(change_percent(self.before?, self.record.instructions()?.instructions))
    }
}

#[expect(clippy::cast_precision_loss, reason = "instructions of a query are far below 2^53")]
fn change_percent(before: u64, now: u64) -> f64 {
    100.0 * (now as f64 / before as f64 - 1.0)
}

/// Counts the instructions of one run of every cell that the filter means, of the engines and queries of a source tree, and compares
/// them with an earlier time. What is kept and compared goes by the cells' names, so that two trees can be held against each other.
///
/// # Errors
/// Without Valgrind, for a limit without a baseline, for a filter that means no cell, or after an interrupt; what fails in a cell
/// is in its record.
pub fn instructions(
    checkout: &Checkout,
    filter: Option<&str>,
    gate: &Gate,
    settings: &Settings,
) -> Result<Vec<Counted>> {
    ensure!(
        gate.limit_percent.is_none() || gate.baseline.is_some(),
        "a limit takes a baseline: save one with --save-baseline NAME, then compare with --baseline NAME"
    );
    for name in [&gate.baseline, &gate.save_baseline].into_iter().flatten() {
        // gungraun makes it part of files' names.
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        ensure!(plain, "'{name}' cannot name a baseline: use letters, digits and '_'");
    }
    let valgrind = valgrind()?;
    let runner = runner()?;
    // Threads under callgrind take turns: more than one would count their waiting for each other.
    let settings = &Settings { threads: vec![1], ..settings.clone() };
    let folder = inspected::folder(&settings.home, "instructions");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Two at once would write the same files.
    let _alone = Lock::wait(&folder, "counts instructions")?;
    let tool = format!("callgrind, {valgrind}");
    let terminal = Terminal::default();
    let observer = |event: &Event<'_>| terminal.tell(event);
    let inspection = Inspection::new(settings, checkout, &observer)?;
    let found = inspection.each(filter, Inspects::Instructions, |inspection, cell, record, before| {
        record.provenance = Provenance::Simulated;
        record.provenance_reason = Some(SIMULATED.to_owned());
        let program = compiled(cell.engine, "instructions")?;
        let results = results(&folder, cell);
        check_baseline(cell, gate, &results)?;
        let task = task(inspection, cell, &program, &folder, record)?;
        log::info!("{}: counting", cell.id);
        // One at a time: a program that fails under Valgrind would end all that come after it.
        let summary = run(&task, gate, &runner, &folder, &results, settings.timeout())
            .and_then(|summary| check_replies(&task, record.rows).map(|()| summary).map_err(Stop::from))
            // What went wrong must not become the measure of others.
            .inspect_err(|_| remove_baseline(&results, gate.save_baseline.as_deref()))?;
        *before = summary.before;
        if summary.now == 0 {
            Err(anyhow!(
                "callgrind counted no instruction: the program does not switch counting on (it is no program of this package, or the processor is neither x86_64 nor aarch64)"
            ))?;
        }
        let tool = tool.clone();
        record.set_instructions(&InstructionsRecord { instructions: summary.now, tool, taken_at: record::now() });
        inspected::keep(&settings.home, "instructions", record, &program.path)?;
        check_limit(summary, gate)?;
        Ok(())
    });
    // Best effort: what is left is overwritten by the next time.
    let _ = fs::remove_dir_all(folder.join("scratch"));
    let found: Vec<Counted> = found?.into_iter().map(|(record, before)| Counted { record, before }).collect();
    ensure!(
        gate.limit_percent.is_none() || found.iter().any(|cell| !cell.record.is_skipped()),
        "the limit says nothing: no cell that the filter means could be counted{}",
        found.iter().find_map(|cell| cell.record.reason()).map_or_else(String::new, |why| format!(" ({why})"))
    );
    Ok(found)
}

fn task(
    inspection: &Inspection<'_>,
    cell: &Cell<'_>,
    program: &Program,
    folder: &Path,
    record: &mut Record,
) -> Result<Task, Stop> {
    let engine = cell.engine;
    log::info!("{}: verifying the answer", cell.id);
    let Ready { session, dataset, query: task, .. } = inspection.verified(cell, program, record)?;
    let prepare = session.prepare_request(&task);
    session.close()?;
    let name = identifier(&cell.id.to_string());
    // The same for every time, since a path's length is counted too.
    let scratch = folder.join("scratch").join(&name);
    fs::create_dir_all(&scratch).map_err(anyhow::Error::from)?;
    let (limits, settings) = opening(engine, cell.variant, inspection.settings, &scratch);
    let before = [
        Request::Open { settings },
        Request::Load { dataset, count: false },
        prepare,
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
    let requests = folder.join(format!("{name}.jsonl"));
    let replies = folder.join(format!("{name}.replies.jsonl"));
    fs::write(&requests, lines.join("\n") + "\n").map_err(anyhow::Error::from)?;
    let mut env: BTreeMap<String, String> = environment::always().collect();
    env.extend(program.variables(limits, &scratch));
    // Which of its functions for copying memory glibc takes depends on the processor otherwise.
    env.insert("GLIBC_TUNABLES".to_owned(), "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM".to_owned());
    // What jemalloc gives back, and when, depends on the clock, which runs otherwise under Valgrind.
    let told = env.remove("MALLOC_CONF").into_iter().chain([STEADY.to_owned()]).collect::<Vec<_>>();
    env.insert("MALLOC_CONF".to_owned(), told.join(","));
    let (engine, query) = names(cell);
    Ok(Task { engine, query, program: program.path.clone(), args: program.args.clone(), env, requests, replies })
}

fn run(
    task: &Task,
    gate: &Gate,
    runner: &Path,
    folder: &Path,
    results: &Path,
    timeout: Duration,
) -> Result<Summary, Stop> {
    let file = folder.join("tasks.json");
    let text = serde_json::to_vec(&[task]).map_err(anyhow::Error::from)?;
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    let summary = results.join("summary.json");
    // Those of an earlier time must not be taken for this one's.
    let _ = fs::remove_file(&summary);
    let _ = fs::remove_file(&task.replies);
    let mut cargo = build::cargo();
    cargo
        .args(["bench", "--quiet", "--no-default-features", "--features", "instructions"])
        .args(["--bench", "instructions", "--"])
        .env("GUNGRAUN_RUNNER", runner)
        .env("GUNGRAUN_HOME", folder.join("gungraun"))
        // Its own temporary files go with the folder when it is interrupted.
        .env("TMPDIR", folder.join("scratch"))
        .env("GUNGRAUN_SAVE_SUMMARY", "json")
        .env(FILE, &file)
        // It tells of all runs together, and calls everything good that we have yet to judge.
        .stdout(Stdio::null());
    for (option, name) in [("--baseline", &gate.baseline), ("--save-baseline", &gate.save_baseline)] {
        if let Some(name) = name {
            cargo.arg(format!("{option}={name}"));
        }
    }
    // The deadline of a reply for each of its requests.
    let limit = timeout * u32::try_from(RUNS + 4).unwrap_or(u32::MAX);
    let Some(status) = command::run_within(&mut cargo, limit)? else {
        let request = "all, under callgrind".to_owned();
        return Err(Failure::from(FailureKind::TimedOut { limit, request, budget: false }).into());
    };
    if !status.success() {
        let said = fs::read_to_string(&task.replies).unwrap_or_default();
        let last = said.lines().last().unwrap_or("nothing");
        Err(anyhow!(
            "counting failed; the program's last reply was: {last}; callgrind's log is in {}",
            results.display()
        ))?;
    }
    let text = fs::read(&summary).with_context(|| format!("cannot read {}", summary.display()))?;
    let found = serde_json::from_slice(&text).map_err(anyhow::Error::from)?;
    let other = || format!("{} holds no count; it is of another version of gungraun", summary.display());
    Ok(counted(&found).with_context(other)?)
}

/// Where gungraun keeps what it counted, below our folder.
const RESULTS: &str = "gungraun/querydyno/instructions/queries";

/// The names of a cell's engine, and of the rest of it, as gungraun takes names.
fn names(cell: &Cell<'_>) -> (String, String) {
    let id = &cell.id;
    (identifier(&id.engine), identifier(&format!("{}/{}/{}", id.query, id.scale, id.variant)))
}

/// Where it keeps those of this cell.
fn results(folder: &Path, cell: &Cell<'_>) -> PathBuf {
    let (engine, query) = names(cell);
    folder.join(RESULTS).join(format!("{engine}.{query}"))
}

/// gungraun would make a baseline that is not there and compare with nothing.
fn check_baseline(cell: &Cell<'_>, gate: &Gate, results: &Path) -> Result<()> {
    let Some(name) = &gate.baseline else { return Ok(()) };
    let id = &cell.id;
    ensure!(
        !baseline_files(results, name).is_empty(),
        "there is no baseline '{name}' of it; save one with: cargo xtask instructions {}/{} --scale {} --save-baseline {name}",
        id.engine,
        id.query,
        id.scale.factor()
    );
    Ok(())
}

/// The files that gungraun saved of a cell under that name.
fn baseline_files(results: &Path, name: &str) -> Vec<PathBuf> {
    let suffix = format!(".base@{name}");
    let files = fs::read_dir(results).into_iter().flatten().flatten().map(|file| file.path());
    files.filter(|file| file.to_string_lossy().ends_with(&suffix)).collect()
}

fn remove_baseline(results: &Path, name: Option<&str>) {
    for file in name.map(|name| baseline_files(results, name)).into_iter().flatten() {
        if let Err(error) = fs::remove_file(&file) {
            log::info!("cannot remove {}, which is of a failed count: {error}", file.display());
        }
    }
}

/// That the program did what was counted: every run gave as many rows as the verified one. It ends with code 0 after an
/// engine's error too.
fn check_replies(task: &Task, rows: Option<u64>) -> Result<()> {
    let text = fs::read_to_string(&task.replies).with_context(|| format!("cannot read {}", task.replies.display()))?;
    let mut runs = 0;
    for line in text.lines() {
        match serde_json::from_str(line).with_context(|| format!("under callgrind it replied: {line}"))? {
            Reply::Fail { message } => bail!("under callgrind: {message}"),
            Reply::Unsupported { reason } => bail!("under callgrind: unsupported: {reason}"),
            Reply::Run { rows: found, .. } if rows.is_none_or(|rows| rows == found) => runs += 1,
            Reply::Run { rows: found, .. } => bail!("under callgrind it gave {found} rows, and {rows:?} before"),
            _ => {}
        }
    }
    ensure!(runs == RUNS + 1, "under callgrind it ran {runs} times and not {}", RUNS + 1);
    Ok(())
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

fn check_limit(found: Summary, gate: &Gate) -> Result<()> {
    let Some(limit) = gate.limit_percent else { return Ok(()) };
    let before = found.before.context("gungraun compared with nothing, so the limit says nothing")?;
    let percent = change_percent(before, found.now);
    ensure!(
        percent <= limit,
        "instructions rose by {percent:.4} % from {before} to {}, the limit is {limit} %",
        found.now
    );
    Ok(())
}

/// gungraun's runner in the version of the library, which it must match exactly; installed on first use.
fn runner() -> Result<PathBuf> {
    let version = build::locked_in(&Checkout::here(), "gungraun").context("Cargo.lock names no gungraun")?;
    let root = paths::own("tools").join(format!("gungraun-runner-{version}"));
    let runner = root.join("bin/gungraun-runner");
    if !runner.is_file() {
        log::info!("installing gungraun-runner {version}, once; takes some minutes");
        let mut cargo = build::cargo();
        cargo
            .args(["install", "gungraun-runner", "--locked", "--version", &format!("={version}"), "--root"])
            .arg(&root);
        let status = command::run(&mut cargo, |_| Ok(()))?;
        ensure!(status.success() && runner.is_file(), "gungraun-runner {version} could not be installed, see above");
    }
    Ok(runner)
}

/// A name in which every sign that an identifier cannot have is spelled: `sf0.01` becomes `sf0_01`.
fn identifier(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
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

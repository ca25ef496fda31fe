//! The loop inside an engine program: requests in, replies out, and the clock around [`Engine::run`].
//!
//! `echo | querydyno-null` shows the greeting.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail, ensure};

use super::observe;
use crate::engine::{Engine, Result, Spans, Unsupported};
use crate::measure::process_cpu_time;
use crate::measure::usage::Usage;
use crate::protocol::answer::{Shown, Sink};
use crate::protocol::dataset::Dataset;
use crate::protocol::engine::Build;
use crate::protocol::messages::{PROTOCOL, Reply, Request};
use crate::protocol::observe::{Observe, Observed};

/// Drives one engine over stdin and stdout until stdin closes: the whole `main` of an engine program.
///
/// `build` is what the program knows of its own making; see [`recipe`]. Whatever the engine itself prints
/// to stdout goes to stderr instead, so that it cannot garble the conversation.
pub fn serve<E: Engine>(engine: &str, build: Build) -> ExitCode {
    match converse::<E>(engine, build) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{engine}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Which tree the program is built from. Nobody reads it: cargo takes two checkouts that share a target folder for one, and compiles
/// anew when this differs, so that no program of the other one is measured.
const _: Option<&str> = option_env!("QUERYDYNO_CHECKOUT");

/// The build of this program as the catalog's recipe told it at compile time, with the allocator that its bin set, or those
/// of the library that it is linked with.
///
/// Compiled without the catalog, compiler and flags stay unknown. What `MALLOC_CONF` tells jemalloc is part of it.
pub fn recipe(allocator: &str) -> Build {
    let told_at_start = std::env::var("MALLOC_CONF").ok().filter(|_| allocator == "jemalloc");
    let allocator = [Some(allocator.to_owned()), told_at_start].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let told: Build =
        option_env!("QUERYDYNO_RECIPE").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    Build { allocator: told.allocator.clone().or(Some(allocator)), ..told }
}

fn converse<E: Engine>(engine: &str, build: Build) -> Result<()> {
    let mut replies = take_stdout()?;
    let mut say = |reply: &Reply| -> Result<()> {
        serde_json::to_writer(&mut replies, reply)?;
        replies.write_all(b"\n")?;
        Ok(replies.flush()?)
    };
    say(&Reply::Hello { protocol: PROTOCOL, engine: engine.to_owned() })?;
    let mut state = State::<E>::new(build);
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let request =
            serde_json::from_str(&line).with_context(|| format!("not a request of protocol {PROTOCOL}: {line}"))?;
        let reply = state.answer_to(request).unwrap_or_else(|error| {
            error.downcast_ref().map_or_else(
                || Reply::Fail { message: format!("{error:#}") },
                |Unsupported(reason)| Reply::Unsupported { reason: reason.clone() },
            )
        });
        say(&reply)?;
    }
    Ok(())
}

/// Keeps the real stdout for replies and points file descriptor 1 at stderr.
fn take_stdout() -> Result<impl Write> {
    let replies = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(io::BufWriter::new(std::fs::File::from(replies)))
}

struct State<E: Engine> {
    build: Build,
    engine: Option<E>,
    prepared: Option<E::Prepared>,
    output: Option<E::Output>,
}

impl<E: Engine> State<E> {
    fn new(build: Build) -> Self {
        Self { build, engine: None, prepared: None, output: None }
    }

    fn answer_to(&mut self, request: Request) -> Result<Reply> {
        if let Request::Open { settings } = request {
            let engine = self.engine.insert(E::open(&settings)?);
            let mut info = engine.info();
            info.build = self.build.clone();
            return Ok(Reply::Open { info, tells_plan: true });
        }
        let Some(engine) = self.engine.as_mut() else {
            bail!("the first request must be open");
        };
        match request {
            Request::Open { .. } => bail!("the engine is open already"),
            Request::Load { dataset, count } => {
                if let Some(table) = dataset.tables.iter().find(|table| table.folders.is_some() && !E::READS_FOLDERS) {
                    let why =
                        "has a column in the names of its folders, and this engine's program does not read such tables";
                    bail!(Unsupported(format!("table {} {why}", table.name)));
                }
                let start = Instant::now();
                engine.load(&dataset)?;
                let load_ns = nanos(start);
                Ok(Reply::Load { load_ns, rows: if count { counted(engine, &dataset)? } else { None } })
            }
            Request::Prepare { task, query: _ } => {
                self.output = None;
                let task = task.context("prepare has no task: this program speaks protocol 2")?;
                self.prepared = Some(engine.prepare(&task)?);
                Ok(Reply::Prepare {})
            }
            Request::Reset {} => {
                // What a run gave may be in the way of what the reset empties.
                self.output = None;
                engine.reset(self.prepared.as_ref().context("no task was prepared")?)?;
                Ok(Reply::Reset {})
            }
            Request::Run { iterations, observe } => {
                let prepared = self.prepared.as_ref().context("no task was prepared")?;
                run(engine, prepared, &mut self.output, iterations, observe.as_ref())
            }
            Request::Plan {} => {
                let prepared = self.prepared.as_ref().context("no task was prepared")?;
                Ok(Reply::Plan { text: engine.plan(prepared)? })
            }
            Request::Answer(wanted) => {
                let output = self.output.take().context("the query has not run since")?;
                let mut sink = Sink::new(engine.rows(&output), wanted);
                engine.answer(output, &mut sink)?;
                let (answer, summary) = match sink.finish().context("the engine told no columns")? {
                    Shown::Rows(answer) => (Some(answer), None),
                    Shown::Summary(summary) => (None, Some(summary)),
                };
                Ok(Reply::Answer { answer, summary, arrow: None })
            }
        }
    }
}

/// What the engine counts in each table; `None` when it cannot tell of one.
fn counted<E: Engine>(engine: &mut E, dataset: &Dataset) -> Result<Option<BTreeMap<String, u64>>> {
    let mut rows = BTreeMap::new();
    for table in &dataset.tables {
        match engine.count(&table.name)? {
            Some(count) => rows.insert(table.name.clone(), count),
            None => return Ok(None),
        };
    }
    Ok(Some(rows))
}

/// The timed region: one clock reading before and one after each run, everything else outside.
fn run<E: Engine>(
    engine: &mut E,
    prepared: &E::Prepared,
    last: &mut Option<E::Output>,
    iterations: u64,
    watched: Option<&Observe>,
) -> Result<Reply> {
    ensure!(iterations > 0, "asked to run 0 times");
    let mut durations_ns = Vec::with_capacity(usize::try_from(iterations)?);
    let (mut rows, mut observed) = (None, Observed::default());
    let (mut spans, mut taken) = (Vec::new(), Spans::default());
    let usage_before = Usage::now();
    let cpu_before = process_cpu_time();
    for _ in 0..iterations {
        // The previous output goes before the clock starts: dropping is not timed, and two never lie in memory.
        drop(last.take());
        let start = Instant::now();
        let output = match watched {
            None => engine.run(prepared, &mut taken)?,
            Some(watched) => {
                let (output, seen) = observe::run(engine, prepared, watched)?;
                observed = seen;
                output
            }
        };
        durations_ns.push(nanos(start));
        taken.join(&mut spans, durations_ns.len() - 1)?;
        let now = engine.rows(&output);
        let first = *rows.get_or_insert(now);
        ensure!(now == first, "the same query gave {first} rows before and {now} rows now");
        *last = Some(output);
    }
    let cpu_time_ns = process_cpu_time().zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
    let usage = Usage::now().zip(usage_before).map(|(after, before)| after.with(before, u64::saturating_sub));
    Ok(Reply::Run {
        rows: rows.unwrap_or_default(),
        durations_ns,
        cpu_time_ns: cpu_time_ns.and_then(|time| u64::try_from(time.as_nanos()).ok()),
        usage,
        spans,
        sink: engine.sink_use()?,
        observed,
    })
}

fn nanos(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

//! Runs that the API has started on this machine, one at a time, with what they say: [`Runs`].

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;
use tokio::sync::watch;

use crate::host::paths;

/// Runs that are remembered.
const KEPT: usize = 20;
/// Lines that a run may say; what is said after them is left out.
const LINES: usize = 20_000;

/// How long a run has to end at the end of the server: it ends engines, and hands in what it has.
const ENDING: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// What a run says, in order.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// A line of its stdout or stderr.
    Line { stream: &'static str, text: String },
    /// It is over; the code is none where a signal ended it.
    Ended { code: Option<i32> },
}

/// A run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) arguments: Vec<String>,
    pub(super) started_at: String,
    events: Mutex<Vec<Event>>,
    /// How many events there are.
    count: watch::Sender<usize>,
    process: Pid,
}

/// All that are remembered, the newest first.
#[derive(Debug, Default)]
pub(super) struct Runs {
    all: Mutex<VecDeque<Arc<Run>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Run {
    fn say(&self, event: Event) {
        let mut events = lock(&self.events);
        let is_end = matches!(event, Event::Ended { .. });
        if events.len() < LINES || is_end {
            events.push(event);
        }
        self.count.send_replace(events.len());
    }

    /// The event at a place, and a channel that tells when there are more.
    pub(super) fn event(&self, place: usize) -> Option<Event> {
        lock(&self.events).get(place).cloned()
    }

    pub(super) fn watch(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// Whether it is over.
    pub(super) fn is_over(&self) -> bool {
        matches!(lock(&self.events).last(), Some(Event::Ended { .. }))
    }

    /// What it ended with: none before, and where a signal ended it.
    pub(super) fn code(&self) -> Option<i32> {
        match lock(&self.events).last() {
            Some(Event::Ended { code }) => *code,
            _ => None,
        }
    }

    /// Ends it as Ctrl-C does: what was measured is kept.
    pub(super) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    fn signal(&self, signal: Signal) {
        if !self.is_over() {
            let _ = kill_process_group(self.process, signal);
        }
    }

    /// The number of its process, after which the bench calls its run.
    pub(super) fn process_id(&self) -> i32 {
        self.process.as_raw_nonzero().get()
    }
}

impl Runs {
    /// All that are remembered.
    pub(super) fn all(&self) -> Vec<Arc<Run>> {
        lock(&self.all).iter().cloned().collect()
    }

    /// Another number when a run has begun or ended.
    pub(super) fn version(&self) -> u64 {
        self.all().iter().map(|run| 1 + u64::from(run.is_over())).sum()
    }

    /// The run of this id.
    pub(super) fn get(&self, id: &str) -> Option<Arc<Run>> {
        lock(&self.all).iter().find(|run| run.id == id).cloned()
    }

    /// Waits until those that were interrupted are over, and ends them where that takes longer.
    pub(super) fn finish(&self) {
        let deadline = Instant::now() + ENDING;
        let are_over = || self.all().iter().all(|run| run.is_over());
        while !are_over() && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        for run in self.all().iter().filter(|run| !run.is_over()) {
            log::warn!("run {} does not end, so it is killed", run.id);
            run.signal(Signal::KILL);
        }
    }

    /// Starts `cargo xtask bench` with these arguments; none where a run is in progress already.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(&self, arguments: Vec<String>) -> Result<Option<Arc<Run>>> {
        let mut all = lock(&self.all);
        if all.front().is_some_and(|run| !run.is_over()) {
            return Ok(None);
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(["xtask", "bench"])
            .args(&arguments)
            .current_dir(paths::root())
            // Nothing that it starts is to know it.
            .env_remove("QUERYDYNO_TOKEN")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn().context("cannot start cargo xtask bench")?;
        let now = chrono::Utc::now();
        let run = Arc::new(Run {
            id: format!("{}-{}", now.format("%Y%m%dT%H%M%SZ"), child.id()),
            arguments,
            started_at: now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            events: Mutex::default(),
            count: watch::Sender::new(0),
            process: Pid::from_child(&child),
        });
        let readers = [
            child.stdout.take().map(|stdout| listen(&run, "stdout", stdout)),
            child.stderr.take().map(|stderr| listen(&run, "stderr", stderr)),
        ];
        let waited = Arc::clone(&run);
        thread::spawn(move || end(&waited, child, readers));
        all.push_front(Arc::clone(&run));
        all.truncate(KEPT);
        Ok(Some(run))
    }
}

fn listen(run: &Arc<Run>, stream: &'static str, from: impl Read + Send + 'static) -> thread::JoinHandle<()> {
    let run = Arc::clone(run);
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            run.say(Event::Line { stream, text: String::from_utf8_lossy(&line).trim_end().to_owned() });
        }
    })
}

fn end(run: &Run, mut child: Child, readers: [Option<thread::JoinHandle<()>>; 2]) {
    let status = child.wait();
    for reader in readers.into_iter().flatten() {
        let _ = reader.join();
    }
    run.say(Event::Ended { code: status.ok().and_then(|status| status.code()) });
}

//! A task in a session: taken, reset, run, and what the host sees of a run from outside.

use std::time::Instant;

use super::{Result, Session};
use crate::host::session::failure::{Failure, FailureKind};
use crate::host::session::runs::{ProcessCounts, Runs, Worker};
use crate::measure::memory;
use crate::protocol::messages::{OLDER_PROTOCOL, OlderQuery, Reply, Request};
use crate::protocol::observe::Observe;
use crate::protocol::task::{SERVER_PARTS, Span, Task};

/// CPU time of a server from which on the kernel's unit is fine enough.
const LEAST_TICKS_NS: u64 = 100_000_000;
/// Runs asked for in one request at most, so that a reply stays small.
const BATCH: u64 = 10_000;

/// What of a prepared task its runs depend on.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Whether it has to be reset before each run.
    resets: bool,
    /// Whether that was done since the last run.
    is_reset: bool,
    steps: Vec<String>,
}

impl Taken {
    /// Whether spans can be of this task: each of one of its steps or of a part of its only one, for every run, and no longer together
    /// than the run.
    fn has(&self, spans: &[Span], durations_ns: &[u64]) -> bool {
        let is_part = |name: &str| self.steps.len() == 1 && SERVER_PARTS.contains(&name);
        let named = |span: &Span| self.steps.contains(&span.step) || is_part(&span.step);
        let known = |span: &Span| named(span) && span.durations_ns.len() == durations_ns.len();
        let together = |run: usize| spans.iter().map(|span| u128::from(span.durations_ns[run])).sum::<u128>();
        let fits = |(run, whole): (usize, &u64)| together(run) <= u128::from(*whole);
        spans.iter().all(known) && durations_ns.iter().enumerate().all(fits)
    }
}

impl Session {
    /// Takes the task for the runs that follow.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn prepare(&mut self, task: &Task) -> Result<()> {
        match self.ask("prepare", &self.prepare_request(task))? {
            Reply::Prepare {} => {
                let steps = task.steps.iter().map(|step| step.name.clone()).collect();
                self.task = Taken { resets: !task.reset.is_empty(), is_reset: false, steps };
                Ok(())
            }
            other => Err(self.garbage("prepare", &other)),
        }
    }

    /// What a program of this one's protocol is told to prepare a task.
    pub(crate) fn prepare_request(&self, task: &Task) -> Request {
        let older = |sql: &str| {
            let (suite, name) = (task.suite.clone(), task.name.clone());
            OlderQuery { suite, name, sql: sql.to_owned() }
        };
        let query = task.query().filter(|_| self.protocol == OLDER_PROTOCOL).map(older);
        Request::Prepare { task: query.is_none().then(|| task.clone()), query }
    }

    /// Brings a task that writes back to where a run begins, unless it is there. Not timed, and done before each run anyway.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn reset(&mut self) -> Result<()> {
        if !self.task.resets || self.task.is_reset {
            return Ok(());
        }
        self.task.is_reset = true;
        match self.ask("reset", &Request::Reset {})? {
            Reply::Reset {} => Ok(()),
            other => Err(self.garbage("reset", &other)),
        }
    }

    /// Runs the prepared task so many times, with its reset before each. The deadline holds for each request of up to 10,000 runs, and
    /// the time budget of a query for each run of it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn run(&mut self, iterations: u64) -> Result<Runs> {
        let mut all = self.run_batch(1, None)?;
        let mut left = iterations.saturating_sub(1);
        while left > 0 {
            let batch = left.min(self.batch(&all));
            let runs = self.run_batch(batch, None)?;
            if runs.rows != all.rows {
                return Err(self.changed_rows(all.rows, runs.rows));
            }
            all = all.and(runs);
            left -= batch;
        }
        Ok(all)
    }

    /// Runs the prepared task once, watched for something that would be in the way of a sample.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn observe(&mut self, observe: Observe) -> Result<Runs> {
        self.run_batch(1, Some(observe))
    }

    /// The failure of a program whose query gave another number of rows than before.
    pub fn changed_rows(&self, before: u64, now: u64) -> Failure {
        let message = format!("the same query gave {before} rows before and {now} rows now");
        self.failure(FailureKind::Engine { message })
    }

    /// As many runs as should fit into a quarter of the deadline, by what the last ones took.
    fn batch(&self, so_far: &Runs) -> u64 {
        let Some(last) = so_far.durations_ns.last().filter(|_| !self.task.resets) else {
            return 1;
        };
        let quarter = u64::try_from(self.limits.timeout.as_nanos() / 4).unwrap_or(u64::MAX);
        (quarter / (*last).max(1)).clamp(1, BATCH)
    }

    /// Asks for runs, within what so many may take. Those that are watched are slower, and have the deadline alone.
    fn ask_to_run(&mut self, iterations: u64, observe: Option<Observe>) -> Result<Reply> {
        let watched = observe.is_some();
        let request = Request::Run { iterations, observe };
        let runs = u32::try_from(iterations).unwrap_or(u32::MAX);
        let budget = self.limits.query_timeout.map(|budget| budget.saturating_mul(runs));
        let Some(limit) = budget.filter(|limit| !watched && *limit < self.limits.timeout) else {
            return self.ask("run", &request);
        };
        self.ask_within("run", &request, limit).map_err(|mut failure| {
            if let FailureKind::TimedOut { budget, .. } = &mut failure.kind {
                *budget = true;
            }
            failure
        })
    }

    fn run_batch(&mut self, iterations: u64, observe: Option<Observe>) -> Result<Runs> {
        self.reset()?;
        self.task.is_reset = false;
        // Before the run: whom a run starts is counted by those who started it, or looked for again after it.
        let workers = self.workers();
        // What a group holds has no mark to set back: the most that the looks see counts.
        let by_looks = matches!(self.worker, Worker::Container(_));
        let reset = !by_looks && workers.as_deref().is_some_and(memory::reset_peak_of);
        self.most_seen = None;
        let before = workers.as_deref().map(ProcessCounts::of);
        let sent_before = self.traffic();
        let start = Instant::now();
        let reply = self.ask_to_run(iterations, observe)?;
        let wall = start.elapsed().as_nanos();
        let sent = self.traffic().zip(sent_before).map(|(after, before)| after.with(before, u64::saturating_sub));
        let workers = self.workers();
        let (before, after) =
            (before.unwrap_or_default(), workers.as_deref().map(ProcessCounts::of).unwrap_or_default());
        // The program holds the clock, but it cannot have run for longer than we waited, nor for no time at all.
        let possible = |durations: &[u64]| {
            let sum: u128 = durations.iter().map(|ns| u128::from(*ns)).sum();
            durations.len() as u64 == iterations && (1..=wall).contains(&sum)
        };
        match reply {
            Reply::Run { rows, durations_ns, cpu_time_ns, usage, spans, sink, observed }
                if possible(&durations_ns) && self.task.has(&spans, &durations_ns) =>
            {
                let more = |(after, before): (u64, u64)| after.saturating_sub(before);
                let children = after.children_cpu_ns.zip(before.children_cpu_ns).map(more);
                let own = self.worker == Worker::Program;
                let marks = workers.as_deref().filter(|_| reset).and_then(memory::peak_of);
                let peak = marks.or_else(|| self.held_by_worker().filter(|_| by_looks));
                Ok(Runs {
                    rows,
                    durations_ns,
                    cpu_time_ns: if own {
                        cpu_time_ns.zip(children).map(|(own, children)| own + children)
                    } else {
                        // In hundredths of a second: below ten of them it is no figure.
                        after.cpu_ns.zip(before.cpu_ns).map(more).filter(|ns| *ns >= LEAST_TICKS_NS)
                    },
                    // A child that has ended is in the looks only.
                    peak_memory: peak.map(|peak| self.most_seen.map_or(peak, |seen| peak.or_more(seen))),
                    usage: usage.filter(|_| own),
                    moved: after.moved.zip(before.moved).map(|(after, before)| after.with(before, u64::saturating_sub)),
                    traffic: sent,
                    spans,
                    sink,
                    observed,
                })
            }
            other => Err(self.garbage("run", &other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_has_steps_and_the_parts_of_an_only_one() {
        let span = |name: &str, nanos: u64| Span { step: name.to_owned(), durations_ns: vec![nanos] };
        let task =
            |steps: &[&str]| Taken { steps: steps.iter().map(|step| (*step).to_owned()).collect(), ..Taken::default() };
        let parts: Vec<Span> = SERVER_PARTS.iter().map(|name| span(name, 5)).collect();
        assert!(task(&["query"]).has(&parts, &[20]));
        assert!(!task(&["query"]).has(&parts, &[19]) && !task(&["query"]).has(&parts, &[20, 20]));
        assert!(!task(&["read", "write"]).has(&parts, &[20]));
        assert!(task(&["read", "write"]).has(&[span("read", 5)], &[20]));
        assert!(!task(&["query"]).has(&[span("resting", 5)], &[20]));
    }
}

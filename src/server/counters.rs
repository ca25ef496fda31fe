//! What `/metrics` tells, in Prometheus' form of text: [`Counters`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What was asked, and the status of the answer.
type Asked = (&'static str, u16);

/// Counted since the server was started.
#[derive(Debug)]
pub(super) struct Counters {
    since: Instant,
    /// By what was asked and how it ended: how often, and how long in all.
    requests: Mutex<BTreeMap<Asked, (u64, Duration)>>,
    pub(super) connections: AtomicI64,
    pub(super) refused: AtomicU64,
    pub(super) taken_in: AtomicU64,
    pub(super) failed_to_take_in: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            requests: Mutex::default(),
            connections: AtomicI64::new(0),
            refused: AtomicU64::new(0),
            taken_in: AtomicU64::new(0),
            failed_to_take_in: AtomicU64::new(0),
        }
    }
}

impl Counters {
    pub(super) fn request(&self, what: &'static str, status: u16, took: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, sum) = requests.entry((what, status)).or_default();
        *count += 1;
        *sum += took;
    }

    /// All of them, and the version of the history.
    pub(super) fn text(&self, version: u64) -> String {
        let mut text = String::new();
        let mut put = |name: &str, kind: &str, about: &str, value: String| {
            let _ = writeln!(
                text,
                "# HELP querydyno_{name} {about}\n# TYPE querydyno_{name} {kind}\nquerydyno_{name} {value}"
            );
        };
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed).to_string();
        put(
            "uptime_seconds",
            "gauge",
            "Since the server was started.",
            format!("{:.3}", self.since.elapsed().as_secs_f64()),
        );
        put("connections", "gauge", "Open now.", self.connections.load(Ordering::Relaxed).to_string());
        put("connections_refused_total", "counter", "More than may be open at a time.", of(&self.refused));
        put("results_taken_in_total", "counter", "From the journal.", of(&self.taken_in));
        put("take_in_failures_total", "counter", "The journal is tried again.", of(&self.failed_to_take_in));
        put("history_version", "counter", "Another after each change.", version.to_string());
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, about) in [("total", "Answered."), ("seconds_total", "Time from the first byte to the answer.")] {
            let _ =
                writeln!(text, "# HELP querydyno_requests_{name} {about}\n# TYPE querydyno_requests_{name} counter");
            for ((what, status), (count, sum)) in &*requests {
                let value = if name == "total" { count.to_string() } else { format!("{:.6}", sum.as_secs_f64()) };
                let _ = writeln!(text, "querydyno_requests_{name}{{endpoint=\"{what}\",status=\"{status}\"}} {value}");
            }
        }
        text
    }
}

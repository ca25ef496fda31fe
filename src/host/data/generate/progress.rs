//! What a user sees while data is made: a bar on a terminal, two plain lines elsewhere.
//!
//! Work of under two seconds shows no bar; the last line, with time and size, comes always.

use std::fmt::Write;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::protocol::units::{Bytes, Nanos};

/// Before this much time nobody wonders.
const PATIENCE: Duration = Duration::from_secs(2);

const STYLE: &str = "{prefix} {wide_bar} {human_pos} of {human_len} rows, {rate}, {left} left";

/// The progress of one generation, told in rows.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    what: String,
    started: Instant,
    /// Whether the bar still has to be shown; always false where there is no terminal.
    waiting: AtomicBool,
    /// Whether the first rows have come; what a generator does before them says nothing of its speed.
    begun: AtomicBool,
}

impl Progress {
    /// Begins with `what`, `tpch sf1`, of about so many rows.
    pub(super) fn start(what: &str, tables: &[&str], rows: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        if !terminal {
            let rows = HumanCount(rows);
            log::info!("generating {what}: {} (about {rows} rows)", tables.join(", "));
        }
        let bar = ProgressBar::with_draw_target(Some(rows), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(STYLE) {
            bar.set_style(style.with_key("rate", rate).with_key("left", left));
        }
        bar.set_prefix(format!("generating {what}"));
        Self {
            bar,
            what: what.to_owned(),
            started: Instant::now(),
            waiting: AtomicBool::new(terminal),
            begun: AtomicBool::new(false),
        }
    }

    /// Counts rows that were made.
    pub(super) fn add(&self, rows: u64) {
        if !self.begun.swap(true, Ordering::Relaxed) {
            self.bar.reset_elapsed();
        }
        self.bar.inc(rows);
        let due = self.waiting.load(Ordering::Relaxed) && self.started.elapsed() > PATIENCE;
        if due && self.waiting.swap(false, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Ends with one line on what was made.
    pub(super) fn finish(self, rows: u64, bytes: u64) {
        self.bar.finish_and_clear();
        let rows = HumanCount(rows);
        let time = Nanos::from(self.started.elapsed());
        log::info!("generated {}: {rows} rows, {} in {time}", self.what, Bytes(bytes));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // After an error the bar must not stay above the message.
        self.bar.finish_and_clear();
    }
}

/// Rows per second since the first; indicatif's own rate takes a minute to forget a slow start.
fn rate(state: &ProgressState, text: &mut dyn Write) {
    let rate = state.pos().saturating_mul(1000) / milliseconds(state);
    let _ = write!(text, "{} rows/s", HumanCount(rate)); // the bar is drawn again at once
}

/// The time that the rest takes at that rate.
fn left(state: &ProgressState, text: &mut dyn Write) {
    let rest = state.len().unwrap_or_default().saturating_sub(state.pos());
    let left = milliseconds(state).saturating_mul(rest) / state.pos().max(1);
    let _ = write!(text, "{:#}", HumanDuration(Duration::from_millis(left)));
}

fn milliseconds(state: &ProgressState) -> u64 {
    u64::try_from(state.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
}

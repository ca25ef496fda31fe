//! Long work as a terminal shows it: a bar for what is counted, a spinner for what is waited for.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::host::progress::{Progress, Unit};

/// Before this much time nobody wonders where rows are.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the time that is left is told where there is no terminal for a bar.
const TELL: Duration = Duration::from_secs(30);

static OPEN: Mutex<BTreeMap<u64, Bar>> = Mutex::new(BTreeMap::new());

struct Bar {
    drawn: ProgressBar,
    unit: Unit,
    /// When it began, or was told of last.
    since: Instant,
}

/// Shows it.
pub(super) fn show(work: u64, progress: &Progress<'_>) {
    let mut open = lock(&OPEN);
    match (progress, open.get_mut(&work)) {
        (Progress::Began(unit, of), _) => drop(open.insert(work, Bar::new(*unit, *of))),
        (Progress::Ended, _) => drop(open.remove(&work)),
        (Progress::Now(what), Some(bar)) => bar.drawn.set_message((*what).to_owned()),
        (Progress::Expected(more), Some(bar)) => bar.drawn.inc_length(*more),
        (Progress::Done(more), Some(bar)) => bar.done(*more),
        (Progress::At(all), Some(bar)) => bar.drawn.set_position(*all),
        (_, None) => {}
    }
}

pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes lines while no bar is in their way.
pub(super) fn aside(write: impl FnOnce()) {
    match lock(&OPEN).values().next() {
        Some(open) => open.drawn.suspend(write),
        None => write(),
    }
}

impl Bar {
    fn new(unit: Unit, of: u64) -> Self {
        let style = match unit {
            Unit::Nothing => "{spinner} {msg} {elapsed}",
            Unit::Bytes => "fetching {msg} {wide_bar} {bytes} of {total_bytes}, {eta} left",
            Unit::Rows => "generating {msg} {wide_bar} {human_pos} of {human_len} rows, {rate}, {left} left",
            Unit::Processes => "{msg:40} {wide_bar} {pos}/{len} processes, {eta} left",
            Unit::Pairs => "{msg:44} {wide_bar} {pos}/{len} pairs, {eta} left",
            Unit::Pages => "{msg:24} {wide_bar} {pos} of {len} pages",
        };
        let drawn = match unit {
            Unit::Nothing => ProgressBar::new_spinner(),
            Unit::Rows => ProgressBar::with_draw_target(Some(of), ProgressDrawTarget::hidden()),
            _ => ProgressBar::new(of),
        };
        if let Ok(style) = ProgressStyle::with_template(style) {
            drawn.set_style(style.with_key("rate", rate).with_key("left", left));
        }
        if unit == Unit::Nothing {
            drawn.enable_steady_tick(Duration::from_millis(100));
        }
        Self { drawn, unit, since: Instant::now() }
    }

    fn done(&mut self, more: u64) {
        if self.unit == Unit::Rows && self.drawn.position() == 0 {
            // What a generator does before its first rows says nothing of its speed.
            self.drawn.reset_elapsed();
        }
        self.drawn.inc(more);
        let (done, of) = (self.drawn.position(), self.drawn.length().unwrap_or_default());
        match self.unit {
            Unit::Rows if self.drawn.is_hidden() && self.since.elapsed() > PATIENCE => {
                self.drawn.set_draw_target(ProgressDrawTarget::stderr());
                self.since = Instant::now();
            }
            Unit::Pairs if self.drawn.is_hidden() && self.since.elapsed() > TELL => {
                self.since = Instant::now();
                let _ = writeln!(io::stderr(), "{done} of {of} pairs, about {} s left", self.drawn.eta().as_secs());
            }
            Unit::Pages if self.drawn.is_hidden() && self.since.elapsed() > TELL => {
                self.since = Instant::now();
                let _ = writeln!(io::stderr(), "{done} of {of} pages");
            }
            _ => {}
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.drawn.finish_and_clear();
    }
}

/// Rows per second since the first; indicatif's own rate takes a minute to forget a slow start.
fn rate(state: &ProgressState, text: &mut dyn fmt::Write) {
    let rate = state.pos().saturating_mul(1000) / milliseconds(state);
    let _ = write!(text, "{} rows/s", HumanCount(rate)); // the bar is drawn again at once
}

/// The time that the rest takes at that rate.
fn left(state: &ProgressState, text: &mut dyn fmt::Write) {
    let rest = state.len().unwrap_or_default().saturating_sub(state.pos());
    let left = milliseconds(state).saturating_mul(rest) / state.pos().max(1);
    let _ = write!(text, "{:#}", HumanDuration(Duration::from_millis(left)));
}

fn milliseconds(state: &ProgressState) -> u64 {
    u64::try_from(state.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
}

//! What is shown, made anew when the history has changed, in a thread of its own that takes half of a core at most and lets everybody else
//! go first: a reader, and a benchmark that runs on this machine. Where nobody has asked for a page for some minutes, it does nothing.

use std::sync::Arc;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use rustix::process::setpriority_process;

use super::app::App;
use super::pages;

/// How often it is looked whether the history has changed.
const POLL: Duration = Duration::from_millis(200);
/// How long it rests at least after it has made something.
const REST: Duration = Duration::from_millis(500);
/// Then what is newest is read again before the other pages are made: this is how long that may wait.
const ROUND: Duration = Duration::from_secs(10);
/// What went wrong is tried again, not at once.
const AGAIN: Duration = Duration::from_secs(10);
/// The changes of a week are looked for in every point of every series: so seldom.
const CHANGES: Duration = Duration::from_mins(1);
/// As `nice` has it; this thread alone.
const PRIORITY: i32 = 10;

/// Begins, with what most come for.
pub(super) fn start(app: &Arc<App>) {
    app.is_renewed_from_now_on();
    let app = Arc::clone(app);
    thread::spawn(move || {
        if let Err(error) = setpriority_process(None, PRIORITY) {
            log::debug!("pages are made at the priority of all else: {error}");
        }
        pages::prepare(&app);
        while !app.is_stopping() {
            let began = Instant::now();
            let has_made = renew(&app);
            sleep(if has_made { began.elapsed().max(REST) } else { POLL });
        }
    });
}

/// Whether there was something to do.
fn renew(app: &Arc<App>) -> bool {
    let round = Instant::now();
    app.notice();
    if !app.pages.is_watched() {
        return false;
    }
    let mut has_made = false;
    if app.standing_is_old() {
        has_made = true;
        if let Err(error) = app.renew_standing() {
            log::warn!("the newest results are not read, which is tried again: {error:#}");
            sleep(AGAIN);
            return true;
        }
    }
    if app.changes_are_old(CHANGES) {
        has_made = true;
        if let Err(error) = app.renew_changes() {
            log::warn!("what has changed is not looked for, which is tried again: {error:#}");
            sleep(AGAIN);
        }
    }
    for (key, (path, ask)) in app.pages.due(|(path, _)| app.stamp(path)) {
        has_made = true;
        let began = Instant::now();
        pages::renew(app, key, path, ask);
        if app.is_stopping() || round.elapsed() > ROUND {
            break;
        }
        // Half of a core, page by page.
        sleep(began.elapsed());
    }
    has_made
}

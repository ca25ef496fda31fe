//! Taking in what benches write: at once when a file of the journal appears or grows, and at intervals in case that nobody told.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};

use super::app::App;

/// How long nothing is heard before it is looked anyway.
const INTERVAL: Duration = Duration::from_secs(10);
/// What comes together is taken in together: a bench writes line by line.
const TOGETHER: Duration = Duration::from_millis(300);
/// A journal that cannot be taken in, on a full disk, is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Takes in from now on, in a thread of its own, until the server stops.
pub(super) fn watch(app: &Arc<App>) {
    let Some(home) = app.owner.home() else { return };
    let (told, heard) = channel();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = told.send(());
        }
    });
    let records = home.join("records");
    let begun = fs::create_dir_all(&records).map_err(notify::Error::io).and(watcher).and_then(|mut watcher| {
        watcher.watch(&records, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    let watcher =
        begun.map_err(|error| log::warn!("the journal is looked at every {} s only: {error}", INTERVAL.as_secs()));
    let app = Arc::clone(app);
    thread::spawn(move || {
        let _watcher = watcher;
        while !app.is_stopping() {
            take_in(&app);
            wait(&heard);
        }
    });
}

fn wait(heard: &Receiver<()>) {
    match heard.recv_timeout(INTERVAL) {
        Ok(()) => {
            thread::sleep(TOGETHER);
            while heard.try_recv().is_ok() {}
        }
        Err(RecvTimeoutError::Timeout) => {}
        Err(RecvTimeoutError::Disconnected) => thread::sleep(INTERVAL),
    }
}

fn take_in(app: &App) {
    match app.owner.take_in() {
        Ok(results) => {
            app.counters.taken_in.fetch_add(results, Ordering::Relaxed);
        }
        Err(error) => {
            app.counters.failed_to_take_in.fetch_add(1, Ordering::Relaxed);
            log::warn!("the journal is not taken in, which is tried again: {error:#}");
            thread::sleep(AGAIN);
        }
    }
}

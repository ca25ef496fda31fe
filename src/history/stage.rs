//! Where tests end the program as `kill -9` would: `TEST_HISTORY_STAGE="inserted kill"` at the stage `inserted`; with `hang` it waits there.

use std::env;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

/// The program has come to this stage.
pub(super) fn reached(stage: &str) {
    let told = env::var("TEST_HISTORY_STAGE").unwrap_or_default();
    match told.split_once(' ') {
        Some((at, "kill")) if at == stage => {
            let _ = kill_process(getpid(), Signal::KILL);
        }
        Some((at, "hang")) if at == stage => {
            eprintln!("stage {stage}");
            sleep(Duration::from_mins(10));
        }
        _ => {}
    }
}

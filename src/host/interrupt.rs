//! Ctrl-C: a flag that long work polls, and the engine programs that must not outlive it.
//!
//! The handler only raises the flag and kills; files are removed by the guards of whoever made them,
//! since every wait in this crate ends when the flag is up.

use std::collections::BTreeSet;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use anyhow::{Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// The exit code of a run that was interrupted, as shells have it.
pub const EXIT_CODE: u8 = 130;

/// What a second signal ends the process with.
static CODE: AtomicU8 = AtomicU8::new(EXIT_CODE);
static REQUESTED: AtomicBool = AtomicBool::new(false);
static GROUPS: LazyLock<Mutex<BTreeSet<u32>>> = LazyLock::new(Mutex::default);

/// Installs the handler for SIGINT, SIGTERM and SIGHUP. A second signal ends the host at once.
///
/// # Errors
/// When a handler is installed already.
pub fn install() -> Result<()> {
    ctrlc::set_handler(|| {
        let again = REQUESTED.swap(true, Ordering::SeqCst);
        for group in groups().iter() {
            kill_group(*group);
        }
        if again {
            process::exit(CODE.load(Ordering::SeqCst).into());
        }
        log::info!("\ninterrupted: cleaning up (press Ctrl-C again to leave at once)");
    })?;
    Ok(())
}

/// Has a second signal end the process with this code instead of [`EXIT_CODE`], for a command whose codes mean something.
pub fn exits_with(code: u8) {
    CODE.store(code, Ordering::SeqCst);
}

/// Whether the user wants to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// Gives up when the user wants to stop; for loops that take long.
///
/// # Errors
/// After an interrupt.
pub fn check() -> Result<()> {
    if requested() {
        bail!("interrupted");
    }
    Ok(())
}

/// What an error is: after an interrupt the interrupt's doing, whatever it says.
pub(crate) fn classify<E>(
    error: anyhow::Error,
    interrupted: impl FnOnce(anyhow::Error) -> E,
    other: impl FnOnce(anyhow::Error) -> E,
) -> E {
    if requested() { interrupted(error) } else { other(error) }
}

/// A process group that dies with an interrupt for as long as this guard lives, and is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Group(u32);

impl Group {
    pub(crate) fn new(leader: u32) -> Self {
        groups().insert(leader);
        let group = Self(leader);
        if requested() {
            group.kill();
        }
        group
    }

    pub(crate) fn kill(&self) {
        kill_group(self.0);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        groups().remove(&self.0);
    }
}

fn groups() -> std::sync::MutexGuard<'static, BTreeSet<u32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kill_group(leader: u32) {
    if let Some(pid) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        // An error says that all of the group are gone, which is what is wanted.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

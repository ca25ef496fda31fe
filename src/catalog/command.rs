//! Running a tool that takes long - cargo, pip - so that an interrupt ends it too.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::interrupt::{self, Group};

/// How often a tool with a deadline is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// As [`run`], but kills it at its deadline: `None`.
///
/// # Errors
/// When it does not start, or after an interrupt.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<Option<ExitStatus>> {
    let mut found = None;
    let deadline = Instant::now() + limit;
    let (mut child, _group) = start(command)?;
    while found.is_none() && Instant::now() < deadline {
        std::thread::sleep(LOOK);
        found = child.try_wait()?;
    }
    interrupt::check()?;
    Ok(found)
}

/// Starts the tool in a process group of its own, lets `watch` have its output, and waits for it.
///
/// # Errors
/// When it does not start, or after an interrupt.
pub fn run(command: &mut Command, watch: impl FnOnce(&mut Child) -> Result<()>) -> Result<ExitStatus> {
    let (mut child, _group) = start(command)?;
    let watched = watch(&mut child);
    // Also where watching went wrong: whoever is not waited for stays in the table of processes.
    let status = child.wait()?;
    interrupt::check()?;
    watched.map(|()| status)
}

/// In a group of its own, so that an interrupt ends what the tool started too, however the host heard of it.
fn start(command: &mut Command) -> Result<(Child, Group)> {
    command.process_group(0);
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command.spawn().with_context(|| format!("cannot start {program}; is it on the PATH?"))?;
    let group = Group::new(child.id());
    Ok((child, group))
}

/// What a tool says of its version; `None` without the tool.
pub(crate) fn version_of(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

//! Running a tool that takes long - cargo, pip - so that an interrupt ends it too.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result};

use crate::interrupt::{self, Group};

/// Starts the tool in a process group of its own, lets `watch` have its output, and waits for it.
///
/// # Errors
/// When it does not start, or after an interrupt.
pub(crate) fn run(
    command: &mut Command,
    watch: impl FnOnce(&mut std::process::Child) -> Result<()>,
) -> Result<ExitStatus> {
    // In a group of its own, so that an interrupt ends what the tool started too, however the host heard of it.
    command.process_group(0);
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().with_context(|| format!("cannot start {program}; is it on the PATH?"))?;
    let _group = Group::new(child.id());
    watch(&mut child)?;
    let status = child.wait()?;
    interrupt::check()?;
    Ok(status)
}

/// What a tool says of its version; `None` without the tool.
pub(crate) fn version_of(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

//! Running a tool that takes long - cargo, pip - so that an interrupt ends it too.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::host::interrupt::{self, Group};
use crate::host::session::ended_or;

/// How often a tool with a deadline is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How often one is looked at that is asked for its version, which is there in milliseconds.
const SOON: Duration = Duration::from_millis(2);
/// How long a tool has to tell its version. Some ask a toolchain manager, which may download one.
const PATIENCE: Duration = Duration::from_mins(1);

/// As [`run`], but kills it at its deadline: `None`.
///
/// # Errors
/// When it does not start, or after an interrupt.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<Option<ExitStatus>> {
    let (mut child, _group) = start(command)?;
    let found = ended_or(&mut child, limit, LOOK, interrupt::requested);
    interrupt::check()?;
    Ok(found)
}

/// Runs a tool whose output is for people, so that it goes to stderr. Whether it ended well.
///
/// # Errors
/// As [`run`].
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    Ok(run(command.stdout(std::io::stderr()), |_| Ok(()))?.success())
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

/// What a tool says of its version; `None` without the tool, or one that hangs.
pub(crate) fn version_of(program: &str) -> Option<String> {
    let mut asked = Command::new(program);
    asked.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    version_within(&mut asked, PATIENCE)
}

fn version_within(command: &mut Command, limit: Duration) -> Option<String> {
    let (mut child, group) = start(command).ok()?;
    let in_time = ended_or(&mut child, limit, SOON, interrupt::requested).is_some();
    // A few lines, which the pipe holds; what the tool left running must not hold it open.
    group.kill();
    let status = child.wait().ok()?;
    let told = std::io::read_to_string(child.stdout.take()?).ok()?;
    (in_time && status.success()).then(|| told.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn version_within_waits_no_longer_than_it_is_told_and_for_nobody_that_was_left_running() {
        let asked = |code: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", code]).stdin(Stdio::null()).stdout(Stdio::piped());
            version_within(&mut shell, Duration::from_millis(500))
        };
        let start = Instant::now();
        assert_eq!(asked("sleep 1000; echo 1"), None);
        assert_eq!(asked("sleep 1000 & echo 1.2").as_deref(), Some("1.2"));
        assert_eq!(asked("echo 1.2; exit 1"), None);
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        assert_eq!(version_of("a program that is not there"), None);
    }
}

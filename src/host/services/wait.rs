//! Waiting for what takes seconds, and what a user sees meanwhile: what [`Work`] tells, or a line where there is no terminal.

use std::fs::File;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::log::tail;
use crate::host::catalog::command;
use crate::host::interrupt;
use crate::host::progress::Work;

/// Between two looks.
pub(super) const POLL: Duration = Duration::from_millis(100);
/// Lines of a log in an error.
pub(super) const QUOTED: usize = 20;

/// Waits for this until it is dropped, as whoever watches is told; with a line where there is no terminal.
pub(super) fn wait_for(what: &str) -> Work {
    if !std::io::stderr().is_terminal() {
        log::info!("{what}");
    }
    Work::wait(what)
}

/// Waits until the server answers.
///
/// # Errors
/// When it ended, did not answer in time, or the user does not want to wait; what it wrote is for the caller to quote.
pub(super) fn until_up(mut child: Option<&mut Child>, limit: Duration, answers: impl Fn() -> bool) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        interrupt::check()?;
        if let Some(status) = child.as_mut().map(|child| child.try_wait()).transpose()?.flatten() {
            bail!("it ended with {status}");
        }
        if answers() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "it does not answer after {} s", limit.as_secs());
        std::thread::sleep(POLL);
    }
}

/// Runs a tool that prepares something, its output in a file, and gives back what it wrote.
///
/// # Errors
/// When it does not start, fails or is interrupted; quotes its last lines.
pub(super) fn tool(command: &mut Command, log: &Path, what: &str) -> Result<String> {
    let _work = wait_for(what);
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let status = command::run(command, |_| Ok(()))?;
    let wrote = tail(log, usize::MAX)?;
    ensure!(status.success(), "{what}: {status}\n{}", tail(log, QUOTED)?);
    Ok(wrote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_server_ends_the_wait_and_so_does_the_deadline() {
        let mut child = Command::new("false").spawn().unwrap();
        let ended = until_up(Some(&mut child), Duration::from_mins(1), || false).unwrap_err().to_string();
        assert!(ended.contains("it ended with exit status: 1"), "{ended}");
        let late = until_up(None, Duration::ZERO, || false).unwrap_err().to_string();
        assert!(late.contains("does not answer"), "{late}");
        until_up(None, Duration::ZERO, || true).unwrap();
    }

    #[test]
    fn a_tool_that_fails_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        assert_eq!(tool(Command::new("echo").arg("fine"), &log, "echoing").unwrap(), "fine");
        let error = tool(Command::new("sh").args(["-c", "echo why; exit 3"]), &log, "failing").unwrap_err().to_string();
        assert!(error.contains("failing") && error.contains("why") && error.contains('3'), "{error}");
    }
}

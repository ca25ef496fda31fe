//! A server in the background: started so that it outlives us, written down, known again, stopped.
//!
//! A process id alone is not believed: the kernel gives it again to others. Written down beside it are the time of its
//! start, in the kernel's ticks, and the boot that they count from; a process with another start is not ours and is
//! left alone. What it is known by lies in `pid.json` in the service's folder.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, waitpid};
use serde::{Deserialize, Serialize};

use super::service::PASSWORD;
use super::wait::POLL;
use crate::host::files::write_whole;
use crate::host::progress::Work;

/// Time to stop by itself after SIGTERM.
const GRACE: Duration = Duration::from_secs(20);
/// Time for the kernel to clear away what was killed.
const DEATH: Duration = Duration::from_secs(5);
/// How long the threads of a process that has ended may still be there.
const LINGER: Duration = Duration::from_secs(1);

/// What a server that we started is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PidFile {
    pub(super) pid: u32,
    pub(super) port: u16,
    /// When it was started, in ticks since the boot.
    started_ticks: u64,
    boot: String,
}

/// Gives the server a session of its own, and none of our open files: whoever called us may hold a lock by one.
#[expect(unsafe_code, reason = "pre_exec is the only way to act between fork and exec")]
fn set_apart(command: &mut Command) {
    /// Of `close_range`: not now, but when the program is executed.
    const ON_EXEC: libc::c_uint = 4;
    // SAFETY: the closure makes two system calls and neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            // A kernel that does not know it leaves the files open, which does no harm by itself.
            libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, ON_EXEC);
            Ok(())
        });
    }
}

/// Starts a server that outlives us and later commands, and writes down what it is known by.
///
/// It has a process group of its own, so that a Ctrl-C in this terminal is not for it; no input; and a log.
///
/// # Errors
/// When it cannot be started or written down; nothing runs then.
pub(super) fn spawn(command: &mut Command, folder: &Path, port: u16) -> Result<(Child, PidFile)> {
    let log = log_of(folder);
    if log.exists() {
        fs::rename(&log, log.with_extension("log.1"))?;
    }
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    // Servers are told their passwords otherwise, or not at all.
    command.env_remove(PASSWORD).current_dir(folder);
    set_apart(command);
    let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
    match PidFile::of(child.id(), port).and_then(|kept| kept.write(folder).map(|()| kept)) {
        Ok(kept) => Ok((child, kept)),
        Err(error) => {
            // Nobody would find it again.
            let _ = child.kill().and_then(|()| child.wait());
            Err(error)
        }
    }
}

impl PidFile {
    fn of(pid: u32, port: u16) -> Result<Self> {
        let seen = look(pid).with_context(|| format!("process {pid} ended at once"))?;
        Ok(Self { pid, port, started_ticks: seen.started_ticks, boot: boot() })
    }

    /// What was written down in the folder; `None` when nothing was, or nothing that can be read.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file_in(folder)).ok()?).ok()
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let file = file_in(folder);
        write_whole(&file, &serde_json::to_vec(self)?).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Forgets what was written down.
    pub(super) fn forget(folder: &Path) {
        // What stays is of a process that is no more, and is seen to be.
        let _ = fs::remove_file(file_in(folder));
    }

    /// Whether the very process that was started still runs.
    pub(super) fn lives(&self) -> bool {
        let same = |seen: &Seen| seen.started_ticks == self.started_ticks && !seen.ended;
        self.boot == boot() && look(self.pid).as_ref().is_some_and(same)
    }

    /// Ends it: asks, waits 20 s, then kills. Of what is not ours any more nothing is touched.
    ///
    /// # Errors
    /// When it is another user's, or does not even die of SIGKILL.
    pub(super) fn stop(&self, name: &str) -> Result<()> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw).context("no process id")?;
        self.send(|| kill_process(pid, Signal::TERM))?;
        let work = Work::wait(&format!("stopping {name}, process {}", self.pid));
        let stopped = self.ends_within(pid, GRACE);
        drop(work);
        if !stopped {
            log::info!("{name} did not stop within {} s: killing process {}", GRACE.as_secs(), self.pid);
            self.send(|| kill_process_group(pid, Signal::KILL))?;
            ensure!(
                self.ends_within(pid, DEATH),
                "{name} is still there after SIGKILL (process {}): it waits for a disk or a device; look at `ps -o stat,wchan -p {0}`",
                self.pid
            );
        }
        Ok(())
    }

    fn send(&self, signal: impl Fn() -> rustix::io::Result<()>) -> Result<()> {
        match self.lives().then(signal) {
            None | Some(Ok(()) | Err(Errno::SRCH)) => Ok(()),
            Some(Err(error)) => bail!("cannot stop process {}: {error}; stop it as the user who started it", self.pid),
        }
    }

    fn ends_within(&self, pid: Pid, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        while self.lives() {
            if Instant::now() > deadline {
                return false;
            }
            sleep(POLL);
        }
        // Threads may outlive the first one by some milliseconds, and with them the port: who starts it again would find it taken.
        let threads = || fs::read_dir(format!("/proc/{}/task", self.pid)).map_or(0, Iterator::count);
        let soon = Instant::now() + LINGER;
        while threads() > 1 && Instant::now() < soon {
            sleep(POLL);
        }
        // Where it is our own child, somebody has to hear of its end; elsewhere this is an error that says so.
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        true
    }
}

/// Where a service's output goes.
pub(super) fn log_of(folder: &Path) -> PathBuf {
    folder.join("server.log")
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("pid.json")
}

/// The name that the kernel gave this boot; empty where it gives none.
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// What the kernel says of a process.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    started_ticks: u64,
    /// Nobody has heard of its end yet, but it runs no more.
    ended: bool,
}

fn look(pid: u32) -> Option<Seen> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &str) -> Option<Seen> {
    // A program's name, in parentheses, may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ended = matches!(*fields.first()?, "Z" | "X");
    Some(Seen { started_ticks: fields.get(19)?.parse().ok()?, ended })
}

#[cfg(test)]
mod tests {
    use super::super::log::tail;
    use super::*;

    #[test]
    fn a_start_is_read_whatever_the_program_is_called() {
        let text = |state: &str| format!("7 (a (b) c) {state} 1 7 7 0 -1 4194304 93 5 0 0 1 2 3 4 20 0 1 0 4711 99 0");
        assert_eq!(parse_stat(&text("S")), Some(Seen { started_ticks: 4711, ended: false }));
        assert_eq!(parse_stat(&text("Z")), Some(Seen { started_ticks: 4711, ended: true }));
        assert_eq!(parse_stat("7 (a) S 1"), None);
    }

    #[test]
    fn a_server_is_known_again_and_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let (child, kept) = spawn(Command::new("sleep").arg("1000"), folder.path(), 1).unwrap();
        assert_eq!(PidFile::read(folder.path()), Some(kept.clone()));
        assert!(kept.lives());
        // A group of its own: the terminal's Ctrl-C goes to another.
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let group: u32 = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(2).unwrap().parse().unwrap();
        assert_eq!(group, child.id());
        kept.stop("sleep").unwrap();
        assert!(!kept.lives());
        assert!(!Path::new(&format!("/proc/{}", child.id())).exists());
        kept.stop("sleep").unwrap();
    }

    #[test]
    fn a_process_that_got_the_number_later_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, kept) = spawn(Command::new("sleep").arg("1000"), folder.path(), 1).unwrap();
        for other in [
            PidFile { started_ticks: kept.started_ticks - 1, ..kept.clone() },
            PidFile { boot: "another".to_owned(), ..kept.clone() },
        ] {
            assert!(!other.lives());
            other.stop("sleep").unwrap();
        }
        assert!(kept.lives() && child.try_wait().unwrap().is_none());
        kept.stop("sleep").unwrap();
    }

    #[test]
    fn one_that_does_not_listen_is_killed_with_its_group() {
        let folder = tempfile::tempdir().unwrap();
        let mut stubborn = Command::new("sh");
        stubborn.args(["-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]);
        let (_child, kept) = spawn(&mut stubborn, folder.path(), 1).unwrap();
        while !tail(&log_of(folder.path()), 1).unwrap().contains("ready") {
            sleep(POLL);
        }
        let pid = Pid::from_raw(i32::try_from(kept.pid).unwrap()).unwrap();
        kept.send(|| kill_process(pid, Signal::TERM)).unwrap();
        assert!(!kept.ends_within(pid, Duration::from_millis(500)));
        kept.send(|| kill_process_group(pid, Signal::KILL)).unwrap();
        assert!(kept.ends_within(pid, DEATH));
    }
}

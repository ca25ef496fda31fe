//! A server in the background: started so that it outlives us, written down, known again, stopped.
//!
//! A server may be of several processes, each of which starts others. The ones that we start, its roots, have a session each, and
//! whatever they start stays in it. A process id alone is not believed: the kernel gives it again to others. Written down beside
//! it are the time of its start, in the kernel's ticks, and the boot that they count from; a process with another start is
//! not ours and is left alone. What it is known by lies in `pid.json` in the service's folder.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use serde::{Deserialize, Serialize};

use super::service::{PASSWORD, POSTGRES_PASSWORD};
use super::supervise::{self, MARK, Supervised};
use super::wait::POLL;
use crate::host::files::write_whole;
use crate::host::progress::Work;
use crate::measure::tree;

/// Time to stop by itself after SIGTERM.
const GRACE: Duration = Duration::from_secs(20);
/// Time for the kernel to clear away what was killed.
const DEATH: Duration = Duration::from_secs(5);
/// How long the threads of a process that has ended may still be there.
const LINGER: Duration = Duration::from_secs(1);

/// What a server that we started is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PidFile {
    /// The process that clients connect to, or, while they are started, the last one.
    #[serde(flatten)]
    main: Root,
    pub(super) port: u16,
    boot: String,
    /// Further processes that we started for it.
    #[serde(default)]
    others: Vec<Root>,
}

/// A process that we started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Root {
    pid: u32,
    /// When it was started, in ticks since the boot.
    started_ticks: u64,
    /// Who waits for it, and writes down how it ended.
    #[serde(default)]
    supervisor: Option<u32>,
}

/// Gives the supervisor a session of its own, and none of our open files: whoever called us may hold a lock by one.
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

/// Starts a process of a server that outlives us and later commands, and writes down what it is known by, `before` included: the
/// processes of the same server that were started before.
///
/// It has a session of its own, so that a Ctrl-C in this terminal is not for it; no input; and a log. What is given back besides is its
/// supervisor, which ends with it.
///
/// # Errors
/// When it cannot be started or written down; it does not run then.
pub(super) fn spawn(
    command: &mut Command,
    folder: &Path,
    log: &Path,
    port: u16,
    before: Option<&PidFile>,
) -> Result<(Child, PidFile)> {
    if log.exists() {
        fs::rename(log, log.with_extension("log.1"))?;
    }
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    if before.is_none() {
        supervise::forget(folder);
    }
    let program = command.get_program().to_string_lossy().into_owned();
    // Servers are told their passwords otherwise, or not at all; what is on S3 they read with what each session is told.
    command.env_remove(PASSWORD).env_remove(POSTGRES_PASSWORD);
    let of_s3 = |name: &OsString| name.to_string_lossy().starts_with("AWS_");
    for name in env::vars_os().map(|(name, _)| name).filter(of_s3) {
        command.env_remove(name);
    }
    let mut wrapped = supervise::wrap(command, folder);
    wrapped.stderr(file);
    set_apart(&mut wrapped);
    let Supervised { supervisor, pid } = supervise::start(&mut wrapped, &program)?;
    match PidFile::of(pid, supervisor.id(), port, before).and_then(|kept| kept.write(folder).map(|()| kept)) {
        Ok(kept) => Ok((supervisor, kept)),
        Err(error) => {
            // Nobody would find it again.
            let _ = send(pid, Signal::KILL);
            supervise::reap(supervisor);
            Err(error)
        }
    }
}

impl PidFile {
    fn of(pid: u32, supervisor: u32, port: u16, before: Option<&Self>) -> Result<Self> {
        let seen = tree::look(pid).with_context(|| format!("process {pid} ended at once"))?;
        let others = before.map(|before| before.roots().cloned().collect()).unwrap_or_default();
        let main = Root { pid, started_ticks: seen.started_ticks, supervisor: Some(supervisor) };
        Ok(Self { main, port, boot: boot(), others })
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
        supervise::forget(folder);
    }

    /// The process that clients connect to.
    pub(super) fn pid(&self) -> u32 {
        self.main.pid
    }

    /// The processes that were started for it, the one that clients connect to first.
    pub(super) fn pids(&self) -> Vec<u32> {
        self.roots().map(|root| root.pid).collect()
    }

    fn roots(&self) -> impl Iterator<Item = &Root> {
        std::iter::once(&self.main).chain(&self.others)
    }

    /// Whether the very processes that were started still run, all of them.
    pub(super) fn lives(&self) -> bool {
        self.boot == boot() && self.roots().all(Root::lives)
    }

    /// Of the first process that was started and runs no more: its number, and how it ended where that is known.
    pub(super) fn end(&self, folder: &Path) -> Option<(u32, Option<String>)> {
        let now = self.boot == boot();
        let ended = self.roots().find(|root| !(now && root.lives()))?;
        let told = ended.supervisor.filter(|_| now).and_then(|supervisor| supervise::end_of(folder, supervisor));
        Some((ended.pid, told))
    }

    /// Whether a signal or a debugger has stopped one of them.
    pub(super) fn is_stopped(&self) -> bool {
        self.roots().any(|root| root.lives() && tree::look(root.pid).is_some_and(|process| process.stopped))
    }

    /// Every process of the server that runs, of roots that have ended too. One that got a root's number later is none of them.
    pub(super) fn processes(&self, folder: &Path) -> Vec<u32> {
        if self.boot != boot() {
            return Vec::new();
        }
        let lives: Vec<u32> = self.roots().filter(|root| root.lives()).map(|root| root.pid).collect();
        let mut found = tree::of_server(&lives);
        let lost: Vec<&Root> = self.roots().filter(|root| root.number_is_free()).collect();
        if !lost.is_empty() {
            let left = |pid: &u32| {
                let of = |process: tree::Process| lost.iter().any(|root| root.led(&process));
                tree::look(*pid).is_some_and(of) && is_marked(*pid, folder)
            };
            found.extend(tree::all().filter(left));
        }
        found.retain(|pid| tree::look(*pid).is_some_and(|process| !process.ended));
        found
    }

    /// Ends it with all that it started: asks, waits 20 s, then kills. Processes that are not ours any more are left alone.
    ///
    /// # Errors
    /// When it is another user's, or does not even die of SIGKILL.
    pub(super) fn stop(&self, name: &str, folder: &Path) -> Result<()> {
        self.stop_within(name, folder, GRACE)
    }

    fn stop_within(&self, name: &str, folder: &Path, grace: Duration) -> Result<()> {
        let lives = self.boot == boot();
        for root in self.roots().filter(|root| lives && root.lives()) {
            send(root.pid, Signal::TERM)?;
            // One that was stopped hears of it only when it goes on.
            send(root.pid, Signal::CONT)?;
        }
        let work = Work::wait(&format!("stopping {name}, process {}", self.main.pid));
        let stopped = self.ends_within(folder, grace, |_| Ok(()))?;
        drop(work);
        if !stopped {
            log::info!("{name} did not stop within {} s: killing it", grace.as_secs());
            let kill = |left: &[u32]| left.iter().try_for_each(|pid| send(*pid, Signal::KILL));
            ensure!(
                self.ends_within(folder, DEATH, kill)?,
                "{name} is still there after SIGKILL (process {}): it waits for a disk or a device; look at `ps -o stat,wchan -p {0}`",
                self.processes(folder).first().unwrap_or(&self.main.pid)
            );
        }
        Ok(())
    }

    fn ends_within(&self, folder: &Path, time: Duration, each: impl Fn(&[u32]) -> Result<()>) -> Result<bool> {
        let deadline = Instant::now() + time;
        let mut asked_those_left = false;
        loop {
            let left = self.processes(folder);
            if left.is_empty() {
                break;
            }
            each(&left)?;
            // Whom the roots have left behind is asked too, once.
            if !asked_those_left && !self.roots().any(Root::lives) {
                left.iter().try_for_each(|pid| send(*pid, Signal::TERM))?;
                asked_those_left = true;
            }
            if Instant::now() > deadline {
                return Ok(false);
            }
            sleep(POLL);
        }
        for root in self.roots() {
            // Threads may outlive the first one by some milliseconds, and with them the port: who starts it again would find it taken.
            let threads = || fs::read_dir(format!("/proc/{}/task", root.pid)).map_or(0, Iterator::count);
            let soon = Instant::now() + LINGER;
            while threads() > 1 && root.is_known() && Instant::now() < soon {
                sleep(POLL);
            }
            // Where it is our own child, somebody has to hear of its end; elsewhere this is an error that says so.
            let _ = pid_of(root.pid).map(|pid| waitpid(Some(pid), WaitOptions::NOHANG));
        }
        Ok(true)
    }
}

impl Root {
    fn lives(&self) -> bool {
        tree::runs_since(self.pid, self.started_ticks)
    }

    /// Whether it is still in the table of processes, ended or not.
    fn is_known(&self) -> bool {
        tree::look(self.pid).is_some_and(|seen| seen.started_ticks == self.started_ticks)
    }

    /// Whether nobody else has its number, so that its session can only be its own.
    fn number_is_free(&self) -> bool {
        !self.lives() && tree::look(self.pid).is_none_or(|seen| seen.started_ticks == self.started_ticks)
    }

    /// Whether the process is in the session that this root led, and was started no earlier.
    fn led(&self, process: &tree::Process) -> bool {
        process.session == self.pid && process.started_ticks >= self.started_ticks && !process.ended
    }
}

/// Whether the process has the mark of a server that is kept in this folder.
fn is_marked(pid: u32, folder: &Path) -> bool {
    let wanted = format!("{MARK}={}", folder.display());
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
}

fn pid_of(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

fn send(pid: u32, signal: Signal) -> Result<()> {
    match kill_process(pid_of(pid).context("no process id")?, signal) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => bail!("cannot stop process {pid}: {error}; stop it as the user who started it"),
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
pub(super) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::log::tail;
    use super::*;

    fn start(script: &str, folder: &Path, before: Option<&PidFile>) -> (Child, PidFile) {
        let log = folder.join(format!("{}.log", before.map_or(0, |before| before.pids().len())));
        let (child, kept) = spawn(Command::new("sh").args(["-c", script]), folder, &log, 1, before).unwrap();
        let deadline = Instant::now() + DEATH;
        while !tail(&log, 9).unwrap().contains("ready") {
            assert!(Instant::now() < deadline);
            sleep(Duration::from_millis(5));
        }
        (child, kept)
    }

    #[test]
    fn a_server_is_known_again_and_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, kept) = start("echo ready; exec sleep 1000", folder.path(), None);
        assert_eq!(PidFile::read(folder.path()), Some(kept.clone()));
        assert!(kept.lives());
        // A session and a group of its own: the terminal's Ctrl-C goes to another.
        assert_eq!(tree::look(kept.pid()).unwrap().session, kept.pid());
        assert_eq!(kept.end(folder.path()), None);
        kept.stop("sleep", folder.path()).unwrap();
        assert!(!kept.lives());
        // Whoever waited for it ends too, and has said how it ended.
        assert_eq!(child.wait().unwrap().code(), Some(143));
        assert!(!Path::new(&format!("/proc/{}", kept.pid())).exists());
        assert_eq!(kept.end(folder.path()), Some((kept.pid(), Some("was ended by signal 15 (SIGTERM)".to_owned()))));
        kept.stop("sleep", folder.path()).unwrap();
    }

    #[test]
    fn a_process_that_got_the_number_later_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, kept) = start("echo ready; exec sleep 1000", folder.path(), None);
        let earlier = Root { started_ticks: kept.main.started_ticks - 1, ..kept.main.clone() };
        for other in [PidFile { main: earlier, ..kept.clone() }, PidFile { boot: "another".to_owned(), ..kept.clone() }]
        {
            assert!(!other.lives() && other.processes(folder.path()).is_empty());
            other.stop("sleep", folder.path()).unwrap();
        }
        assert!(kept.lives() && child.try_wait().unwrap().is_none());
        kept.stop("sleep", folder.path()).unwrap();
    }

    #[test]
    fn one_that_does_not_listen_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let stubborn =
            "trap '' TERM; (trap '' TERM; while :; do sleep 0.1; done) & echo ready; while :; do sleep 0.1; done";
        let (_child, kept) = start(stubborn, folder.path(), None);
        assert!(kept.processes(folder.path()).len() >= 2);
        kept.stop_within("sh", folder.path(), Duration::from_millis(500)).unwrap();
        assert_eq!(kept.processes(folder.path()), Vec::<u32>::new());
    }

    #[test]
    fn a_server_of_several_processes_is_stopped_whole_after_one_was_killed() {
        let folder = tempfile::tempdir().unwrap();
        let script = "sleep 1000 & echo ready; wait";
        let (mut supervisor, first) = start(script, folder.path(), None);
        let (_second, kept) = start(script, folder.path(), Some(&first));
        assert_eq!(kept.pids(), [kept.pid(), first.pid()]);
        assert_eq!(kept.processes(folder.path()).len(), 4);
        let mut stranger = Command::new("sleep").arg("1000").spawn().unwrap();
        // Its child is left, and belongs to nobody by its parent.
        send(first.pid(), Signal::KILL).unwrap();
        supervisor.wait().unwrap();
        assert!(!kept.lives());
        assert_eq!(kept.end(folder.path()).unwrap().0, first.pid());
        let left = kept.processes(folder.path());
        assert_eq!(left.len(), 3);
        // Another service's folder is in the mark of none of these.
        assert_eq!(kept.processes(Path::new("/another")).len(), 2);
        kept.stop("sh", folder.path()).unwrap();
        assert_eq!(kept.processes(folder.path()), Vec::<u32>::new());
        assert!(left.iter().all(|pid| tree::look(*pid).is_none_or(|process| process.ended)));
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    #[test]
    fn one_that_is_stopped_by_a_signal_ends_like_any_other() {
        let folder = tempfile::tempdir().unwrap();
        let (_child, kept) = start("echo ready; exec sleep 1000", folder.path(), None);
        send(kept.pid(), Signal::STOP).unwrap();
        while !kept.is_stopped() {
            sleep(Duration::from_millis(5));
        }
        let began = Instant::now();
        kept.stop("sleep", folder.path()).unwrap();
        assert!(!kept.lives() && began.elapsed() < GRACE);
    }
}

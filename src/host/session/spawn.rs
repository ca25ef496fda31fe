//! What a session starts, an executable that speaks the protocol, and how. Between fork and exec it is given an end with its
//! parent, and its share of the processors.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::mem;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use super::environment;
use crate::protocol::units::Bytes;

/// An executable that speaks the protocol.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables added to its environment.
    pub env: BTreeMap<String, String>,
    /// Whether it may speak the protocol's version before ours: what a gate builds of an older revision does.
    pub may_be_older: bool,
}

impl Program {
    /// With its variables filled in, for engines that read such things before they open: `{threads}`, `{memory_mb}` (the
    /// variable goes when there is no limit) and `{scratch}`.
    pub(crate) fn variables(&self, limits: Limits, scratch: &Path) -> BTreeMap<String, String> {
        let memory = limits.told_memory.map(|Bytes(bytes)| (bytes / 1_000_000).to_string());
        let filled = |value: &String| {
            let value = value.replace("{threads}", &limits.threads.to_string());
            let value = value.replace("{scratch}", &scratch.to_string_lossy());
            if value.contains("{memory_mb}") {
                Some(value.replace("{memory_mb}", memory.as_deref()?))
            } else {
                Some(value)
            }
        };
        self.env.iter().filter_map(|(name, value)| Some((name.clone(), filled(value)?))).collect()
    }
}

/// What a program may take: beyond time and memory it is killed.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time for one reply.
    pub timeout: Duration,
    /// Time for one run of a query, where that is less.
    pub query_timeout: Option<Duration>,
    /// Physical memory, looked at every 50 ms.
    pub memory: Option<Bytes>,
    /// What the engine is told to keep its memory below.
    pub told_memory: Option<Bytes>,
    /// Threads it may use for queries, and processors that all its threads together may use.
    pub threads: usize,
    /// Where these processors begin among those there are, the best first: 0 for a program that is alone. None: there are too
    /// few for all programs that run at the same time, and it may use any.
    pub first_processor: Option<usize>,
}

/// The command that starts a program: with pipes, in a process group of its own, in the environment that all engines get.
pub(super) fn command(program: &Program, limits: Limits, scratch: &Path) -> Command {
    let mut command = Command::new(&program.path);
    environment::prepare(&mut command, std::env::vars_os());
    command
        .args(&program.args)
        .envs(program.variables(limits, scratch))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    die_with_parent(&mut command);
    confine(&mut command, limits);
    command
}

/// Has the kernel kill the program when the thread that spawned it is gone, even by SIGKILL.
#[expect(unsafe_code, reason = "pre_exec is the only way to act between fork and exec")]
fn die_with_parent(command: &mut Command) {
    let parent = rustix::process::getpid();
    let ask = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the line above.
        if getppid() != Some(parent) {
            return Err(rustix::io::Errno::SRCH.into());
        }
        Ok(())
    };
    // SAFETY: the closure makes two system calls and neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(ask);
    }
}

/// Gives the program no more processors than threads. An engine's number of threads is for queries; beside them some have
/// threads for input and output (DuckDB eight), and those took up to 0.15 of a second processor. Programs that run at the same
/// time get others each.
#[expect(
    unsafe_code,
    reason = "no crate of the graph sets an affinity, and only pre_exec does it before any thread is there"
)]
fn confine(command: &mut Command, limits: Limits) {
    let (Some(first), Some(allowed)) = (limits.first_processor, allowed()) else { return };
    let threads = limits.threads;
    if threads >= allowed.len() || first.saturating_add(threads) > allowed.len() {
        return;
    }
    // SAFETY: a set of no processors is all zeros.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    for processor in best_first(allowed).into_iter().skip(first).take(threads) {
        // SAFETY: the number is one that the kernel gave for a set of this size.
        unsafe { libc::CPU_SET(processor, &mut set) };
    }
    // SAFETY: the closure makes one system call, whose set it owns, and neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(move || match libc::sched_setaffinity(0, size_of_val(&set), &raw const set) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        });
    }
}

/// The processors that this process may use.
#[expect(unsafe_code, reason = "no crate of the graph asks for an affinity")]
fn allowed() -> Option<Vec<usize>> {
    // SAFETY: a set of no processors is all zeros.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: the set is ours and of the size that is said. A machine with more processors than fit is an error.
    let told = unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) };
    let most = usize::try_from(libc::CPU_SETSIZE).ok()?;
    // SAFETY: the number is below the size of the set.
    (told == 0).then(|| (0..most).filter(|processor| unsafe { libc::CPU_ISSET(*processor, &set) }).collect())
}

/// The fastest first, where there are two kinds; one of each core before the second of any; the last first, since the first
/// serves most interrupts.
fn best_first(mut processors: Vec<usize>) -> Vec<usize> {
    let told = |processor: usize, file: &str| {
        let text = fs::read_to_string(format!("/sys/devices/system/cpu/cpu{processor}/{file}")).ok()?;
        Some(text.trim().to_owned())
    };
    let speed = |processor: usize| -> u64 {
        let found = ["cpu_capacity", "cpufreq/cpuinfo_max_freq"].into_iter().find_map(|file| told(processor, file));
        found.and_then(|number| number.parse().ok()).unwrap_or_default()
    };
    let is_second = |processor: usize| {
        let siblings = told(processor, "topology/thread_siblings_list").unwrap_or_default();
        let first = siblings.split([',', '-']).next().and_then(|first| first.parse().ok());
        first.is_some_and(|first: usize| first != processor)
    };
    processors.sort_by_key(|processor| (Reverse(speed(*processor)), is_second(*processor), Reverse(*processor)));
    processors
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The processors of a program, as the kernel tells them.
    fn confined(threads: usize, first_processor: Option<usize>) -> String {
        let mut command = Command::new("grep");
        command.args(["Cpus_allowed_list", "/proc/self/status"]);
        let timeout = Duration::from_secs(1);
        confine(
            &mut command,
            Limits { timeout, query_timeout: None, memory: None, told_memory: None, threads, first_processor },
        );
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    }

    #[test]
    fn programs_at_the_same_time_have_processors_of_their_own() {
        let there = allowed().unwrap().len();
        let all = confined(there, Some(0));
        assert_eq!(confined(1, None), all);
        assert_eq!(confined(1, Some(there)), all);
        let (one, other) = (confined(1, Some(0)), confined(1, Some(1)));
        assert!(there == 1 || (one != other && one != all && other != all), "{one} {other}");
    }
}

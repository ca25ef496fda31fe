//! A server while a session uses it: [`Watched`] tells afterwards whether it was the server that failed, and how.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::in_use::Mark;
use super::log::{tail, tail_from};
use super::lost::Lost;
use super::process::{PidFile, log_of};
use super::seen::{self, Seen};
use super::service::Service;
use super::wait::POLL;
use super::{Services, native, ports};
use crate::host::paths;
use crate::host::session::{LINES, ServerTrouble, ServerWatch, TroubleKind, cause_in, last_lines};
use crate::host::settings::Settings;
use crate::measure::tree;
use crate::protocol::engine::Server;
use crate::protocol::messages::STILL_RUNS;

/// How long a server that does not answer after a failure may take to end: a process with gigabytes of memory takes a while to die.
const DYING: Duration = Duration::from_secs(3);
/// With fewer log lines than these since the session began, earlier ones are quoted too.
const FEW: usize = 3;

/// A server that is used now.
#[derive(Debug)]
pub(crate) struct Watched {
    service: Service,
    port: u16,
    whose: Whose,
    /// Whether it answered when the session began. One that did not (it listens on another address, or takes TLS only) is not asked
    /// again, since its silence says nothing.
    answers: bool,
    log_from: u64,
    /// How often the kernel had killed something for want of memory.
    kernel_kills: Option<u64>,
    /// What a later command finds if this one is killed.
    _mark: Option<Mark>,
}

/// Who started it, and its processes where they can be seen.
#[derive(Debug)]
enum Whose {
    Ours(PidFile),
    Container(Process),
    Stranger(Option<Process>),
}

/// A process by its number and the time of its start.
#[derive(Debug, Clone, Copy)]
struct Process {
    pid: u32,
    started_ticks: u64,
}

impl Process {
    fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, started_ticks: tree::look(pid)?.started_ticks })
    }

    fn lives(self) -> bool {
        tree::runs_since(self.pid, self.started_ticks)
    }
}

/// Sessions by the server that they use.
static USERS: Mutex<BTreeMap<(Service, u16), usize>> = Mutex::new(BTreeMap::new());
/// Servers that somebody else started and that were lost, and why.
static STRANGERS: Mutex<BTreeMap<(Service, u16), String>> = Mutex::new(BTreeMap::new());

/// How many sessions of this process use the server.
pub(super) fn users(service: Service, port: u16) -> usize {
    USERS.lock().unwrap_or_else(PoisonError::into_inner).get(&(service, port)).copied().unwrap_or_default()
}

/// Why a server that somebody else started was lost, if it was.
pub(super) fn lost_stranger(service: Service, port: u16) -> Option<String> {
    STRANGERS.lock().unwrap_or_else(PoisonError::into_inner).get(&(service, port)).cloned()
}

/// It is well again.
pub(super) fn found_stranger(service: Service, port: u16) {
    STRANGERS.lock().unwrap_or_else(PoisonError::into_inner).remove(&(service, port));
}

impl Watched {
    /// The server that an engine says it uses; `seen` is where its processes are. `None` for a server on another machine, and for one that
    /// is no service of ours.
    pub(crate) fn of(server: &Server, seen: Option<&Seen>) -> Option<Self> {
        let service: Service = server.service.parse().ok().filter(|_| server.local)?;
        let (port, home) = (server.port, paths::own("services"));
        let ours = seen::kept_in(&home, service.name(), port);
        let whose = match (ours, seen) {
            (Some(kept), _) => Whose::Ours(kept),
            (None, Some(Seen::Container(pid))) => Whose::Container(Process::of(*pid)?),
            (None, _) => Whose::Stranger(ports::owner(port).and_then(|owner| Process::of(owner.pid?))),
        };
        let folder = native::folder(&home, service);
        let mark = if let Whose::Ours(_) = whose { Mark::set(&folder, port) } else { None };
        *USERS.lock().unwrap_or_else(PoisonError::into_inner).entry((service, port)).or_default() += 1;
        Some(Self {
            service,
            port,
            whose,
            answers: native::speaks(service, port),
            log_from: fs::metadata(log_of(&folder)).map_or(0, |about| about.len()),
            kernel_kills: kernel_kills(),
            _mark: mark,
        })
    }

    /// What is wrong with the server now, and a sentence about it; `said` are the words with which the session failed.
    fn look(&self, said: &str) -> Option<(TroubleKind, String)> {
        if let Some(died) = self.death() {
            return Some((TroubleKind::Died, died));
        }
        let mut answers = !self.answers || native::speaks(self.service, self.port);
        let deadline = Instant::now() + DYING;
        while !answers && Instant::now() < deadline {
            std::thread::sleep(POLL);
            if let Some(died) = self.death() {
                return Some((TroubleKind::Died, died));
            }
            answers = native::speaks(self.service, self.port);
        }
        let service = self.service;
        let since = self.log_since();
        let cause = said.lines().chain(since.iter().map(String::as_str)).find_map(cause_in);
        match cause {
            Some(TroubleKind::OutOfMemory) => {
                Some((TroubleKind::OutOfMemory, format!("the server {service} ran out of memory; {}", self.advice())))
            }
            Some(kind) => Some((kind, format!("the disk of the server {service} is full{}", self.disk()))),
            None if answers => None,
            None => {
                let stopped = self.pids().into_iter().any(|pid| tree::look(pid).is_some_and(|process| process.stopped));
                let why = if stopped { "it was stopped by a signal" } else { "it has its port and says nothing" };
                Some((TroubleKind::Silent, format!("the server {service} does not answer: {why}")))
            }
        }
    }

    /// How it died, if it did.
    fn death(&self) -> Option<String> {
        let unknown = "is gone; how it ended is in the log of whoever started it";
        let (pid, how) = match &self.whose {
            Whose::Ours(kept) => {
                let (pid, how) = kept.end(&self.folder())?;
                (pid, how.unwrap_or_else(|| "is gone".to_owned()))
            }
            Whose::Container(process) | Whose::Stranger(Some(process)) if !process.lives() => {
                (process.pid, unknown.to_owned())
            }
            _ => return None,
        };
        let more = kernel_kills().zip(self.kernel_kills).is_some_and(|(now, before)| now > before);
        let kernel =
            if more { "; the kernel killed something for want of memory meanwhile (dmesg tells what)" } else { "" };
        Some(format!("the server {} died: its process {pid} {how}{kernel}", self.service))
    }

    fn pids(&self) -> Vec<u32> {
        match &self.whose {
            Whose::Ours(kept) => kept.pids(),
            Whose::Container(process) | Whose::Stranger(Some(process)) => vec![process.pid],
            Whose::Stranger(None) => Vec::new(),
        }
    }

    fn folder(&self) -> PathBuf {
        native::folder(&paths::own("services"), self.service)
    }

    /// Its last lines, of before the session too where it wrote little since.
    fn log(&self) -> Vec<String> {
        match &self.whose {
            Whose::Ours(_) => match self.log_since() {
                lines if lines.len() < FEW => last_lines(&tail(&log_of(&self.folder()), LINES).unwrap_or_default()),
                lines => lines,
            },
            Whose::Container(_) => {
                let told = || Services::read(&Settings::read()?)?.logs(self.service, LINES);
                last_lines(&told().ok().flatten().unwrap_or_default())
            }
            Whose::Stranger(_) => Vec::new(),
        }
    }

    /// The last ones since the session began, and the first that names a cause, of a log that can be read.
    fn log_since(&self) -> Vec<String> {
        match &self.whose {
            Whose::Ours(_) => last_lines(&tail_from(&log_of(&self.folder()), self.log_from).unwrap_or_default()),
            Whose::Container(_) | Whose::Stranger(_) => Vec::new(),
        }
    }

    fn advice(&self) -> &'static str {
        match self.whose {
            Whose::Stranger(_) => "whoever started it says how much it has",
            _ => "QUERYDYNO_SERVICE_MEMORY sets what it is started with",
        }
    }

    fn disk(&self) -> String {
        match self.whose {
            Whose::Ours(_) => format!(": it keeps temporary files in {}", self.folder().display()),
            _ => String::new(),
        }
    }

    /// Notes it for the next cell: see [`before`](super::care::before).
    fn keep(&self, trouble: &ServerTrouble) {
        // One that was left in the middle of a query stays so.
        let left = || Lost::read(&self.folder()).is_some_and(|lost| lost.port == self.port && lost.spoiled);
        let (why, spoiled) = (trouble.says.clone(), trouble.kind != TroubleKind::Silent || left());
        match self.whose {
            Whose::Stranger(_) => {
                let mut strangers = STRANGERS.lock().unwrap_or_else(PoisonError::into_inner);
                strangers.insert((self.service, self.port), why);
            }
            _ => Lost { port: self.port, why, spoiled }.keep(&self.folder()),
        }
    }
}

impl ServerWatch for Watched {
    /// Takes some seconds where the server does not answer. What is wrong is kept for [`before`](super::care::before) of the next cell.
    fn trouble(&self, said: &str) -> Option<ServerTrouble> {
        if said.contains(STILL_RUNS) {
            self.left();
        }
        let (kind, says) = self.look(said)?;
        let trouble = ServerTrouble { kind, says, log: self.log() };
        // The log may be what names the cause of a death.
        let cause = self.log_since().iter().find_map(|line| cause_in(line));
        let trouble = match trouble.kind {
            TroubleKind::Died if cause == Some(TroubleKind::OutOfMemory) => ServerTrouble {
                kind: TroubleKind::OutOfMemory,
                says: format!("{} for want of memory; {}", trouble.says, self.advice()),
                ..trouble
            },
            _ => trouble,
        };
        self.keep(&trouble);
        Some(trouble)
    }

    /// One that somebody else started may be theirs to start anew: nothing is kept of it.
    fn left(&self) {
        if let Whose::Ours(_) = self.whose {
            let why = format!(
                "the server {} was left in the middle of a query, and may still be at work for it",
                self.service
            );
            Lost { port: self.port, why, spoiled: true }.keep(&self.folder());
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(users) = USERS.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&(self.service, self.port)) {
            *users = users.saturating_sub(1);
        }
    }
}

/// How often the kernel has killed a process for want of memory since the boot.
fn kernel_kills() -> Option<u64> {
    let text = fs::read_to_string(Path::new("/proc/vmstat")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

//! The host's hold on an engine program.

mod answers;
mod plans;
mod tasks;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::failure::{Failure, FailureKind};
use super::proxy::Proxy;
use super::runs::Worker;
use super::spawn::{self, Limits, Program};
use super::trouble::ServerWatch;
use super::watch::{Tail, ended_within, lines, writer};
use crate::host::interrupt::{self, Group};
use crate::host::scratch;
use crate::measure::memory::{self, Peak};
use crate::measure::tree;
use crate::protocol::answer::Shown;
use crate::protocol::dataset::Dataset;
use crate::protocol::engine::{EngineInfo, EngineSettings};
use crate::protocol::messages::{OLDER_PROTOCOL, PROTOCOL, Reply, Request};
use crate::protocol::network::Traffic;
use crate::protocol::s3::{Access, Secret};
use crate::protocol::units::Bytes;
use tasks::Taken;

/// How often a waiting host looks at the program's memory and at the clock.
const LOOK: Duration = Duration::from_millis(50);
/// How long a program has for its greeting, which comes before it opens anything: one that is silent is no engine.
const GREETING: Duration = Duration::from_secs(30);
/// How long a program has to end by itself once its stdin is closed.
const FAREWELL: Duration = Duration::from_secs(5);

/// A running engine program. Dropping it kills the program with all its children and removes its scratch folder.
#[derive(Debug)]
pub struct Session {
    child: Child,
    // Before `scratch`: the program must be gone when its folder goes.
    group: Group,
    requests: Option<Sender<String>>,
    replies: Receiver<Vec<u8>>,
    stderr: Tail,
    stderr_thread: Option<JoinHandle<()>>,
    limits: Limits,
    scratch: TempDir,
    engine: String,
    /// What the program speaks.
    protocol: u32,
    /// Whether it can be asked for a plan.
    tells_plan: bool,
    /// The task that was prepared, as far as its runs depend on it.
    task: Taken,
    /// Who does the work.
    worker: Worker,
    /// The server that it is a client of, where that can be looked at.
    server: Option<Box<dyn ServerWatch>>,
    /// The most that looks have seen since the last request to run.
    most_seen: Option<Peak>,
    /// How long the program was waited for.
    waited: Duration,
    /// Between it and a store on S3, where its tables are there.
    proxy: Option<Proxy>,
    /// What it was told and nobody else is to read.
    secrets: Vec<Secret>,
}

type Result<T, E = Failure> = std::result::Result<T, E>;

impl Session {
    /// Starts the program and checks its greeting. Its scratch folder is made below `scratch_root`.
    ///
    /// # Errors
    /// When the program does not start or does not greet.
    pub fn spawn(program: &Program, limits: Limits, scratch_root: &Path) -> Result<Self> {
        let not_started =
            |error: String| FailureKind::NotStarted { program: program.path.display().to_string(), error };
        let began = Instant::now();
        let scratch = scratch::folder(scratch_root).map_err(|error| not_started(format!("{error:#}")))?;
        let mut child =
            spawn::command(program, limits, scratch.path()).spawn().map_err(|error| not_started(error.to_string()))?;
        let group = Group::new(child.id());
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(not_started("no pipes".to_owned()).into());
        };
        let (stderr, stderr_thread) = Tail::of(stderr);
        let mut session = Self {
            child,
            group,
            requests: Some(writer(stdin)),
            replies: lines(stdout),
            stderr,
            stderr_thread: Some(stderr_thread),
            limits,
            scratch,
            engine: String::new(),
            protocol: PROTOCOL,
            tells_plan: false,
            task: Taken::default(),
            worker: Worker::Program,
            server: None,
            most_seen: None,
            waited: Duration::ZERO,
            proxy: None,
            secrets: Vec::new(),
        };
        session.greet(program.may_be_older)?;
        session.waited = began.elapsed();
        Ok(session)
    }

    /// What the program calls its engine: entries whose programs say the same are not independent of each other.
    pub fn engine(&self) -> &str {
        &self.engine
    }

    /// How long the program was waited for: its start and all its replies.
    pub(crate) fn waited(&self) -> Duration {
        self.waited
    }

    /// The operating system's number for the program.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Keeps the proxy that the program is to reach its tables by, for as long as it runs.
    pub(crate) fn reach_by(&mut self, proxy: Proxy) {
        self.proxy = Some(proxy);
    }

    /// What went between the program and a store so far, where there is a proxy in between.
    pub(crate) fn traffic(&self) -> Option<Traffic> {
        self.proxy.as_ref()?.traffic()
    }

    pub(crate) fn look_at(&mut self, worker: Worker, server: Option<Box<dyn ServerWatch>>) {
        self.worker = worker;
        self.server = server;
    }

    /// The processes that do the work now, where they can be seen.
    fn workers(&self) -> Option<Vec<u32>> {
        match &self.worker {
            Worker::Program => Some(tree::of(self.pid())),
            Worker::Server(roots) => Some(tree::of_server(roots)),
            Worker::Container(pid) => Some(tree::of(*pid)),
            Worker::Elsewhere => None,
        }
    }

    /// Opens the engine. The scratch folder in the settings is the session's own.
    ///
    /// # Errors
    /// As every call: whatever made the program unable to reply.
    pub fn open(&mut self, settings: &EngineSettings) -> Result<EngineInfo> {
        let settings = EngineSettings { scratch: self.scratch.path().to_owned(), ..settings.clone() };
        self.secrets = settings.s3.iter().flat_map(Access::secrets).collect();
        match self.ask("open", &Request::Open { settings })? {
            Reply::Open { info, tells_plan } => {
                self.tells_plan = tells_plan;
                Ok(info)
            }
            other => Err(self.garbage("open", &other)),
        }
    }

    /// Loads the tables; gives the time it took in nanoseconds. Has the engine `count` their rows then, if it can: not part of
    /// that time.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn load(&mut self, dataset: &Dataset, count: bool) -> Result<(u64, Option<BTreeMap<String, u64>>)> {
        let dataset = dataset.clone();
        match self.ask("load", &Request::Load { dataset, count })? {
            Reply::Load { load_ns, rows } => Ok((load_ns, rows)),
            other => Err(self.garbage("load", &other)),
        }
    }

    /// What the program and its children, or its server, hold in physical memory now.
    pub fn memory(&self) -> Option<Bytes> {
        self.held_by_worker().map(|held| held.bytes)
    }

    fn held_by_worker(&self) -> Option<Peak> {
        match self.worker {
            Worker::Container(pid) => memory::in_group(pid).map(|bytes| Peak { bytes, processes: 1 }),
            _ => memory::resident_of(&self.workers()?),
        }
    }

    /// Lets the program end by itself.
    ///
    /// # Errors
    /// When it does not, or not with code 0.
    pub fn close(self) -> Result<()> {
        self.close_within(FAREWELL)
    }

    /// As [`close`](Self::close), for a program that has more to do at its end than others.
    ///
    /// # Errors
    /// When it does not end in this time, or not with code 0.
    pub fn close_within(mut self, limit: Duration) -> Result<()> {
        self.requests = None;
        match ended_within(&mut self.child, limit) {
            Some(status) if status.success() => Ok(()),
            Some(_) => Err(self.ended("close")),
            None => Err(self.fail(FailureKind::TimedOut { limit, request: "close".to_owned(), budget: false })),
        }
    }

    fn greet(&mut self, may_be_older: bool) -> Result<()> {
        let limit = self.limits.timeout.min(GREETING);
        let known = |protocol| protocol == PROTOCOL || (may_be_older && protocol == OLDER_PROTOCOL);
        match self.reply("greet", limit)? {
            Reply::Hello { protocol, engine } if known(protocol) => {
                (self.engine, self.protocol) = (engine, protocol);
                Ok(())
            }
            Reply::Hello { protocol: theirs, .. } => {
                Err(self.fail(FailureKind::OtherProtocol { theirs, ours: PROTOCOL }))
            }
            other => Err(self.garbage("greet", &other)),
        }
    }

    fn ask(&mut self, name: &str, request: &Request) -> Result<Reply> {
        self.ask_within(name, request, self.limits.timeout)
    }

    fn ask_within(&mut self, name: &str, request: &Request, limit: Duration) -> Result<Reply> {
        let mut line = serde_json::to_string(request)
            .map_err(|error| FailureKind::Engine { message: format!("cannot write the request {name}: {error}") })?;
        line.push('\n');
        if let Some(requests) = &self.requests {
            // A writer that has ended means a program that has: the reply says how.
            let _ = requests.send(line);
        }
        let asked = Instant::now();
        let reply = self.reply(name, limit);
        self.waited += asked.elapsed();
        match reply? {
            // The program keeps to the protocol and may go on.
            Reply::Fail { message } => Err(self.failure(FailureKind::told(message))),
            Reply::Unsupported { reason } => Err(self.failure(FailureKind::Unsupported { reason })),
            reply => Ok(reply),
        }
    }

    fn reply(&mut self, request: &str, limit: Duration) -> Result<Reply> {
        let start = Instant::now();
        let mut gone = false;
        let line = loop {
            let left = limit.saturating_sub(start.elapsed());
            match self.replies.recv_timeout(LOOK.min(left)) {
                Ok(line) => break line,
                Err(RecvTimeoutError::Timeout) if !gone => {}
                Err(_) => return Err(self.ended(request)),
            }
            // A child of it may hold its stdout open. What it said last is read in the next turn.
            gone = matches!(self.child.try_wait(), Ok(Some(_)));
            if interrupt::requested() {
                return Err(self.fail(FailureKind::Interrupted));
            }
            let held = memory::resident(self.pid());
            let seen = match self.worker {
                Worker::Program => held,
                Worker::Container(_) => self.held_by_worker(),
                Worker::Server(_) | Worker::Elsewhere => None,
            };
            self.most_seen = self.most_seen.into_iter().chain(seen).reduce(Peak::or_more);
            self.check_memory(request, held)?;
            if left.is_zero() {
                return Err(self.fail(FailureKind::TimedOut { limit, request: request.to_owned(), budget: false }));
            }
        };
        // Between two looks the program may have held more than it does now. Marks of several processes need not be of one
        // moment, so their sum is no proof.
        self.check_memory(request, memory::peak(self.pid()).filter(|peak| peak.processes == 1))?;
        let Ok(reply) = serde_json::from_slice(&line) else {
            let said = self.hidden(&String::from_utf8_lossy(&line));
            return Err(self.garbage_text(request, &said));
        };
        // What it repeats of its settings goes into no record. Answers stay as they are.
        let told =
            matches!(reply, Reply::Open { .. } | Reply::Plan { .. } | Reply::Fail { .. } | Reply::Unsupported { .. });
        if self.secrets.is_empty() || !told {
            return Ok(reply);
        }
        let line = self.hidden(&String::from_utf8_lossy(&line));
        serde_json::from_str(&line).map_err(|_| self.garbage_text(request, &line))
    }

    fn check_memory(&mut self, request: &str, held: Option<Peak>) -> Result<()> {
        let (Some(limit), Some(seen)) = (self.limits.memory, held) else { return Ok(()) };
        if seen.bytes <= limit {
            return Ok(());
        }
        // Pages that processes share must not count for each: dearer to learn, so only where it matters.
        let held = if seen.processes == 1 { Some(seen.bytes) } else { memory::proportional(self.pid()) };
        let Some(held) = held.filter(|held| *held > limit) else { return Ok(()) };
        Err(self.fail(FailureKind::OutOfMemory { limit, held, request: request.to_owned() }))
    }

    fn garbage(&mut self, request: &str, reply: &Reply) -> Failure {
        let said = serde_json::to_string(reply).unwrap_or_default();
        self.garbage_text(request, &said)
    }

    fn garbage_text(&mut self, request: &str, said: &str) -> Failure {
        let request = request.to_owned();
        let said = said.trim_end().chars().take(200).collect();
        self.fail(FailureKind::Garbage { said, request })
    }

    /// The program closed its stdout: how did it end?
    fn ended(&mut self, request: &str) -> Failure {
        let request = request.to_owned();
        let kind = match ended_within(&mut self.child, FAREWELL) {
            _ if interrupt::requested() => FailureKind::Interrupted,
            None => FailureKind::Garbage { said: "nothing: it closed its stdout and went on".to_owned(), request },
            Some(status) => match (status.signal(), status.code()) {
                (Some(signal), _) => FailureKind::Crashed { signal, request },
                (None, code) => FailureKind::Exited { code: code.unwrap_or_default(), request },
            },
        };
        self.fail(kind)
    }

    /// A failure after which nothing more can be asked: kills what is left.
    fn fail(&mut self, kind: FailureKind) -> Failure {
        self.end();
        if let Some(server) = &self.server {
            server.left();
        }
        self.failure(kind)
    }

    fn failure(&self, kind: FailureKind) -> Failure {
        let server = self.server.as_ref().filter(|_| kind.may_be_of_server());
        let server = server.and_then(|server| server.trouble(&kind.to_string())).map(Box::new);
        // The program's own limit of memory says nothing of a server's.
        let kind = match (kind, &server) {
            (FailureKind::GaveUp { message }, Some(_)) => FailureKind::Engine { message },
            (kind, _) => kind,
        };
        let mut stderr: Vec<String> = self.stderr.get().iter().map(|line| self.hidden(line)).collect();
        // What an engine makes of an answer that it did not get need not say so.
        let troubles = self.traffic().and_then(|traffic| traffic.troubles());
        let kind = match (kind, troubles) {
            (FailureKind::Engine { message }, Some(troubles)) => {
                FailureKind::Engine { message: format!("{message}; between it and S3: {troubles}") }
            }
            (kind, Some(troubles)) => {
                stderr.push(format!("between it and S3: {troubles}"));
                kind
            }
            (kind, None) => kind,
        };
        Failure { kind, stderr, server }
    }

    /// A text of the program's without what it must not repeat.
    fn hidden(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| secret.hide_in(&text))
    }

    fn end(&mut self) {
        self.group.kill();
        let _ = self.child.wait();
        if let Some(thread) = self.stderr_thread.take() {
            // A child that left the group may hold the pipe open for ever: wait for what is there, no longer.
            let deadline = Instant::now() + Duration::from_millis(200);
            while !thread.is_finished() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// The answer in a reply.
///
/// # Errors
/// The reply, when it has none or one that is not whole.
pub(crate) fn shown(reply: Reply) -> Result<Shown, Box<Reply>> {
    match reply {
        Reply::Answer { answer: Some(answer), summary: None, arrow: None } => Ok(Shown::Rows(answer)),
        Reply::Answer { answer: None, summary: Some(summary), arrow: None } if summary.is_whole() => {
            Ok(Shown::Summary(summary))
        }
        other => Err(Box::new(other)),
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

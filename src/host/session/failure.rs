//! How a session ends badly, told apart so that a record and a reader can tell what to do.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::trouble::{ServerTrouble, TroubleKind};
use crate::protocol::messages::{NO_ANSWER_WITHIN, OLDER_PROTOCOL};
use crate::protocol::units::Bytes;

/// Why a program gave no result. A `request` is what it was asked for at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "a variant says what its fields are where their names do not")]
pub enum FailureKind {
    /// The executable could not be started, by the system's error.
    #[error("could not start {program}: {error}")]
    NotStarted { program: String, error: String },
    /// Killed by a signal that the host did not send: 11 is a segmentation fault, 6 an abort, 9 often the kernel's
    /// out-of-memory killer.
    #[error("crashed with signal {signal} while asked to {request}")]
    Crashed { signal: i32, request: String },
    /// Ended by itself before it had answered.
    #[error("exited with code {code} while asked to {request}")]
    Exited { code: i32, request: String },
    /// Took longer than the deadline, or, with `budget`, than so many runs of a query may.
    #[error("{}", overdue(*limit, request, *budget))]
    TimedOut {
        limit: Duration,
        request: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        budget: bool,
    },
    /// The client of a server waited for as long as it may, and said so itself.
    #[error("{message}")]
    ServerTimedOut { message: String },
    /// There is no server to run on, since an earlier cell lost it; in a sentence.
    #[error("{message}")]
    NoServer { message: String },
    /// Held more memory than it was allowed: `held` was seen before it was killed.
    #[error("out of memory: held {held} during {request}, allowed {limit}; raise it with QUERYDYNO_MEMORY")]
    OutOfMemory { limit: Bytes, held: Bytes, request: String },
    /// The engine itself gave up for want of memory, with this error.
    #[error("out of memory: {message}; QUERYDYNO_MEMORY is what it is allowed")]
    GaveUp { message: String },
    /// Said something that is not a reply, which began so.
    #[error("invalid reply to {request}: {said}")]
    Garbage { said: String, request: String },
    /// Speaks another version of the protocol than the host.
    #[error("speaks protocol {theirs}, the host speaks {ours}: {}", what_changed(*theirs))]
    OtherProtocol { theirs: u32, ours: u32 },
    /// The engine itself reported an error, here with its causes.
    #[error("{message}")]
    Engine { message: String },
    /// The engine cannot do this by its nature: a skip, not a failure.
    #[error("unsupported: {reason}")]
    Unsupported { reason: String },
    /// A cold run found its data in memory: a skip, since a time of it would be neither hot nor cold. `read` is what came from the
    /// disk during the run, `needed` the column bytes that the query needs, `why` what may be the reason.
    #[error("refused as cold: {} came from the disk of {needed} that the query needs; {why}", read.map_or_else(|| "an unknown amount".to_owned(), |read| read.to_string()))]
    NotCold { read: Option<Bytes>, needed: Bytes, why: String },
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// What to do about a program that takes too long.
fn overdue(limit: Duration, request: &str, budget: bool) -> String {
    let seconds = limit.as_secs_f64();
    if budget {
        return format!(
            "over its time budget: no end of the {request} within {seconds} s; raise it with QUERYDYNO_QUERY_TIMEOUT"
        );
    }
    format!("no reply to {request} within {seconds} s; raise the deadline with QUERYDYNO_TIMEOUT")
}

/// What to do about a program of another version.
fn what_changed(theirs: u32) -> &'static str {
    match theirs {
        OLDER_PROTOCOL => {
            "its `prepare` now takes a `task` in place of a `query`, whose text is task.steps[0].sql; `reset` is new; say \
             \"protocol\":2 in the greeting then (src/protocol/messages.rs has the whole conversation)"
        }
        _ => "build both from the same version",
    }
}

impl FailureKind {
    /// Whether the server behind the program may be why.
    pub(super) fn may_be_of_server(&self) -> bool {
        match self {
            Self::Crashed { .. }
            | Self::Exited { .. }
            | Self::TimedOut { .. }
            | Self::ServerTimedOut { .. }
            | Self::GaveUp { .. }
            | Self::Garbage { .. }
            | Self::Engine { .. } => true,
            Self::NotStarted { .. }
            | Self::NoServer { .. }
            | Self::OutOfMemory { .. }
            | Self::OtherProtocol { .. }
            | Self::Unsupported { .. }
            | Self::NotCold { .. }
            | Self::Interrupted => false,
        }
    }

    pub(super) fn told(message: String) -> Self {
        let text = message.to_lowercase();
        if OUT_OF_MEMORY.iter().any(|words| text.contains(words)) {
            Self::GaveUp { message }
        } else if message.contains(NO_ANSWER_WITHIN) {
            Self::ServerTimedOut { message }
        } else {
            Self::Engine { message }
        }
    }
}

/// What engines say when their memory limit is reached: DuckDB, DataFusion, pyarrow and Python, in this order.
const OUT_OF_MEMORY: [&str; 4] = ["out of memory", "resources exhausted", "malloc of size", "memoryerror"];

/// How the line begins that Rust writes below a panic's message: it says nothing of the cause.
const BACKTRACE_HINT: &str = "note: run with `RUST_BACKTRACE";

/// A [`FailureKind`] with the last lines that the program wrote to stderr, and what was wrong with its server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened.
    #[serde(flatten)]
    pub kind: FailureKind,
    /// The program's last lines on stderr, oldest first.
    pub stderr: Vec<String>,
    /// What was wrong with the server that the program is a client of, where that was the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Box<ServerTrouble>>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.server {
            // That nobody answered is what is known for sure.
            Some(server) if server.kind == TroubleKind::Silent => write!(f, "{}; {server}", self.kind)?,
            Some(server) => write!(f, "{server}; {}", self.kind)?,
            None => self.kind.fmt(f)?,
        }
        let told = !matches!(self.kind, FailureKind::Unsupported { .. });
        if let Some(last) = self.stderr.iter().rfind(|line| told && !line.starts_with(BACKTRACE_HINT)) {
            write!(f, " (last on stderr: {last})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// Whether the program, or the server behind it, had too little memory.
    pub fn is_out_of_memory(&self) -> bool {
        let of_server = self.server.as_ref().is_some_and(|server| server.kind == TroubleKind::OutOfMemory);
        of_server || matches!(self.kind, FailureKind::OutOfMemory { .. } | FailureKind::GaveUp { .. })
    }

    /// Whether the user ended it, which says nothing of the program.
    pub fn is_interrupted(&self) -> bool {
        self.kind == FailureKind::Interrupted
    }

    /// Whether the program, or the server behind it, took longer than it may.
    pub fn is_timed_out(&self) -> bool {
        matches!(self.kind, FailureKind::TimedOut { .. } | FailureKind::ServerTimedOut { .. })
    }
}

impl From<FailureKind> for Failure {
    fn from(kind: FailureKind) -> Self {
        Self { kind, stderr: Vec::new(), server: None }
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, FailureKind, ServerTrouble, TroubleKind};

    #[test]
    fn a_panic_is_told_by_its_message_and_not_by_the_hint_below_it() {
        let kind = FailureKind::Engine { message: "it ended".to_owned() };
        let stderr = ["thread 'main' panicked at a.rs:1:2:", "no such column"].map(str::to_owned).to_vec();
        let mut failure = Failure { kind, stderr, server: None };
        let told = failure.to_string();
        assert!(told.ends_with("(last on stderr: no such column)"), "{told}");
        let hint = "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace";
        failure.stderr.push(hint.to_owned());
        assert_eq!(failure.to_string(), told);
    }

    #[test]
    fn a_server_is_out_of_memory_or_time_as_a_program_is() {
        let engine = || FailureKind::Engine { message: "it ended".to_owned() };
        let with = |kind: TroubleKind| {
            let server = ServerTrouble { kind, says: String::new(), log: Vec::new() };
            Failure { server: Some(Box::new(server)), ..Failure::from(engine()) }
        };
        assert!(with(TroubleKind::OutOfMemory).is_out_of_memory());
        assert!(!with(TroubleKind::Died).is_out_of_memory() && !Failure::from(engine()).is_out_of_memory());
        assert!(Failure::from(FailureKind::GaveUp { message: String::new() }).is_out_of_memory());
        assert!(Failure::from(FailureKind::ServerTimedOut { message: String::new() }).is_timed_out());
        assert!(!with(TroubleKind::Silent).is_timed_out());
    }
}

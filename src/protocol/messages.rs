//! What host and engine program say to each other: JSON objects, one a line, requests in on stdin, replies out on stdout.
//!
//! The program speaks first, with [`Reply::Hello`]. Then every [`Request`] gets exactly one reply. In order:
//!
//! | host says | program replies | timed |
//! |---|---|---|
//! | | `{"did":"hello","protocol":2,"engine":"duckdb"}` | |
//! | `{"do":"open","settings":{"threads":2,"memory_limit_bytes":null,"scratch":"/tmp/x","mode":null,"options":{}}}` | `{"did":"open","info":{"version":"2.0.0","build":{},"settings":{}},"tells_plan":true}` | |
//! | `{"do":"load","dataset":{...},"count":true}` | `{"did":"load","load_ns":81234,"rows":{"lineitem":60175}}` | recorded |
//! | `{"do":"prepare","task":{"workload":"tpch","name":"q1","steps":[{"name":"query","sql":"select ..."}]}}` | `{"did":"prepare"}` | |
//! | `{"do":"reset"}`, before each run of a task that has a `reset` | `{"did":"reset"}` | |
//! | `{"do":"run","iterations":3}` | `{"did":"run","rows":4,"durations_ns":[...],"cpu_time_ns":912,"usage":{...}}` | each run |
//! | `{"do":"run","iterations":1,"observe":{"what":"phases"}}` | `{"did":"run","rows":4,"durations_ns":[...],"phases":{"plan_ns":9}}` | no sample |
//! | `{"do":"answer","rows_up_to":100000}` | `{"did":"answer","answer":{"columns":[...],"rows":[...]}}` | |
//! | `{"do":"plan"}`, once after the samples, and only if `tells_plan` was said | `{"did":"plan","text":"HASH_JOIN\n  READ_PARQUET"}` | |
//! | closes stdin | exits with 0 | |
//!
//! All of it is UTF-8, whatever the locale. `rows` after loading are what the engine itself counts, after `load_ns` was taken; a
//! program that cannot count leaves them out. `answer` is about the last run. A result of more than `rows_up_to` rows may be shown
//! as a file instead, an Arrow IPC stream in the scratch folder, `{"did":"answer","arrow":{"path":"...","rows":2000000}}`, or as
//! a [`Summary`]; a program that knows neither sends all rows. A task of several steps, with a `setup`, `reset`, `check` or `sink`, is
//! for programs that write too; others say `unsupported`. A reply to `run` may then have the time of each step,
//! `"spans":[{"step":"read","durations_ns":[...]}]`; to a single query, the parts that a server tells by its own clock,
//! [`SERVER_PARTS`](super::task::SERVER_PARTS). [`Usage`], `cpu_time_ns` and all that an [`Observe`] asks for may be left out: then it is
//! unknown. In place of any reply the program may say `{"did":"fail","message":"..."}`, or
//! `{"did":"unsupported","reason":"..."}` when it is the engine's nature and not an error. A program that has
//! no build to tell leaves `build` out. Fields that are not known here are ignored, so that a program may say more.
//!
//! `plan` asks how the engine would run the prepared task, in lines of text. The text has no times and no guessed sizes, so that two
//! runs of one program over the same data tell the same; the host takes paths, byte ranges and addresses out of it. A reply without
//! `text` means that there is no plan to tell for this task. A program that does not say `tells_plan` in its reply to `open` is never
//! asked: one that was made before this request came to be goes on to work as it is. A failure here costs the plan and nothing else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::observe::{Observe, Observed};
use crate::measure::usage::Usage;
use crate::protocol::answer::summary::Summary;
use crate::protocol::answer::{Answer, Wanted};
use crate::protocol::dataset::Dataset;
use crate::protocol::engine::{EngineInfo, EngineSettings};
use crate::protocol::task::{SinkUse, Span, Task};

/// The version of this conversation; both sides must have the same.
pub const PROTOCOL: u32 = 2;

/// The version before, in which a query was no [`Task`]. Only the base of a gate may speak it.
pub const OLDER_PROTOCOL: u32 = 1;

/// What the client of a server says of one that took too long, in the message of a failure: the host tells it from other failures by that.
pub const NO_ANSWER_WITHIN: &str = "did not answer within";

/// What it says besides of one that is not known to have stopped: the host starts it anew before the next cell, where it may.
pub const STILL_RUNS: &str = "it may still be at work for it";

/// What the host asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Start the engine.
    Open {
        /// Threads, memory, folders.
        settings: EngineSettings,
    },
    /// Make the tables known.
    Load {
        /// The files.
        dataset: Dataset,
        /// Whether the engine is to count the rows of each table, after the time was taken.
        #[serde(default)]
        count: bool,
    },
    /// Take this task for the runs that follow, and do its setup.
    Prepare {
        /// Texts in the engine's dialect.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<Task>,
        /// In its place, for a program of [`OLDER_PROTOCOL`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        query: Option<OlderQuery>,
    },
    /// Do the task's reset; the next run follows.
    Reset {},
    /// Run the prepared task so many times, one after the other; once, if it has a reset.
    Run {
        /// How often, at least once.
        iterations: u64,
        /// What to watch in these runs, which then are no samples.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        observe: Option<Observe>,
    },
    /// Show the last run's result.
    Answer(Wanted),
    /// Tell how the prepared task would be run. Only for a program that said `tells_plan`.
    Plan {},
}

/// What the program replies.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Reply {
    /// The first line of every program.
    Hello {
        /// The version it speaks, [`PROTOCOL`].
        protocol: u32,
        /// The engine's name.
        engine: String,
    },
    /// The engine is open.
    Open {
        /// Version, build, settings.
        info: EngineInfo,
        /// Whether the program knows the request for a plan.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        tells_plan: bool,
    },
    /// The tables are known.
    Load {
        /// How long that took, in nanoseconds.
        load_ns: u64,
        /// Rows of each table as the engine counts them, where it was asked and can.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rows: Option<BTreeMap<String, u64>>,
    },
    /// The task is taken.
    Prepare {},
    /// The task can run again.
    Reset {},
    /// The runs are done; every one gave the same number of rows.
    Run {
        /// Rows of each result.
        rows: u64,
        /// One duration for each run, in nanoseconds: planning, execution and materialising.
        durations_ns: Vec<u64>,
        /// CPU time of the whole process over all the runs, in nanoseconds, where the program can tell.
        cpu_time_ns: Option<u64>,
        /// Page faults and context switches over all the runs, where the program can tell.
        usage: Option<Usage>,
        /// The time of each step, for a task of several, where the program can tell it without disturbing.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        spans: Vec<Span>,
        /// What the sink did for all the runs, for a task that writes into one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sink: Option<SinkUse>,
        /// What was seen in the last run, where it was watched.
        #[serde(flatten)]
        observed: Observed,
    },
    /// The last run's result, in one of three forms.
    Answer {
        /// Columns and rows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Answer>,
        /// Columns and sums over the rows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<Box<Summary>>,
        /// A file that holds all of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arrow: Option<ArrowFile>,
    },
    /// How the task would be run.
    Plan {
        /// In lines; none where the engine has no plan of this task to tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// The engine cannot do this, by its nature.
    Unsupported {
        /// Why, for the report.
        reason: String,
    },
    /// It went wrong.
    Fail {
        /// The error with its causes.
        message: String,
    },
}

/// A query as [`OLDER_PROTOCOL`] has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OlderQuery {
    /// The suite's name.
    #[serde(rename = "workload")]
    pub suite: String,
    /// The query's name.
    pub name: String,
    /// Its text.
    pub sql: String,
}

/// A result in a file of its own, as an Arrow IPC stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrowFile {
    /// Where it is, in the session's scratch folder.
    pub path: PathBuf,
    /// How many rows it has.
    pub rows: u64,
}

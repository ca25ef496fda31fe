//! The record of one cell: everything that is needed to read its number years later.
//!
//! A run appends one JSON line a cell to `.querydyno/records/<start>-<pid>.jsonl`, flushed as it is taken and
//! never rewritten. Names carry units; what could not be learned is `null`, never 0.
//!
//! ```no_run
//! use querydyno::host::record::{self, Outcome};
//! for record in record::read(".querydyno/records/20261120T120000Z-4711.jsonl".as_ref())? {
//!     let verified = record.verdict.is_some_and(|verdict| verdict.verified());
//!     if record.outcome == Outcome::Measured && verified {
//!         println!("{} {:?} ns", record.id, record.samples_ns);
//!     }
//! }
//! # Ok::<(), anyhow::Error>(())
//! ```

mod dataset;
mod error;
mod upcast;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::host::checkout::git;
pub use crate::host::data::tables::Planning;
use crate::host::paths;
use crate::host::session::Failure;
use crate::host::stats;
use crate::host::variant::Cache;
use crate::host::verify::Verdict;
use crate::measure::machine::Host;
use crate::protocol::engine::{Build, Phases};
use crate::protocol::id::BenchId;
use crate::protocol::observe::Heap;
pub use dataset::{DatasetRecord, TableRead};
pub use error::{Error, LineError};

/// The version of this shape; a reader refuses one it does not know.
pub const SCHEMA: u32 = 3;

/// One cell of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Which cell.
    pub id: BenchId,
    /// Which engine, exactly.
    pub engine: EngineRecord,
    /// Which text.
    pub query: QueryRecord,
    /// Which data.
    pub dataset: DatasetRecord,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, for a cell that was skipped or failed.
    pub reason: Option<String>,
    /// The failure with its kind and the program's last lines on stderr.
    pub failure: Option<Failure>,
    /// What is known of the answer; `None` when there was none.
    pub verdict: Option<Verdict>,
    /// Rows of the answer.
    pub rows: Option<u64>,
    /// A fingerprint of the answer: equal for equal answers of one engine.
    pub answer_digest: Option<String>,
    /// One mean time per iteration for each sample, in nanoseconds: planning, execution, materialising.
    pub samples_ns: Vec<f64>,
    /// Iterations of each sample.
    pub iterations: Vec<u64>,
    /// CPU time per iteration for each sample, in nanoseconds, over all the program's threads.
    pub cpu_time_ns: Option<Vec<f64>>,
    /// Making the tables known, in nanoseconds; outside the samples.
    pub load_ns: Option<u64>,
    /// What every run before the samples took, in nanoseconds, from the program's first on: the warm-up curve. Empty
    /// when cold, where there is no second run.
    #[serde(default)]
    pub warm_up_ns: Vec<u64>,
    /// Iceberg planning, from the tables' names to their files; outside the samples. None: nothing had to be planned.
    #[serde(default)]
    pub planning: Option<Planning>,
    /// Planning, executing and fetching alone, in nanoseconds, where the engine tells; from runs of their own.
    #[serde(flatten)]
    pub phases: Phases,
    /// What the kernel counted, per iteration: means over the samples.
    #[serde(default)]
    pub counts: Counts,
    /// The most physical memory held while the query ran.
    pub peak_memory_bytes: Option<u64>,
    /// How the peak was read.
    pub memory_source: Option<String>,
    /// Physical memory held after loading, before the first run.
    pub baseline_memory_bytes: Option<u64>,
    /// Allocations of one run, as `cargo xtask heap` found them for the same build and query.
    #[serde(default)]
    pub heap: Option<HeapRecord>,
    /// Instructions of one run, as `cargo xtask instructions` found them for the same build and query.
    #[serde(default)]
    pub instructions: Option<InstructionsRecord>,
    /// The engine's way to execute; none: its default.
    #[serde(default)]
    pub mode: Option<String>,
    /// What the cell was looked at for, where it was not timed.
    #[serde(default)]
    pub inspects: Option<Inspects>,
    /// Threads given to the engine.
    pub threads: usize,
    /// The memory limit that was asked for.
    #[serde(default)]
    pub memory_limit_bytes: Option<u64>,
    /// Whether the files were in the page cache when a run began.
    pub cache: Cache,
    /// Whether the user let the majority decide where engines disagree.
    #[serde(default)]
    pub accept_majority: bool,
    /// Variables of the environment that every program was given, `TZ=UTC`, and those of the shell that may change results or speed
    /// and were passed on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Engines that ran at the same time, up to so many: a time of more than one ranks with none of one.
    #[serde(default = "alone")]
    pub parallel: usize,
    /// Where the figures come from.
    pub provenance: Provenance,
    /// Why that is, for whatever was not measured.
    #[serde(default)]
    pub provenance_reason: Option<String>,
    /// On which machine.
    pub host: Host,
    /// From which source.
    pub git: Option<Git>,
    /// When the cell began, RFC 3339, UTC.
    pub started_at: String,
    /// How the run was called.
    pub command: String,
}

impl Record {
    /// The engine with its version and its mode, as tables name it: `polars 0.55.2 eager`.
    pub fn label(&self) -> String {
        let engine = &self.id.engine;
        let version = self.engine.version.as_ref().filter(|version| !engine.ends_with(&format!("@{version}")));
        [Some(engine), version, self.mode.as_ref()].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
    }

    /// The command that was typed. What xtask runs begins with the name of its own.
    pub fn called(&self) -> String {
        let by_xtask = self.inspects.is_some() || self.command.split(' ').next() == Some("bench");
        format!("{} {}", if by_xtask { "cargo xtask" } else { "cargo bench --" }, self.command)
    }

    /// Whether its answer is verified.
    pub fn verified(&self) -> bool {
        self.verdict.as_ref().is_some_and(Verdict::verified)
    }

    /// Whether it ends a run with exit code 1: it failed, or engines disagree and no majority was to decide.
    pub fn is_bad(&self) -> bool {
        let disputed = matches!(self.verdict, Some(Verdict::Disputed(_))) && !self.accept_majority;
        self.outcome == Outcome::Failed || disputed
    }

    /// Whether its time may be compared and ranked: samples by a clock, with a verified answer.
    pub fn ranks(&self) -> bool {
        let timed = self.outcome == Outcome::Measured && self.provenance == Provenance::Measured;
        timed && !self.samples_ns.is_empty() && self.verified()
    }

    /// Processors kept busy on average, from CPU time over wall time of the samples. `None` for runs under 0.1 ms: CPU time is
    /// that of the whole process, so there it is mostly the loop around them.
    pub fn cores_used(&self) -> Option<f64> {
        stats::median(&self.samples_ns).filter(|median| *median > 1e5)?;
        let cpu: f64 = self.cpu_time_ns.as_ref()?.iter().sum();
        let wall: f64 = self.samples_ns.iter().sum();
        (wall > 0.0).then(|| cpu / wall)
    }
}

/// What a record says that is older than the question.
fn alone() -> usize {
    1
}

/// How a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its samples were taken.
    Measured,
    /// It was not tried, or the engine cannot do it by its nature.
    Skipped,
    /// It crashed, hung, erred or gave a wrong answer.
    Failed,
}

/// What a cell is looked at for, other than its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inspects {
    /// Its allocations: `cargo xtask heap`.
    Heap,
    /// Its instructions: `cargo xtask instructions`.
    Instructions,
}

/// Where figures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// A clock, or the kernel's counters, on this machine.
    Measured,
    /// A simulated processor: right for one engine over time, wrong for ranking engines.
    Simulated,
}

/// What the kernel counted for the program and its children, per iteration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Page faults that needed no disk.
    pub minor_page_faults: Option<f64>,
    /// Page faults that waited for a disk.
    pub major_page_faults: Option<f64>,
    /// Times that a thread gave up its processor to wait.
    pub voluntary_context_switches: Option<f64>,
    /// Times that a thread was made to give up its processor.
    pub involuntary_context_switches: Option<f64>,
    /// Bytes asked for by read calls, from the page cache too.
    pub read_call_bytes: Option<f64>,
    /// Bytes that came from a disk.
    pub disk_read_bytes: Option<f64>,
    /// Bytes of write calls, whether or not they reached a disk: what an engine spilled, and some bytes of protocol.
    pub write_call_bytes: Option<f64>,
}

/// Allocations in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeapRecord {
    /// What was counted.
    #[serde(flatten)]
    pub heap: Heap,
    /// By what: `dhat` or `valgrind dhat`.
    pub tool: String,
    /// When.
    pub taken_at: String,
}

/// Instructions in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstructionsRecord {
    /// Executed by all threads during one run, on a simulated processor.
    pub instructions: u64,
    /// By what, with its version.
    pub tool: String,
    /// When.
    pub taken_at: String,
}

/// An engine in a record; version, build and settings are unknown when the program did not open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineRecord {
    /// The name in ids.
    pub name: String,
    /// The engine's own version.
    pub version: Option<String>,
    /// `embedded`, `script` or `own`.
    pub kind: String,
    /// How its program was built.
    pub build: Build,
    /// Settings that are not the engine's defaults.
    pub settings: BTreeMap<String, String>,
}

/// A query in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryRecord {
    /// The name in ids.
    pub id: String,
    /// Checksum of the text as it was sent.
    pub sha256: Option<String>,
    /// The text as it was sent, where it stands in no file of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
}

/// The state of the source tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Git {
    /// The commit's full hash.
    pub commit: String,
    /// Whether tracked files differ from it.
    pub dirty: bool,
}

impl Git {
    /// Asks git about the package's folder; `None` when that is not the top of a checkout.
    pub fn read() -> Option<Self> {
        Self::read_in(paths::root())
    }

    /// The same of another folder.
    pub(crate) fn read_in(folder: &Path) -> Option<Self> {
        let told = |args: &[&str]| {
            let output = git(folder).args(args).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        // Unpacked below somebody else's checkout, it is in that one's repository, whose commit says nothing of it.
        let top = Path::new(&told(&["rev-parse", "--show-toplevel"])?).canonicalize().ok()?;
        if top != folder.canonicalize().ok()? {
            return None;
        }
        Some(Self {
            commit: told(&["rev-parse", "HEAD"])?,
            dirty: !told(&["status", "--porcelain", "--untracked-files=no"])?.is_empty(),
        })
    }
}

/// The time now, as records have it.
pub fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The file that one run appends its records to; made with the first of them.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: Option<File>,
}

impl Writer {
    /// A file below `folder` named after this moment and this process.
    pub fn new(folder: &Path) -> Self {
        let start = Utc::now().format("%Y%m%dT%H%M%SZ");
        Self { path: folder.join(format!("{start}-{}.jsonl", std::process::id())), file: None }
    }

    /// Appends one record and flushes it to the disk.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn append(&mut self, record: &Record) -> Result<(), Error> {
        self.write(record).map_err(|source| Error::Unwritable(self.path.clone(), source))
    }

    fn write(&mut self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                if let Some(folder) = self.path.parent() {
                    fs::create_dir_all(folder)?;
                }
                none.insert(OpenOptions::new().create(true).append(true).open(&self.path)?)
            }
        };
        // One write, so that a kill leaves a whole line or none.
        file.write_all(&line).and_then(|()| file.sync_data())
    }

    /// The file, once there is a record in it.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|_| self.path.as_path())
    }
}

/// The number of a line in its file, the first being 1, and its record or why it is none.
pub type Line = (usize, Result<Record, LineError>);

/// Reads the records of one file.
///
/// # Errors
/// When the file cannot be read; or the first line that is no record of a schema known here.
pub fn read(path: &Path) -> Result<Vec<Record>, Error> {
    let in_file = |(line, record): Line| record.map_err(|source| Error::Line(path.to_owned(), line, source));
    read_lines(path)?.into_iter().map(in_file).collect()
}

/// Reads the records of one file, each with the number of its line; a line that is none has its error.
///
/// # Errors
/// When the file cannot be read.
pub fn read_lines(path: &Path) -> Result<Vec<Line>, Error> {
    let text = fs::read(path).map_err(|source| Error::Unreadable(path.to_owned(), source))?;
    let lines = text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    Ok(lines.map(|(index, line)| (index + 1, parse(line))).collect())
}

fn parse(line: &[u8]) -> Result<Record, LineError> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
    }
    let record: Result<Record, _> = serde_json::from_slice(line);
    // A record of another version need not have this one's fields.
    let schema = match &record {
        Ok(record) => record.schema,
        Err(_) => serde_json::from_slice::<Versioned>(line).map_or(SCHEMA, |versioned| versioned.schema),
    };
    if schema == 2 {
        let upcast = serde_json::from_slice(line).map(upcast::from_2).and_then(serde_json::from_value);
        return upcast.map_err(|source| LineError::NotWhole(schema, source));
    }
    if schema != SCHEMA {
        return Err(LineError::OtherSchema(schema));
    }
    record.map_err(|source| LineError::NotWhole(schema, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_in_tells_only_of_a_folder_that_is_the_top_of_its_checkout() {
        let outer = tempfile::tempdir().unwrap();
        let run = |args: &[&str]| {
            let who = ["-c", "user.name=n", "-c", "user.email=e@e.invalid", "-c", "commit.gpgsign=false"];
            let output = git(outer.path()).args(who).args(args).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        let inner = outer.path().join("unpacked");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("file"), "1").unwrap();
        assert_eq!(Git::read_in(outer.path()), None);
        run(&["init", "--quiet"]);
        run(&["add", "."]);
        run(&["commit", "--quiet", "--message", "m"]);
        let git = Git::read_in(outer.path()).unwrap();
        assert_eq!((git.commit.len(), git.dirty), (40, false));
        assert_eq!(Git::read_in(&inner), None);
        let link = outer.path().join("link");
        std::os::unix::fs::symlink(outer.path(), &link).unwrap();
        fs::write(inner.join("file"), "2").unwrap();
        assert_eq!(Git::read_in(&link), Some(Git { dirty: true, ..git }));
    }
}

//! The figures of a cell: [`Metrics`], a list of `{name, unit, values}`. Every name and every unit is declared here and nowhere else.
//!
//! What could not be learned is absent from the list, never 0. A name that this program does not know stays in the list.

use serde::{Deserialize, Serialize};

/// What a figure is: its name, and the unit of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The name in records.
    pub name: &'static str,
    /// `ns`, `bytes` or `count`.
    pub unit: &'static str,
}

const fn ns(name: &'static str) -> Kind {
    Kind { name, unit: "ns" }
}

const fn bytes(name: &'static str) -> Kind {
    Kind { name, unit: "bytes" }
}

const fn count(name: &'static str) -> Kind {
    Kind { name, unit: "count" }
}

/// Time per iteration, a mean for each sample: planning, execution, materialising.
pub const TIME: Kind = ns("time");
/// CPU time per iteration, a mean for each sample, over all the program's threads.
pub const CPU_TIME: Kind = ns("cpu_time");
/// Making the tables known; outside the samples.
pub const LOAD_TIME: Kind = ns("load_time");
/// Planning alone, where the engine tells; from runs of their own, as the next two.
pub const PLAN_TIME: Kind = ns("plan_time");
/// Executing alone.
pub const EXECUTE_TIME: Kind = ns("execute_time");
/// Fetching the answer alone.
pub const FETCH_TIME: Kind = ns("fetch_time");
/// Time in which tasks ran in the executors of a server that has some, summed over them, by the server's own count. From runs of
/// their own, as the next three.
pub const TASK_TIME: Kind = ns("task_time");
/// Time of the executors' cores in which no task ran while the client waited: planning, scheduling, waiting for the last task of a
/// stage, sending the result. With [`TASK_TIME`] it is the time of the run times the cores.
pub const COORDINATION_TIME: Kind = ns("coordination_time");
/// Read by tasks from what the stage before had written for them.
pub const SHUFFLE_READ: Kind = bytes("shuffle_read");
/// Written by tasks for the next stage.
pub const SHUFFLE_WRITTEN: Kind = bytes("shuffle_written");
/// The most physical memory held while the query ran.
pub const PEAK_MEMORY: Kind = bytes("peak_memory");
/// Physical memory held after loading, before the first run.
pub const BASELINE_MEMORY: Kind = bytes("baseline_memory");
/// Page faults that needed no disk. This and what follows the kernel counts: means per iteration over all samples.
pub const MINOR_PAGE_FAULTS: Kind = count("minor_page_faults");
/// Page faults that waited for a disk.
pub const MAJOR_PAGE_FAULTS: Kind = count("major_page_faults");
/// Times that a thread gave up its processor to wait.
pub const VOLUNTARY_CONTEXT_SWITCHES: Kind = count("voluntary_context_switches");
/// Times that a thread was made to give up its processor.
pub const INVOLUNTARY_CONTEXT_SWITCHES: Kind = count("involuntary_context_switches");
/// Bytes asked for by read calls, from the page cache too.
pub const BYTES_READ: Kind = bytes("bytes_read");
/// Bytes that came from a disk.
pub const BYTES_READ_FROM_DISK: Kind = bytes("bytes_read_from_disk");
/// Bytes of write calls, whether or not they reached a disk: what an engine spilled, and some bytes of protocol.
pub const BYTES_WRITTEN: Kind = bytes("bytes_written");
/// Bytes that a sink wrote into its log of changes, per iteration as those above.
pub const SINK_LOG_BYTES: Kind = bytes("sink_log_bytes");
/// CPU time of the sink's process, which is not the program's. The kernel counts it in ticks of 10 ms, so that fewer than ten of them
/// over all samples are taken as unknown.
pub const SINK_CPU_TIME: Kind = ns("sink_cpu_time");
/// Times that a sink was written to again after its connection broke, over all samples; the pauses are within their times.
pub const SINK_RETRIES: Kind = count("sink_retries");
/// Requests to a store on S3. This and the next three a proxy counts: means per iteration over all samples.
pub const REQUESTS: Kind = count("requests");
/// Connections that were opened to it: none where the engine keeps those that it has.
pub const CONNECTIONS: Kind = count("connections");
/// Bytes of the store's answers, without their heads.
pub const BYTES_RECEIVED: Kind = bytes("bytes_received");
/// Bytes of the engine's requests, without their heads.
pub const BYTES_SENT: Kind = bytes("bytes_sent");
/// Allocated by one run. This and the next three are found by `cargo xtask heap`.
pub const HEAP_TOTAL: Kind = bytes("heap_total");
/// Allocations of one run.
pub const HEAP_TOTAL_BLOCKS: Kind = count("heap_total_blocks");
/// The most that was allocated at the same time.
pub const HEAP_PEAK: Kind = bytes("heap_peak");
/// The blocks of that moment.
pub const HEAP_PEAK_BLOCKS: Kind = count("heap_peak_blocks");
/// Executed by all threads during one run, on a simulated processor: `cargo xtask instructions`.
pub const INSTRUCTIONS: Kind = count("instructions");

/// What the name of a step's time begins with, `span:read`: per iteration, a mean for each sample.
const SPAN: &str = "span:";

/// What the name of a figure begins with that only another tool's file has: `imported:throughput`.
const IMPORTED: &str = "imported:";

/// A figure of another tool's, whose unit is `unknown` where its file does not tell it.
pub fn imported(name: &str, unit: &str, values: impl IntoIterator<Item = f64>) -> Metric {
    let values = values.into_iter().collect();
    Metric { name: format!("{IMPORTED}{name}"), unit: unit.to_owned(), values, source: None, taken_at: None }
}

/// A figure of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// What it is of.
    pub name: String,
    /// The unit of each value.
    pub unit: String,
    /// One for each sample, or a single one.
    pub values: Vec<f64>,
    /// How it was read or by which tool, where there are several ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When, for what was found by an inspection of the same build and query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<String>,
}

impl Metric {
    /// Values of a kind.
    pub fn new(kind: Kind, values: impl IntoIterator<Item = f64>) -> Self {
        Self {
            name: kind.name.to_owned(),
            unit: kind.unit.to_owned(),
            values: values.into_iter().collect(),
            source: None,
            taken_at: None,
        }
    }
}

/// The time of a step, as `ns`.
pub fn span(step: &str, values: impl IntoIterator<Item = f64>) -> Metric {
    Metric { name: format!("{SPAN}{step}"), ..Metric::new(TIME, values) }
}

/// Everything that is known of a cell in figures, each kind once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metrics(Vec<Metric>);

impl Metrics {
    /// The figure of this kind, if it is known.
    pub fn get(&self, kind: Kind) -> Option<&Metric> {
        self.0.iter().find(|metric| metric.name == kind.name)
    }

    /// Its values; none when it is not known.
    pub fn values(&self, kind: Kind) -> &[f64] {
        self.get(kind).map_or(&[], |metric| &metric.values)
    }

    /// The steps whose time is known, each with the time per iteration of every sample in nanoseconds.
    pub fn steps(&self) -> impl Iterator<Item = (&str, &[f64])> {
        self.0.iter().filter_map(|metric| Some((metric.name.strip_prefix(SPAN)?, metric.values.as_slice())))
    }

    /// Keeps a figure in place of what was known; without values nothing is known.
    pub fn put(&mut self, metric: Metric) {
        self.0.retain(|other| other.name != metric.name);
        if !metric.values.is_empty() {
            self.0.push(metric);
        }
    }

    /// Keeps values in place of those that were known.
    pub fn set(&mut self, kind: Kind, values: impl IntoIterator<Item = f64>) {
        self.put(Metric::new(kind, values));
    }
}

impl Extend<Metric> for Metrics {
    fn extend<T: IntoIterator<Item = Metric>>(&mut self, metrics: T) {
        metrics.into_iter().for_each(|metric| self.put(metric));
    }
}

impl IntoIterator for Metrics {
    type Item = Metric;
    type IntoIter = std::vec::IntoIter<Metric>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A count, bytes or nanoseconds as a value.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds, bytes and counts are far below 2^53")]
pub fn value(whole: u64) -> f64 {
    whole as f64
}

/// A value as the whole number that it was.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was a u64; what never was one saturates"
)]
pub fn whole(value: f64) -> u64 {
    value as u64
}

/// Bytes that a run wrote, where they are so many that it spilled: fewer are some of protocol.
pub fn spilled(bytes_written: f64) -> Option<u64> {
    const SPILLS: u64 = 4 << 20;
    Some(whole(bytes_written)).filter(|bytes| *bytes >= SPILLS)
}

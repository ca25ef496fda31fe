//! What some runs of a query took, and what the kernel had counted before and after.

use crate::measure::memory::Peak;
use crate::measure::tree;
use crate::measure::usage::{self, IoBytes, Usage};
use crate::protocol::network::Traffic;
use crate::protocol::observe::Observed;
use crate::protocol::task::{SinkUse, Span};

/// What some runs of a query took.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// Rows of each result.
    pub rows: u64,
    /// One duration for each run, in nanoseconds.
    pub durations_ns: Vec<u64>,
    /// CPU time over all of them, in nanoseconds.
    pub cpu_time_ns: Option<u64>,
    /// The high-water mark of physical memory during them, children included.
    pub peak_memory: Option<Peak>,
    /// Page faults and context switches over all of them.
    pub usage: Option<Usage>,
    /// Bytes read and written over all of them, children included.
    pub moved: Option<IoBytes>,
    /// What went between the program and a store on S3 over all of them, where its tables are there.
    pub traffic: Option<Traffic>,
    /// The time of each step, where the program told it.
    pub spans: Vec<Span>,
    /// What the sink did for all of them, where the task writes into one.
    pub sink: Option<SinkUse>,
    /// What a watched run told.
    pub observed: Observed,
}

impl Runs {
    /// These and later ones taken together.
    pub(crate) fn and(mut self, later: Self) -> Self {
        self.durations_ns.extend(later.durations_ns);
        // Steps that only some runs tell are those of none.
        if !self.spans.iter().map(|span| &span.step).eq(later.spans.iter().map(|span| &span.step)) {
            self.spans.clear();
        }
        for (span, more) in self.spans.iter_mut().zip(later.spans) {
            span.durations_ns.extend(more.durations_ns);
        }
        Self {
            rows: later.rows,
            cpu_time_ns: self.cpu_time_ns.zip(later.cpu_time_ns).map(|(a, b)| a + b),
            peak_memory: self.peak_memory.zip(later.peak_memory).map(|(a, b)| a.or_more(b)),
            usage: self.usage.zip(later.usage).map(|(a, b)| a.with(b, u64::saturating_add)),
            moved: self.moved.zip(later.moved).map(|(a, b)| a.with(b, u64::saturating_add)),
            sink: self.sink.zip(later.sink).map(|(a, b)| a.and(b)),
            traffic: self.traffic.zip(later.traffic).map(|(a, b)| a.with(b, u64::saturating_add)),
            observed: later.observed,
            ..self
        }
    }
}

/// Which processes do the work, and are looked at for memory, CPU time and bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Worker {
    Program,
    /// A server that it is a client of: the processes that all its others come from. Never none.
    Server(Vec<u32>),
    /// A server in a container, of which this is the first process.
    Container(u32),
    /// A server whose process cannot be seen from here: nothing is known of it, rather than the client's small numbers.
    Elsewhere,
}

/// What the kernel has counted for a program and its children, or for all processes of a server, so far.
#[derive(Default)]
pub(super) struct ProcessCounts {
    /// Of all of them.
    pub(super) cpu_ns: Option<u64>,
    pub(super) children_cpu_ns: Option<u64>,
    pub(super) moved: Option<IoBytes>,
}

impl ProcessCounts {
    pub(super) fn of(tree: &[u32]) -> Self {
        Self { cpu_ns: tree::cpu_ns(tree), children_cpu_ns: tree::children_cpu_ns(tree), moved: usage::io_of(tree) }
    }
}

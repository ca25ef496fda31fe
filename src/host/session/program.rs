//! What a session starts: an executable that speaks the protocol, and what it may take.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

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

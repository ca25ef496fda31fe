//! What a run can tell of itself beyond its duration. An observed run is one of its own, never among the samples.
//!
//! The host asks for one [`Observe`] with a `run` request. What the operating system counts anyhow ([`crate::measure::usage`])
//! needs no run of its own and is not here.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::protocol::engine::Phases;

/// What a run is watched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Observe {
    /// The time of planning, executing and fetching, for engines that can tell.
    Phases,
    /// Instructions: callgrind, where the program runs under it, counts during this run and at no other time.
    Instructions,
    /// Allocations, by a program that was built for it.
    Heap {
        /// Where to write the profile, for dhat's viewer.
        profile: PathBuf,
    },
}

/// What was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The parts of the run's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phases: Option<Phases>,
    /// The run's allocations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap: Option<Heap>,
}

/// Allocations of one run, from its beginning until its result is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heap {
    /// All bytes that were allocated.
    pub total_bytes: u64,
    /// In so many blocks.
    pub total_blocks: u64,
    /// The most bytes that were allocated at one time.
    pub peak_bytes: u64,
    /// The blocks at that time.
    pub peak_blocks: u64,
}

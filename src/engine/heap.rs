//! Allocations of one run, counted by dhat, whose allocator the program's bin has set (feature `heap`).
//!
//! Counting starts with the run, so that what loading allocated is in no figure, and is many times slower than running:
//! such a program is never one that is timed.

use std::path::Path;

use crate::protocol::observe::Heap;

/// Does the work with dhat counting; its profile goes into the file.
pub(super) fn watch<T>(profile: &Path, work: impl FnOnce() -> T) -> (T, Heap) {
    let profiler = dhat::Profiler::builder().file_name(profile).trim_backtraces(Some(FRAMES)).build();
    let done = work();
    let stats = dhat::HeapStats::get();
    // Writes the profile.
    drop(profiler);
    let heap = Heap {
        total_bytes: stats.total_bytes,
        total_blocks: stats.total_blocks,
        peak_bytes: stats.max_bytes as u64,
        peak_blocks: stats.max_blocks as u64,
    };
    (done, heap)
}

/// Frames of a call stack that are kept: an engine's operators lie deep below its own allocation helpers.
const FRAMES: usize = 32;

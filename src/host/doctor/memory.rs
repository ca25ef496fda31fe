//! Memory: whether there is enough for the limit that engines get, and whether a peak can be told from an older one.

use std::hint::black_box;

use super::Finding;
use crate::host::run::launch::most_memory;
use crate::host::settings::Settings;
use crate::measure::machine;
use crate::measure::memory::{self, Peak};
use crate::protocol::units::Bytes;

/// Taken and given back, to see whether a reset forgets it.
const BLOCK: usize = 32 << 20;

pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    // The highest: that is what there has to be room for.
    let limit = settings.memory.iter().map(|limit| limit.or_else(most_memory)).max().flatten();
    vec![
        room(machine::memory().map(Bytes), machine::meminfo("MemAvailable:").map(Bytes), limit),
        swap(machine::meminfo("SwapTotal:").map(Bytes)),
        peak(resets()),
    ]
}

fn room(total: Option<Bytes>, available: Option<Bytes>, limit: Option<Bytes>) -> Finding {
    const NAME: &str = "memory";
    let (Some(total), Some(available), Some(limit)) = (total, available, limit) else {
        return Finding::caution(NAME, "/proc/meminfo cannot be read", "an engine has no limit of memory")
            .remedy("set one: QUERYDYNO_MEMORY=8GiB");
    };
    let seen = format!("{total}, {available} available");
    if available < limit {
        let means = format!("the kernel may kill an engine before its limit of {limit} does, or the machine swaps");
        let less = available.0 / 10 * 9 / (1 << 20);
        return Finding::caution(NAME, seen, means)
            .remedy(format!("end other programs, or QUERYDYNO_MEMORY={less}MiB"));
    }
    Finding::good(NAME, seen, format!("an engine is ended at {limit}"))
}

fn swap(total: Option<Bytes>) -> Finding {
    const NAME: &str = "swap";
    let means = "what is swapped out is in no peak, and short memory shows as a slow query";
    match total {
        Some(Bytes(0)) => Finding::good(NAME, "none", "what an engine holds is in its peak"),
        Some(total) => Finding::caution(NAME, format!("{total} of swap"), means).remedy("sudo swapoff -a"),
        None => Finding::caution(NAME, "not shown", "what is swapped out is in no peak"),
    }
}

fn peak(resets: bool) -> Finding {
    const NAME: &str = "peak memory";
    if resets {
        return Finding::good(NAME, "the high-water mark can be reset", "each sample has a peak of its own");
    }
    let seen = "writing 5 to /proc/self/clear_refs does not reset the high-water mark";
    Finding::missing(NAME, seen, "a cell's peak holds that of loading and of all runs before")
        .remedy("a kernel with CONFIG_PROC_PAGE_MONITOR, outside a sandbox that hides /proc")
}

/// Whether the mark forgets a block that was held and given back: a sandbox may take the write and do nothing.
fn resets() -> bool {
    let own = std::process::id();
    let block = vec![1_u8; BLOCK];
    black_box(&block);
    let during = memory::peak(own);
    drop(block);
    let reset = memory::reset_peak(own);
    let fell = |(before, after): (Peak, Peak)| before.bytes.0.saturating_sub(after.bytes.0) > BLOCK as u64 / 2;
    reset && during.zip(memory::peak(own)).is_some_and(fell)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn a_limit_above_what_is_available_limits_nothing() {
        let judged = |available| room(Some(Bytes(24 * GIB)), Some(Bytes(available)), Some(Bytes(20 * GIB)));
        assert_eq!(judged(22 * GIB).state, State::Good);
        let short = judged(10 * GIB);
        assert_eq!(short.state, State::Caution);
        assert!(short.remedy.unwrap().ends_with("QUERYDYNO_MEMORY=9216MiB"));
        assert_eq!(room(None, None, None).state, State::Caution);
    }

    #[test]
    fn swap_and_a_mark_that_stays_are_told() {
        assert_eq!(swap(Some(Bytes(0))).state, State::Good);
        assert_eq!(swap(Some(Bytes(GIB))).state, State::Caution);
        assert_eq!(peak(true).state, State::Good);
        assert_eq!(peak(false).state, State::Missing);
    }
}

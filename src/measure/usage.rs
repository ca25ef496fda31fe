//! What the kernel counts for a process anyhow: page faults, context switches, bytes read. Costs a run nothing.
//!
//! Faults and switches are asked by the engine program itself ([`Usage::now`]), since only that counts threads that have
//! ended; bytes read are looked up by the host ([`read_by`]), for the program and all its children.

use std::mem::MaybeUninit;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// Counts of a process with all its threads, and of its children that have ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Page faults that needed no disk.
    pub minor_page_faults: u64,
    /// Page faults that waited for a disk.
    pub major_page_faults: u64,
    /// Times that a thread gave up its processor to wait.
    pub voluntary_context_switches: u64,
    /// Times that a thread was made to give up its processor.
    pub involuntary_context_switches: u64,
}

impl Usage {
    /// The counts of this process since its start; `None` when the kernel does not tell.
    pub fn now() -> Option<Self> {
        Some(Self::of(libc::RUSAGE_SELF)? + Self::of(libc::RUSAGE_CHILDREN)?)
    }

    fn of(who: i32) -> Option<Self> {
        let usage = getrusage(who)?;
        let count = |field| u64::try_from(field).ok();
        Some(Self {
            minor_page_faults: count(usage.ru_minflt)?,
            major_page_faults: count(usage.ru_majflt)?,
            voluntary_context_switches: count(usage.ru_nvcsw)?,
            involuntary_context_switches: count(usage.ru_nivcsw)?,
        })
    }
}

#[expect(unsafe_code, reason = "no crate of the programs' graph offers it")]
fn getrusage(who: i32) -> Option<libc::rusage> {
    let mut usage = MaybeUninit::zeroed();
    // SAFETY: the call writes one rusage to the place it is given, and zeroes are a valid one.
    unsafe { (libc::getrusage(who, usage.as_mut_ptr()) == 0).then(|| usage.assume_init()) }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        self.with(before, u64::saturating_sub)
    }
}

impl Usage {
    fn with(self, other: Self, operation: fn(u64, u64) -> u64) -> Self {
        Self {
            minor_page_faults: operation(self.minor_page_faults, other.minor_page_faults),
            major_page_faults: operation(self.major_page_faults, other.major_page_faults),
            voluntary_context_switches: operation(self.voluntary_context_switches, other.voluntary_context_switches),
            involuntary_context_switches: operation(
                self.involuntary_context_switches,
                other.involuntary_context_switches,
            ),
        }
    }
}

/// Bytes that processes have read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reads {
    /// By read calls, wherever they came from: pipes and the page cache too, memory-mapped files not.
    pub asked_bytes: u64,
    /// From a disk, for read calls and memory-mapped files, what was read ahead included.
    pub disk_bytes: u64,
}

/// What these processes have read since their start; `None` when the kernel does not tell of one of them.
#[cfg(feature = "harness")]
pub fn read_by(processes: &[u32]) -> Option<Reads> {
    let mut sum = Reads::default();
    for pid in processes {
        let reads = parse_io(&std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?)?;
        sum.asked_bytes += reads.asked_bytes;
        sum.disk_bytes += reads.disk_bytes;
    }
    Some(sum)
}

#[cfg(feature = "harness")]
fn parse_io(text: &str) -> Option<Reads> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok();
    Some(Reads { asked_bytes: field("rchar:")?, disk_bytes: field("read_bytes:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_new_memory_is_a_fault_a_page() {
        let before = Usage::now().unwrap();
        let size = 64 << 20;
        let block = vec![1_u8; size];
        std::hint::black_box(&block);
        let faults = (Usage::now().unwrap() - before).minor_page_faults;
        // With huge pages it takes fewer, but never none.
        assert!(faults >= size as u64 / (2 << 20), "{faults}");
    }

    #[test]
    #[cfg(feature = "harness")]
    fn reads_are_told_apart() {
        let text = "rchar: 6976\nwchar: 1\nsyscr: 10\nsyscw: 0\nread_bytes: 4096\nwrite_bytes: 0\n";
        assert_eq!(parse_io(text), Some(Reads { asked_bytes: 6976, disk_bytes: 4096 }));
        assert_eq!(parse_io("rchar: x"), None);
        let own = [std::process::id()];
        let before = read_by(&own).unwrap();
        let read = std::fs::read("/proc/self/maps").unwrap().len() as u64;
        assert!(read_by(&own).unwrap().asked_bytes >= before.asked_bytes + read);
        assert_eq!(read_by(&[u32::MAX]), None);
    }
}

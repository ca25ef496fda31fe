//! What the kernel counts for a process anyhow: page faults, context switches, bytes read and written. Costs a run nothing.
//!
//! Faults and switches are asked by the engine program itself ([`Usage::now`]), since only that counts threads that have
//! ended; bytes are looked up by the host ([`io_of`]), for the program and all its children.

use std::mem::MaybeUninit;

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
        Some(Self::of(libc::RUSAGE_SELF)?.with(Self::of(libc::RUSAGE_CHILDREN)?, u64::saturating_add))
    }

    /// These and others, field by field.
    #[must_use]
    pub fn with(self, other: Self, operation: fn(u64, u64) -> u64) -> Self {
        let of = |count: fn(&Self) -> u64| operation(count(&self), count(&other));
        Self {
            minor_page_faults: of(|usage| usage.minor_page_faults),
            major_page_faults: of(|usage| usage.major_page_faults),
            voluntary_context_switches: of(|usage| usage.voluntary_context_switches),
            involuntary_context_switches: of(|usage| usage.involuntary_context_switches),
        }
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

/// Bytes that processes have read and written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoBytes {
    /// By read calls, wherever they came from: pipes and the page cache too, memory-mapped files not.
    pub read_call_bytes: u64,
    /// From a disk, for read calls and memory-mapped files, what was read ahead included.
    pub disk_read_bytes: u64,
    /// By write calls, whether or not they reach a disk: what an engine spills is in it.
    pub write_call_bytes: u64,
}

impl IoBytes {
    /// These and others, field by field.
    #[must_use]
    pub fn with(self, other: Self, operation: fn(u64, u64) -> u64) -> Self {
        Self {
            read_call_bytes: operation(self.read_call_bytes, other.read_call_bytes),
            disk_read_bytes: operation(self.disk_read_bytes, other.disk_read_bytes),
            write_call_bytes: operation(self.write_call_bytes, other.write_call_bytes),
        }
    }

    fn parse(io: &str) -> Option<Self> {
        let field = |name: &str| io.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok();
        Some(Self {
            read_call_bytes: field("rchar:")?,
            disk_read_bytes: field("read_bytes:")?,
            write_call_bytes: field("wchar:")?,
        })
    }
}

/// What these processes have moved since their start; `None` when the kernel does not tell of one of them.
pub fn io_of(processes: &[u32]) -> Option<IoBytes> {
    let of = |pid: &u32| IoBytes::parse(&std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?);
    processes.iter().map(of).try_fold(IoBytes::default(), |sum, moved| Some(sum.with(moved?, u64::saturating_add)))
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
        let faults = Usage::now().unwrap().minor_page_faults - before.minor_page_faults;
        // With huge pages it takes fewer, but never none.
        assert!(faults >= size as u64 / (2 << 20), "{faults}");
    }

    #[test]
    fn bytes_are_told_apart() {
        let text = "rchar: 6976\nwchar: 17\nsyscr: 10\nsyscw: 0\nread_bytes: 4096\nwrite_bytes: 0\n";
        let moved = IoBytes { read_call_bytes: 6976, disk_read_bytes: 4096, write_call_bytes: 17 };
        assert_eq!(IoBytes::parse(text), Some(moved));
        assert_eq!(IoBytes::parse("rchar: x"), None);
        let own = [std::process::id()];
        let before = io_of(&own).unwrap();
        let read = std::fs::read("/proc/self/maps").unwrap().len() as u64;
        assert!(io_of(&own).unwrap().read_call_bytes >= before.read_call_bytes + read);
        assert_eq!(io_of(&[u32::MAX]), None);
    }
}

//! Memory of a process and its children: what they hold now and their high-water mark, which can be set back.

use std::fs;

use serde::{Deserialize, Serialize};

use super::tree;
use crate::protocol::units::Bytes;

/// A high-water mark, and over how many processes it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    /// The most physical memory that was held.
    pub bytes: Bytes,
    /// Processes in it; for more than one it is the sum of their marks, and since they need not have held their most at
    /// the same moment, and pages that they share count for each, no less than the true peak.
    pub processes: usize,
}

impl Peak {
    /// How it was learned; stored beside every peak.
    /// `whose` is the process.
    pub fn source(self, whose: &str) -> String {
        match self.processes {
            1 => format!("VmHWM of {whose}, reset before each sample"),
            n => format!("sum of VmHWM over {whose} and its children ({n} processes), reset before each sample"),
        }
    }

    /// The greater of two.
    #[must_use]
    pub fn or_more(self, other: Self) -> Self {
        if other.bytes > self.bytes { other } else { self }
    }
}

/// What the control group (v2) of a process holds now, its page cache included: a container's memory.
pub fn in_group(pid: u32) -> Option<Bytes> {
    let told = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let held = fs::read_to_string(format!("/sys/fs/cgroup{}/memory.current", group_of(&told)?)).ok()?;
    held.trim().parse().ok().map(Bytes)
}

/// The path of the one group of version 2, `0::/system.slice/docker-1f.scope`; the root group is that of the whole machine.
fn group_of(told: &str) -> Option<&str> {
    told.lines().find_map(|line| line.strip_prefix("0::")).filter(|path| *path != "/")
}

/// What the process and its children hold in physical memory now.
pub fn resident(pid: u32) -> Option<Peak> {
    resident_of(&tree::of(pid))
}

/// What these processes hold in physical memory now.
pub fn resident_of(processes: &[u32]) -> Option<Peak> {
    sum(processes, "VmRSS:")
}

/// The most that the process and its children have held since their start or the last [`reset_peak`].
pub fn peak(pid: u32) -> Option<Peak> {
    peak_of(&tree::of(pid))
}

/// The most that these processes have held since their start or the last [`reset_peak_of`].
pub fn peak_of(processes: &[u32]) -> Option<Peak> {
    sum(processes, "VmHWM:")
}

/// What the process and its children hold now, each page shared out among those that hold it.
pub fn proportional(pid: u32) -> Option<Bytes> {
    let held = tree::of(pid).into_iter().filter_map(|pid| field(&format!("/proc/{pid}/smaps_rollup"), "Pss:"));
    held.reduce(|a, b| a + b).map(Bytes)
}

/// Sets the high-water marks back to what is held now; tells whether the kernel did it.
pub fn reset_peak(pid: u32) -> bool {
    reset_peak_of(&tree::of(pid))
}

/// As [`reset_peak`], of these processes.
pub fn reset_peak_of(processes: &[u32]) -> bool {
    processes.iter().all(|pid| fs::write(format!("/proc/{pid}/clear_refs"), "5").is_ok())
}

fn sum(processes: &[u32], name: &str) -> Option<Peak> {
    // A child may have ended since the list was made; without the program itself there is nothing to say.
    let held: Vec<Option<u64>> = processes.iter().map(|pid| field(&format!("/proc/{pid}/status"), name)).collect();
    held.first().copied().flatten()?;
    let held: Vec<u64> = held.into_iter().flatten().collect();
    Some(Peak { bytes: Bytes(held.iter().sum()), processes: held.len() })
}

/// A field of a file of `/proc` that tells sizes in kB, in bytes.
pub(super) fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let kib: u64 = text.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_of_finds_the_group_of_a_container_and_none_on_the_machine() {
        assert_eq!(group_of("12:cpu:/x\n0::/system.slice/docker-1f.scope\n"), Some("/system.slice/docker-1f.scope"));
        assert_eq!(group_of("0::/\n"), None);
        assert_eq!(group_of("12:cpu:/x\n"), None);
        assert_eq!(in_group(u32::MAX), None);
    }
}

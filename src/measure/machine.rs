//! The machine a number was taken on.

use std::fs;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};

use crate::protocol::units::Bytes;

/// What tells one machine from another, as far as it changes measurements.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Host {
    /// The processor as it names itself.
    pub cpu: Option<String>,
    /// Processors this process may use.
    pub cores: usize,
    /// Physical memory.
    pub memory_bytes: Option<u64>,
    /// The kernel's release.
    pub kernel: String,
    /// The frequency governor of the first processor; `None` where the machine shows none.
    pub governor: Option<String>,
    /// Whether a hypervisor is below.
    pub virtualised: Option<bool>,
}

impl Host {
    /// One line: processor, cores, memory, kernel, and what else changes times.
    pub fn line(&self) -> String {
        let cpu = self.cpu.as_deref().unwrap_or("unknown processor").to_owned();
        let memory = self.memory_bytes.map(|bytes| Bytes(bytes).to_string());
        let governor = self.governor.as_ref().map(|governor| format!("governor {governor}"));
        let virtualised = self.virtualised.filter(|virtualised| *virtualised).map(|_| "virtualised".to_owned());
        let parts = [
            Some(cpu),
            Some(format!("{} cores", self.cores)),
            memory,
            Some(format!("Linux {}", self.kernel)),
            governor,
        ];
        parts.into_iter().chain([virtualised]).flatten().collect::<Vec<_>>().join(", ")
    }

    /// Reads it from the running system.
    pub fn read() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").ok();
        let field = |name: &str| {
            let line = cpuinfo.as_deref()?.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let governor = fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
        Self {
            cpu: field("model name"),
            cores: cores(),
            memory_bytes: memory(),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            governor: governor.ok().map(|text| text.trim().to_owned()),
            virtualised: field("flags").map(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
        }
    }
}

/// Processors this process may use, at least 1.
pub fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Processors that are online, whether or not this process may use them.
pub fn online_cores() -> usize {
    // Read once: the name of every cell asks.
    static ONLINE: LazyLock<usize> = LazyLock::new(|| {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        cpuinfo.lines().filter(|line| line.starts_with("processor")).count().max(1)
    });
    *ONLINE
}

/// Physical memory in bytes, or what a container is allowed of it.
pub fn usable_memory() -> Option<u64> {
    let allowed = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    memory().into_iter().chain(allowed).min()
}

/// Physical memory in bytes.
pub fn memory() -> Option<u64> {
    meminfo("MemTotal:")
}

/// A field of `/proc/meminfo` in bytes; the name as it is there, with its colon.
pub fn meminfo(field: &str) -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

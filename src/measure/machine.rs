//! The machine a number was taken on.

use std::fs;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};

use crate::protocol::units::Bytes;
use crate::protocol::unknown::known;

/// What tells one machine from another, as far as it changes measurements.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Host {
    /// What it is called, where somebody else measured there: `c6a.4xlarge`. None of a machine that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The processor as it names itself.
    pub cpu: Option<String>,
    /// Processors this process may use; 0, and `null` in JSON, where that is not known.
    #[serde(with = "crate::protocol::unknown")]
    pub cores: usize,
    /// Physical memory.
    pub memory_bytes: Option<u64>,
    /// The kernel's release; empty, and `null` in JSON, where that is not known.
    #[serde(with = "crate::protocol::unknown")]
    pub kernel: String,
    /// The frequency governor of the first processor; `None` where the machine shows none.
    pub governor: Option<String>,
    /// Whether a hypervisor is below.
    pub virtualised: Option<bool>,
    /// Graphics processors that compute, as their drivers name them; `None` in a record that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<Vec<String>>,
}

impl Host {
    /// One line: processor, cores, memory, kernel, and what else changes times.
    pub fn line(&self) -> String {
        let memory = self.memory_bytes.map(|bytes| Bytes(bytes).to_string());
        self.told(memory, known(&self.kernel).map(|kernel| format!("Linux {kernel}")))
    }

    /// The machines whose results are comparable: as [`line()`](Self::line()), but without the kernel's release, which an
    /// update changes, and with the memory that was bought, of which a kernel keeps a part.
    pub fn class(&self) -> String {
        self.told(self.memory_bytes.map(|bytes| format!("{} GiB", memory_class(bytes))), None)
    }

    fn told(&self, memory: Option<String>, kernel: Option<String>) -> String {
        let unknown = || self.name.is_none().then(|| "unknown processor".to_owned());
        let (cpu, cores) =
            (self.cpu.clone().or_else(unknown), known(&self.cores).map(|cores| format!("{cores} cores")));
        let governor = self.governor.as_ref().map(|governor| format!("governor {governor}"));
        let virtualised = self.virtualised.filter(|virtualised| *virtualised).map(|_| "virtualised".to_owned());
        let parts = [self.name.clone(), cpu, cores, memory, kernel, governor, virtualised];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
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
            name: None,
            cpu: field("model name"),
            cores: cores(),
            memory_bytes: memory(),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            governor: governor.ok().map(|text| text.trim().to_owned()),
            virtualised: field("flags").map(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
            gpus: Some(gpus()),
        }
    }
}

/// Graphics processors that the drivers of NVIDIA and AMD have for computing; a screen's is none.
fn gpus() -> Vec<String> {
    let below = |folder: &str| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let nvidia = below("/proc/driver/nvidia/gpus").filter_map(|gpu| {
        let told = fs::read_to_string(gpu.join("information")).ok()?;
        let model = told.lines().find_map(|line| line.strip_prefix("Model:"))?;
        Some(model.trim().to_owned())
    });
    // Among the nodes are the processors, whose id is 0.
    let amd = below("/sys/class/kfd/kfd/topology/nodes").filter_map(|node| {
        let is_gpu = fs::read_to_string(node.join("gpu_id")).is_ok_and(|id| id.trim() != "0");
        is_gpu.then(|| {
            fs::read_to_string(node.join("name")).map_or_else(|_| "AMD".to_owned(), |name| name.trim().to_owned())
        })
    });
    let mut found: Vec<String> = nvidia.chain(amd).collect();
    found.sort();
    found
}

/// The next larger size in which memory is sold, in GiB: 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24 and so on.
fn memory_class(bytes: u64) -> u64 {
    let gib = bytes.div_ceil(1 << 30).max(1);
    let step = (1 << gib.ilog2()) / 4;
    gib.next_multiple_of(step.max(1))
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
    super::memory::field("/proc/meminfo", field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_is_the_same_after_an_update_of_the_kernel() {
        let before = Host { memory_bytes: Some(25_200_000_000), kernel: "6.1".to_owned(), ..Host::default() };
        let after = Host { memory_bytes: Some(25_100_000_000), kernel: "6.18".to_owned(), ..before.clone() };
        assert_eq!(before.class(), after.class());
        assert_ne!(before.line(), after.line());
        assert_ne!(before.class(), Host { cores: 4, ..before.clone() }.class());
        assert_ne!(before.class(), Host { memory_bytes: Some(30_000_000_000), ..before.clone() }.class());
    }

    #[test]
    fn memory_class_rounds_up_to_what_is_sold() {
        let classes = [0.9, 3.8, 7.6, 15.5, 23.5, 31.2, 62.7, 125.0].map(|gib| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes of a test")]
            memory_class((gib * f64::from(1 << 30)) as u64)
        });
        assert_eq!(classes, [1, 4, 8, 16, 24, 32, 64, 128]);
    }
}

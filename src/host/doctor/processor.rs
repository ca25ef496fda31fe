//! The processors: how many, whether two share a core, whether their clock rate stays the same.

use std::collections::BTreeSet;
use std::fs;

use super::Finding;
use crate::host::settings::Settings;
use crate::measure::machine::{self, Host};

const CPU: &str = "/sys/devices/system/cpu";
/// `1` turns turbo off.
const NO_TURBO: &str = "/sys/devices/system/cpu/intel_pstate/no_turbo";
/// `0` turns it off; where the driver is another than Intel's.
const BOOST: &str = "/sys/devices/system/cpu/cpufreq/boost";

pub(super) fn look(host: &Host, settings: &Settings) -> Vec<Finding> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let online = machine::online_cores();
    let allowed = allowed(&status).unwrap_or(online);
    let siblings = cores_by_siblings();
    let threads = settings.threads.iter().copied().max().unwrap_or(online);
    let mut findings = vec![
        cores(online, allowed, host.cores),
        smt(read(&format!("{CPU}/smt/active")).as_deref(), online, siblings, threads),
    ];
    let frequency = frequency_of(host);
    if frequency.is_empty() {
        let means = "whether the clock rate changes during a run cannot be seen, nor set";
        findings.push(Finding::caution("clock rate", "neither governor nor turbo is shown", means));
    }
    findings.extend(frequency);
    findings
}

/// Governor and turbo, as far as the machine shows them.
pub(super) fn frequency_of(host: &Host) -> Vec<Finding> {
    let turbo = read(NO_TURBO).map(|off| Turbo { on: off == "0", switch: NO_TURBO, off: "1" });
    let boost = || read(BOOST).map(|on| Turbo { on: on == "1", switch: BOOST, off: "0" });
    frequency(host.governor.as_deref(), turbo.or_else(boost))
}

#[derive(Debug, Clone, Copy)]
struct Turbo {
    on: bool,
    /// The file that turns it off, and what is written there.
    switch: &'static str,
    off: &'static str,
}

fn cores(online: usize, allowed: usize, usable: usize) -> Finding {
    const NAME: &str = "processors";
    if usable < allowed {
        let seen = format!("{online} online, but a quota of the cgroup gives time of {usable}");
        let means = "an engine that used up its quota stands still for up to 100 ms in the middle of a query";
        return Finding::caution(NAME, seen, means)
            .remedy("give the container whole processors instead of a quota: docker run --cpuset-cpus 0-3");
    }
    if usable == 1 {
        let means = "the engine shares it with the harness and the system, so times scatter";
        return Finding::caution(NAME, format!("1 of {online}"), means)
            .remedy("a machine, or an affinity, of 2 processors or more");
    }
    let means = if allowed < online {
        format!("engines get {usable} threads, and variants say so: -{usable}t")
    } else {
        format!("engines get {usable} threads unless told otherwise")
    };
    let by = if allowed < online { ", by affinity" } else { "" };
    Finding::good(NAME, format!("{usable} of {online}{by}"), means)
}

fn smt(active: Option<&str>, online: usize, cores: Option<usize>, threads: usize) -> Finding {
    const NAME: &str = "SMT";
    let cores = cores.filter(|cores| *cores < online);
    let Some(cores) = cores.filter(|_| active == Some("1")) else {
        // A hypervisor that shows none says the same as a machine where it is off.
        let seen = if active == Some("0") { "not active" } else { "not shown" };
        return Finding::good(NAME, seen, "each processor counts as a core of its own");
    };
    let seen = format!("on: {online} processors on {cores} cores");
    if threads <= cores {
        return Finding::good(NAME, seen, format!("{threads} threads have a core each"));
    }
    let means = format!("of {threads} threads some share a core: twice the threads is not twice the processor");
    Finding::caution(NAME, seen, means)
        .remedy(format!("QUERYDYNO_THREADS={cores}, or: echo off | sudo tee {CPU}/smt/control"))
}

fn frequency(governor: Option<&str>, turbo: Option<Turbo>) -> Vec<Finding> {
    let governor = governor.map(|governor| {
        const NAME: &str = "governor";
        let seen = format!("frequency governor {governor}");
        if governor == "performance" {
            return Finding::good(NAME, seen, "the clock rate does not wait for load");
        }
        Finding::caution(NAME, seen, "the clock rate follows the load: short queries run below full speed")
            .remedy(format!("echo performance | sudo tee {CPU}/cpu*/cpufreq/scaling_governor"))
    });
    let turbo = turbo.map(|turbo| {
        const NAME: &str = "turbo";
        if !turbo.on {
            return Finding::good(NAME, "turbo off", "the clock rate does not depend on heat");
        }
        Finding::caution(NAME, "turbo on", "the clock rate falls as the processor warms up and more cores work")
            .remedy(format!("echo {} | sudo tee {}", turbo.off, turbo.switch))
    });
    governor.into_iter().chain(turbo).collect()
}

/// Processors that affinity leaves to this process, from the text of `/proc/self/status`.
fn allowed(status: &str) -> Option<usize> {
    named_in(status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?.trim())
}

/// How many a list such as `0-3,8` names.
fn named_in(list: &str) -> Option<usize> {
    let count = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
        (to + 1).checked_sub(from)
    };
    list.split(',').map(count).sum()
}

/// Cores below the processors that are online: siblings name each other.
fn cores_by_siblings() -> Option<usize> {
    let folders = fs::read_dir(CPU).ok()?.flatten();
    let siblings: BTreeSet<String> = folders
        .filter_map(|folder| fs::read_to_string(folder.path().join("topology/thread_siblings_list")).ok())
        .collect();
    Some(siblings.len()).filter(|cores| *cores > 0)
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn affinity_is_counted_from_the_kernels_list() {
        let status = "Name:\tcat\nCpus_allowed:\tf0f\nCpus_allowed_list:\t0-3,8,10-11\nMems_allowed:\t1\n";
        assert_eq!(allowed(status), Some(7));
        assert_eq!(allowed("Cpus_allowed_list:\t5\n"), Some(1));
        for wrong in ["", "a", "3-1", "0-"] {
            assert_eq!(named_in(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_quota_is_worse_than_an_affinity() {
        assert_eq!(cores(16, 16, 4).state, State::Caution);
        let pinned = cores(16, 4, 4);
        assert_eq!(pinned.state, State::Good);
        assert!(pinned.means.contains("-4t"), "{}", pinned.means);
        assert_eq!(cores(2, 2, 2).state, State::Good);
        assert_eq!(cores(1, 1, 1).state, State::Caution);
    }

    #[test]
    fn smt_matters_when_there_are_more_threads_than_cores() {
        assert_eq!(smt(Some("1"), 16, Some(8), 8).state, State::Good);
        let shared = smt(Some("1"), 16, Some(8), 16);
        assert_eq!(shared.state, State::Caution);
        assert!(shared.remedy.unwrap().starts_with("QUERYDYNO_THREADS=8"));
        assert_eq!(smt(Some("0"), 2, Some(2), 2).seen, "not active");
        assert_eq!(smt(None, 2, None, 2).seen, "not shown");
    }

    #[test]
    fn frequency_cautions_where_the_clock_rate_changes() {
        let turbo = |on| Some(Turbo { on, switch: NO_TURBO, off: "1" });
        let states = |governor, turbo| -> Vec<State> {
            frequency(governor, turbo).into_iter().map(|finding| finding.state).collect()
        };
        assert_eq!(states(None, None), []);
        assert_eq!(states(Some("performance"), turbo(false)), [State::Good, State::Good]);
        assert_eq!(states(Some("powersave"), turbo(true)), [State::Caution, State::Caution]);
        assert_eq!(states(Some("performance"), None), [State::Good]);
        let remedy = frequency(None, turbo(true)).remove(0).remedy.unwrap();
        assert_eq!(remedy, "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo");
    }
}

//! A process and all that it started: what is measured of an engine that forks.

use std::fs;

/// The process and its descendants, itself first. Processes that left their parent (daemons) are not found.
pub fn of(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children(*pid));
        next += 1;
    }
    found
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let of_thread = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children")).unwrap_or_default();
    let lists: Vec<String> = threads.flatten().map(of_thread).collect();
    lists.iter().flat_map(|list| list.split_whitespace()).filter_map(|pid| pid.parse().ok()).collect()
}

/// CPU time of a process and its descendants, in nanoseconds to a hundredth of a second; `None` when the kernel does not tell.
pub fn cpu_ns(tree: &[u32]) -> Option<u64> {
    let own = times(*tree.first()?)?.own;
    Some(children_cpu_ns(tree)? + own * (1_000_000_000 / TICKS_PER_SECOND))
}

/// CPU time of a process's descendants, in nanoseconds to a hundredth of a second: those that it waited for, and those
/// that run. Its own is not in it; `None` when the kernel does not tell.
pub fn children_cpu_ns(tree: &[u32]) -> Option<u64> {
    let (leader, others) = tree.split_first()?;
    let mut ticks = times(*leader)?.waited_for;
    for pid in others {
        // One that has just ended is counted by its parent.
        let times = times(*pid).unwrap_or_default();
        ticks += times.own + times.waited_for;
    }
    Some(ticks * (1_000_000_000 / TICKS_PER_SECOND))
}

/// The unit of times in `/proc`, which is the same on every Linux that this runs on.
const TICKS_PER_SECOND: u64 = 100;

#[derive(Debug, Default, PartialEq, Eq)]
struct Times {
    own: u64,
    waited_for: u64,
}

fn times(pid: u32) -> Option<Times> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &str) -> Option<Times> {
    // A program's name, in parentheses, may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number)?.parse::<u64>().ok();
    Some(Times { own: field(11)? + field(12)?, waited_for: field(13)? + field(14)? })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_child_is_found_and_gone_again() {
        let own = std::process::id();
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        assert!(of(own).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!of(own).contains(&child.id()));
        assert_eq!(of(own)[0], own);
    }

    #[test]
    fn times_are_read_whatever_the_program_is_called() {
        let text = "7 (a (b) c) S 1 7 7 0 -1 4194304 93 5 0 0 11 12 13 14 20 0 1 0 100 0 0";
        assert_eq!(parse_stat(text), Some(Times { own: 23, waited_for: 27 }));
        assert_eq!(parse_stat("7 (a) S"), None);
        let own = [std::process::id()];
        assert!(cpu_ns(&own).unwrap() >= children_cpu_ns(&own).unwrap());
    }
}

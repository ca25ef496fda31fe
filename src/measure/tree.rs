//! A process and all that it started: what is measured of an engine that forks, and of a server of several processes.

use std::fs;

/// The process and its descendants, itself first. Processes that left their parent (daemons) are not found.
pub fn of(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    add_descendants(&mut found);
    found
}

/// All processes of a server: these, their descendants, and whoever is in the session of one of these that leads it, such as a
/// child whose parent has ended. In that order, each once.
pub fn of_server(roots: &[u32]) -> Vec<u32> {
    let mut found = roots.to_vec();
    add_descendants(&mut found);
    let leads = |root: &&u32| look(**root).is_some_and(|process| process.session == **root);
    let leaders: Vec<u32> = roots.iter().filter(leads).copied().collect();
    for pid in all() {
        let is_of_them = || look(pid).is_some_and(|process| leaders.contains(&process.session));
        if !leaders.is_empty() && !found.contains(&pid) && is_of_them() {
            found.push(pid);
        }
    }
    found
}

fn add_descendants(found: &mut Vec<u32>) {
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        let new: Vec<u32> = children(*pid).into_iter().filter(|child| !found.contains(child)).collect();
        found.extend(new);
        next += 1;
    }
}

/// The numbers of all processes of this machine that can be seen.
pub fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let of_thread = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children")).unwrap_or_default();
    let lists: Vec<String> = threads.flatten().map(of_thread).collect();
    lists.iter().flat_map(|list| list.split_whitespace()).filter_map(|pid| pid.parse().ok()).collect()
}

/// CPU time of these processes, a process and its descendants or all of a server, in nanoseconds to a hundredth of a second: their own,
/// and that of children that they waited for. `None` when the kernel does not tell.
pub fn cpu_ns(tree: &[u32]) -> Option<u64> {
    let own = look(*tree.first()?)?.own_ticks;
    Some(children_cpu_ns(tree)? + own * (1_000_000_000 / TICKS_PER_SECOND))
}

/// CPU time of a process's descendants, in nanoseconds to a hundredth of a second: those that it waited for, and those
/// that run. Its own is not in it; `None` when the kernel does not tell.
pub fn children_cpu_ns(tree: &[u32]) -> Option<u64> {
    let (leader, others) = tree.split_first()?;
    let mut ticks = look(*leader)?.waited_for_ticks;
    for pid in others {
        // One that has just ended is counted by its parent.
        ticks += look(*pid).map_or(0, |process| process.own_ticks + process.waited_for_ticks);
    }
    Some(ticks * (1_000_000_000 / TICKS_PER_SECOND))
}

/// The unit of times in `/proc`, which is the same on every Linux that this runs on.
const TICKS_PER_SECOND: u64 = 100;

/// What the kernel says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Nobody has heard of its end yet, but it runs no more.
    pub ended: bool,
    /// A signal or a debugger has stopped it.
    pub stopped: bool,
    /// The number of the process that leads its session.
    pub session: u32,
    /// When it was started, in ticks since the boot.
    pub started_ticks: u64,
    own_ticks: u64,
    waited_for_ticks: u64,
}

/// Looks at a process; `None` when there is none of that number.
pub fn look(pid: u32) -> Option<Process> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Whether the process of this number runs that was started then, and not another that got its number since.
pub fn runs_since(pid: u32, started_ticks: u64) -> bool {
    look(pid).is_some_and(|now| now.started_ticks == started_ticks && !now.ended)
}

fn parse_stat(text: &str) -> Option<Process> {
    // A program's name, in parentheses, may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number)?.parse::<u64>().ok();
    let state = *fields.first()?;
    Some(Process {
        ended: matches!(state, "Z" | "X"),
        stopped: matches!(state, "T" | "t"),
        session: u32::try_from(field(3)?).ok()?,
        started_ticks: field(19)?,
        own_ticks: field(11)? + field(12)?,
        waited_for_ticks: field(13)? + field(14)?,
    })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

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
    fn of_server_has_every_process_of_every_root_and_no_other() {
        // Each starts a child that is waited for and one whose parent has ended, and works a little.
        let script = "sh -c 'sleep 1000 & echo $!'; sleep 1000 & echo $!; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo worked; wait";
        let start = || {
            let mut server = Command::new("setsid");
            server.args(["sh", "-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
            let mut server = server.spawn().unwrap();
            let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map(Result::unwrap);
            let orphan: u32 = lines.next().unwrap().parse().unwrap();
            let child: u32 = lines.next().unwrap().parse().unwrap();
            assert_eq!(lines.next().unwrap(), "worked");
            (server, orphan, child)
        };
        let mut bystander = Command::new("sleep").arg("1000").spawn().unwrap();
        let mut servers = [start(), start()];
        let roots = servers.each_ref().map(|(server, _, _)| server.id());
        let found = of_server(&roots);
        assert_eq!(found[..2], roots);
        let mut wanted: Vec<u32> = roots.to_vec();
        wanted.extend(servers.iter().flat_map(|(_, orphan, child)| [*orphan, *child]));
        let sorted = |mut pids: Vec<u32>| {
            pids.sort_unstable();
            pids
        };
        assert_eq!(sorted(found.clone()), sorted(wanted.clone()));
        assert!(!of(roots[0]).contains(&servers[0].1), "a child without its parent is in no tree");
        // The sums are over all of them.
        let each: u64 = wanted.iter().map(|pid| cpu_ns(&[*pid]).unwrap()).sum();
        assert_eq!(cpu_ns(&found), Some(each));
        assert!(each > 0);
        for pid in found {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
        for (server, _, _) in &mut servers {
            server.wait().unwrap();
        }
        bystander.kill().unwrap();
        bystander.wait().unwrap();
    }

    #[test]
    fn times_are_read_whatever_the_program_is_called() {
        let text =
            |state: &str| format!("7 (a (b) c) {state} 1 7 5 0 -1 4194304 93 5 0 0 11 12 13 14 20 0 1 0 4711 99 0");
        let sleeps = Process {
            ended: false,
            stopped: false,
            session: 5,
            started_ticks: 4711,
            own_ticks: 23,
            waited_for_ticks: 27,
        };
        assert_eq!(parse_stat(&text("S")), Some(sleeps));
        assert_eq!(parse_stat(&text("Z")), Some(Process { ended: true, ..sleeps }));
        assert_eq!(parse_stat(&text("T")), Some(Process { stopped: true, ..sleeps }));
        assert_eq!(parse_stat("7 (a) S 1"), None);
        let own = [std::process::id()];
        assert!(cpu_ns(&own).unwrap() >= children_cpu_ns(&own).unwrap());
    }
}

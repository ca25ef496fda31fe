//! Where a server's memory, CPU time and bytes can be read: its processes on this machine.

use std::fs;
use std::path::Path;

use super::plan::Configuration;
use super::process::PidFile;
use super::started::Started;
use super::{cluster, ports};
use crate::host::paths;
use crate::protocol::engine::Server;

/// A server's processes on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The processes that all others of it come from: [`tree::of_server`](crate::measure::tree::of_server).
    Server(Vec<u32>),
    /// The first process of a container, whose memory its control group tells.
    Container(u32),
}

/// The process of a native server that we started and that lives, if it was started on that port; `home` is where servers are
/// kept.
pub fn server_pid_in(home: &Path, name: &str, port: u16) -> Option<u32> {
    kept_in(home, name, port).map(|kept| kept.pid())
}

/// Every process of such a server that runs.
pub fn server_processes_in(home: &Path, name: &str, port: u16) -> Vec<u32> {
    kept_in(home, name, port).map(|kept| kept.processes(&home.join(name))).unwrap_or_default()
}

/// The processes that such a server was started as.
pub(super) fn roots_in(home: &Path, name: &str, port: u16) -> Option<Vec<u32>> {
    kept_in(home, name, port).map(|kept| kept.pids())
}

/// Whether such a server has its work done by processes that somebody else started, wherever they are.
pub(super) fn works_elsewhere(home: &Path, name: &str, port: u16) -> bool {
    let configuration = kept_in(home, name, port).and_then(|_| Configuration::read(&home.join(name)));
    configuration.is_some_and(|configuration| cluster::is_elsewhere(&configuration))
}

/// The threads for queries that a server was started with which is an engine on this machine, where we started it. Not every server tells
/// that to its clients.
pub(crate) fn threads_of(server: &Server) -> Option<usize> {
    let home = paths::own("services");
    kept_in(&home, &server.service, server.port).filter(|_| server.local)?;
    let folder = home.join(&server.service);
    // A cluster has executors instead.
    let configuration = Configuration::read(&folder)?;
    let alone = configuration.is_told() && !configuration.settings.contains_key(cluster::EXECUTORS);
    let started = Started::read(&folder).filter(|_| alone)?;
    if let [threads] = started.threads[..] { Some(threads) } else { None }
}

pub(super) fn kept_in(home: &Path, name: &str, port: u16) -> Option<PidFile> {
    PidFile::read(&home.join(name)).filter(|kept| kept.port == port && kept.lives())
}

/// The process that listens on the port, where it is a server that does all its work in that process. Any other may pass bytes on, and
/// would give its own small numbers.
pub(super) fn stranger_on(port: u16) -> Option<u32> {
    let pid = ports::owner(port)?.pid?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    does_its_own_work(name.trim(), &String::from_utf8_lossy(&command)).then_some(pid)
}

fn does_its_own_work(name: &str, command: &str) -> bool {
    const DATABASES: [&str; 2] = ["mariadbd", "mysqld"];
    let has = |word: &str| command.contains(word);
    // A coordinator of Trino, or a Spark that has a cluster, works elsewhere: only what says of itself that it does not is taken.
    DATABASES.contains(&name) || (has("SparkConnectServer") && has("local[")) || has("thunderduck-connect-server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_has_others_work_for_it_is_not_taken_for_its_work() {
        assert!(does_its_own_work("mariadbd", ""));
        assert!(does_its_own_work("java", "java\0-Dspark.master=local[2]\0org.apache.x.SparkConnectServer"));
        assert!(!does_its_own_work("java", "java\0--master\0spark://h:7077\0org.apache.x.SparkConnectServer"));
        assert!(does_its_own_work("java", "java\0-jar\0/x/thunderduck-connect-server-0.1.jar\x0015002"));
        assert!(!does_its_own_work("socat", "socat"));
        assert!(!does_its_own_work("java", "java\0io.trino.server.TrinoServer"));
    }
}

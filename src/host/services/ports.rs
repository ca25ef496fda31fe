//! Who listens on which port, from the kernel's tables in `/proc`. Nothing is connected to.
//!
//! `cargo xtask services up hive` names whoever has the port.

use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

/// A listening socket's state in the kernel's table.
const LISTENS: &str = "0A";
/// Characters of a command that are shown.
const SHOWN: usize = 80;

/// A socket that waits for connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listener {
    /// On this port, of whatever address.
    pub(crate) port: u16,
    /// The user who opened it.
    uid: u32,
    /// The socket's number, which leads to its process.
    inode: u64,
}

/// Every listener here; `None` when the kernel does not tell.
pub(crate) fn listeners() -> Option<Vec<Listener>> {
    // Without IPv6 there is no second table.
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    tables[0].as_ref().ok()?;
    Some(tables.iter().flatten().flat_map(|table| parse(table)).collect())
}

pub(super) fn listens(port: u16) -> bool {
    listeners().unwrap_or_default().iter().any(|listener| listener.port == port)
}

/// A free port of this machine.
///
/// # Errors
/// When the system has none left.
pub(super) fn free() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Refuses a port that is taken.
///
/// # Errors
/// When it is, with the name of whoever has it and what to do.
pub(super) fn ensure_free(port: u16, variable: &str, service: &str) -> Result<()> {
    match owner(port) {
        Some(owner) => bail!(
            "port {port} is taken by {owner}: stop that, or choose another port, for example {variable}={} cargo xtask services up {service}",
            port.saturating_add(10_000)
        ),
        None => Ok(()),
    }
}

/// Who has a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The process; `None` when only its own user or root can tell.
    pub pid: Option<u32>,
    /// Its command, shortened; without a process, whose it is.
    pub command: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid} ({})", self.command),
            None => f.write_str(&self.command),
        }
    }
}

/// Who listens on the port; `None` when nobody does.
pub fn owner(port: u16) -> Option<Owner> {
    let listener = listeners()?.into_iter().find(|listener| listener.port == port)?;
    let Some(pid) = process_of(listener.inode) else {
        let command = format!("a process of user {}, which that user or root can name", listener.uid);
        return Some(Owner { pid: None, command });
    };
    Some(Owner { pid: Some(pid), command: command_of(pid) })
}

/// The process that has the socket open, if we may look.
fn process_of(inode: u64) -> Option<u32> {
    let socket = format!("socket:[{inode}]");
    let has = |pid: &u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|file| fs::read_link(file.path()).ok()).any(|target| target.as_os_str() == socket.as_str())
    };
    fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(has)
}

/// The command line, cut; a process that hides it has at least a name.
fn command_of(pid: u32) -> String {
    let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let words = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
    let name = String::from_utf8_lossy(&read("comm")).into_owned();
    let command = if words.trim().is_empty() { name } else { words };
    let command = command.trim();
    if command.chars().count() <= SHOWN {
        return command.to_owned();
    }
    command.chars().take(SHOWN).chain("...".chars()).collect()
}

/// Listeners in the text of `/proc/net/tcp` or `tcp6`.
fn parse(table: &str) -> impl Iterator<Item = Listener> {
    table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, uid, _, inode, ..] = *fields else { return None };
        let port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
        (state == LISTENS).then_some(Listener { port, uid: uid.parse().ok()?, inode: inode.parse().ok()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
        0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0 100 0 0 10 0\n   \
        1: 0100007F:2346 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 12346 1 0 20 4 30 10 -1\n";
    const TCP6: &str = "  sl  local_address                         remote_address                        st tx_queue\n   \
        0: 00000000000000000000000000000000:3A9A 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 \
        00000000     0        0 777 1 0 100 0 0 10 0\n";

    #[test]
    fn a_listener_takes_a_port_and_a_connection_does_not() {
        assert_eq!(parse(TCP).collect::<Vec<_>>(), [Listener { port: 8080, uid: 1000, inode: 12345 }]);
        assert_eq!(parse(TCP6).collect::<Vec<_>>(), [Listener { port: 15002, uid: 0, inode: 777 }]);
    }

    #[test]
    fn a_port_of_this_process_is_its_own_and_a_closed_one_nobodys() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let owner = owner(port).unwrap();
        assert_eq!(owner.pid, Some(std::process::id()));
        assert!(listens(port) && owner.to_string().contains(&std::process::id().to_string()), "{owner}");
        let refused = ensure_free(port, "HIVE_PORT", "hive").unwrap_err().to_string();
        assert!(refused.contains(&owner.to_string()) && refused.contains("HIVE_PORT="), "{refused}");
        drop(socket);
        assert!(ensure_free(port, "HIVE_PORT", "hive").is_ok());
    }

    #[test]
    fn a_long_command_is_cut() {
        let mut child = std::process::Command::new("sleep").args(["1000", &"0".repeat(200)]).spawn().unwrap();
        // Between fork and exec it is still called as we are.
        let command = loop {
            let command = command_of(child.id());
            if command.starts_with("sleep 1") {
                break command;
            }
        };
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(command.starts_with("sleep 1000 000") && command.len() == SHOWN + 3, "{command}");
    }
}

//! The host's hold on the proxy between an engine and a store on S3: a program that counts, and charges what a network costs.
//!
//! It is no child of the engine's program: what it takes is not the engine's memory or CPU time.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::environment;
use super::failure::FailureKind;
use super::spawn::Program;
use crate::host::interrupt::Group;
use crate::protocol::network::{Network, Traffic};
use crate::protocol::s3::{Reply, Request};

/// A proxy that runs. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where it listens on this machine.
    pub(crate) port: u16,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    group: Group,
    child: Child,
}

impl Proxy {
    /// Starts `program` before the server `host:port`.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start(program: &Program, server: &str, network: &Network) -> Result<Self, FailureKind> {
        let failed = |error: String| FailureKind::NotStarted { program: program.path.display().to_string(), error };
        let mut command = Command::new(&program.path);
        environment::prepare(&mut command, std::env::vars_os());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let group = Group::new(child.id());
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("no pipes".to_owned()));
        };
        let mut proxy = Self { port: 0, pipes: Mutex::new((stdin, BufReader::new(stdout))), group, child };
        let request = Request::Proxy { server: server.to_owned(), network: network.clone() };
        proxy.port = match proxy.ask(&request) {
            Some(Reply::Proxy { port }) => port,
            Some(Reply::Fail { message }) => return Err(failed(message)),
            other => return Err(failed(format!("asked for a proxy, it replied {other:?}"))),
        };
        Ok(proxy)
    }

    /// What went through it so far; unknown of one that is gone.
    pub(crate) fn traffic(&self) -> Option<Traffic> {
        match self.ask(&Request::Count {})? {
            Reply::Count { traffic } => Some(traffic),
            _ => None,
        }
    }

    fn ask(&self, request: &Request) -> Option<Reply> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let line = serde_json::to_string(request).ok()? + "\n";
        pipes.0.write_all(line.as_bytes()).ok()?;
        let mut reply = String::new();
        pipes.1.read_line(&mut reply).ok()?;
        serde_json::from_str(&reply).ok()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.group.kill();
        // Or it stays in the table of processes.
        let _ = self.child.wait();
    }
}

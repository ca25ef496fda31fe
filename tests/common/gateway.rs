//! A gateway before a real server of HTTP, as load balancers are: it forwards what clients ask, and answers the first request of a kind
//! with a status of its own.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use querydyno::host::services::Port;

use crate::common::request::Asked;

/// What it does to the first request of a method that concerns a statement.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub method: &'static str,
    pub status: u16,
    /// Seconds that it wants to be left alone.
    pub retry_after: Option<u64>,
    /// Whether the server gets the request all the same, as when a gateway loses the answer.
    pub still_forwards: bool,
}

#[derive(Debug, Default)]
struct Seen {
    forwarded: Vec<String>,
    refused: usize,
}

/// It ends with the process.
pub struct Gateway {
    pub port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Gateway {
    /// Before the server at this port.
    pub fn before(server: &Port, rule: Rule) -> Self {
        let server = std::env::var(server.variable).ok().map_or(server.default, |port| port.parse().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let kept = Arc::clone(&seen);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let seen = Arc::clone(&kept);
                // A client that goes away is no business of the test's.
                thread::spawn(move || answer(client, server, rule, &seen).ok());
            }
        });
        Self { port, seen }
    }

    /// How many requests about statements the server got.
    pub fn forwarded(&self, method: &str) -> usize {
        self.seen.lock().unwrap().forwarded.iter().filter(|seen| *seen == method).count()
    }

    /// How many it answered itself.
    pub fn refused(&self) -> usize {
        self.seen.lock().unwrap().refused
    }
}

/// One request a connection.
fn answer(mut client: TcpStream, server: u16, rule: Rule, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let Some(asked) = Asked::read(&mut client)? else { return Ok(()) };
    let method = asked.first.split(' ').next().unwrap_or_default().to_owned();
    let is_statement = asked.first.contains("/v1/statement");
    let refuses = {
        let mut seen = seen.lock().unwrap();
        let refuses = is_statement && method == rule.method && seen.refused == 0;
        seen.refused += usize::from(refuses);
        if is_statement && (!refuses || rule.still_forwards) {
            seen.forwarded.push(method);
        }
        refuses
    };
    if refuses {
        if rule.still_forwards {
            asked.forward(server, &mut std::io::sink())?;
        }
        let after = rule.retry_after.map(|seconds| format!("Retry-After: {seconds}\r\n")).unwrap_or_default();
        write!(client, "HTTP/1.1 {} No\r\n{after}Content-Length: 0\r\nConnection: close\r\n\r\n", rule.status)?;
    } else {
        asked.forward(server, &mut client)?;
    }
    client.shutdown(Shutdown::Both)
}

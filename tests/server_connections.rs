//! The server among clients that mean no good: more connections than there may be, headers that never end, bodies without a length. They
//! are refused, and everybody else is answered. Needs the programs of the history and of the server.

mod common;

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::history::History;
use common::server::{Server, answer};
use rustix::process::{Resource, getrlimit, setrlimit};

/// What comes at once.
const CONNECTIONS: usize = 10_000;
/// What the server takes of it, unless told.
const TAKEN: usize = 4096;
/// How long a connection may say nothing.
const IDLE: Duration = Duration::from_secs(10);
/// What the server may have of memory.
const MEMORY_KIB: u64 = 300 << 10;

/// Whether this process may have so many files open, after it has raised its limit as far as it can.
fn may_open(files: usize) -> bool {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current.is_none_or(|most| most >= files as u64)
}

/// What the server's process has of memory, in KiB.
fn memory_kib(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What became of a connection that says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    Open,
    Refused,
    Closed,
}

fn became(stream: &mut TcpStream) -> Became {
    let mut head = [0; 64];
    match stream.read(&mut head) {
        Ok(read) if head[..read].starts_with(b"HTTP/1.1 503 ") => Became::Refused,
        Err(error) if error.kind() == ErrorKind::WouldBlock => Became::Open,
        Ok(_) | Err(_) => Became::Closed,
    }
}

#[test]
fn of_ten_thousand_connections_those_beyond_the_limit_are_refused_and_the_server_stays() {
    if !may_open(CONNECTIONS + 200) {
        let _ = writeln!(std::io::stderr(), "LEFT OUT: {CONNECTIONS} connections: this process may not open so many");
        return;
    }
    let Some(history) = History::new() else { return };
    let Some(mut server) = Server::start(history.folder.path(), &[], &[]) else { return };
    let before = server.get("/matrix").text();
    let began = Instant::now();
    let mut clients: Vec<TcpStream> = (0..CONNECTIONS).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    let took = began.elapsed();
    for client in &clients {
        client.set_nonblocking(true).unwrap();
    }
    let mut refused = 0;
    let mut open: Vec<usize> = (0..CONNECTIONS).collect();
    while open.len() > TAKEN && began.elapsed() < took + IDLE {
        open.retain(|client| {
            let became = became(&mut clients[*client]);
            refused += usize::from(became == Became::Refused);
            became == Became::Open
        });
        sleep(Duration::from_millis(10));
    }
    assert!(open.len() <= TAKEN, "{} are open", open.len());
    if took < IDLE / 2 {
        assert_eq!((refused, open.len()), (CONNECTIONS - TAKEN, TAKEN), "after {:?}", began.elapsed());
    } else {
        // The first have been let go before the last have come.
        let _ = writeln!(std::io::stderr(), "LEFT OUT: how many are refused: to connect took {took:?} on this machine");
    }
    let memory = memory_kib(&server);
    assert!(memory < MEMORY_KIB, "{memory} KiB");
    // Who says nothing is let go, and then there is room again, though the other side still holds on.
    while let Some(client) = open.last() {
        assert!(began.elapsed() < 4 * IDLE, "{} are still open", open.len());
        match became(&mut clients[*client]) {
            Became::Open => sleep(Duration::from_millis(50)),
            Became::Closed | Became::Refused => {
                open.pop();
            }
        }
    }
    assert!(server.child.try_wait().unwrap().is_none());
    let metrics = server.get("/metrics").text();
    let told = metrics.lines().find_map(|line| line.strip_prefix("querydyno_connections_refused_total "));
    assert_eq!(told, Some(refused.to_string().as_str()), "{metrics}");
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(server.get("/matrix").text(), before);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn headers_that_never_end_and_bodies_without_a_length_are_refused() {
    let Some(history) = History::empty() else { return };
    let Some(server) = Server::start(history.folder.path(), &["--max-body", "1", "--max-time", "2"], &[]) else {
        return;
    };
    let address = &server.address;
    // A byte now and then.
    let mut slow = server.connect();
    slow.set_nonblocking(true).unwrap();
    let began = Instant::now();
    let _ = slow.write_all(b"GET / HTTP/1.1\r\nHost: ");
    while became(&mut slow) == Became::Open {
        assert!(began.elapsed() < 2 * IDLE, "it is still open");
        let _ = slow.write_all(b"a");
        sleep(Duration::from_millis(200));
    }
    assert!(began.elapsed() > IDLE / 2, "{:?}", began.elapsed());
    // More than headers may have.
    let mut large = server.connect();
    let head =
        format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nX-Much: {}\r\n\r\n", "a".repeat(1 << 20));
    let _ = large.write_all(head.as_bytes());
    if let Some(answer) = answer(&mut large) {
        assert_eq!(answer.status, 431, "{}", answer.head);
    }
    // A body that does not say how long it is.
    let head = format!(
        "POST /api/v1/results HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    );
    let mut endless = server.connect();
    endless.write_all(head.as_bytes()).unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(1 << 16));
    // It is told while it sends, and cut off at last.
    let sent = (0..10_000).take_while(|_| endless.write_all(chunk.as_bytes()).is_ok()).count();
    assert!(sent < 10_000, "it took {sent} chunks");
    if let Some(answer) = answer(&mut endless) {
        assert_eq!((answer.status, answer.problem().as_str()), (413, "too-large"));
    }
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(server.results(), 0);
}

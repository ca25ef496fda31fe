//! The real program that serves a history, and requests to it as bytes on a socket.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use querydyno::host::catalog::Recipe;
use querydyno::host::paths::root;
use querydyno::host::settings::Settings;
use serde_json::Value;

use super::slow;

/// The program, where it was built; otherwise it is built where slow tests are wanted.
pub fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let recipe = Recipe::server(&Settings::read().unwrap()).unwrap();
        let may = recipe.program().path.is_file() || slow::wanted("tests of the server, whose program is not built");
        may.then(|| recipe.build().unwrap().path)
    };
    PROGRAM.get_or_init(find).as_deref()
}

/// A server of the history in a folder, on a port that was free.
pub struct Server {
    pub child: Child,
    pub address: String,
    _stdout: BufReader<ChildStdout>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The problem's kind, of a response that is one.
    pub fn problem(&self) -> String {
        assert!(self.head.to_lowercase().contains("application/problem+json"), "{}", self.head);
        let kind = self.json()["type"].as_str().unwrap().to_owned();
        kind.strip_prefix("/api#problem-").unwrap().to_owned()
    }
}

/// The command that serves the home in this folder.
pub fn command(home: &Path, arguments: &[&str]) -> Option<Command> {
    let mut command = Command::new(program()?);
    command
        .args(arguments)
        .env("QUERYDYNO_HOME", home)
        .env_remove("QUERYDYNO_HISTORY")
        .env_remove("BENCHMARK_DB_PATH")
        .env_remove("QUERYDYNO_TOKEN")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Some(command)
}

impl Server {
    pub fn start(home: &Path, arguments: &[&str], env: &[(&str, &str)]) -> Option<Self> {
        let mut command = command(home, &[&["--port", "0"], arguments].concat())?;
        let mut child = command.envs(env.iter().copied()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.split_whitespace().next().and_then(|url| url.strip_prefix("http://"));
        let address = address.unwrap_or_else(|| panic!("it does not say where it listens: '{line}'")).to_owned();
        Some(Self { child, address, _stdout: stdout })
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream
    }

    /// A request with these headers, a line each; none where the server is gone before it answers.
    pub fn try_ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Option<Answer> {
        let mut stream = self.connect();
        let host = if headers.to_lowercase().contains("host:") {
            String::new()
        } else {
            format!("Host: {}\r\n", self.address)
        };
        let length = if method == "GET" { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let headers: String = headers.lines().flat_map(|line| [line, "\r\n"]).collect();
        let head = format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{length}{headers}\r\n");
        // Who is refused early is told before all is sent.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        answer(&mut stream)
    }

    pub fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        self.try_ask(method, path, headers, body).expect("no answer")
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", b"")
    }

    pub fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.ask("POST", path, "Content-Type: application/json", body)
    }

    pub fn sql(&self, sql: &str) -> Answer {
        self.post("/api/v1/sql", serde_json::json!({ "sql": sql }).to_string().as_bytes())
    }

    /// How many results there are.
    pub fn results(&self) -> u64 {
        self.sql("SELECT count(*) AS n FROM results").json()["rows"][0]["n"].as_u64().unwrap()
    }

    /// Waits until there are so many results; how long that took.
    pub fn until(&self, results: u64) -> Duration {
        let began = Instant::now();
        while self.results() != results {
            assert!(began.elapsed() < Duration::from_secs(20), "{} results, not {results}", self.results());
            std::thread::sleep(Duration::from_millis(50));
        }
        began.elapsed()
    }

    /// Ends it as `kill` does; its exit code.
    pub fn end(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a response to the end of the connection.
pub fn answer(stream: &mut TcpStream) -> Option<Answer> {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    let end = all.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&all[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let mut body = all[end + 4..].to_vec();
    if head.to_lowercase().contains("transfer-encoding: chunked") {
        body = chunks(&body);
    }
    Some(Answer { status, head, body })
}

fn chunks(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|bytes| bytes == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap().trim(), 16).unwrap();
        if length == 0 {
            break;
        }
        whole.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 4 + length..];
    }
    whole
}

/// A record of today's schema, of a run of this name and of so many seconds past noon.
pub fn record(run: &str, second: u32) -> Value {
    let text = std::fs::read_to_string(root().join("tests/records/measured.json")).unwrap();
    let mut record: Value = serde_json::from_str(&text).unwrap();
    record["run_id"] = run.into();
    record["started_at"] = format!("2026-11-27T12:00:{second:02}.000Z").into();
    record
}

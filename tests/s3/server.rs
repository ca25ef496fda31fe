//! A server that speaks S3, versitygw, with a folder of its own, and its own account of what it was asked.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use querydyno::host::paths;
use querydyno::protocol::s3::{Access, Secret};
use tempfile::TempDir;

/// By whom the host's own requests are, which no engine made.
const HOST: &str = "querydyno-s3";

pub fn left_out(why: &str) {
    let _ = writeln!(std::io::stderr(), "LEFT OUT: {why}");
}

/// One that runs, with the bucket `bench`.
pub struct Server {
    running: Option<Running>,
    port: u16,
    folder: TempDir,
    id: String,
    secret: String,
    /// Bytes that it says it has read for clients.
    bytes: Arc<AtomicU64>,
    /// What of these and of its log is of before.
    forgotten: (usize, u64),
}

/// Ends the server when it is dropped.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    pub fn start(test: &str) -> Option<Self> {
        let Some(program) = program() else {
            left_out(&format!("{test}: versitygw is not here: cargo xtask services up s3 compiles it"));
            return None;
        };
        let folder = TempDir::new().unwrap();
        fs::create_dir_all(folder.path().join("data/bench")).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        // It counts by datagrams of the protocol StatsD: `versitygw.bytes_read,...:45590|c`.
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let counters = socket.local_addr().unwrap();
        let bytes: Arc<AtomicU64> = Arc::default();
        thread::spawn({
            let bytes = Arc::clone(&bytes);
            move || count(&socket, &bytes)
        });
        let process = std::process::id();
        let (id, secret) = (format!("id-of-{process}-{port}"), format!("secret-of-{process}-{port}"));
        let child = Command::new(program)
            .args(["--port", &format!("127.0.0.1:{port}"), "--keep-alive", "--quiet", "--health", "/-/health"])
            .arg("--access-log")
            .arg(folder.path().join("access.log"))
            .args(["--metrics-statsd-servers", &counters.to_string(), "posix"])
            .arg(folder.path().join("data"))
            .env("ROOT_ACCESS_KEY_ID", &id)
            .env("ROOT_SECRET_ACCESS_KEY", &secret)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let running = Some(Running(child));
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < deadline, "versitygw does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        Some(Self { running, port, folder, id, secret, bytes, forgotten: (0, 0) })
    }

    pub fn access(&self) -> Access {
        Access {
            endpoint: Some(format!("http://127.0.0.1:{}", self.port)),
            region: "us-east-1".to_owned(),
            path_style: true,
            access_key_id: Secret::new(&self.id),
            secret_access_key: Secret::new(&self.secret),
            session_token: None,
        }
    }

    /// Where buckets are folders.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Lets somebody else end it.
    pub fn hand_over(&mut self) -> Option<Running> {
        self.running.take()
    }

    /// The lines of its log with this text.
    pub fn requests(&self, text: &str) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default();
        log.lines().skip(1).filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    /// Counts from here on.
    pub fn forget(&mut self) {
        settle(|| self.requests("").len() as u64 + self.bytes.load(Ordering::Relaxed));
        self.forgotten = (self.of_engines(), self.bytes.load(Ordering::Relaxed));
    }

    /// Requests of engines by its log, and bytes that it sent by its counters, which a few hundred of manifests are among.
    pub fn counted(&self) -> (u64, u64) {
        settle(|| self.requests("").len() as u64 + self.bytes.load(Ordering::Relaxed));
        let requests = self.of_engines() - self.forgotten.0;
        (requests as u64, self.bytes.load(Ordering::Relaxed) - self.forgotten.1)
    }

    fn of_engines(&self) -> usize {
        self.requests(" s3_").iter().filter(|line| !line.contains(HOST)).count()
    }
}

/// Waits until a number stays what it is: the server counts a moment later.
fn settle(number: impl Fn() -> u64) {
    let mut before = u64::MAX;
    while number() != before {
        before = number();
        thread::sleep(Duration::from_millis(150));
    }
}

fn count(socket: &UdpSocket, bytes: &AtomicU64) {
    let mut datagram = vec![0; 65_536];
    while let Ok(length) = socket.recv(&mut datagram) {
        for line in String::from_utf8_lossy(&datagram[..length]).lines() {
            let told = line.strip_prefix("versitygw.bytes_read,").and_then(|line| line.rsplit_once(':'));
            let number = told.and_then(|(_, number)| number.strip_suffix("|c")?.parse::<u64>().ok());
            bytes.fetch_add(number.unwrap_or_default(), Ordering::Relaxed);
        }
    }
}

fn program() -> Option<PathBuf> {
    let compiled = paths::own("services").join("versitygw-1.8.0/versitygw");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("versitygw"));
    found.chain([compiled]).find(|file: &PathBuf| Path::is_file(file))
}

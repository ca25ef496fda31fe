//! The engine `mysql` against a real MariaDB that the test starts in a folder of its own: every query of TPC-H, and all
//! that goes wrong between a client and a server. Left out and named where MariaDB is not installed, or the program not built.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use common::{Bench, assert_verified, entry, processes_with, program, query, real, session, text};
use querydyno::host::paths::root;
use querydyno::host::session::{FailureKind, Session};
use querydyno::protocol::answer::Shown;
use tempfile::TempDir;

const PASSWORD: &str = "the-Right-0ne-5e1f";
const WRONG_PASSWORD: &str = "a-Wr0ng-one-77c2";
/// What only the text of q10 says, and no statement that loads.
const IN_Q10: &[u8] = b"sum(l_extendedprice";
/// So much of q10's answer, which has 20 rows and about 4 kB.
const PART_OF_Q10: usize = 1500;

/// Hours of work for a server: 240 rows to the power of six.
const SLOW: &str = "SELECT count(*) FROM {table} a CROSS JOIN {table} b CROSS JOIN {table} c \
                    CROSS JOIN {table} d CROSS JOIN {table} e CROSS JOIN {table} f";
/// How many such queries the server works on, apart from this one.
const AT_WORK: &str = "SELECT count(*) FROM information_schema.processlist \
                       WHERE info LIKE '%t_orders e CROSS JOIN%' AND id <> CONNECTION_ID()";

/// A MariaDB of this test, gone with it.
struct Server {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    /// None where MariaDB is not installed.
    fn start() -> Option<Self> {
        let (Some(install), Some(server)) = (installed("mariadb-install-db"), installed("mariadbd")) else {
            let _ = writeln!(std::io::stderr(), "LEFT OUT: there is no MariaDB; apt-get install mariadb-server");
            return None;
        };
        common::built("mysql")?;
        let folder = TempDir::new().unwrap();
        let data = format!("--datadir={}", folder.path().join("data").display());
        let user = is_root().then_some("--user=root");
        let made = Command::new(install)
            .args(["--no-defaults", &data, "--auth-root-authentication-method=normal", "--skip-test-db"])
            .args(user)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", text(&made));
        let init = folder.path().join("init.sql");
        let sql = format!(
            "CREATE USER querydyno@'%' IDENTIFIED BY '{PASSWORD}';\n\
             GRANT ALL ON `querydyno\\_%`.* TO querydyno@'%';\n"
        );
        fs::write(&init, sql).unwrap();
        let port = free_port();
        let process = Command::new(server)
            .args(["--no-defaults", &data, "--bind-address=127.0.0.1", "--skip-name-resolve"])
            .args(["--performance-schema=OFF", "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0"])
            .arg(format!("--port={port}"))
            .arg(format!("--socket={}", folder.path().join("socket").display()))
            .arg(format!("--pid-file={}", folder.path().join("pid").display()))
            .arg(format!("--init-file={}", init.display()))
            .args(user)
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self { process, port, folder };
        server.wait();
        Some(server)
    }

    /// Until it greets.
    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        let greets = |port: u16| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
            stream.read(&mut [0; 1]).ok().filter(|&bytes| bytes > 0)
        };
        while greets(self.port).is_none() {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "MariaDB does not start:\n{}", log());
            assert!(self.process.try_wait().unwrap().is_none(), "MariaDB ended:\n{}", log());
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program on the PATH, or where Debian keeps servers.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// MariaDB wants to be told when it is to run as root.
fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    text(&id).trim() == "0"
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What happens to a connection in the middle of q10's answer.
#[derive(Clone, Copy)]
enum Fault {
    Cut,
    Stall,
}

/// Listens between a client and the server; gives its port. Its threads end with the test.
fn proxy(server: u16, fault: Fault) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
            let asked = Arc::new(AtomicBool::new(false));
            let (from, to, seen) = (client.try_clone().unwrap(), server.try_clone().unwrap(), asked.clone());
            thread::spawn(move || ask(from, to, &seen));
            thread::spawn(move || answer(server, client, &asked, fault));
        }
    });
    port
}

/// Passes on what the client says, and notes when it asks for q10.
fn ask(mut client: TcpStream, mut server: TcpStream, asked: &AtomicBool) {
    let (mut buffer, mut said) = ([0; 4096], Vec::new());
    while let Ok(bytes @ 1..) = client.read(&mut buffer) {
        said.extend_from_slice(&buffer[..bytes]);
        if said.windows(IN_Q10.len()).any(|part| part == IN_Q10) {
            asked.store(true, Ordering::SeqCst);
        }
        said.drain(..said.len().saturating_sub(IN_Q10.len()));
        if server.write_all(&buffer[..bytes]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}

/// Passes on what the server says, up to a part of its answer to q10.
fn answer(mut server: TcpStream, mut client: TcpStream, asked: &AtomicBool, fault: Fault) {
    let (mut buffer, mut left) = ([0; 4096], PART_OF_Q10);
    while let Ok(bytes @ 1..) = server.read(&mut buffer) {
        let mut passed = bytes;
        if asked.load(Ordering::SeqCst) {
            passed = bytes.min(left);
            left -= passed;
        }
        if client.write_all(&buffer[..passed]).is_err() {
            break;
        }
        if left == 0 && matches!(fault, Fault::Cut) {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}

/// An engine of this name, whose variables differ from those of the run.
fn mysql(name: &str, variables: &[(&str, &str)]) -> String {
    let mut program = program("mysql");
    program.env.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    entry(name, &program) + "dialect = 'mysql'\n"
}

#[test]
fn all_22_queries_are_verified_on_a_real_server() {
    let Some(server) = Server::start() else { return };
    let mut bench = Bench::cheap(&mysql("maria", &[]), "^maria/")
        .env("MYSQL_PORT", &server.port.to_string())
        .env("MYSQL_PASSWORD", PASSWORD);
    let output = bench.run();
    assert!(output.status.success(), "{}", text(&output));
    bench.assert_clean();
    let records = bench.records();
    assert_eq!(records.len(), 22);
    for record in &records {
        assert_verified(record);
        let version = record.engine.version.as_deref().unwrap();
        assert!(version.contains("MariaDB"), "{version}");
        assert_eq!(record.engine.settings["query_cache_type"], "OFF");
    }
}

#[test]
fn each_trouble_with_a_server_is_its_own_failure_and_no_password_is_seen() {
    let Some(server) = Server::start() else { return };
    let port = |port: u16| port.to_string();
    let nobody = port(free_port());
    let cut = port(proxy(server.port, Fault::Cut));
    let stall = port(proxy(server.port, Fault::Stall));
    let config = [
        mysql("refused", &[("MYSQL_PORT", &nobody)]),
        mysql("wrong", &[("MYSQL_PASSWORD", WRONG_PASSWORD)]),
        mysql("cut", &[("MYSQL_PORT", &cut)]),
        mysql("stall", &[("MYSQL_PORT", &stall)]),
        mysql("zmaria", &[]),
        entry("zarrow", &real()),
    ];
    let mut bench = Bench::cheap(&config.concat(), "^(refused|wrong|cut|stall|zmaria|zarrow)/q10/")
        .env("MYSQL_PORT", &port(server.port))
        .env("MYSQL_PASSWORD", PASSWORD)
        .env("QUERYDYNO_TIMEOUT", "10");
    let host = bench.spawn();
    let run = thread::spawn(move || host.wait_with_output().unwrap());
    let mut clients = 0;
    while !run.is_finished() {
        // Command lines, which everyone on a machine can read.
        for line in processes_with(&bench.mark) {
            assert_secret(&line);
            clients += usize::from(line.contains("querydyno-mysql"));
        }
        sleep(Duration::from_millis(20));
    }
    let output = run.join().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(clients > 0, "no client was seen");

    let told = |engine: &str, words: &[&str]| {
        let record = bench.record(engine);
        assert_eq!(record.outcome.word(), "failed", "{engine}: {:?}", record.reason());
        assert!(record.samples_ns().is_empty());
        let reason = record.reason().unwrap();
        assert!(words.iter().all(|word| reason.contains(word)), "{engine}: {reason}");
        record.failure().cloned().unwrap().kind
    };
    let engine = |kind: FailureKind| assert!(matches!(kind, FailureKind::Engine { .. }), "{kind}");
    engine(told("refused", &["no server answers at 127.0.0.1:", &nobody, "services up mariadb", "MYSQL_HOST"]));
    engine(told("wrong", &["does not let querydyno in", "Access denied", "MYSQL_PASSWORD"]));
    engine(told("cut", &["the connection to the server at 127.0.0.1:", &cut, "broke after", "rows of a result"]));
    let stalled = told("stall", &["no reply to", "QUERYDYNO_TIMEOUT"]);
    assert!(matches!(stalled, FailureKind::TimedOut { .. }), "{stalled}");
    for unaffected in ["zmaria", "zarrow"] {
        let record = bench.record(unaffected);
        assert_eq!(record.outcome.word(), "measured", "{:?}", record.reason());
        assert_verified(&record);
    }

    bench.assert_clean();
    assert_secret(&text(&output));
    let files = files_below(&bench.folder.path().join("target"));
    assert!(!files.is_empty());
    for file in files {
        assert_secret(&String::from_utf8_lossy(&fs::read(&file).unwrap()));
    }
}

#[test]
fn a_query_that_the_host_gave_up_ends_on_the_server_too() {
    let Some(server) = Server::start() else { return };
    let port = server.port.to_string();
    let mut client = program("mysql");
    client.env.insert("MYSQL_PORT".to_owned(), port.clone());
    client.env.insert("MYSQL_PASSWORD".to_owned(), PASSWORD.to_owned());
    let (mut watcher, _folder) = session(&client);
    let mut bench = Bench::new(&mysql("slow", &[]))
        .args(&["^slow/own-"])
        .env("TEST_WORKLOAD", "own")
        .env("TABLE_NAME", &root().join("tests/workload/data/orders.parquet").display().to_string())
        .env("QUERY", SLOW)
        .env("MYSQL_PORT", &port)
        .env("MYSQL_PASSWORD", PASSWORD)
        .env("QUERYDYNO_TIMEOUT", "4");
    let host = bench.spawn();
    let run = thread::spawn(move || host.wait_with_output().unwrap());
    let mut most = 0;
    while !run.is_finished() {
        most = at_work(&mut watcher).max(most);
        sleep(Duration::from_millis(50));
    }
    let output = run.join().unwrap();
    assert_eq!(most, 1, "{}", text(&output));
    let kind = bench.record("slow").failure().cloned().unwrap().kind;
    assert!(matches!(&kind, FailureKind::TimedOut { request, .. } if request == "run"), "{kind}");
    // MariaDB does not see that nobody waits for the answer any more: it was told how long it may take.
    let deadline = Instant::now() + Duration::from_secs(15);
    while at_work(&mut watcher) > 0 {
        assert!(Instant::now() < deadline, "the server goes on");
        sleep(Duration::from_millis(50));
    }
    bench.assert_clean();
}

fn at_work(watcher: &mut Session) -> u64 {
    watcher.prepare(&query(AT_WORK)).unwrap();
    watcher.run(1).unwrap();
    let Shown::Rows(answer) = watcher.answer().unwrap() else { panic!("a count is one row") };
    answer.rows[0][0].as_deref().unwrap().parse().unwrap()
}

fn assert_secret(shown: &str) {
    for password in [PASSWORD, WRONG_PASSWORD] {
        assert!(!shown.contains(password), "a password is shown: {shown}");
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

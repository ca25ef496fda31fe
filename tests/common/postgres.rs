//! A PostgreSQL of a test's own: started, asked, killed, gone with it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use querydyno::host::session::Program;
use tempfile::TempDir;

/// With what shells and addresses stumble over.
pub const PASSWORD: &str = r#"it's "secret" @/:\ 5e1f"#;

/// The server and its folder.
pub struct Postgres {
    process: Child,
    pub port: u16,
    pub folder: TempDir,
    programs: PathBuf,
    /// Whom it runs as where we are root.
    owner: Option<(u32, u32)>,
}

impl Postgres {
    /// None where it is not installed.
    pub fn start() -> Option<Self> {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let programs = versions.map(|version| version.path().join("bin")).find(|bin| bin.join("initdb").is_file());
        let Some(programs) = programs else {
            let _ = writeln!(std::io::stderr(), "LEFT OUT: there is no PostgreSQL; apt-get install postgresql");
            return None;
        };
        let folder = TempDir::new().unwrap();
        let owner = is_root().then(postgres_user);
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let password = folder.path().join("password");
        fs::write(&password, format!("{PASSWORD}\n")).unwrap();
        let mut install = command(&programs.join("initdb"), owner);
        install.arg("-D").arg(folder.path().join("data")).arg("--pwfile").arg(&password);
        install.args(["-U", "querydyno", "-E", "UTF8", "--locale=C", "--no-sync", "--auth=scram-sha-256"]);
        let made = install.output().unwrap();
        assert!(made.status.success(), "{}", said(&made));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = serve(&programs, owner, folder.path(), port);
        let server = Self { process, port, folder, programs, owner };
        server.wait();
        server.sql_in("postgres", "create database querydyno");
        Some(server)
    }

    /// Until it lets us in, after a fall too.
    pub fn wait(&self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !self.ask("postgres", "select 1").status.success() {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "PostgreSQL does not start:\n{}", log());
            sleep(Duration::from_millis(50));
        }
    }

    /// Kills all of it without a word.
    pub fn kill(&mut self) {
        // Its processes end with the first one.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            assert!(Instant::now() < deadline, "it is still there");
            sleep(Duration::from_millis(20));
        }
    }

    /// Starts it again, over what it left.
    pub fn restart(&mut self) {
        // What is left of the one before has to let go of the data first.
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            self.process = serve(&self.programs, self.owner, self.folder.path(), self.port);
            sleep(Duration::from_millis(300));
            if self.process.try_wait().unwrap().is_none() {
                break;
            }
            assert!(Instant::now() < deadline, "it does not start again");
        }
        self.wait();
    }

    /// What a statement gives, a line a row.
    pub fn sql(&self, text: &str) -> String {
        self.sql_in("querydyno", text)
    }

    fn sql_in(&self, database: &str, text: &str) -> String {
        let output = self.ask(database, text);
        assert!(output.status.success(), "{text}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
    }

    fn ask(&self, database: &str, text: &str) -> Output {
        psql(&self.programs.join("psql"), self.port, database, PASSWORD, text)
    }

    /// The program of the engine as it finds this server, with this password.
    pub fn client(&self, program: &Program, password: &str) -> Program {
        let mut program = program.clone();
        program.env.insert("POSTGRES_URL".to_owned(), String::new());
        program.env.insert("POSTGRES_PORT".to_owned(), self.port.to_string());
        program.env.insert("POSTGRES_PASSWORD".to_owned(), password.to_owned());
        program
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // At once, and with all its processes: what it holds goes with the folder.
        let _ = Command::new("kill").args(["-QUIT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

/// What a server on this machine answers to its user `querydyno`.
pub fn psql(program: &Path, port: u16, database: &str, password: &str, sql: &str) -> Output {
    let mut client = Command::new(program);
    client.args(["-XAtq", "-h", "127.0.0.1", "-U", "querydyno", "-d", database, "-p", &port.to_string(), "-c", sql]);
    client.env("PGPASSWORD", password).env("PGCONNECT_TIMEOUT", "5").output().unwrap()
}

fn serve(programs: &Path, owner: Option<(u32, u32)>, folder: &Path, port: u16) -> Child {
    let mut server = command(&programs.join("postgres"), owner);
    server.arg("-D").arg(folder.join("data")).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
    server.args(["-c", "unix_socket_directories=", "-c", "fsync=off"]);
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

fn command(program: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

pub fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").unwrap().lines().any(|line| line.starts_with("Uid:\t0\t"))
}

pub fn postgres_user() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).unwrap();
    let ids: Vec<u32> = line.split(':').skip(2).take(2).map(|id| id.parse().unwrap()).collect();
    (ids[0], ids[1])
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

//! A service with a target folder, a port and an environment of its own, for tests that start real servers.
//!
//! Each command runs in a process of its own, as `cargo xtask services` does: the test `the_command` of the same file.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::env;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use querydyno::host::services::{How, Service, Services, Status, server_pid_in, server_processes_in};
use querydyno::host::settings::Settings;
use tempfile::TempDir;

/// Of a server's user; with what SQL and shells stumble over.
pub const PASSWORD: &str = r#"it's "secret" \ $HOME"#;
/// What no log, file or process list may hold.
pub const SECRET: &str = r#""secret""#;

/// Before and behind what a command says.
const SAID: &str = "SAID ";

/// A port that nobody has, another one at each call. It is none that the kernel gives to connections and to servers that name none: a
/// test that runs beside this one could be given it before it is used.
fn free_port() -> u16 {
    const FIRST: u32 = 16_000;
    const ALL: u32 = 16_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let port = FIRST + (std::process::id().wrapping_mul(37) + NEXT.fetch_add(1, Ordering::Relaxed)) % ALL;
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Says what a test could not do here.
pub fn left_out(what: &str) {
    let _ = writeln!(std::io::stderr(), "LEFT OUT: {what}");
}

/// The services of this process's environment.
pub fn services() -> Services {
    Services::read(&Settings::read().unwrap()).unwrap()
}

/// Does what the environment says: the whole of the test `the_command`.
pub fn obey() {
    let Ok(words) = env::var("SERVICES_DO") else {
        return;
    };
    let (does, name) = words.split_once(' ').unwrap();
    let service: Service = name.parse().unwrap();
    let all = services();
    let said = match does {
        "up" => all.up(service, true).map(|up| format!("{} up before: {}", up.how.name(), up.was_up)),
        "status" => Ok(note(&all.status().into_iter().find(|status| status.service == service).unwrap())),
        _ => all.down(service).map(|how| format!("stopped: {}", how.map_or("nothing", How::name))),
    };
    println!("{SAID}{}{SAID}", said.unwrap_or_else(|error| format!("error: {error:#}")));
}

/// Its state, and what is said of it.
fn note(status: &Status) -> String {
    format!("{} {}", status.state.name(), status.note.clone().unwrap_or_default())
}

/// A target folder, free ports, and no server left when it goes.
pub struct Place {
    pub target: TempDir,
    pub service: Service,
    pub port: u16,
    further: Vec<(String, String)>,
}

impl Place {
    /// With these variables in the environment of its commands.
    pub fn with(service: Service, environment: &[(&str, &str)]) -> Self {
        let ports: Vec<u16> = service.ports().iter().map(|_| free_port()).collect();
        let own = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let further = service.ports().iter().zip(&ports).skip(1);
        let further = further.map(|(port, number)| (port.variable.to_owned(), number.to_string()));
        Self { target: TempDir::new().unwrap(), service, port: ports[0], further: own.chain(further).collect() }
    }

    /// Changes a variable of its commands.
    pub fn set(&mut self, name: &str, value: &str) {
        self.further.push((name.to_owned(), value.to_owned()));
    }

    /// Takes what was fetched into the folder of another target, and all that Maven fetched there; nothing is copied.
    pub fn link(&self, fetched: &Path) {
        fs::create_dir_all(self.home()).unwrap();
        let maven = fetched.with_file_name("maven");
        for path in [Some(fetched), maven.is_dir().then_some(maven.as_path())].into_iter().flatten() {
            symlink(path, self.home().join(path.file_name().unwrap())).unwrap();
        }
    }

    /// A variable that its commands are given.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.further.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn home(&self) -> PathBuf {
        self.target.path().join("querydyno/services")
    }

    pub fn folder(&self) -> PathBuf {
        self.home().join(self.service.name())
    }

    pub fn start(&self, does: &str) -> Child {
        self.start_on(does, self.port)
    }

    pub fn start_on(&self, does: &str, port: u16) -> Child {
        Command::new(env::current_exe().unwrap())
            .args(["the_command", "--exact", "--ignored", "--nocapture"])
            .env("SERVICES_DO", format!("{does} {}", self.service))
            .env("CARGO_TARGET_DIR", self.target.path())
            .env(self.service.ports()[0].variable, port.to_string())
            .envs(self.further.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// What the command said. It ends though its server goes on: the server holds none of its pipes.
    pub fn run(&self, does: &str) -> String {
        said(self.start(does))
    }

    pub fn pid(&self) -> Option<u32> {
        server_pid_in(&self.home(), self.service.name(), self.port)
    }

    /// Every process of the server.
    pub fn processes(&self) -> Vec<u32> {
        server_processes_in(&self.home(), self.service.name(), self.port)
    }

    /// Every process that has this server's mark in its environment, whoever its parent is: told by nothing but the kernel.
    pub fn marked(&self) -> Vec<u32> {
        let mark = format!("QUERYDYNO_SERVICE_FOLDER={}", self.folder().display());
        let all = fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let has = |pid: &u32| {
            let environment = fs::read(Path::new("/proc").join(pid.to_string()).join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        pids.filter(has).collect()
    }

    pub fn status(&self) -> Status {
        let mut services = services();
        services.home = self.home();
        services.ports.insert(self.service.ports()[0].variable, self.port);
        services.status().into_iter().find(|status| status.service == self.service).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Also after a failed assertion, whose message must not be lost.
        if self.folder().join("pid.json").exists() {
            let _ = self.start("down").wait();
        }
    }
}

pub fn said(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = text.split(SAID).nth(1);
    said.unwrap_or_else(|| panic!("it said nothing:\n{text}\n{errors}")).to_owned()
}

/// Whether the process runs; one that ended and that nobody has heard of does not.
pub fn runs(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|command| !command.is_empty())
}

//! What several test files need: engine programs, and a run of the bench in a folder of its own.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod browser;
pub mod history;
pub mod import;
pub mod labelled;
pub mod made_up;
pub mod odd;
pub mod postgres;
pub mod request;
pub mod server;
pub mod slow;
pub mod spoil;
pub mod told;

use std::env;
use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use querydyno::host::catalog::{Catalog, Entry};
use querydyno::host::record::{self, Record};
use querydyno::host::services::Service;
use querydyno::host::session::{Limits, Program, Session};
use querydyno::host::settings::Settings;
use querydyno::host::verify::Verdict;
use querydyno::protocol::dataset::Dataset;
use querydyno::protocol::engine::EngineSettings;
use querydyno::protocol::task::Task;
use tempfile::TempDir;

/// The engine's program, where it was built; otherwise it is built where slow tests are wanted. Then it is left out.
pub fn built(engine: &str) -> Option<Program> {
    let there = catalog().entry(engine).unwrap().find().is_some();
    let may = there || slow::wanted(&format!("tests of {engine}, whose program is not built"));
    may.then(|| program(engine))
}

/// The command `cargo xtask`, brought up to date once a test process; `None` where it was never built and slow tests are not wanted.
pub fn xtask(command: &str) -> Option<&'static Path> {
    static PATH: OnceLock<Option<PathBuf>> = OnceLock::new();
    let path = PATH.get_or_init(|| {
        let path = querydyno::host::paths::target().join("release/xtask");
        if !path.exists() && !slow::wanted(&format!("the command cargo xtask {command}, which was not built")) {
            return None;
        }
        let cargo = Command::new(env!("CARGO")).args(["build", "--release", "--package", "xtask"]).output().unwrap();
        assert!(cargo.status.success(), "{}", text(&cargo));
        Some(path)
    });
    path.as_deref()
}

/// A real engine that reads Parquet: the first that was built, the hand-written plans where there is none.
pub fn real() -> Program {
    let catalog = catalog();
    let found = ["arrow", "duckdb", "datafusion", "polars"]
        .into_iter()
        .find(|name| catalog.entry(name).unwrap().find().is_some());
    program(found.unwrap_or("arrow"))
}

/// Builds the engine's program if need be; for `null`, which takes seconds.
pub fn program(engine: &str) -> Program {
    // Two tests of one process must not build at once.
    static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = LOCK.lock().unwrap();
    catalog().entry(engine).unwrap().program().unwrap()
}

pub fn catalog() -> Catalog {
    Catalog::read(&Settings::read().unwrap()).unwrap()
}

/// Whether a server listens where programs of this environment look for the service.
pub fn listens(service: Service) -> bool {
    let first = service.ports()[0];
    let port = env::var(first.variable).ok().map_or(first.default, |port| port.parse().unwrap());
    TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), Duration::from_secs(1)).is_ok()
}

/// The engine and its program, where a server of its listens.
pub fn served(engine: &str, service: Service) -> Option<(Entry, Program)> {
    let engine = catalog().entry(engine).unwrap();
    let program = engine.find().filter(|_| listens(service));
    if program.is_none() {
        let _ = writeln!(std::io::stderr(), "LEFT OUT: {}: no server listens or no program is built", engine.name);
    }
    program.map(|program| (engine, program))
}

/// The engine that goes wrong.
pub fn faulty(fault: &str) -> Program {
    Program { path: env!("CARGO_BIN_EXE_faulty-engine").into(), args: vec![fault.to_owned()], ..Program::default() }
}

/// An engine's program, where it was built or installed; otherwise it is left out, past the capture of a passing test's output.
pub fn there(engine: &Entry) -> Option<Program> {
    let program = engine.find();
    if program.is_none() {
        let name = &engine.name;
        let _ = writeln!(std::io::stderr(), "LEFT OUT: {name}, its program is not there; cargo xtask build {name}");
    }
    program
}

/// The name and the entry of `querydyno.toml` of an engine of one's own that is this one.
pub fn twin(engine: &Entry, program: &Program) -> (String, String) {
    let name = format!("{}-test", engine.name);
    let config = entry(&name, program) + &format!("like = '{}'\n", engine.name);
    (name, config)
}

/// An entry of `querydyno.toml` for this program.
pub fn entry(name: &str, program: &Program) -> String {
    let env: Vec<String> = program.env.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
    format!(
        "[engine.{name}]\nprogram = '{}'\nargs = {:?}\nenv = {{ {} }}\n",
        program.path.display(),
        program.args,
        env.join(", ")
    )
}

/// Data for all tests, made once a test process and kept between them.
pub fn data() -> PathBuf {
    static DATA: OnceLock<PathBuf> = OnceLock::new();
    DATA.get_or_init(|| querydyno::host::paths::own("data")).clone()
}

/// A run of the bench with engines, records and Criterion folders of its own.
pub struct Bench {
    pub folder: TempDir,
    command: Command,
    /// A value in the environment of everything this run starts.
    pub mark: String,
}

impl Bench {
    /// With engines as `querydyno.toml` would have them, at scale 0.001.
    pub fn new(config: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bench-tpch"));
        command.arg("--bench");
        Self::with(command, |_| config.to_owned())
    }

    /// The same by another host, with engines that know the folder.
    pub fn with(mut command: Command, config: impl FnOnce(&Path) -> String) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("querydyno.toml");
        fs::write(&file, format!("data = '{}'\n{}", data().display(), config(folder.path()))).unwrap();
        let mark = folder.path().display().to_string();
        command
            .env("CARGO_TARGET_DIR", folder.path().join("target"))
            .env("QUERYDYNO_HOME", folder.path().join(".querydyno"))
            .env("QUERYDYNO_CONFIG", &file)
            .env("QUERYDYNO_SCALE", "0.001")
            .env("TEST_MARK", &mark)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { folder, command, mark }
    }

    pub fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Nobody reads what it prints, as behind a `head` that has seen enough.
    pub fn without_reader(mut self) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        self.command.stdout(writer);
        self
    }

    /// The cells of this filter at sf0.01, where there are references, as cheap as samples can be.
    pub fn cheap(config: &str, filter: &str) -> Self {
        let samples = ["--measurement-time", "0.01", "--warm-up-time", "0.01", "--noplot", "--nresamples", "1001"];
        Self::new(config).env("QUERYDYNO_SCALE", "0.01").args(&[filter]).args(&samples)
    }

    pub fn run(&mut self) -> Output {
        self.command.output().unwrap()
    }

    pub fn spawn(&mut self) -> Child {
        self.command.spawn().unwrap()
    }

    /// All records that the run left.
    pub fn records(&self) -> Vec<Record> {
        let Ok(files) = fs::read_dir(self.folder.path().join(".querydyno/records")) else {
            return Vec::new();
        };
        // Not by `read`, which leaves out half a line.
        let lines = files.flatten().flat_map(|file| record::read_lines(&file.path()).unwrap());
        lines.map(|(_, record)| record.unwrap()).collect()
    }

    pub fn record(&self, engine: &str) -> Record {
        let mut records = self.records();
        records.retain(|record| record.id.engine == engine);
        assert_eq!(records.len(), 1, "records of {engine}");
        records.remove(0)
    }

    pub fn criterion(&self) -> PathBuf {
        self.folder.path().join("target/criterion")
    }

    /// Asserts that no process and no scratch folder of this run is left.
    pub fn assert_clean(&self) {
        let left = processes_with(&self.mark);
        assert!(left.is_empty(), "processes left: {left:?}");
        let scratch = self.own("scratch");
        let left: Vec<_> = fs::read_dir(&scratch).map(|dir| dir.flatten().collect()).unwrap_or_default();
        assert!(left.is_empty(), "left in scratch: {left:?}");
    }

    fn own(&self, name: &str) -> PathBuf {
        self.folder.path().join("target/querydyno").join(name)
    }
}

/// Processes with this text in their environment.
pub fn processes_with(mark: &str) -> Vec<String> {
    let marked = |pid: &Path| {
        let environment = fs::read(pid.join("environ")).unwrap_or_default();
        let text = String::from_utf8_lossy(&environment).into_owned();
        text.split('\0').any(|line| line == format!("TEST_MARK={mark}"))
    };
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| marked(path))
        .map(|path| fs::read_to_string(path.join("cmdline")).unwrap_or_default().replace('\0', " "))
        .collect()
}

pub fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A program, opened and loaded with no tables; the folder is its scratch.
pub fn session(program: &Program) -> (Session, TempDir) {
    let folder = TempDir::new().unwrap();
    let limits = Limits {
        timeout: Duration::from_mins(1),
        query_timeout: None,
        memory: None,
        told_memory: None,
        threads: 1,
        first_processor: Some(0),
    };
    let mut session = Session::spawn(program, limits, folder.path()).unwrap();
    session.open(&one_thread()).unwrap();
    let dataset = Dataset {
        suite: "tpch".to_owned(),
        scale: "0.001".parse().unwrap(),
        format: "parquet".to_owned(),
        sha256: String::new(),
        layout: String::new(),
        generated: true,
        tables: Vec::new(),
    };
    session.load(&dataset, false).unwrap();
    (session, folder)
}

/// A query for engines that make of its text what they like.
pub fn query(sql: &str) -> Task {
    Task::select("tpch", "q6", sql)
}

pub fn assert_verified(record: &Record) {
    let verified = record.verdict.as_ref().is_some_and(Verdict::verified);
    assert!(verified, "{}: {:?} {:?}", record.id, record.verdict, record.reason());
}

/// What engines are opened with by tests that need a session and no bench.
pub fn one_thread() -> EngineSettings {
    EngineSettings {
        threads: 1,
        memory_limit_bytes: None,
        timeout_seconds: None,
        scratch: PathBuf::new(),
        mode: None,
        options: [].into(),
        s3: None,
    }
}

//! A history of its own for a test, with a journal of every schema that there ever was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use querydyno::host::catalog::Recipe;
use querydyno::host::paths::root;
use querydyno::host::settings::Settings;
use tempfile::TempDir;

use super::slow;

/// Names a stage at which the program ends, `inserted kill`, or waits, `inserted hang`.
pub const STAGE: &str = "TEST_HISTORY_STAGE";

/// The program, where it was built; otherwise it is built where slow tests are wanted. `TEST_HISTORY_PROGRAM` names one that was
/// built in another way.
pub fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        if let Some(path) = std::env::var_os("TEST_HISTORY_PROGRAM") {
            return Some(PathBuf::from(path));
        }
        let recipe = Recipe::history(&Settings::read().unwrap()).unwrap();
        let may = recipe.program().path.is_file() || slow::wanted("tests of the history, whose program is not built");
        may.then(|| recipe.build().unwrap().path)
    };
    PROGRAM.get_or_init(find).as_deref()
}

/// A home with records, and the history that is made of them.
pub struct History {
    pub folder: TempDir,
    program: &'static Path,
}

impl History {
    /// With nothing in it; none where there is no program.
    pub fn empty() -> Option<Self> {
        let history = Self { folder: TempDir::new().unwrap(), program: program()? };
        fs::create_dir_all(history.records()).unwrap();
        Some(history)
    }

    /// With records of each schema; the real run is of the second.
    pub fn new() -> Option<Self> {
        let history = Self::empty()?;
        let tests = root().join("tests");
        let read = |file: &str| fs::read_to_string(tests.join("records").join(file)).unwrap();
        history.add("20261121T120000Z-4711", &read("v1.jsonl"));
        history.add("20261123T120000Z-4711", &read("v3.jsonl"));
        let today: serde_json::Value = serde_json::from_str(&read("measured.json")).unwrap();
        history.add("20261120T175042Z-19211", &format!("{today}\n"));
        for file in fs::read_dir(tests.join("recorded/records")).unwrap().flatten() {
            fs::copy(file.path(), history.records().join(file.file_name())).unwrap();
        }
        Some(history)
    }

    pub fn records(&self) -> PathBuf {
        self.folder.path().join("records")
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("history.duckdb")
    }

    pub fn journal(&self, run: &str) -> PathBuf {
        self.records().join(format!("{run}.jsonl"))
    }

    /// A file of the journal.
    pub fn add(&self, run: &str, text: &str) {
        fs::write(self.journal(run), text).unwrap();
    }

    /// The program with these arguments, not started yet.
    pub fn command(&self, args: &[&str]) -> Command {
        self.below(self.program.to_str().unwrap(), args)
    }

    /// The same below a shell that makes files end at so many KiB.
    pub fn on_full_disk(&self, kib: u64, args: &[&str]) -> Output {
        let program = self.program.to_str().unwrap();
        let limits = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kib * 2);
        let args = [&["-c", &limits, "sh", program], args].concat();
        self.below("sh", &args).output().unwrap()
    }

    fn below(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .env("QUERYDYNO_HOME", self.folder.path())
            .env_remove("QUERYDYNO_HISTORY")
            .env_remove("BENCHMARK_DB_PATH")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What it prints, where all is well.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", super::text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it says where all is not well.
    pub fn fails(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", super::text(&output));
        super::text(&output)
    }

    /// What it says of what cannot be meant.
    pub fn refuses(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", super::text(&output));
        super::text(&output)
    }

    pub fn csv(&self, sql: &str) -> Vec<Vec<String>> {
        let text = self.ok(&["sql", sql, "--format", "csv"]);
        csv::Reader::from_reader(text.as_bytes())
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect())
            .collect()
    }

    pub fn count(&self, table: &str) -> u64 {
        self.csv(&format!("SELECT count(*) FROM {table}"))[0][0].parse().unwrap()
    }

    /// Every row of every table, but for the times at which it was made.
    pub fn content(&self) -> String {
        let tables =
            ["machines", "engines", "tasks", "datasets", "plans", "runs", "results", "metrics", "journal_left_out"];
        let all = tables.map(|table| self.ok(&["sql", &format!("FROM {table} ORDER BY ALL"), "--format", "csv"]));
        all.concat() + &self.ok(&["sql", "FROM annotations ORDER BY ALL", "--format", "csv"])
    }
}

//! `--backend local`: the script of EC2 in folders of this machine, from its start to the merged report, and what outlives its command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use querydyno::host::record::Record;
use tempfile::TempDir;

use super::common::{text, xtask};
use super::machine::command_lines;
use super::server::{SECRET, until};
use super::{are_built, script};

/// A run of this process, in a home of its own.
struct Run {
    id: String,
    home: TempDir,
    xtask: &'static Path,
}

impl Run {
    fn new(name: &str) -> Option<Self> {
        let xtask = xtask("cloud")?;
        Some(Self { id: format!("{name}-{}", std::process::id()), home: TempDir::new().unwrap(), xtask })
    }

    /// `cargo xtask cloud` without AWS; programs are taken as they are.
    fn cloud(&self, args: &str) -> Command {
        let mut command = Command::new(self.xtask);
        command.arg("cloud").args(args.split(' ')).stdin(Stdio::null());
        command.env("QUERYDYNO_HOME", self.home.path()).env("CARGO", "true");
        command.env("AWS_SECRET_ACCESS_KEY", SECRET).env("AWS_CONFIG_FILE", "/dev/null");
        command.env_remove("AWS_REGION").env_remove("AWS_DEFAULT_REGION");
        command
    }

    fn said(&self, args: &str) -> (Output, String) {
        let output = self.cloud(args).output().unwrap();
        let said = text(&output);
        (output, said)
    }

    fn folder(&self) -> PathBuf {
        std::env::temp_dir().join(format!("querydyno-cloud-{}", self.id))
    }

    fn log(&self, engine: &str) -> String {
        fs::read_to_string(self.folder().join(format!("{engine}-1/output"))).unwrap_or_default()
    }
}

#[test]
fn the_local_backend_runs_the_script_of_ec2_and_brings_its_results_home() {
    let Some(run) = Run::new("local") else { return };
    if !are_built(&["arrow", "duckdb"]) {
        return;
    }
    let args = "run --backend local --engines arrow,duckdb --scale 0.01 --queries q1,q6 --runs 10 --price-per-hour 0.34 --run-id";
    let (output, said) = run.said(&format!("{args} {}", run.id));
    let logs = || ["arrow", "duckdb"].map(|engine| run.log(engine));
    assert!(output.status.success(), "{said}\n{}", logs().join("\n"));
    let script = script();
    let body = script.strip_prefix("#!/usr/bin/env bash\n").unwrap();
    for engine in ["arrow", "duckdb"] {
        let file = run.home.path().join(format!("records/cloud-{}-{engine}.jsonl", run.id));
        let records = querydyno::host::record::read(&file).unwrap();
        assert_eq!(records.len(), 2, "{}", logs().join("\n"));
        assert!(records.iter().all(Record::ranks), "{records:?}");
        assert!(fs::read_to_string(run.folder().join(format!("{engine}-1/user-data"))).unwrap().ends_with(body));
    }
    let page = fs::read_to_string(run.home.path().join("cloud").join(&run.id).join("report.html")).unwrap();
    assert!(page.contains("<section id=\"cost\">") && page.contains("arrow") && page.contains("duckdb"));
    // The second took the tables of the first.
    let [first, second] = logs();
    assert!(first.contains(" data-tpch") && second.contains(" fetch-data-tpch"), "{first}\n{second}");
    assert!(!(first + &second).contains(SECRET));
    let (again, said) = run.said(&format!("{args} {}", run.id));
    assert!(!again.status.success() && said.contains("there is a run"), "{said}");
    fs::remove_dir_all(run.folder()).unwrap();
}

#[test]
fn a_local_run_outlives_its_command_and_is_listed_attached_and_ended() {
    let Some(run) = Run::new("outlives") else { return };
    if !are_built(&["arrow", "null"]) {
        return;
    }
    // Long enough to be ended.
    let args = "run --backend local --engines arrow,null --scale 0.01 --queries q6 --runs 1000000 --run-id";
    let log = run.home.path().join("log");
    let mut command = run.cloud(&format!("{args} {}", run.id));
    let mut driver = command.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
    let told = || fs::read_to_string(&log).unwrap();
    let state = run.folder().join("store/runs").join(&run.id).join("arrow/STATE");
    until("arrow's measuring", || {
        assert!(driver.try_wait().unwrap().is_none(), "{}", told());
        fs::read_to_string(&state).ok().filter(|state| state.contains("measure"))
    });
    let (_, other) = run.said(&format!("attach {}", run.id));
    assert!(other.contains("another command on this machine follows"), "{other}");
    assert!(Command::new("kill").args(["-INT", &driver.id().to_string()]).status().unwrap().success());
    assert!(!driver.wait().unwrap().success() && told().contains("cloud attach"), "{}", told());

    let (_, listed) = run.said("list");
    assert!(listed.contains(&run.id) && listed.contains("this machine") && listed.contains("arrow"), "{listed}");
    let mut without_credentials = run.cloud("list --region eu-west-1");
    without_credentials.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    let output = without_credentials.env_remove("AWS_SECRET_ACCESS_KEY").output().unwrap();
    let listed = text(&output);
    assert!(!output.status.success() && listed.contains(&run.id), "{listed}");
    assert!(listed.contains("AWS could not be asked, so only machines of local runs are listed"), "{listed}");
    let terminate = format!("terminate --run-id {}", run.id);
    let (_, shown) = run.said(&format!("{terminate} --dry-run"));
    assert!(shown.contains("1 would be terminated"), "{shown}");
    let (ended, said) = run.said(&format!("{terminate} --yes"));
    assert!(ended.status.success() && said.contains("1 terminated"), "{said}");
    until("the end of arrow's machine", || {
        let place = run.folder().display().to_string();
        (!command_lines().contains(&place)).then_some(())
    });
    assert!(run.log("arrow").contains("FAILED in measure, code 143"), "{}", run.log("arrow"));
    let (attached, said) = run.said(&format!("attach {}", run.id));
    assert!(!attached.status.success() && said.contains("arrow failed: measure"), "{said}");
    assert!(said.contains("null failed: not started: the run was terminated"), "{said}");
    let (_, listed) = run.said("list");
    assert!(listed.contains("nothing of ours is up on this machine"), "{listed}");
    fs::remove_dir_all(run.folder()).unwrap();
}

#[test]
fn a_run_of_few_runs_has_medians_that_are_not_ranked() {
    let Some(run) = Run::new("few") else { return };
    if !are_built(&["arrow"]) {
        return;
    }
    let args = "run --backend local --engines arrow --scale 0.01 --queries q6 --runs 3 --price-per-hour 0.34 --run-id";
    let (output, said) = run.said(&format!("{args} {}", run.id));
    assert!(output.status.success(), "{said}\n{}", run.log("arrow"));
    assert!(said.contains("Medians of 3 runs") && said.contains("Dollars for 1,000 runs: 0.34 $"), "{said}");
    let page = fs::read_to_string(run.home.path().join("cloud").join(&run.id).join("report.html")).unwrap();
    assert!(page.contains("<section id=\"time\">") && page.contains("<section id=\"cost\">"), "{page}");
    fs::remove_dir_all(run.folder()).unwrap();
}

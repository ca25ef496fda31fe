//! Runs that leave out what needs none: what is missing, outdated, failed or old is run, each for a reason that is told, and nothing
//! else. For real, with programs that are scripts around others, so that they can be built anew. Needs the program of the history
//! (`cargo xtask build history`).

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Bench as Started, data, entry, faulty, history, real, text};
use querydyno::host::bench::Bench;
use querydyno::host::data::generate::Store;
use querydyno::host::incremental::{CellList, Plan};
use querydyno::host::record::Record;
use querydyno::host::session::Program;
use querydyno::host::settings::{Only, OwnEngine, Settings};
use querydyno::host::suite::Suite;
use tempfile::TempDir;

/// Parquet files that are there.
fn nations() -> String {
    let tpch = Suite::read("tpch").unwrap();
    let dataset =
        Store::new(data()).ensure(&tpch, "0.001".parse().unwrap(), "parquet", &["nation".to_owned()]).unwrap();
    dataset.tables[0].paths().unwrap()[0].with_file_name("*.parquet").display().to_string()
}

/// A script that becomes this program; another `build` of it is another file.
fn script(path: &Path, program: &Program, build: u32) {
    let args: Vec<String> = program.args.iter().map(|arg| format!("'{arg}'")).collect();
    let text = format!("#!/bin/sh\n# build {build}\nexec '{}' {}\n", program.path.display(), args.join(" "));
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A home and a target folder, in which the program of the history is built. `None` where there is none.
fn folder() -> Option<TempDir> {
    let program = history::program()?;
    let folder = tempfile::tempdir_in(querydyno::host::paths::target()).unwrap();
    link(folder.path(), program);
    Some(folder)
}

fn link(folder: &Path, program: &Path) {
    let built = folder.join("target/release");
    fs::create_dir_all(&built).unwrap();
    symlink(program, built.join("querydyno-history")).unwrap();
}

/// A suite with two queries, and two independent engines that agree on them.
struct Shop {
    folder: TempDir,
}

impl Shop {
    fn new() -> Option<Self> {
        let shop = Self { folder: folder()? };
        let suite = shop.suite();
        fs::create_dir_all(suite.join("queries")).unwrap();
        let query = |name: &str| format!("[[query]]\nname = '{name}'\ntitle = ''\ntables = ['n']\n");
        let text = format!(
            "name = 'shop'\ntitle = ''\n[[table]]\nname = 'n'\nsource = '{}'\n{}{}",
            nations(),
            query("shop-a"),
            query("shop-b")
        );
        fs::write(suite.join("suite.toml"), text).unwrap();
        for name in ["shop-a", "shop-b"] {
            shop.write(name, "SELECT count(*) FROM {n}");
        }
        for engine in ["one", "two"] {
            shop.build(engine, &faulty(engine), 1);
        }
        Some(shop)
    }

    fn suite(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    fn write(&self, query: &str, sql: &str) {
        fs::write(self.suite().join("queries").join(format!("{query}.sql")), sql).unwrap();
    }

    fn build(&self, engine: &str, program: &Program, build: u32) {
        script(&self.folder.path().join(engine), program, build);
    }

    fn settings(&self, only: &[Only]) -> Settings {
        let mut settings = Settings::read().unwrap();
        settings.home = self.folder.path().join(".querydyno");
        settings.target = self.folder.path().join("target");
        settings.metastore = None;
        settings.only = only.to_vec();
        for name in ["one", "two"] {
            let own = OwnEngine {
                program: Some(self.folder.path().join(name)),
                components: Some(vec![name.to_owned()]),
                ..OwnEngine::default()
            };
            settings.engines.insert(name.to_owned(), own);
        }
        settings
    }

    fn bench(&self, only: &[Only]) -> Bench {
        let bench = Bench::new().suite(self.suite()).engines(["one", "two"]).runs(2);
        bench.settings(self.settings(only))
    }

    fn run(&self, only: &[Only]) -> Vec<Record> {
        self.bench(only).run().unwrap()
    }

    /// What would run and why, a line each.
    fn plan(&self, only: &[Only]) -> Vec<String> {
        lines(&self.bench(only).plan().unwrap())
    }

    /// The program of the history on this home.
    fn history(&self, args: &[&str]) -> Command {
        let mut command = Command::new(history::program().unwrap());
        command.args(args).env("QUERYDYNO_HOME", self.folder.path().join(".querydyno"));
        for name in querydyno::host::paths::HISTORY {
            command.env_remove(name);
        }
        command
    }
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.cells.iter().map(|cell| format!("{}/{} {}", cell.id.engine, cell.id.query, cell.why)).collect()
}

fn begin_with(lines: &[String], begins: &[&str]) -> bool {
    lines.len() == begins.len() && lines.iter().zip(begins).all(|(line, begin)| line.starts_with(begin))
}

#[test]
fn missing_runs_what_was_never_measured_and_then_nothing() {
    let Some(shop) = Shop::new() else { return };
    let never = "missing: never measured on this class of machine";
    let all = ["one/shop-a", "two/shop-a", "one/shop-b", "two/shop-b"];
    assert_eq!(shop.plan(&[Only::Missing]), all.map(|cell| format!("{cell} {never}")));
    assert!(shop.plan(&[Only::Outdated, Only::Failed]).is_empty());
    let records = shop.run(&[Only::Missing]);
    assert!(records.len() == 4 && records.iter().all(Record::verified), "{records:?}");
    // A run takes in what it has kept.
    assert!(shop.folder.path().join(".querydyno/history.duckdb").is_file());
    let every = [Only::Missing, Only::Outdated, Only::Failed, Only::Older(Duration::from_hours(1))];
    let plan = shop.bench(&every).plan().unwrap();
    assert_eq!((lines(&plan), plan.left_out.as_deref()), (Vec::new(), Some("left out: 4 of 4 cells (4 current)")));
    assert_eq!(shop.run(&every), Vec::new());
    // What is deleted is missing again, and its engine's answer needs the other's.
    let deleted = shop.history(&["delete", "--where", "cell LIKE 'one/shop-b/%'"]).output().unwrap();
    assert!(deleted.status.success(), "{}", text(&deleted));
    let plan = shop.plan(&[Only::Missing]);
    assert!(begin_with(&plan, &[&format!("one/shop-b {never}"), "two/shop-b runs with one/shop-b/"]), "{plan:?}");
}

#[test]
fn outdated_runs_the_query_whose_text_was_touched_and_tells_the_change() {
    let Some(shop) = Shop::new() else { return };
    shop.run(&[]);
    shop.write("shop-b", "SELECT count(*) AS n FROM {n}");
    let plan = shop.plan(&[Only::Missing, Only::Outdated]);
    assert!(begin_with(&plan, &["one/shop-b outdated: text ", "two/shop-b outdated: text "]), "{plan:?}");
    let records = shop.run(&[Only::Outdated]);
    assert!(records.iter().all(|record| record.id.query == "shop-b") && records.len() == 2, "{records:?}");
    assert!(shop.plan(&[Only::Missing, Only::Outdated]).is_empty());
    // Options are settings, which a program cannot tell.
    let mut settings = shop.settings(&[Only::Outdated]);
    settings.engines.get_mut("two").unwrap().options = [("order".to_owned(), "no".to_owned())].into();
    let with_options = Bench::new().suite(shop.suite()).engines(["two"]).settings(settings).plan().unwrap();
    let told = "outdated: settings order nothing -> no";
    assert_eq!(lines(&with_options), [format!("two/shop-a {told}"), format!("two/shop-b {told}")]);
}

#[test]
fn failed_runs_what_failed_and_older_what_is_old() {
    let Some(shop) = Shop::new() else { return };
    shop.run(&[]);
    shop.build("two", &faulty("crash"), 2);
    let records = shop.run(&[Only::Outdated]);
    assert_eq!(records.iter().filter(|record| record.is_failed()).count(), 2, "{records:?}");
    let plan = shop.plan(&[Only::Failed]);
    let crashed = "failed: crashed with signal 6";
    // The other engine was left without company.
    assert!(plan.iter().filter(|line| line.contains(crashed)).count() == 2, "{plan:?}");
    assert!(shop.plan(&[Only::Outdated]).is_empty());
    shop.build("two", &faulty("two"), 3);
    let plan = shop.plan(&[Only::Outdated]);
    assert!(
        plan.iter().any(|line| line.starts_with("two/shop-a failed: ") && line.contains("; outdated: program ")),
        "{plan:?}"
    );
    let records = shop.run(&[Only::Failed]);
    assert!(records.len() == 4 && records.iter().all(Record::verified), "{records:?}");
    assert!(shop.plan(&[Only::Failed, Only::Missing]).is_empty());
    let old = shop.plan(&[Only::Older(Duration::from_millis(1))]);
    assert!(old.len() == 4 && old.iter().all(|line| line.contains("older: measured 0 hours ago")), "{old:?}");
}

#[test]
fn a_plan_is_a_list_that_a_run_takes() {
    let Some(shop) = Shop::new() else { return };
    shop.run(&[]);
    let mut settings = shop.settings(&[]);
    settings.suites = vec![shop.suite()];
    let bench = |list: Option<CellList>| {
        let bench = Bench::new().engines(["one", "two"]).runs(2).settings(settings.clone());
        match list {
            Some(list) => bench.cells_of(list),
            None => bench.filter("shop"),
        }
    };
    let plan = bench(None).plan().unwrap();
    // What a cell took is what lies between its beginning and that of the next.
    assert_eq!(plan.cells.iter().filter(|cell| cell.takes.is_some_and(|takes| !takes.is_zero())).count(), 3);
    assert!(plan.summary().starts_with("4 cells, about "), "{}", plan.summary());
    let file = shop.folder.path().join("cells.csv");
    let csv = String::from_utf8(plan.csv().unwrap()).unwrap();
    let fewer: Vec<&str> = csv.lines().filter(|line| !line.contains("shop-a")).collect();
    fs::write(&file, fewer.join("\n")).unwrap();
    let records = bench(Some(CellList::read(&file).unwrap())).run().unwrap();
    let ids: Vec<String> = records.iter().map(|record| format!("{}/{}", record.id.engine, record.id.query)).collect();
    assert_eq!(ids, ["one/shop-b", "two/shop-b"]);
    fs::write(&file, format!("{}\none,shop-c,sf1,parquet\n", fewer[0])).unwrap();
    let error = format!("{:#}", anyhow::Error::new(bench(Some(CellList::read(&file).unwrap())).run().unwrap_err()));
    assert!(error.contains("line 2 of ") && error.contains("there is no cell one/shop-c/sf1/parquet"), "{error}");
}

/// A bench target over two builds of a real engine, as often as it is run.
fn targets(first: &Path, second: &Path, env: &Program) -> String {
    let program = |path: &Path| Program { path: path.to_owned(), args: Vec::new(), ..env.clone() };
    entry("first", &program(first)) + &entry("second", &program(second))
}

#[test]
fn a_rebuilt_engine_is_run_again_and_no_other() {
    let Some(folder) = folder() else { return };
    let engine = real();
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    script(&first, &engine, 1);
    script(&second, &engine, 1);
    let home = folder.path().join(".querydyno").display().to_string();
    let target = folder.path().join("target").display().to_string();
    let run = |only: &str| {
        let mut bench = Started::cheap(&targets(&first, &second, &engine), "^(first|second)/q(1|6)/");
        bench = bench.env("QUERYDYNO_HOME", &home).env("CARGO_TARGET_DIR", &target).env("QUERYDYNO_ONLY", only);
        let output = bench.run();
        assert!(output.status.success(), "{}", text(&output));
        text(&output)
    };
    let measured = || {
        let files = fs::read_dir(Path::new(&home).join("records")).unwrap().flatten();
        files.map(|file| fs::read_to_string(file.path()).unwrap().lines().count()).sum::<usize>()
    };
    let told = run("missing,outdated");
    assert!(told.contains("first/q1/sf0.01/parquet: missing: never measured"), "{told}");
    assert_eq!(measured(), 4);
    let told = run("missing,outdated,failed,older=14d");
    assert!(told.contains("nothing to do") && told.contains("left out: 4 of 4 cells (4 current)"), "{told}");
    assert_eq!(measured(), 4);
    script(&second, &engine, 2);
    let told = run("missing,outdated");
    for query in ["q1", "q6"] {
        assert!(told.contains(&format!("second/{query}/sf0.01/parquet: outdated: program ")), "{told}");
        assert!(!told.contains(&format!("first/{query}/sf0.01/parquet: ")), "{told}");
    }
    assert!(told.contains("left out: 2 of 4 cells (2 current)"), "{told}");
    assert_eq!(measured(), 6);
    let again = run("missing,outdated");
    assert!(again.contains("nothing to do"), "{again}");
}

#[test]
fn a_history_that_somebody_uses_costs_a_run_nothing_but_a_line() {
    let Some(shop) = Shop::new() else { return };
    shop.run(&[]);
    let mut reader = shop
        .history(&["stats"])
        .env(history::STAGE, "read hang")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(reader.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "stage read");
    let home = shop.folder.path().join(".querydyno").display().to_string();
    let target = shop.folder.path().join("target").display().to_string();
    let mut bench = Started::cheap(&entry("one", &faulty("one")), "one/q6");
    bench = bench.env("QUERYDYNO_HOME", &home).env("CARGO_TARGET_DIR", &target).env("QUERYDYNO_SCALE", "0.002");
    let output = bench.run();
    let told = text(&output);
    assert!(output.status.success() && told.contains("records: "), "{told}");
    assert!(told.contains("not in the history yet") && told.contains("is in use by"), "{told}");
    reader.kill().unwrap();
    reader.wait().unwrap();
    let output = shop.history(&["list", "one/q6", "--format", "csv"]).output().unwrap();
    assert!(text(&output).contains("one/q6/sf0.002/parquet"), "{}", text(&output));
}

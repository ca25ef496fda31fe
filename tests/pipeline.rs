//! The engine `pipeline` against a real PostgreSQL that the test starts in a folder of its own: every variant writes the same table, which
//! is the reference's; and whatever goes wrong leaves the table as it was, or complete. Left out and named where PostgreSQL is not
//! installed, or the program not built.

mod common;

use std::collections::BTreeSet;
use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use common::labelled::{odd, opened, opened_within};
use common::postgres::{PASSWORD, Postgres, is_root, postgres_user};
use querydyno::host::data::generate::Store;
use querydyno::host::session::{Failure, FailureKind, Program, Runs, Session};
use querydyno::host::settings::Settings;
use querydyno::host::suite::{QuerySpec, Suite};
use querydyno::host::verify::compare::{Precision, compare_shown};
use querydyno::host::verify::referee::Referee;
use querydyno::protocol::answer::Shown;
use querydyno::protocol::dataset::Dataset;
use querydyno::protocol::id::Scale;
use querydyno::protocol::task::Task;
use querydyno::protocol::units::Bytes;
use tempfile::TempDir;
use test_case::test_case;

/// A day and a name that no line item has.
const MARKER: &str = "insert into querydyno.pods_daily values ('2020-02-29', 'marker', 'n', '{}', 1, 1, 1, 1, 1)";
const COUNT: &str = "select count(*), count(*) filter (where namespace = 'marker') from querydyno.pods_daily";
/// Has each row take ten milliseconds, so that a write can be met in the middle.
const SLOW: &str = "create function querydyno.slow() returns trigger language plpgsql as
    'begin perform pg_sleep(0.01); return new; end';
    create trigger slow before insert on querydyno.pods_daily for each row execute function querydyno.slow()";
/// The process that writes.
const WRITER: &str = "select pid from pg_stat_activity where application_name = 'querydyno-pipeline'
    and state = 'active' and (query ilike 'copy%' or query ilike 'insert%')";

struct Case {
    server: Postgres,
    program: Program,
    suite: Suite,
}

impl Case {
    fn start() -> Option<Self> {
        let program = common::built("pipeline")?;
        Some(Self { server: Postgres::start()?, program, suite: Suite::read("pods").unwrap() })
    }

    fn query(&self) -> &QuerySpec {
        &self.suite.queries[0]
    }

    fn task(&self) -> Task {
        self.suite.task(self.query(), &common::catalog().entry("pipeline").unwrap(), Scale::ONE).unwrap()
    }

    /// One that does not empty the table before it runs: what was there is there until it is replaced.
    fn without_reset(&self) -> Task {
        Task { reset: Vec::new(), ..self.task() }
    }

    fn data(&self, scale: &str) -> Dataset {
        let store = Store::new(common::data());
        store.ensure(&self.suite, scale.parse().unwrap(), "parquet", &self.query().tables).unwrap()
    }

    fn session(&self, mode: Option<&str>, dataset: &Dataset, task: &Task) -> (Session, TempDir) {
        let client = self.server.client(&self.program, PASSWORD);
        let (mut session, scratch) = opened(&client, mode).unwrap();
        session.load(dataset, true).unwrap();
        session.prepare(task).unwrap();
        (session, scratch)
    }

    /// One run, and what the table holds then; what it says where it fails.
    fn run(&self, mode: Option<&str>, dataset: &Dataset, task: &Task) -> Result<(Runs, Shown), Failure> {
        let client = self.server.client(&self.program, PASSWORD);
        let (mut session, _scratch) = opened(&client, mode)?;
        let told = one_run(&mut session, dataset, task)?;
        session.close()?;
        Ok(told)
    }

    /// Whether DuckDB's answer is in `querydyno.duckdb` now: it takes the wheel's Python, and leaves the engine's protocol aside.
    fn load_duckdbs_answer(&self, dataset: &Dataset) -> bool {
        const WRITE: &str = "import duckdb, sys
for table in sys.argv[3:]:
    name, *files = table.split(chr(10))
    duckdb.read_parquet(files).create_view(name)
duckdb.sql(sys.argv[1]).write_csv(sys.argv[2], quoting='all')";
        let Some(wheel) = common::built("duckdb-wheel") else { return false };
        let task =
            self.suite.task(self.query(), &common::catalog().entry("duckdb-wheel").unwrap(), Scale::ONE).unwrap();
        let csv = self.server.folder.path().join("duckdb.csv");
        let tables = dataset.tables.iter().map(|table| {
            let files = table.files.iter().map(ToString::to_string);
            std::iter::once(table.name.clone()).chain(files).collect::<Vec<_>>().join("\n")
        });
        let mut python = Command::new(&wheel.path);
        let written = python.args(["-c", WRITE, task.query().unwrap()]).arg(&csv).args(tables).output().unwrap();
        assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
        self.server.sql("create table querydyno.duckdb (like querydyno.pods_daily)");
        self.server.sql(&format!("copy querydyno.duckdb from '{}' (format csv, header)", csv.display()));
        true
    }

    /// How many rows one of the two tables has and the other has not.
    fn rows_unlike(&self, table: &str) -> u64 {
        let more = |one: &str, other: &str| format!("(table {one} except all table {other})");
        let (there, here) = (more("querydyno.pods_daily", table), more(table, "querydyno.pods_daily"));
        self.server.sql(&format!("select count(*) from ({there} union all {here}) as unlike")).parse().unwrap()
    }

    /// The numbers of rows, and of markers among them.
    fn counts(&self) -> (u64, u64) {
        let told = self.server.sql(COUNT);
        let (rows, markers) = told.split_once('|').unwrap();
        (rows.parse().unwrap(), markers.parse().unwrap())
    }

    fn assert_same(&self, expected: &Shown, actual: &Shown, what: &str) {
        let same = compare_shown(expected, actual, self.query(), Precision::Full);
        assert!(same.is_ok(), "{what}: {}", same.unwrap_err());
    }

    /// Waits for somebody to write, and kills the server's process that takes it.
    fn kill_writer(&self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let pid = self.server.sql(WRITER);
            if !pid.is_empty() {
                let killed = Command::new("kill").args(["-KILL", pid.lines().next().unwrap()]).status().unwrap();
                assert!(killed.success());
                return;
            }
            assert!(Instant::now() < deadline, "nobody writes");
            sleep(Duration::from_millis(10));
        }
    }
}

/// A run of what a session is given first, and its answer.
fn one_run(session: &mut Session, dataset: &Dataset, task: &Task) -> Result<(Runs, Shown), Failure> {
    session.load(dataset, true)?;
    session.prepare(task)?;
    Ok((session.run(1)?, session.answer()?))
}

fn message(failure: &Failure) -> String {
    let FailureKind::Engine { message } = &failure.kind else { panic!("{failure}") };
    message.clone()
}

#[test]
fn pipeline_writes_the_reference_in_every_variant() {
    let Some(case) = Case::start() else { return };
    let (dataset, task) = (case.data("0.01"), case.task());
    let referee = Referee::new(&Settings::read().unwrap());
    let mut modes = common::catalog().entry("pipeline").unwrap().modes;
    // Of files; on S3 there are four times as many.
    modes.retain(|mode| !mode.contains("prefetch") && !mode.contains("pool"));
    assert_eq!(modes.len(), 80);
    let mut spans_seen = BTreeSet::new();
    for (place, mode) in modes.iter().enumerate() {
        let (runs, answer) = case.run((place > 0).then_some(mode), &dataset, &task).unwrap();
        let verdict = referee.judge(&case.suite, case.query(), "0.01".parse().unwrap(), &answer).unwrap();
        assert!(verdict.verified(), "{mode}: {verdict}");
        let writes = !mode.ends_with("sink-none");
        let steps: Vec<&str> = runs.spans.iter().map(|span| span.step.as_str()).collect();
        assert_eq!(
            steps,
            if writes { vec!["read", "aggregate", "write"] } else { vec!["read", "aggregate"] },
            "{mode}"
        );
        spans_seen.insert(steps.len());
        let logged = runs.sink.and_then(|sink| sink.log_bytes);
        assert_eq!(logged.is_some_and(|bytes| bytes > 50_000), writes, "{mode}: {:?}", runs.sink);
        assert!(!writes || case.counts() == (answer.rows(), 0), "{mode}");
    }
    assert_eq!(spans_seen.len(), 2);
}

/// By `TEST_PODS_SCALE=10 cargo test --release --test pipeline -- --nocapture every_streaming`, at ten million line items: under 4 GiB,
/// PostgreSQL compares row by row what each variant wrote with the first one's, and that with DuckDB's answer. `TEST_PODS_MODES=columnar`
/// takes the variants with that in their name.
#[test]
fn every_streaming_variant_writes_the_same_table_at_a_scale_of_choice() {
    const FOUR_GIB: Bytes = Bytes(4 << 30);
    let scale = env::var("TEST_PODS_SCALE").unwrap_or_else(|_| "0.01".to_owned());
    let Some(case) = Case::start() else { return };
    let (dataset, task) = (case.data(&scale), case.task());
    let mut modes = common::catalog().entry("pipeline").unwrap().modes;
    modes.retain(|mode| mode.starts_with("streaming") && !mode.contains("prefetch") && !mode.contains("pool"));
    assert_eq!(modes.len(), 40);
    let part = env::var("TEST_PODS_MODES").unwrap_or_default();
    modes.retain(|mode| mode.contains(&part));
    assert!(!modes.is_empty(), "no variant has '{part}' in its name");
    let client = case.server.client(&case.program, PASSWORD);
    let mut first = None;
    for mode in &modes {
        let began = Instant::now();
        let (mut session, _scratch) = opened_within(&client, Some(mode), Some(FOUR_GIB)).unwrap();
        let (runs, answer) = one_run(&mut session, &dataset, &task).unwrap();
        session.close().unwrap();
        let peak = runs.peak_memory.unwrap().bytes;
        assert!(peak < FOUR_GIB, "{mode}: {peak}");
        if let Some(first) = &first {
            case.assert_same(first, &answer, mode);
            assert!(mode.ends_with("sink-none") || case.rows_unlike("querydyno.first") == 0, "{mode}");
        } else {
            case.server.sql("create table querydyno.first as table querydyno.pods_daily");
            if case.load_duckdbs_answer(&dataset) {
                assert_eq!(case.rows_unlike("querydyno.duckdb"), 0, "{mode}, and DuckDB");
                eprintln!("the rows of DuckDB's answer are those of {mode}");
            }
            first = Some(answer);
        }
        eprintln!("{mode}: {} rows, the same; {} MiB, {:.0?}", case.counts().0, peak.0 >> 20, began.elapsed());
    }
}

#[test]
fn pipeline_writes_labels_of_any_letters_as_they_are() {
    let Some(case) = Case::start() else { return };
    let folder = TempDir::new().unwrap();
    let labels = [
        None,
        Some("{}"),
        Some(r#"{"team \"blue\"":"a\tb\nc\rd\\N","größe":"übergroß"}"#),
        Some(r#"{"\ud83d\ude80":"\u6771\u4eac","":"\\.","nul?":"\u0001\u001f"}"#),
        Some("{\"it's\":\"$1; drop table x; -- \\u2028\"}"),
    ];
    let dataset = odd(folder.path(), &labels);
    let (_, expected) = case.run(Some("sink-none"), &dataset, &case.task()).unwrap();
    let Shown::Rows(rows) = &expected else { panic!("five rows have no sums") };
    let texts: BTreeSet<&str> = rows.rows.iter().filter_map(|row| row[3].as_deref()).collect();
    assert!(
        texts.contains("{}") && texts.contains("{\"\":\"\\\\.\",\"nul?\":\"\\u0001\\u001f\",\"🚀\":\"東京\"}"),
        "{texts:?}"
    );
    assert_eq!(rows.rows.len(), labels.len());
    for mode in ["streaming", "columnar-insert-batch", "copy", "columnar-label-cache-copy-binary"] {
        let (_, written) = case.run(Some(mode), &dataset, &case.task()).unwrap();
        case.assert_same(&expected, &written, mode);
    }
}

#[test_case(None)]
#[test_case(Some("streaming-columnar-parallel-label-cache-copy-binary"))]
fn pipeline_leaves_the_table_where_labels_are_malformed(mode: Option<&str>) {
    let Some(case) = Case::start() else { return };
    let folder = TempDir::new().unwrap();
    for broken in [r#"{"app": "a"#, r#"["app"]"#, r#"{"replicas": 3}"#, "app=a", ""] {
        let dataset = odd(folder.path(), &[Some("{}"), Some(broken), Some("{}")]);
        let (mut session, _scratch) = case.session(mode, &dataset, &case.without_reset());
        case.server.sql(&format!("truncate querydyno.pods_daily; {MARKER}"));
        let told = message(&session.run(1).unwrap_err());
        assert!(told.contains("no JSON object of texts") && told.contains("node node"), "{broken}: {told}");
        assert_eq!(case.counts(), (1, 1), "{broken}");
    }
}

#[test]
fn pipeline_is_refused_without_naming_the_password() {
    let Some(case) = Case::start() else { return };
    let wrong = case.server.client(&case.program, "not-the-Right-0ne");
    let told = message(&opened(&wrong, None).map(drop).unwrap_err());
    for part in ["does not let querydyno in", "POSTGRES_PASSWORD", &case.server.port.to_string()] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("Right-0ne"), "{told}");
    let mut nobody = case.server.client(&case.program, PASSWORD);
    nobody.env.insert("POSTGRES_URL".to_owned(), "postgresql://me:secret-5e1f@127.0.0.1:1/db".to_owned());
    let told = message(&opened(&nobody, None).map(drop).unwrap_err());
    assert!(told.contains("no PostgreSQL answers at 127.0.0.1:1") && told.contains("services up postgresql"), "{told}");
    nobody.env.insert("POSTGRES_URL".to_owned(), "postgresql://me:secret-5e1f@host:port".to_owned());
    let unread = message(&opened(&nobody, None).map(drop).unwrap_err());
    assert!(unread.contains("POSTGRES_URL is no address") && !(told + &unread).contains("5e1f"), "{unread}");
    // What writes nowhere needs no server.
    assert!(opened(&nobody, Some("sink-none")).is_ok());
}

#[test_case("streaming")]
#[test_case("columnar-insert-batch")]
#[test_case("columnar-copy")]
#[test_case("columnar-copy-binary")]
fn pipeline_says_which_columns_of_a_table_are_not_its_own(mode: &str) {
    let Some(case) = Case::start() else { return };
    let (dataset, task) = (case.data("0.01"), case.without_reset());
    let (mut session, _scratch) = case.session(Some(mode), &dataset, &task);
    case.server.sql("alter table querydyno.pods_daily alter line_items type text, drop node, add extra int not null");
    let told = message(&session.run(1).unwrap_err());
    let wanted = ["node is missing", "line_items is text and not int8", "extra is never written, and is not null"];
    assert!(wanted.iter().all(|part| told.contains(part)), "{mode}: {told}");
    assert!(told.contains("rename or drop") && !told.contains("tried"), "{mode}: {told}");
}

#[test]
fn pipeline_run_twice_or_by_two_at_once_writes_the_table_once() {
    let Some(case) = Case::start() else { return };
    let (dataset, task) = (case.data("0.01"), case.without_reset());
    let (mut first, _scratch) = case.session(Some("columnar-copy"), &dataset, &task);
    case.server.sql(MARKER);
    let rows = first.run(3).unwrap().rows;
    // It replaces what was there.
    assert_eq!(case.counts(), (rows, 0));
    thread::scope(|scope| {
        let case = &case;
        let (dataset, task) = (&dataset, &task);
        let others: Vec<_> = ["columnar-insert", "columnar-insert-batch", "columnar-copy-binary"]
            .into_iter()
            .map(|mode| scope.spawn(move || case.session(Some(mode), dataset, task).0.run(5).unwrap().rows))
            .collect();
        assert!(others.into_iter().all(|other| other.join().unwrap() == rows));
    });
    assert_eq!(case.counts(), (rows, 0));
    let (_, answer) = case.run(Some("sink-none"), &dataset, &task).unwrap();
    first.run(1).unwrap();
    case.assert_same(&answer, &first.answer().unwrap(), "after all of them");
}

#[test_case("columnar")]
#[test_case("columnar-insert-batch")]
#[test_case("columnar-copy")]
#[test_case("columnar-copy-binary")]
fn pipeline_whose_writer_is_killed_tries_again_and_completes_the_table(mode: &str) {
    let Some(case) = Case::start() else { return };
    let (dataset, task) = (case.data("0.01"), case.without_reset());
    let (_, expected) = case.run(Some("sink-none"), &dataset, &task).unwrap();
    let (mut session, _scratch) = case.session(Some(mode), &dataset, &task);
    case.server.sql(MARKER);
    case.server.sql(SLOW);
    let (took, runs) = thread::scope(|scope| {
        let begun = Instant::now();
        let run = scope.spawn(|| session.run(1));
        case.kill_writer();
        let runs = run.join().unwrap();
        (begun.elapsed(), runs)
    });
    let runs = runs.unwrap();
    assert_eq!(runs.rows, expected.rows(), "{took:?}");
    assert!(runs.sink.unwrap().retries > 0, "{took:?}: {:?}", runs.sink);
    assert_eq!(case.counts(), (expected.rows(), 0));
    case.assert_same(&expected, &session.answer().unwrap(), mode);
}

#[test]
fn pipeline_whose_server_is_gone_in_the_middle_of_copy_leaves_the_table() {
    let Some(mut case) = Case::start() else { return };
    let (dataset, task) = (case.data("0.01"), case.without_reset());
    let (mut session, _scratch) = case.session(Some("columnar-copy"), &dataset, &task);
    case.server.sql(MARKER);
    case.server.sql(SLOW);
    let run = thread::spawn(move || session.run(1));
    let deadline = Instant::now() + Duration::from_mins(1);
    while case.server.sql(WRITER).is_empty() {
        assert!(Instant::now() < deadline, "nobody writes");
    }
    case.server.kill();
    let told = message(&run.join().unwrap().unwrap_err());
    assert!(told.contains("tried 7 times") && told.contains("no PostgreSQL answers"), "{told}");
    case.server.restart();
    assert_eq!(case.counts(), (1, 1));
    // The next one is an ordinary one.
    case.server.sql("drop trigger slow on querydyno.pods_daily");
    let rows = case.run(Some("columnar-copy"), &dataset, &task).unwrap().1.rows();
    assert_eq!(case.counts(), (rows, 0));
}

#[test]
fn pipeline_whose_sink_has_no_room_leaves_the_table() {
    let Some(case) = Case::start() else { return };
    let full = case.server.folder.path().join("full");
    std::fs::create_dir(&full).unwrap();
    let mount = || Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(&full).output();
    if !is_root() || !mount().is_ok_and(|output| output.status.success()) {
        eprintln!("LEFT OUT: a full disk; it takes root, and a file system that can be mounted");
        return;
    }
    let unmounted = Unmounted(full.clone());
    let (user, group) = postgres_user();
    std::os::unix::fs::chown(&full, Some(user), Some(group)).unwrap();
    let (dataset, task) = (case.data("0.1"), case.without_reset());
    for mode in ["columnar-insert-batch", "columnar-copy", "columnar-copy-binary"] {
        let (mut session, _scratch) = case.session(Some(mode), &dataset, &task);
        if mode == "columnar-insert-batch" {
            case.server.sql(&format!("create tablespace small location '{}'", full.display()));
            case.server.sql("alter table querydyno.pods_daily set tablespace small");
            case.server.sql(MARKER);
        }
        let told = message(&session.run(1).unwrap_err());
        assert!(told.contains("No space left on device"), "{mode}: {told}");
        assert_eq!(case.counts(), (1, 1), "{mode}");
    }
    drop(case);
    drop(unmounted);
}

/// Takes a file system away when it goes, after a failed assertion too.
struct Unmounted(PathBuf);

impl Drop for Unmounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

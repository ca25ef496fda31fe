//! The report, over a recorded run: its numbers are those of Criterion's samples, what is broken is named and left out,
//! and its five forms stay as they are (`cargo insta review` shows a change).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use querydyno::host::filter::Filter;
use querydyno::host::record::{Metrics, NetworkRecord, Outcome, Provenance, Record, metric};
use querydyno::host::report::{
    Gathered, Group, Known, Marks, Report, Sources, baseline, csv, html, json, markdown, newest, terminal, told,
};
use querydyno::host::session::{Failure, FailureKind};
use querydyno::host::settings::Settings;
use querydyno::host::stats::median;
use querydyno::host::variant::Cache;
use tempfile::TempDir;

/// A copy of the recorded run, which a test may break.
struct Recorded {
    folder: TempDir,
}

impl Recorded {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded"), folder.path());
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sources(&self, filter: &str) -> Sources {
        Sources {
            records: vec![self.path("records")],
            criterion: self.path("criterion"),
            known: Known::read(&Settings::read().unwrap()).unwrap(),
            marks: Marks::read(&self.path("history.duckdb")).unwrap(),
            filter: Filter::new(filter, false).unwrap(),
            needs_times: true,
        }
    }

    fn newest(&self) -> Gathered {
        newest(&self.sources("")).unwrap()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Mean times per iteration, straight from Criterion's file.
fn samples(folder: &Path) -> Vec<f64> {
    let text = fs::read(folder.join("sample.json")).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let list =
        |name: &str| file[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect::<Vec<_>>();
    list("times").iter().zip(list("iters")).map(|(time, iterations)| time / iterations).collect()
}

const CELL: &str = "criterion/duckdb_q1_sf0.01/parquet/new";

#[test]
fn every_number_is_that_of_criterions_samples() {
    let recorded = Recorded::new();
    let gathered = recorded.newest();
    assert_eq!(told(&gathered.left_out), [""; 0]);
    let report = Report::new(&gathered, &recorded.sources("").known, &[]);
    let mut compared = 0;
    for group in &report.groups {
        let mut medians: BTreeMap<usize, BTreeMap<usize, f64>> = BTreeMap::new();
        for cell in group.cells() {
            let Some(time) = cell.time else { continue };
            let id = &cell.record().id;
            let folder = recorded.path("criterion").join(id.group().replace('/', "_")).join(&id.variant).join("new");
            let own = median(&samples(&folder)).unwrap();
            assert!((time.estimate / own - 1.0).abs() < 1e-9, "{id}: {} and {own}", time.estimate);
            medians.entry(cell.contestant).or_default().insert(cell.query, own);
            compared += 1;
        }
        for place in &group.ranking.places {
            let logs: Vec<f64> =
                group.ranking.queries.iter().map(|query| medians[&place.contestant][query].ln()).collect();
            #[expect(clippy::cast_precision_loss, reason = "a handful of queries")]
            let mean = (logs.iter().sum::<f64>() / logs.len() as f64).exp();
            assert!((place.geomean_ns / mean - 1.0).abs() < 1e-9);
        }
    }
    assert!(compared >= 20, "only {compared} cells were compared");
}

#[test]
fn what_is_broken_is_named_and_left_out() {
    let recorded = Recorded::new();
    let sample = fs::read_to_string(recorded.path(CELL).join("sample.json")).unwrap();
    let benchmark = fs::read_to_string(recorded.path(CELL).join("benchmark.json")).unwrap();
    // A benchmark whose engine was deleted, one that is not ours, one of --quick, one cut off, a change/ older than new/.
    let cell = |name: &str, id: &str, sample: &str| {
        recorded
            .write(&format!("criterion/{name}/new/benchmark.json"), benchmark.replace("duckdb/q1/sf0.01/parquet", id));
        recorded.write(&format!("criterion/{name}/new/sample.json"), sample);
    };
    cell("gone", "voltdb/q1/sf0.01/parquet", &sample);
    cell("foreign", "fibonacci 20", &sample);
    cell("quick", "duckdb/q2/sf0.01/parquet", r#"{"sampling_mode":"Flat","iters":[1.0,2.0],"times":[5.0,10.0]}"#);
    cell("torn", "duckdb/q3/sf0.01/parquet", &sample[..sample.len() / 2]);
    cell("unknown", "duckdb/q4/sf0.01/parquet", &sample);
    recorded.write("criterion/duckdb_q1_sf0.01/parquet/change/estimates.json", "{}");
    let change = recorded.path("criterion/duckdb_q1_sf0.01/parquet/change/estimates.json");
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    fs::File::options().write(true).open(change).unwrap().set_modified(past).unwrap();
    let line = fs::read_to_string(first_file(&recorded.path("records"))).unwrap().lines().next().unwrap().to_owned();
    recorded.write("records/29991231T000000Z-1.jsonl", &line[..line.len() / 2]);
    recorded.write("records/29991231T000000Z-2.jsonl", line.replacen("\"schema\":2", "\"schema\":99", 1));
    let whole = Recorded::new().newest();
    let broken = recorded.newest();
    let ids = |gathered: &Gathered| gathered.found.iter().map(|found| found.record_id.clone()).collect::<BTreeSet<_>>();
    assert_eq!(ids(&whole), ids(&broken));
    let told = told(&broken.left_out).join("\n");
    for expected in [
        "voltdb/q1/sf0.01/parquet in Criterion's folder: there is no engine voltdb here",
        "foreign/new: 'fibonacci 20' is no cell of ours",
        "quick/new: 2 points are no sample: a --quick run",
        "torn/new: sample.json is cut off or of another version of Criterion",
        "duckdb/q4/sf0.01/parquet in Criterion's folder: there is no record of this cell",
        "duckdb_q1_sf0.01/parquet/change: older than the results beside it",
        "29991231T000000Z-1:1: no whole record",
        "29991231T000000Z-2:1: schema 99 is newer than 4, which this version of QueryDyno reads up to: update it",
    ] {
        assert!(told.contains(expected), "{expected}\nnot in\n{told}");
    }
    assert_eq!(broken.left_out.len(), 8, "{told}");
}

fn first_file(folder: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.remove(0)
}

/// Whatever a cell's conditions are, those that differ in one of them are in another group, and the page says in which.
#[test]
fn unlike_cells_are_never_in_one_ranking() {
    type Change = fn(&mut Record);
    let changes: [(&str, Change); 9] = [
        ("files", |record| record.dataset.sha256 = Some("0".repeat(64))),
        ("64 cores", |record| record.host.cores = 64),
        ("threads: ", |record| record.threads = 7),
        ("cache: ", |record| record.cache = Cache::Cold),
        ("memory limit: ", |record| record.memory_limit_bytes = Some(1 << 30)),
        ("network: rtt=2ms", |record| {
            let conditions = Some("rtt=2ms".parse().unwrap());
            record.network = Some(NetworkRecord { conditions, ..NetworkRecord::default() });
        }),
        ("figures: simulated", |record| record.provenance = Provenance::Simulated),
        ("figures: imported", |record| record.provenance = Provenance::Imported),
        ("figures: estimated", |record| record.provenance = Provenance::Estimated),
    ];
    let recorded = Recorded::new();
    let gathered = recorded.newest();
    let known = recorded.sources("").known;
    let with_duckdb = |groups: &[Group<'_>]| {
        let ranked = |group: &Group<'_>, engine: &str| {
            group.ranking.places.iter().any(|place| group.contestants[place.contestant].engine == engine)
        };
        groups.iter().any(|group| ranked(group, "duckdb") && ranked(group, "polars"))
    };
    assert!(with_duckdb(&Report::new(&gathered, &known, &[]).groups));
    for (word, change) in changes {
        let mut other = Gathered { found: gathered.found.clone(), ..Gathered::default() };
        for found in other.found.iter_mut().filter(|found| found.record.id.engine == "duckdb") {
            change(&mut found.record);
        }
        let report = Report::new(&other, &known, &[]);
        assert!(!with_duckdb(&report.groups), "{word}");
        let text = terminal::render(&report.document(true).unwrap(), false);
        assert!(text.contains("Not ranked with the cells above") && text.contains(word), "{word} not in {text}");
    }
}

/// Even the fastest of all, by a single figure: it is in the page, with its reason, and in no ranking.
#[test]
fn what_is_not_measured_is_shown_with_its_reason_and_never_ranked() {
    let recorded = Recorded::new();
    let file = first_file(&recorded.path("records"));
    let mut record: Record = querydyno::host::record::read(&file).unwrap().swap_remove(0);
    record.id.scale = "10".parse().unwrap();
    record.dataset.scale = record.id.scale;
    record.provenance = Provenance::Simulated;
    record.provenance_reason = Some("a curve through three scales".to_owned());
    record.metrics.set(metric::TIME, [1e3]);
    recorded.write("records/29991231T000000Z-1.jsonl", serde_json::to_string(&record).unwrap());
    let gathered = recorded.newest();
    let report = Report::new(&gathered, &recorded.sources("").known, &[]);
    let group = report.groups.iter().find(|group| group.conditions.provenance == Provenance::Simulated).unwrap();
    assert!(group.ranking.places.is_empty() && group.fastest(0).is_none());
    let text = terminal::render(&report.document(true).unwrap(), false);
    assert!(text.contains("1.00 µs simulated"), "{text}");
    assert!(text.contains("simulated: a curve through three scales"), "{text}");
}

#[test]
fn a_cell_that_never_ran_takes_no_result_away() {
    let recorded = Recorded::new();
    let file = first_file(&recorded.path("records"));
    let mut record: Record = querydyno::host::record::read(&file).unwrap().swap_remove(0);
    record.started_at = "2999-12-31T00:00:00Z".to_owned();
    let failed = |kind: FailureKind| Outcome::Failed(Failure::from(kind).into());
    record.outcome = failed(FailureKind::Interrupted);
    (record.verdict, record.metrics) = (None, Metrics::default());
    recorded.write("records/29991231T000000Z-1.jsonl", serde_json::to_string(&record).unwrap());
    let told_of = |gathered: &Gathered| told(&gathered.left_out).join("\n");
    let interrupted = recorded.newest();
    let shown = interrupted.found.iter().find(|found| found.record.id == record.id).unwrap();
    assert_eq!(shown.record.outcome.word(), "measured");
    assert!(told_of(&interrupted).contains("29991231T000000Z-1:1): interrupted"), "{}", told_of(&interrupted));
    // A crash is a result, and the newest.
    record.outcome = failed(FailureKind::Crashed { signal: 11, request: "run".to_owned() });
    recorded.write("records/29991231T000000Z-1.jsonl", serde_json::to_string(&record).unwrap());
    let crashed = recorded.newest();
    let shown = crashed.found.iter().find(|found| found.record.id == record.id).unwrap();
    assert_eq!(shown.record.outcome.word(), "failed");
}

#[test]
fn a_baseline_is_found_by_its_samples_and_compared() {
    let recorded = Recorded::new();
    assert!(baseline(&recorded.sources(""), "main").unwrap_err().to_string().contains("--save-baseline main"));
    copy(&recorded.path(CELL), &recorded.path(CELL).with_file_name("main"));
    let base = baseline(&recorded.sources(""), "main").unwrap();
    assert_eq!(base.found.len(), 1);
    let head = recorded.newest();
    let known = recorded.sources("").known;
    let report = Report::new(&head, &known, &[]).against(("main", &base), ("the newest", &head));
    let changes = &report.changes.as_ref().unwrap().cells;
    assert_eq!(changes.len(), 1);
    assert!((changes[0].ratio.estimate - 1.0).abs() < 1e-12);
    assert_eq!(changes[0].verdict(), "no difference shown");
    let text = terminal::render(&report.document(false).unwrap(), false);
    assert!(text.contains("the newest against main") && text.contains("the base does not have it"), "{text}");
}

#[test]
fn without_results_there_is_a_sentence_that_helps() {
    let recorded = Recorded::new();
    let error = |sources: &Sources| format!("{:#}", newest(sources).unwrap_err());
    assert!(
        error(&recorded.sources("no-such-cell")).contains("no record"),
        "{}",
        error(&recorded.sources("no-such-cell"))
    );
    let empty = TempDir::new().unwrap();
    let sources = |records: PathBuf| Sources { records: vec![records], ..recorded.sources("") };
    assert!(error(&sources(empty.path().to_owned())).contains("run a bench first"));
    assert!(error(&sources(empty.path().join("none"))).contains("it is not there; a bench makes records"));
    fs::write(empty.path().join("notes.jsonl"), "not a record\n").unwrap();
    let foreign = error(&sources(empty.path().to_owned()));
    assert!(foreign.contains("no usable record") && foreign.contains("notes:1"), "{foreign}");
}

#[test]
fn a_run_of_failures_is_a_report_too() {
    let recorded = Recorded::new();
    let mut gathered = recorded.newest();
    for found in &mut gathered.found {
        let record = &mut found.record;
        record.outcome = Outcome::Failed("it fell over".to_owned().into());
        (record.verdict, record.metrics) = (None, Metrics::default());
    }
    let report = Report::new(&gathered, &recorded.sources("").known, &[]);
    let document = report.document(true).unwrap();
    let text = terminal::render(&document, false);
    assert!(text.contains("error: it fell over"), "{text}");
    assert!(html::render(&document).contains("it fell over"));
}

#[test]
fn support_counts_what_is_verified_and_groups_the_reasons_of_the_rest() {
    let recorded = Recorded::new();
    let measured = recorded.newest().found.into_iter().find(|found| found.record.ranks()).unwrap();
    let cell = |engine: &str, query: &str| {
        let mut found = measured.clone();
        found.record.id = format!("{engine}/{query}/sf1/parquet").parse().unwrap();
        found
    };
    let refused = |query: &str| {
        let mut found = cell("b", query);
        found.record.outcome = Outcome::Failed(format!("no plan for {query}: it refuses\nand more").into());
        (found.record.verdict, found.record.metrics) = (None, Metrics::default());
        found
    };
    let mut by_other_text = cell("c", "q1");
    by_other_text.record.query.sha256 = Some("another".to_owned());
    let found = vec![cell("a", "q1"), cell("b", "q1"), by_other_text, cell("a", "q2"), refused("q2"), refused("q10")];
    let gathered = Gathered { found, ..Gathered::default() };
    let report = Report::new(&gathered, &recorded.sources("").known, &[]);
    let text = markdown::render(&report.support(), None);
    let row = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{text}"));
    assert!(row("| a ").contains("| 2 of 3 |  |  |  |  | 1 |"), "{text}");
    assert!(row("| b ").contains("| 1 of 3 |  |  | 2 |  |  |"), "{text}");
    assert!(row("| c ").contains("| 1 of 3 | 1 |  |  |  | 2 |"), "{text}");
    assert!(row("| q1 ").contains("| yes | yes | other text |"), "{text}");
    assert!(text.contains("| error | no plan for the query: it refuses | q2 q10 |"), "{text}");
}

#[test]
fn all_five_forms_are_as_they_were() {
    let recorded = Recorded::new();
    let gathered = recorded.newest();
    let report = Report::new(&gathered, &recorded.sources("").known, &[]);
    let document = report.document(true).unwrap();
    let text = terminal::render(&document, false);
    assert!(text.lines().all(|line| console::measure_text_width(line) <= 100), "{text}");
    assert!(!text.contains('\u{1b}') && terminal::render(&document, true).contains('\u{1b}'));
    insta::assert_snapshot!("terminal", text);
    insta::assert_snapshot!("markdown", markdown::render(&document, Some("pictures")));
    insta::assert_snapshot!("html", html::render(&document));
    insta::assert_snapshot!("json", json::render(&report).unwrap());
    insta::assert_snapshot!("csv", csv::render(&report).unwrap());
}

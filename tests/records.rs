//! Records of every schema that there ever was: they are read, reported, and have the samples that they were written with.
//! `tests/records/vN.jsonl` holds lines as schema N wrote them.

use std::fs;
use std::path::{Path, PathBuf};

use querydyno::host::filter::Filter;
use querydyno::host::record::{self, Outcome, Record, SCHEMA, metric};
use querydyno::host::report::{Gathered, Known, Marks, Report, Sources, csv, html, json, newest, terminal, told};
use querydyno::host::session::FailureKind;
use querydyno::host::settings::Settings;
use querydyno::host::verify::Verdict;
use serde_json::Value;
use tempfile::TempDir;
use test_case::test_case;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records").join(name)
}

/// Each record of a file, with what its line says.
fn read(name: &str) -> Vec<(Record, Value)> {
    let text = fs::read_to_string(file(name)).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let records = record::read(&file(name)).unwrap();
    assert_eq!(records.len(), lines.len());
    records.into_iter().zip(lines).collect()
}

/// The numbers at a place in a line; none where there is nothing.
fn numbers(line: &Value, pointer: &str) -> Vec<f64> {
    match line.pointer(pointer) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(all)) => all.iter().map(|number| number.as_f64().unwrap()).collect(),
        Some(one) => vec![one.as_f64().unwrap()],
    }
}

#[test_case("v1.jsonl", 1)]
#[test_case("v2.jsonl", 2)]
#[test_case("v3.jsonl", 3)]
fn an_older_record_has_the_figures_that_it_was_written_with(name: &str, schema: u32) {
    for (record, line) in read(name) {
        assert_eq!((&line["schema"], record.schema), (&schema.into(), SCHEMA));
        assert_eq!(record.id.to_string(), line["id"]);
        assert_eq!(record.outcome.word(), line["outcome"]);
        assert_eq!(record.samples_ns(), numbers(&line, "/samples_ns"), "{}", record.id);
        for (pointer, kind) in [
            ("/cpu_time_ns", metric::CPU_TIME),
            ("/load_ns", metric::LOAD_TIME),
            ("/plan_ns", metric::PLAN_TIME),
            ("/execute_ns", metric::EXECUTE_TIME),
            ("/peak_memory_bytes", metric::PEAK_MEMORY),
            ("/baseline_memory_bytes", metric::BASELINE_MEMORY),
            ("/counts/minor_page_faults", metric::MINOR_PAGE_FAULTS),
            ("/counts/write_call_bytes", metric::BYTES_WRITTEN),
            ("/heap/peak_blocks", metric::HEAP_PEAK_BLOCKS),
            ("/instructions/instructions", metric::INSTRUCTIONS),
        ] {
            assert_eq!(record.metrics.values(kind), numbers(&line, pointer), "{}: {}", record.id, kind.name);
        }
        match &record.outcome {
            Outcome::Measured(how) => {
                assert_eq!(serde_json::to_value(&how.iterations).unwrap(), line["iterations"]);
                let warm_up_ns: Vec<u64> = serde_json::from_value(line["warm_up_ns"].clone()).unwrap_or_default();
                assert_eq!(how.warm_up_ns, warm_up_ns);
            }
            Outcome::Skipped(why) | Outcome::Failed(why) => {
                assert_eq!(why.reason, line["reason"]);
                assert_eq!(serde_json::to_value(&why.failure).unwrap(), line["failure"]);
            }
        }
    }
}

#[test]
fn what_is_known_of_a_cell_outlives_its_failure() {
    let failed = read("v3.jsonl").pop().unwrap().0;
    assert_eq!(failed.failure().map(|failure| &failure.kind), Some(&FailureKind::Interrupted));
    assert!(matches!(failed.verdict, Some(Verdict::Reference { .. })));
    assert!(failed.metric(metric::LOAD_TIME).is_some() && failed.samples_ns().is_empty() && !failed.ranks());
    let heap = read("v3.jsonl").into_iter().find_map(|(record, _)| record.heap()).unwrap();
    assert!(heap.heap.total_bytes > 0 && heap.tool.contains("DHAT") && heap.taken_at.ends_with('Z'), "{heap:?}");
}

/// A key that changes cuts every series in two, so these never may.
#[test]
fn series_keys_are_what_they_were() {
    let keys = |name: &str| -> Vec<String> {
        read(name).into_iter().map(|(record, _)| record.series().unwrap_or_default()).collect()
    };
    assert_eq!(keys("v1.jsonl"), ["b535ae72d3c5d8bf", "d052389b99895c90"]);
    assert_eq!(keys("v2.jsonl"), ["53563cf3fc9310d5", "70744025912bb1c8"]);
    assert_eq!(
        keys("v3.jsonl"),
        [
            "ac9062bcd9c5d664",
            "795f1288bd464236",
            "5ea9e31e241ae6bf",
            "b2c7e4f24d621f2a",
            "cf08c6a7e51f24cc",
            "cf08c6a7e51f24cc"
        ]
    );
}

/// A folder of records as runs leave them, all versions side by side, with Criterion's folder empty.
fn history(more: &[(&str, String)]) -> (TempDir, Sources) {
    let folder = TempDir::new().unwrap();
    for (name, text) in [("v1", "1"), ("v2", "2"), ("v3", "3")] {
        fs::copy(file(&format!("{name}.jsonl")), folder.path().join(format!("2026112{text}T120000Z-4711.jsonl")))
            .unwrap();
    }
    for (name, text) in more {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let sources = Sources {
        records: vec![folder.path().to_owned()],
        criterion: folder.path().join("none"),
        known: Known::read(&Settings::read().unwrap()).unwrap(),
        marks: Marks::default(),
        filter: Filter::new("", false).unwrap(),
        needs_times: true,
    };
    (folder, sources)
}

fn ids(gathered: &Gathered) -> Vec<&str> {
    gathered.found.iter().chain(&gathered.inspected).map(|found| found.record_id.as_str()).collect()
}

#[test]
fn older_records_are_reported() {
    let (_folder, sources) = history(&[]);
    let gathered = newest(&sources).unwrap();
    // The last line's cell has a newer record.
    assert_eq!(told(&gathered.left_out), [""; 0]);
    let mut shown = ids(&gathered);
    shown.sort_unstable();
    let run = |day: &str, lines: u32| (1..=lines).map(|line| format!("2026112{day}T120000Z-4711:{line}")).collect();
    let wanted: [Vec<String>; 3] = [run("1", 2), run("2", 2), run("3", 5)];
    assert_eq!(shown, wanted.concat());
    for found in gathered.found.iter().chain(&gathered.inspected) {
        assert_eq!(found.record.run_id.as_deref(), found.record_id.split(':').next());
    }
    let report = Report::new(&gathered, &sources.known, &[]);
    let document = report.document(true).unwrap();
    for page in [
        terminal::render(&document, false),
        html::render(&document),
        json::render(&report).unwrap(),
        csv::render(&report).unwrap(),
    ] {
        for words in ["duckdb 2.0.0", "20261123T120000Z-4711:2", "no reply to run within 60 s", "disputed", "14487792"]
        {
            assert!(page.contains(words), "{words} not in\n{page}");
        }
    }
}

#[test]
fn a_newer_record_is_told_and_takes_no_other_with_it() {
    let line = fs::read_to_string(file("v3.jsonl")).unwrap().lines().next().unwrap().to_owned();
    let newer = r#"{"schema":5,"cell":{"engine":"duckdb"}}"#;
    let text = format!("{newer}\n{line}\n{newer}\n{}", &line[..line.len() / 2]);
    let (folder, sources) = history(&[("20261124T120000Z-4711.jsonl", text)]);
    let records = record::read(&folder.path().join("20261124T120000Z-4711.jsonl")).unwrap();
    assert_eq!(records.len(), 1);
    let told = told(&newest(&sources).unwrap().left_out).join("\n");
    let expected = "20261124T120000Z-4711:1, 20261124T120000Z-4711:3: schema 5 is newer than 4, which this version of QueryDyno reads up to: update it";
    assert!(told.contains(expected), "{told}");
    assert!(told.contains("20261124T120000Z-4711:4: no whole record: cut off"), "{told}");
}

#[test]
fn a_record_of_today_is_read_as_it_was_written_and_has_its_keys() {
    for name in ["v1.jsonl", "v2.jsonl", "v3.jsonl"] {
        for (mut record, _) in read(name) {
            record.run_id = Some("20261120T120000Z-4711-5c1e09f3".to_owned());
            let line = serde_json::to_value(&record).unwrap();
            assert_eq!(line["series"].as_str(), record.series().as_deref());
            assert_eq!(line["machine_class"], record.host.class());
            assert_eq!(line["run_id"], "20261120T120000Z-4711-5c1e09f3");
            assert_eq!(line["outcome"], record.outcome.word());
            assert_eq!(serde_json::from_value::<Record>(line).unwrap(), record);
        }
    }
}

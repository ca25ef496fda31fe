//! What pages show of a history: comparisons with noise and plans, boundaries by size, ablations. Needs the programs of the history and of
//! the server (`cargo xtask build history server`).

mod common;

use std::path::Path;

use common::history::History;
use common::made_up::{A, add, failed, on_s3, record, with};
use common::server::Server;
use querydyno::host::ablation::{self, Ablation, Effect, Figures, Measured, Role, write};
use querydyno::host::session::FailureKind;
use querydyno::host::stats::Interval;
use querydyno::measure::machine::Host;
use querydyno::protocol::units::Bytes;
use serde_json::{Value, json};

/// The row of a table that begins with this text.
fn row(page: &str, begins: &str) -> String {
    let rows = page.split("<tr>").filter(|row| row.contains("<th"));
    // The colour of an engine is kept on the line of its name by a letter that nobody sees.
    let text = |row: &str| row.split(['<', '>']).step_by(2).collect::<Vec<_>>().join(" ").replace('\u{2060}', "");
    let rows: Vec<String> = rows.map(|row| text(row.split("</tr>").next().unwrap())).collect();
    let found = rows.iter().find(|row| row.split_whitespace().collect::<Vec<_>>().join(" ").starts_with(begins));
    let found = found.unwrap_or_else(|| panic!("no row '{begins}' in {rows:#?}"));
    found.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn compare_shows_noise_size_and_what_became_of_plans() {
    let Some(history) = History::empty() else { return };
    let of = |query: u32, version: &str, milliseconds: f64, text: &str| {
        with(record(&format!("duckdb/q{query}/sf1/parquet"), A, milliseconds), |record| {
            record["engine"]["version"] = version.into();
            record["plan"] = json!({"sha256": format!("{:064x}", text.len()), "text": text});
        })
    };
    for (hour, milliseconds) in [100.0, 100.0, 101.0, 99.0, 100.0, 100.0, 102.0].into_iter().enumerate() {
        let both = [1, 2].map(|query| of(query, "1.0.0", milliseconds, "SORT\n  SCAN a < b"));
        add(&history, u32::try_from(hour).unwrap() + 1, both);
    }
    add(&history, 10, [of(1, "2.0.0", 150.0, "TOP_N\n  SCAN a < b"), of(2, "2.0.0", 103.0, "SORT\n  SCAN a < b")]);
    let Some(server) = Server::start(history.folder.path(), &[], &[]) else { return };
    let page = server.get("/compare?sides=versions&first=duckdb%401.0.0&second=duckdb%402.0.0");
    assert_eq!(page.status, 200, "{}", page.text());
    let page = page.text();
    assert!(
        page.contains("2 compared: 2 slower, 0 faster, 1 of these by more than their noise; 1 with another plan."),
        "{page}"
    );
    let (first, second) = (row(&page, "duckdb/q1 sf1"), row(&page, "duckdb/q2 sf1"));
    assert!(first.contains(" slower large beyond ") && first.ends_with("changed"), "{first}");
    assert!(second.contains(" tiny within ") && second.ends_with("same"), "{second}");
    assert!(page.contains("- SORT\n+ TOP_N\n    SCAN a &lt; b"), "{page}");
    // Engines have no plan in common, and with three results nothing is known of noise.
    for hour in 11..=12 {
        add(
            &history,
            hour,
            [with(record("polars/q1/sf1/parquet", A, 100.0), |record| {
                record["plan"] = json!({"sha256": "00", "text": "X"});
            })],
        );
    }
    server.until(18);
    let page = server.get("/compare?sides=engines&first=duckdb&second=polars").text();
    let only = row(&page, "q1 sf1");
    assert!(only.contains("too few earlier results") && !page.contains("Plans that changed"), "{only}");
}

#[test]
fn boundary_tells_who_wins_spills_and_fails_from_which_size_on() {
    let Some(history) = History::empty() else { return };
    let of = |engine: &str, scale: &str, milliseconds: f64, written: f64| {
        with(record(&format!("{engine}/q6/{scale}/parquet-2GiB"), A, milliseconds), |record| {
            record["memory_limit_bytes"] = json!(2_u64 << 30);
            let metrics = record["metrics"].as_array_mut().unwrap();
            metrics.retain(|metric| metric["name"] != "bytes_written");
            metrics.push(json!({"name": "bytes_written", "unit": "bytes", "values": [written]}));
        })
    };
    let kind = FailureKind::OutOfMemory { limit: Bytes(1), held: Bytes(2), request: "run".to_owned() };
    let out_of_memory = failed(of("pandas", "sf10", 1.0, 0.0), kind);
    let all = [
        of("pandas", "sf1", 10.0, 0.0),
        of("duckdb", "sf1", 20.0, 0.0),
        of("pandas", "sf5", 100.0, 0.0),
        of("duckdb", "sf5", 60.0, 1000.0),
        out_of_memory,
        of("duckdb", "sf10", 900.0, 5e8),
        // At one scale there is no boundary.
        record("duckdb/q1/sf1/parquet", A, 1.0),
    ];
    add(&history, 1, all);
    let Some(server) = Server::start(history.folder.path(), &[], &[]) else { return };
    let page = server.get("/boundary");
    assert_eq!(page.status, 200, "{}", page.text());
    let page = page.text();
    for said in [
        "q6 under 2.00 GiB: pandas",
        "is the fastest from sf1 on, duckdb",
        "spills from sf10 on",
        "runs out of memory from sf10 on",
    ] {
        assert!(page.contains(said), "{said} not in {page}");
    }
    assert_eq!(page.matches("<svg").count(), 2, "{page}");
    assert!(row(&page, "pandas").ends_with("out of memory") && row(&page, "duckdb").contains("spills"), "{page}");
    assert!(!page.contains("query=q1&"), "{page}");
    assert_eq!(server.get("/boundary?query=q6&memory=2GiB").status, 200);
    assert_eq!(server.get("/boundary?query=q6&memory=none").status, 404);
    assert_eq!(server.get("/boundary?suite=nothing").status, 404);
}

/// Only what had the same network is held against each other, and what could not open is nobody else's.
#[test]
fn ranking_takes_one_network_at_a_time_and_each_mode_by_itself() {
    let Some(history) = History::empty() else { return };
    let eager = with(on_s3("polars", "s3-eager", 30.0), |record| record["mode"] = "eager".into());
    let kind = FailureKind::NoServer { message: "it did not open".to_owned() };
    let closed = with(failed(on_s3("polars", "s3", 1.0), kind), |record| record["engine"]["version"] = Value::Null);
    add(&history, 1, [on_s3("duckdb", "s3", 20.0), eager, on_s3("duckdb", "s3-rtt2ms", 90.0)]);
    add(&history, 2, [closed]);
    let Some(server) = Server::start(history.folder.path(), &[], &[]) else { return };
    let ranked = server.get("/api/v1/ranking").json();
    let ranked: Vec<(bool, &str, f64)> = (ranked["rows"].as_array().unwrap().iter())
        .map(|row| {
            let slow = row["conditions"].as_str().unwrap().contains("network rtt2ms");
            let engine = row["engine"].as_str().unwrap().split(' ').next().unwrap();
            (slow, engine, row["to_fastest"].as_f64().unwrap())
        })
        .collect();
    assert_eq!(ranked.iter().filter(|(slow, ..)| *slow).count(), 1, "{ranked:?}");
    let plain: Vec<_> = ranked.iter().filter(|(slow, ..)| !slow).map(|(_, engine, ratio)| (*engine, *ratio)).collect();
    assert!(matches!(plain[..], [("duckdb", 1.0), ("polars", ratio)] if (ratio - 1.5).abs() < 0.01), "{ranked:?}");
}

#[test]
fn boundary_says_so_where_there_is_one_scale() {
    let Some(history) = History::empty() else { return };
    let Some(server) = Server::start(history.folder.path(), &[], &[]) else { return };
    assert!(server.get("/boundary").text().contains("No query has measured results at two scales"));
}

/// An ablation as the command writes it.
fn ablate(folder: &Path, query: &str, columnar: f64) {
    let figures = |time_ns| {
        ablation::Outcome::Figures(Box::new(Figures {
            time_ns,
            steps_ns: vec![("read".to_owned(), time_ns)],
            ..Figures::default()
        }))
    };
    let measured = |role: Role, outcome| Measured { name: role.name(), role, outcome };
    let found = Ablation {
        engine: "pipeline".to_owned(),
        version: "1".to_owned(),
        settings: [].into(),
        query: query.to_owned(),
        scale: "sf1".parse().unwrap(),
        rows: 1000,
        variant: "2 threads".to_owned(),
        rounds: 6,
        verified: "reference".to_owned(),
        host: Host::read(),
        taken_at: "2026-11-20T00:00:00Z".to_owned(),
        variants: vec![
            measured(Role::Baseline, figures(2e9)),
            measured(Role::Added("columnar".to_owned()), figures(2e9 / columnar)),
            measured(Role::Full, ablation::Outcome::Failed("it <crashed>".to_owned())),
        ],
        effects: vec![Effect {
            option: "columnar".to_owned(),
            alone: Some(Interval { estimate: columnar, low: columnar - 0.1, high: columnar + 0.1 }),
            in_full: None,
        }],
    };
    write(&found, folder).unwrap();
}

#[test]
fn ablation_shows_what_the_command_has_written_and_what_it_writes_next() {
    let Some(history) = History::empty() else { return };
    let folder = history.folder.path().join("ablations");
    let Some(server) = Server::start(history.folder.path(), &["--ablations", folder.to_str().unwrap()], &[]) else {
        return;
    };
    assert!(server.get("/ablation").text().contains("No ablation was written"));
    ablate(&folder, "a-query", 2.0);
    let page = server.get("/ablation").text();
    assert!(page.contains("pipeline 1: a-query at sf1") && page.contains("<svg"), "{page}");
    assert_eq!(row(&page, "columnar"), "columnar 2.00 1.90 to 2.10 –");
    assert!(row(&page, "+ columnar").contains("1.00 s 2.00"), "{}", row(&page, "+ columnar"));
    assert_eq!(row(&page, "all"), "all failed: it &lt;crashed&gt;");
    std::thread::sleep(std::time::Duration::from_millis(20));
    ablate(&folder, "b-query", 3.0);
    let page = server.get("/ablation").text();
    assert!(page.contains("a-query") && page.contains("b-query"), "{page}");
}

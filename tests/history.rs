//! The history: what the journal says is in it to the bit, taking in twice changes nothing, and each command does what it says. Needs the
//! program of the history (`cargo xtask build history`); what goes wrong is in `tests/history_faults.rs`.

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::history::History;
use common::text;
use parquet::file::reader::{FileReader, SerializedFileReader};
use querydyno::host::record::{self, Record, metric};
use querydyno::host::stats;

/// A list as DuckDB's values are printed: `[1.5, 2.0]`.
fn numbers(list: &str) -> Vec<f64> {
    list.trim_matches(['[', ']']).split(", ").map(|number| number.parse().unwrap()).collect()
}

/// Every record of the journal, by its name in reports.
fn records(history: &History) -> Vec<(String, Record)> {
    let mut found = Vec::new();
    for file in fs::read_dir(history.records()).unwrap().flatten().map(|file| file.path()) {
        let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let lines = record::read_lines(&file).unwrap().into_iter();
        found.extend(lines.map(|(line, record)| (format!("{stem}:{line}"), record.unwrap())));
    }
    found
}

#[test]
fn take_in_keeps_every_figure_to_the_bit() {
    let Some(history) = History::new() else { return };
    let records = records(&history);
    assert_eq!(history.count("results"), records.len() as u64);
    let rows = history.csv(
        "SELECT record, name, unit, value, coalesce(samples, [value]), source FROM metrics JOIN measurements USING (result)",
    );
    let mut compared = 0;
    for (name, record) in &records {
        for metric in record.metrics.clone() {
            let row = rows.iter().find(|row| row[0] == *name && row[1] == metric.name).unwrap();
            let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&numbers(&row[4])), bits(&metric.values), "{name} {}", metric.name);
            let median = stats::median(&metric.values).unwrap();
            assert_eq!(row[3].parse::<f64>().unwrap().to_bits(), median.to_bits(), "{name} {}", metric.name);
            assert_eq!(
                (row[2].as_str(), row[5].as_str()),
                (&*metric.unit, metric.source.as_deref().unwrap_or_default())
            );
            compared += 1;
        }
    }
    assert_eq!((rows.len(), compared > 100), (compared, true));
}

#[test]
fn take_in_keeps_what_a_record_says_of_itself() {
    let Some(history) = History::new() else { return };
    let columns = "record, cell, series, outcome, reason, verdict, verified, machine_class, engine_version, run, comparable, time_ns";
    let rows = history.csv(&format!("SELECT {columns} FROM measurements"));
    for (name, record) in records(&history) {
        let row = rows.iter().find(|row| row[0] == name).unwrap();
        assert_eq!(row[1], record.id.to_string());
        assert_eq!(row[2], record.series().unwrap_or_default());
        assert_eq!((row[3].as_str(), row[4].as_str()), (record.outcome.word(), record.reason().unwrap_or_default()));
        let verdict = serde_json::to_value(&record.verdict).unwrap();
        assert_eq!(row[5], verdict["kind"].as_str().unwrap_or_default());
        assert_eq!(row[6], record.verified().to_string());
        assert_eq!(row[7], record.machine_class());
        assert_eq!(row[8], record.engine.version.clone().unwrap_or_default());
        assert_eq!(row[9], record.run_id.clone().unwrap());
        assert_eq!(row[10], record.ranks().to_string(), "{name}");
        assert_eq!(row[11].parse().ok(), record.metric(metric::TIME));
    }
}

#[test]
fn take_in_a_second_time_changes_nothing() {
    let Some(history) = History::new() else { return };
    let first = history.content();
    assert!(!text(&history.run(&["stats"])).contains("taken in"));
    // Looked at anew, in files that are older, newer, copied, or of another name.
    for file in fs::read_dir(history.records()).unwrap().flatten().map(|file| file.path()) {
        fs::write(&file, fs::read(&file).unwrap()).unwrap();
    }
    assert_eq!(history.ok(&["take-in"]), "0 new results, 0 lines left out, of 4 new or changed files\n");
    let run = "20261121T180539Z-19211";
    fs::copy(history.journal(run), history.journal("20261121T180539Z-19211-copy")).unwrap();
    assert_eq!(history.ok(&["take-in"]), "0 new results, 0 lines left out, of 1 new or changed files\n");
    assert_eq!(history.content(), first);
    assert!(history.ok(&["check"]).contains("the history is whole"));
}

#[test]
fn take_in_reads_on_where_a_file_has_grown_and_anew_where_it_is_another() {
    let Some(history) = History::empty() else { return };
    let lines: Vec<String> = history_lines();
    let run = "20261123T120000Z-4711";
    history.add(run, &lines[..2].concat());
    assert_eq!(history.count("results"), 2);
    history.add(run, &lines[..4].concat());
    assert_eq!(history.count("results"), 4);
    assert_eq!(history.csv("SELECT taken_lines FROM journal_files"), [["4"]]);
    // What was taken in stays, whatever becomes of the file.
    history.add(run, &[&lines[4], &lines[1]].map(String::as_str).concat());
    assert_eq!(history.count("results"), 5);
    fs::remove_file(history.journal(run)).unwrap();
    assert_eq!(history.count("results"), 5);
    assert!(
        history
            .ok(&["check"])
            .contains("5 results, each with its figures as they were taken in; the journal has 0 files")
    );
}

fn history_lines() -> Vec<String> {
    let text = fs::read_to_string(querydyno::host::paths::root().join("tests/records/v3.jsonl")).unwrap();
    text.lines().map(|line| format!("{line}\n")).collect()
}

#[test]
fn runs_begin_and_end_with_their_cells_in_whatever_order_the_clock_had_them() {
    let Some(history) = History::empty() else { return };
    let times = ["2026-11-20T12:00:09.000Z", "2026-11-20T11:59:00.000Z", "2026-11-20T12:00:05.000Z"];
    let line = history_lines().remove(0);
    let mut record: serde_json::Value = serde_json::from_str(&line).unwrap();
    for count in 1..=3 {
        let lines = times[..count].iter().map(|at| {
            record["started_at"] = (*at).into();
            format!("{record}\n")
        });
        history.add("20261120T120000Z-1", &lines.collect::<String>());
        history.ok(&["take-in"]);
    }
    let runs = history.csv("SELECT run, started_at, last_cell_at FROM runs");
    assert_eq!(runs, [["20261120T120000Z-1", "2026-11-20T11:59:00", "2026-11-20T12:00:09"]]);
}

#[test]
fn sql_only_reads() {
    let Some(history) = History::new() else { return };
    let first = history.content();
    let other = history.folder.path().join("other").display().to_string();
    for statement in [
        "DELETE FROM results",
        "CREATE TABLE mine (a INT)",
        "UPDATE metrics SET value = 0",
        "FROM read_csv('/etc/passwd')",
        "FROM glob('/*')",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SELECT 1; DELETE FROM results",
        &format!("COPY results TO '{other}'"),
        &format!("ATTACH '{other}'"),
        &format!("EXPORT DATABASE '{other}'"),
    ] {
        assert!(history.fails(&["sql", statement]).contains("Error"), "{statement}");
    }
    assert!(!history.folder.path().join("other").exists());
    assert!(history.fails(&["sql", "SELEC 1"]).contains("syntax error"));
    assert_eq!(history.content(), first);
}

#[test]
fn sql_shows_the_same_rows_in_each_form() {
    let Some(history) = History::empty() else { return };
    let statement = "SELECT 5199465.80 AS time, 'a|b' AS \"b\"\"c\", [0.1, 1e300] AS list, NULL AS none, {'k': 'v'} AS s, MAP {'m': 1} AS map,
                     'nan'::DOUBLE AS nan, TIMESTAMP '2026-11-20 12:00:00' AS at";
    let shown = |format: &str| history.ok(&["sql", statement, "--format", format]);
    assert_eq!(
        shown("json"),
        "[{\"time\":5199465.80,\"b\\\"c\":\"a|b\",\"list\":[0.1,1e300],\"none\":null,\"s\":{\"k\":\"v\"},\"map\":{\"m\":1},\
         \"nan\":\"NaN\",\"at\":\"2026-11-20T12:00:00\"}]\n"
    );
    assert_eq!(
        shown("csv"),
        "time,\"b\"\"c\",list,none,s,map,nan,at\n5199465.80,a|b,\"[0.1, 1e300]\",,{k: v},{m: 1},NaN,2026-11-20T12:00:00\n"
    );
    assert!(shown("markdown").contains("| a\\|b |"), "{}", shown("markdown"));
    assert!(shown("table").contains("5199465.80  a|b"), "{}", shown("table"));
    let file = history.folder.path().join("rows.parquet");
    history.ok(&["sql", "FROM range(1000)", "--format", "parquet", "--output", file.to_str().unwrap()]);
    let reader = SerializedFileReader::new(fs::File::open(file).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 1000);
}

#[test]
fn sql_shows_the_rows_of_each_statement() {
    let Some(history) = History::empty() else { return };
    let shown = |text: &str, format: &str| history.ok(&["sql", text, "--format", format]);
    assert_eq!(shown("SELECT 1 AS a; SELECT 2 AS b", "csv"), "a\n1\nb\n2\n");
    // Semicolons that end nothing.
    let odd = "SELECT ';' AS \"a;b\" -- ;\n;; /* ; */ ;SELECT $$;$$ AS c;";
    assert_eq!(shown(odd, "json"), "[{\"a;b\":\";\"}]\n[{\"c\":\";\"}]\n");
    // Nothing is shown where one of them is wrong.
    let output = history.run(&["sql", "SELECT 1 AS a; SELEC 2"]);
    assert!(output.stdout.is_empty() && text(&output).contains("syntax error"), "{}", text(&output));
    let one = history.refuses(&["sql", "SELECT 1; SELECT 2", "--format", "parquet", "--output", "/dev/null"]);
    assert!(one.contains("has the rows of one statement"), "{one}");
}

#[test]
fn sql_shows_as_text_what_it_cannot_decode() {
    let Some(history) = History::empty() else { return };
    let settings = history.csv("FROM duckdb_settings() -- all of them");
    let threads = settings.iter().find(|row| row[0] == "threads").unwrap();
    assert!(threads[1].parse::<u64>().is_ok(), "{threads:?}");
    let shown = "SELECT 1 AS one, {'a': 2}::VARIANT AS \"two \"\"words\", [3::VARIANT] AS list";
    assert_eq!(history.csv(shown), [["1", "{'a': 2}", "[3]"]]);
}

#[test]
fn tables_and_views_are_documented_as_they_are() {
    const KEYS: [&str; 8] = ["machine", "engine", "task", "dataset", "plan", "run", "result", "annotation"];
    let Some(history) = History::empty() else { return };
    let text = fs::read_to_string(querydyno::host::paths::root().join("src/history/mod.rs")).unwrap();
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let (mut columns, mut views, mut table) = (BTreeSet::new(), BTreeSet::new(), String::new());
    for line in text.lines().filter_map(|line| line.strip_prefix("//! |")?.strip_suffix('|')) {
        let cells: Vec<&str> = line.split('|').collect();
        let name = quoted(cells[0]);
        match (cells.len(), name.first()) {
            (2, Some(view)) => drop(views.insert(view.clone())),
            (3, name) => {
                table = name.cloned().unwrap_or(table);
                columns.extend(quoted(cells[1]).into_iter().map(|column| (table.clone(), column)));
            }
            _ => {}
        }
    }
    let real =
        "SELECT table_name, column_name FROM duckdb_columns() JOIN duckdb_tables() USING (database_name, table_name)
                WHERE NOT temporary AND database_name = current_database()";
    let real: BTreeSet<(String, String)> =
        history.csv(real).into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert!(columns.len() > 50, "{columns:?}");
    let unknown: Vec<_> = columns.difference(&real).collect();
    assert!(unknown.is_empty(), "documented, and not there: {unknown:?}");
    let is_told = |(_, column): &&&(String, String)| !KEYS.contains(&column.as_str());
    let untold: Vec<_> = real.difference(&columns).filter(|column| is_told(&column)).collect();
    assert!(untold.is_empty(), "there, and not documented: {untold:?}");
    let real =
        history.csv("SELECT view_name FROM duckdb_views() WHERE NOT internal AND database_name = current_database()");
    assert_eq!(views, real.into_iter().flatten().collect());
}

#[test]
fn list_show_and_stats_tell_what_there_is() {
    let Some(history) = History::new() else { return };
    let list = history.ok(&["list", "duckdb/q1", "--limit", "1"]);
    assert!(list.contains("duckdb/q1/sf0.01/parquet") && list.lines().count() == 2, "{list}");
    let record = list.lines().nth(1).unwrap().split_whitespace().next().unwrap();
    let shown = history.ok(&["show", record]);
    for words in ["machine_class", "peak_memory", "iterations", "series"] {
        assert!(shown.contains(words), "{words} not in {shown}");
    }
    assert!(history.refuses(&["list", "duckdb/q99"]).contains("no result of a cell"));
    assert!(history.fails(&["show", "none:1"]).contains("`history list` names them"));
    let stats = history.ok(&["stats", "--format", "csv"]);
    assert!(stats.contains(&format!("results,{}\n", history.count("results"))), "{stats}");
    // Readable by DuckDB 1.5 too.
    assert!(history.ok(&["sql", "SELECT tags FROM duckdb_databases()"]).contains("v1.5.0"));
}

#[test]
fn annotate_keeps_a_note_once_and_refuses_unknown_targets() {
    let Some(history) = History::new() else { return };
    for _ in 0..2 {
        history.ok(&["annotate", "duckdb/q1", "SET threads = 1", "--kind", "workaround"]);
        history.ok(&["annotate", "20261123T120000Z-4711:2", "the fan was broken"]);
    }
    assert_eq!(history.count("annotations"), 2);
    let workaround = "SELECT workaround FROM compatibility WHERE engine_name = 'duckdb' AND query = 'q1'";
    assert_eq!(history.csv(workaround), [["SET threads = 1"]]);
    assert!(history.ok(&["show", "20261123T120000Z-4711:2"]).contains("the fan was broken"));
    assert!(history.fails(&["annotate", "duckdb/q99", "no"]).contains("nothing is called 'duckdb/q99'"));
    for empty in ["", " \n"] {
        assert!(history.refuses(&["annotate", "duckdb/q1", empty]).contains("the text of a note is empty"));
        assert!(history.refuses(&["annotate", "duckdb/q1", empty, "--level"]).contains("the text of a note is empty"));
    }
    assert_eq!(history.count("annotations"), 2);
}

#[test]
fn delete_is_for_good_and_dry_run_is_not() {
    let Some(history) = History::new() else { return };
    let (all, meant) = (history.count("results"), history.count("measurements WHERE engine_name = 'pandas'"));
    assert!(meant > 0);
    let condition = ["delete", "--where", "engine_name = 'pandas'"];
    assert!(
        history.ok(&[&condition[..], &["--dry-run"]].concat()).contains(&format!("{meant} results would be deleted"))
    );
    assert_eq!(history.count("results"), all);
    history.ok(&[&condition[..], &["--reason", "a test"]].concat());
    history.ok(&["delete", "20261123T120000Z-4711:2"]);
    fs::write(history.journal("20261121T180539Z-19211"), fs::read(history.journal("20261121T180539Z-19211")).unwrap())
        .unwrap();
    assert_eq!(history.count("results"), all - meant - 1);
    assert!(history.ok(&["check"]).contains("the history is whole"));
    assert!(history.fails(&["delete", "none:1"]).contains("no result is called none:1"));
    assert_eq!(history.run(&["delete"]).status.code(), Some(2));
}

#[test]
fn a_backup_is_restored_as_it_was_and_what_was_there_is_kept() {
    let Some(history) = History::new() else { return };
    history.ok(&["annotate", "duckdb/q1", "kept"]);
    let first = history.content();
    for (name, more) in [("plain", &[][..]), ("small.gz", &["--compress"])] {
        let file = history.folder.path().join(name).display().to_string();
        history.ok(&[&["backup", &file], more].concat());
        assert!(history.fails(&["backup", &file]).contains("is there already"));
        history.ok(&["annotate", "duckdb/q1", "lost"]);
        history.ok(&["delete", "--where", "true"]);
        let told = history.ok(&["restore", &file]);
        assert!(told.contains("what it was is kept"), "{told}");
        assert_eq!(history.content(), first);
    }
    let plain = history.folder.path().join("plain").display().to_string();
    assert!(history.ok(&["list", "duckdb/q1", "--database", &plain, "--limit", "1"]).contains("duckdb/q1/"));
    let size = |name: &str| fs::metadata(history.folder.path().join(name)).unwrap().len();
    assert!(size("small.gz") < size("plain") / 2);
}

#[test]
fn optimize_gives_room_back_and_changes_nothing() {
    let Some(history) = History::new() else { return };
    let demo = history.folder.path().join("demo.duckdb").display().to_string();
    history.ok(&["demo", &demo, "--results", "3000"]);
    let of_demo = |args: &[&str]| history.ok(&[&["--database", &demo][..], args].concat());
    of_demo(&["delete", "--where", "query <> 'q1'"]);
    let all = "FROM metrics ORDER BY ALL";
    let (size, before) = (fs::metadata(&demo).unwrap().len(), of_demo(&["sql", all]));
    of_demo(&["optimize"]);
    assert_eq!(of_demo(&["sql", all]), before);
    assert!(fs::metadata(&demo).unwrap().len() < size);
    assert!(of_demo(&["sql", "SELECT tags FROM duckdb_databases()"]).contains("v1.5.0"));
    // Keys are still kept.
    let twice =
        of_demo(&["sql", "SELECT count(*) AS keys FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'"]);
    assert!(twice.contains("12"), "{twice}");
}

#[test]
fn export_writes_each_table_and_nothing_over_anything() {
    let Some(history) = History::new() else { return };
    let folder = history.folder.path().join("export");
    history.ok(&["export", folder.to_str().unwrap()]);
    let reader = SerializedFileReader::new(fs::File::open(folder.join("results.parquet")).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows().unsigned_abs(), history.count("results"));
    assert!(history.fails(&["export", folder.to_str().unwrap()]).contains("has something in it"));
}

#[test]
fn demo_is_simulated_and_ranks_with_nothing_that_was_measured() {
    let Some(history) = History::new() else { return };
    let (file, home) = (history.folder.path().join("demo.duckdb"), history.folder.path().join("simulated"));
    history.ok(&["demo", file.to_str().unwrap(), "--results", "500", "--journal", home.to_str().unwrap()]);
    let asked = |sql: &str| history.ok(&["--database", file.to_str().unwrap(), "sql", sql, "--format", "csv"]);
    assert_eq!(asked("SELECT provenance, count(*) AS n FROM results GROUP BY ALL"), "provenance,n\nsimulated,500\n");
    // Taken in beside what was measured, it has rows of its own.
    for file in fs::read_dir(home.join("records")).unwrap().flatten() {
        fs::copy(file.path(), history.records().join(file.file_name())).unwrap();
    }
    let best = history.csv("SELECT provenance, engine, count(*) FROM best_engine_per_query GROUP BY ALL");
    let is_simulated = |row: &Vec<String>| row[1].ends_with("1.0.0") || row[1].ends_with("1.1.0");
    assert!(best.iter().all(|row| (row[0] == "simulated") == is_simulated(row)), "{best:?}");
    assert!(best.iter().any(|row| row[0] == "measured") && best.iter().any(|row| row[0] == "simulated"));
}

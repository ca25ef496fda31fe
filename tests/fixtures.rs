//! The fixture store as its users see it: data is made once, whole, and made again when it is broken.
//!
//! All at scales of a few megabytes; `cargo test --test fixtures`.

#![cfg(feature = "harness")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type};
use chrono::{Months, NaiveDate};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use querydyno::host::data::generate::Store;
use querydyno::host::suite::{Suite, TableSpec};
use querydyno::protocol::dataset::Dataset;
use querydyno::protocol::id::Scale;
use tempfile::TempDir;

const TABLES: [&str; 8] = ["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"];

fn suite(name: &str) -> Suite {
    let table = |name: &&str| TableSpec { name: (*name).to_owned(), ..TableSpec::default() };
    Suite {
        generator: Some(name.to_owned()),
        name: name.to_owned(),
        title: "TPC-H".to_owned(),
        tables: TABLES.iter().map(table).collect(),
        ..Suite::default()
    }
}

fn scale(text: &str) -> Scale {
    text.parse().unwrap()
}

fn names(tables: &[&str]) -> Vec<String> {
    tables.iter().map(|&name| name.to_owned()).collect()
}

fn ensure(store: &Store, at: &str, tables: &[&str]) -> Dataset {
    store.ensure(&suite("tpch"), scale(at), "parquet", &names(tables)).unwrap()
}

/// Modification time and content of everything in a folder, by path.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let modified = path.metadata().unwrap().modified().unwrap();
                found.insert(path.clone(), (modified, fs::read(&path).unwrap()));
            }
        }
    }
    found
}

fn read(file: &Path) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    reader.build().unwrap().map(Result::unwrap).collect()
}

/// A store with `nation` and `supplier`, and the second one's only file with its content.
fn small() -> (TempDir, Store, PathBuf, Vec<u8>) {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    let dataset = ensure(&store, "sf0.001", &["nation", "supplier"]);
    let file = dataset.tables[0].paths().unwrap()[0].to_owned();
    assert_eq!(dataset.tables[0].name, "nation");
    let file_of_supplier = dataset.tables[1].paths().unwrap()[0].to_owned();
    assert_ne!(file, file_of_supplier);
    let content = fs::read(&file_of_supplier).unwrap();
    (root, store, file_of_supplier, content)
}

#[test]
fn whole_data_is_left_alone() {
    let (root, store, ..) = small();
    let before = snapshot(root.path());
    let again = ensure(&store, "sf0.001", &["supplier", "nation", "supplier"]);
    assert_eq!(snapshot(root.path()), before);
    let tables: Vec<&str> = again.tables.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(tables, ["nation", "supplier"], "the suite's order, each once");
    assert!(again.tables.iter().all(|t| t.paths().unwrap().iter().all(|f| f.is_absolute())));
    assert_eq!(again.sha256.len(), 64);
    assert!(again.layout.starts_with("tpchgen 4.0.0, parquet snappy"));
}

#[test]
fn only_the_tables_asked_for_are_made() {
    let (_root, store, ..) = small();
    let folder = store.folder("tpch", scale("sf0.001"), "parquet");
    let mut entries: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    entries.sort();
    assert_eq!(entries, [".lock", "nation", "supplier"]);
}

#[test]
fn a_truncated_file_is_repaired() {
    let (_root, store, file, content) = small();
    let modified = file.metadata().unwrap().modified().unwrap();
    let broken = File::options().write(true).open(&file).unwrap();
    broken.set_len(100).unwrap();
    broken.set_modified(modified).unwrap();
    ensure(&store, "sf0.001", &["supplier"]);
    assert!(fs::read(&file).unwrap() == content);
}

#[test]
fn a_deleted_file_or_manifest_is_repaired() {
    let (_root, store, file, content) = small();
    fs::remove_file(&file).unwrap();
    ensure(&store, "sf0.001", &["supplier"]);
    assert!(fs::read(&file).unwrap() == content);
    let manifest = file.with_file_name("manifest.json");
    for text in ["", "{}", "no JSON"] {
        fs::write(&manifest, text).unwrap();
        ensure(&store, "sf0.001", &["supplier"]);
        assert!(fs::read_to_string(&manifest).unwrap().contains("tpchgen"));
    }
    fs::remove_file(&manifest).unwrap();
    ensure(&store, "sf0.001", &["supplier"]);
    assert!(manifest.exists());
}

#[test]
fn a_flipped_byte_is_repaired() {
    let (_root, store, file, content) = small();
    let mut flipped = content.clone();
    flipped[50] ^= 1;
    fs::write(&file, flipped).unwrap();
    ensure(&store, "sf0.001", &["supplier"]);
    assert!(fs::read(&file).unwrap() == content);
}

#[test]
fn a_copied_file_is_hashed_and_kept() {
    let (root, store, file, _) = small();
    let copied = SystemTime::now() - Duration::from_secs(1000);
    File::options().write(true).open(&file).unwrap().set_modified(copied).unwrap();
    ensure(&store, "sf0.001", &["supplier"]);
    assert_eq!(file.metadata().unwrap().modified().unwrap(), copied);
    let before = snapshot(root.path());
    ensure(&store, "sf0.001", &["supplier"]);
    assert_eq!(snapshot(root.path()), before, "the new time was written down");
}

#[test]
fn data_of_another_version_is_made_again() {
    let (_root, store, file, _) = small();
    let manifest = file.with_file_name("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    for (now, other) in [("tpchgen 4.0.0", "tpchgen 3.9.9"), ("snappy", "zstd"), ("sf0.001", "sf10")] {
        let old = text.replace(now, other);
        assert_ne!(old, text);
        fs::write(&manifest, &old).unwrap();
        ensure(&store, "sf0.001", &["supplier"]);
        assert!(fs::read_to_string(&manifest).unwrap().contains(now));
    }
}

#[test]
fn the_same_bytes_come_from_any_number_of_threads() {
    let make = |threads| {
        let root = tempfile::tempdir().unwrap();
        let store = Store::new(root.path()).with_threads(threads);
        let dataset = ensure(&store, "sf0.01", &TABLES);
        (dataset.sha256, dataset.layout)
    };
    assert_eq!(make(1), make(3));
}

#[test]
fn leftovers_of_a_dead_process_are_swept() {
    let (_root, store, ..) = small();
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let folder = store.folder("tpch", scale("sf0.001"), "parquet");
    let leftover = folder.join(format!(".lineitem.{}.tmp", dead.id()));
    let living = folder.join(".lineitem.1.tmp");
    for path in [&leftover, &living] {
        fs::create_dir(path).unwrap();
        fs::write(path.join("part-000.parquet"), "half").unwrap();
    }
    ensure(&store, "sf0.001", &["nation"]);
    assert!(!leftover.exists());
    assert!(living.exists(), "process 1 lives and may still be writing");
}

#[test]
fn what_does_not_exist_is_named_together_with_what_does() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    let error = |name: &str, format: &str, table: &str| {
        let tables = names(&[table]);
        let given = store.ensure(&suite(name), scale("1"), format, &tables);
        format!("{:#}", given.unwrap_err())
    };
    assert!(error("tpcx", "parquet", "nation").contains("there is tpch"));
    assert!(error("tpch", "orc", "nation").contains("use 'parquet'"));
    assert!(error("tpch", "parquet", "nations").contains("it has region, nation,"));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn files_hold_what_tpchgen_makes() {
    let root = tempfile::tempdir().unwrap();
    let dataset = ensure(&Store::new(root.path()), "sf0.01", &TABLES);
    let rows: Vec<u64> = dataset.tables.iter().map(|table| table.rows).collect();
    assert_eq!(rows, [5, 25, 100, 1_500, 2_000, 8_000, 15_000, 60_175]);

    let batches = read(dataset.tables[7].paths().unwrap()[0]);
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 60_175);
    let mut expected = tpchgen::generators::LineItemGenerator::new(0.01, 1, 1).iter();
    for batch in &batches {
        let column = |name| batch.column_by_name(name).unwrap();
        let orderkey = column("l_orderkey").as_primitive::<Int64Type>();
        let quantity = column("l_quantity").as_primitive::<Decimal128Type>();
        let price = column("l_extendedprice").as_primitive::<Decimal128Type>();
        let shipdate = column("l_shipdate").as_primitive::<Date32Type>();
        let comment = column("l_comment").as_string::<i32>();
        for (row, line) in (0..batch.num_rows()).zip(&mut expected) {
            assert_eq!(orderkey.value(row), line.l_orderkey);
            assert_eq!(quantity.value(row), i128::from(line.l_quantity) * 100);
            assert_eq!(price.value_as_string(row), line.l_extendedprice.to_string());
            assert_eq!(shipdate.value(row), line.l_shipdate.to_unix_epoch());
            assert_eq!(comment.value(row), line.l_comment);
        }
    }
    assert!(expected.next().is_none());
}

#[test]
fn a_large_table_has_several_files_in_order() {
    let root = tempfile::tempdir().unwrap();
    let dataset = ensure(&Store::new(root.path()), "sf0.81", &["orders"]);
    let table = &dataset.tables[0];
    assert_eq!(table.rows, 1_215_000);
    let files: Vec<_> = table.paths().unwrap().into_iter().map(|file| file.file_name().unwrap()).collect();
    assert_eq!(files, ["part-000.parquet", "part-001.parquet"]);
    let mut last = 0;
    for batch in table.paths().unwrap().into_iter().flat_map(read) {
        for &key in batch["o_orderkey"].as_primitive::<Int64Type>().values() {
            assert!(key > last);
            last = key;
        }
    }
}

#[test]
fn every_engine_can_read_the_schema() {
    let root = tempfile::tempdir().unwrap();
    let dataset = ensure(&Store::new(root.path()), "sf0.01", &TABLES);
    for file in dataset.tables.iter().flat_map(|table| table.paths().unwrap()) {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
        let footer = reader.metadata().file_metadata();
        let pairs = footer.key_value_metadata().into_iter().flatten();
        assert_eq!(pairs.filter(|pair| pair.key == "ARROW:schema").count(), 0);
        for field in reader.schema().fields() {
            let expected = match field.name().split_once('_').unwrap().1 {
                name if name.ends_with("key") => DataType::Int64,
                name if name.ends_with("date") => DataType::Date32,
                "linenumber" | "availqty" | "size" | "shippriority" => DataType::Int32,
                "quantity" | "extendedprice" | "discount" | "tax" | "totalprice" | "acctbal" | "supplycost"
                | "retailprice" => DataType::Decimal128(15, 2),
                _ => DataType::Utf8,
            };
            assert_eq!(*field.data_type(), expected, "{}", field.name());
            assert!(!field.is_nullable(), "{}", field.name());
        }
        for group in reader.metadata().row_groups() {
            assert!(group.num_rows() <= 122_880);
            assert!(group.columns().iter().all(|column| column.statistics().is_some()));
        }
    }
}

fn ensure_monthly(store: &Store, tables: &[&str]) -> Dataset {
    store.ensure_monthly(&Suite::read("tpch").unwrap(), scale("sf0.01"), &names(tables)).unwrap()
}

/// The rows of these files, in their order.
fn together(files: &[&Path]) -> RecordBatch {
    let batches: Vec<_> = files.iter().flat_map(|file| read(file)).collect();
    arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap()
}

#[test]
fn a_month_has_a_file_with_its_rows_in_their_order() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    let dataset = ensure_monthly(&store, &["nation", "orders", "lineitem"]);
    let tpch = Suite::read("tpch").unwrap();
    let source = store.ensure(&tpch, scale("sf0.01"), "parquet", &names(&["nation", "orders", "lineitem"])).unwrap();
    assert_eq!(dataset.tables[0], source.tables[0], "without a column for it a table stays as it is");
    assert_ne!(dataset.sha256, source.sha256);
    assert!(dataset.layout.ends_with(", orders by month of o_orderdate, lineitem by month of l_shipdate"));
    assert_eq!(dataset.tables[1].files.len(), 80, "orders are of January 1992 to August 1998");
    for (place, column) in [(1, "o_orderdate"), (2, "l_shipdate")] {
        let (monthly, source) = (&dataset.tables[place], together(&source.tables[place].paths().unwrap()));
        let dates = source[column].as_primitive::<Date32Type>();
        let mut rows = 0;
        for file in monthly.paths().unwrap() {
            let name = file.file_name().unwrap().to_str().unwrap();
            let month = name.strip_prefix("part-").unwrap().strip_suffix(".parquet").unwrap();
            let first: NaiveDate = format!("{month}-01").parse().unwrap();
            let days = first.to_epoch_days()..(first + Months::new(1)).to_epoch_days();
            let wanted: BooleanArray = dates.iter().map(|day| day.map(|day| days.contains(&day))).collect();
            let expected = filter_record_batch(&source, &wanted).unwrap();
            assert_eq!(together(&[file]), expected, "{name}");
            rows += expected.num_rows();
        }
        assert_eq!((rows, monthly.rows), (source.num_rows(), source.num_rows() as u64));
    }
}

#[test]
fn monthly_files_are_left_alone_until_they_are_broken_or_of_another_source() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    let dataset = ensure_monthly(&store, &["orders"]);
    let before = snapshot(root.path());
    assert_eq!(ensure_monthly(&store, &["orders"]), dataset);
    assert_eq!(snapshot(root.path()), before);

    let file = dataset.tables[0].files[40].local().unwrap();
    let content = fs::read(file).unwrap();
    fs::write(file, &content[1..]).unwrap();
    assert_eq!(ensure_monthly(&store, &["orders"]), dataset);
    assert!(fs::read(file).unwrap() == content);

    let manifest = file.with_file_name("manifest.json");
    for (now, other) in [("by month of o_orderdate", "by month of o_day"), ("\"source\": \"", "\"source\": \"x")] {
        let old = fs::read_to_string(&manifest).unwrap().replace(now, other);
        assert!(old.contains(other));
        fs::write(&manifest, old).unwrap();
        assert_eq!(ensure_monthly(&store, &["orders"]), dataset);
        assert!(!fs::read_to_string(&manifest).unwrap().contains(other));
    }
}

#[test]
fn what_is_no_date_deals_nothing_out() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path());
    let mut tpch = suite("tpch");
    tpch.tables[1].partition = Some("n_name".to_owned());
    let error = store.ensure_monthly(&tpch, scale("sf0.01"), &names(&["nation"])).unwrap_err();
    assert!(format!("{error:#}").contains("n_name holds Utf8 and no dates"), "{error:#}");
    let left = fs::read_dir(store.folder("tpch", scale("sf0.01"), "parquet-monthly")).unwrap();
    assert_eq!(left.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>(), [".lock"]);
}

#[test]
fn two_threads_at_once_share_one_generation() {
    let root = tempfile::tempdir().unwrap();
    let store = Store::new(root.path()).with_threads(1);
    let made = || {
        ensure(&store, "sf0.01", &["orders", "lineitem"]);
        snapshot(root.path())
    };
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(made);
        (made(), other.join().unwrap())
    });
    assert_eq!(first, second, "the later one made nothing again");
}

/// Not a test of its own: the process that the tests below start.
#[test]
fn child() {
    if let Some(root) = std::env::var_os("QUERYDYNO_TEST_CHILD") {
        querydyno::host::terminal::show_notes();
        let dataset = ensure(&Store::new(root), "sf0.01", &["orders", "lineitem"]);
        std::io::stdout().write_all(dataset.sha256.as_bytes()).unwrap();
    }
}

fn child_in(root: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child", "--nocapture"])
        .env("QUERYDYNO_TEST_CHILD", root)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[test]
fn two_processes_at_once_share_one_generation() {
    let root = tempfile::tempdir().unwrap();
    let start = || child_in(root.path()).spawn().unwrap();
    let children = [start(), start()];
    let said = children.map(|child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    });
    let count = |text: &str| said.iter().filter(|said| said.contains(text)).count();
    assert_eq!(count("generated tpch sf0.01"), 1, "{said:?}");
}

#[test]
fn a_process_that_waits_says_so_and_then_goes_on() {
    let (root, store, ..) = small();
    let other_scale = store.folder("tpch", scale("sf0.01"), "parquet");
    fs::create_dir_all(&other_scale).unwrap();
    let lock = File::create(other_scale.join(".lock")).unwrap();
    lock.lock().unwrap();
    let mut child = child_in(root.path()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    assert!(first.starts_with("waiting for another process"), "{first}");
    lock.unlock().unwrap();
    assert!(child.wait().unwrap().success());
    let rest: Vec<String> = said.map(Result::unwrap).collect();
    assert!(rest.iter().any(|line| line.starts_with("generated tpch sf0.01")));
}

//! Pod usage with labels of a test's choosing, and a session of an engine that may read it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use querydyno::host::session::{Failure, Limits, Program, Session};
use querydyno::protocol::dataset::{Dataset, Table};
use querydyno::protocol::engine::EngineSettings;
use querydyno::protocol::id::Scale;
use querydyno::protocol::units::Bytes;
use tempfile::TempDir;

/// A session that was opened, and its folder.
pub fn opened(program: &Program, mode: Option<&str>) -> Result<(Session, TempDir), Failure> {
    opened_within(program, mode, None)
}

/// One that is ended where it takes more memory than that.
pub fn opened_within(
    program: &Program,
    mode: Option<&str>,
    memory: Option<Bytes>,
) -> Result<(Session, TempDir), Failure> {
    let scratch = TempDir::new().unwrap();
    let limits = Limits {
        timeout: Duration::from_mins(10),
        query_timeout: None,
        memory,
        told_memory: memory,
        threads: 2,
        first_processor: None,
    };
    let mut session = Session::spawn(program, limits, scratch.path())?;
    session.open(&EngineSettings { mode: mode.map(str::to_owned), threads: 2, ..super::one_thread() })?;
    Ok((session, scratch))
}

/// Line items of one day with these labels, a namespace each, in a folder.
pub fn odd(folder: &Path, labels: &[Option<&str>]) -> Dataset {
    let write = |name: &str, columns: Vec<(&str, ArrayRef)>| {
        let path: PathBuf = folder.join(format!("{name}.parquet"));
        let named = columns.into_iter().map(|(name, column)| (name, column, true));
        let batch = RecordBatch::try_from_iter_with_nullable(named).unwrap();
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        Table { name: name.to_owned(), rows: batch.num_rows() as u64, files: vec![path.into()], ..Table::default() }
    };
    let many = labels.len();
    let text = |texts: Vec<Option<&str>>| Arc::new(StringArray::from(texts)) as ArrayRef;
    let number = |number: i64| Arc::new(Int64Array::from(vec![number; many])) as ArrayRef;
    let names: Vec<String> = (0..many).map(|place| format!("n\t{place}\\")).collect();
    let names: Vec<Option<&str>> = names.iter().map(|name| Some(name.as_str())).collect();
    let usage = vec![
        ("interval_start", Arc::new(TimestampMicrosecondArray::from(vec![1_767_600_000_000_000; many])) as ArrayRef),
        ("namespace", text(names)),
        ("node", text(vec![Some("node"); many])),
        ("pod_labels", text(labels.to_vec())),
        ("cpu_usage_ms", number(1)),
        ("cpu_request_ms", number(2)),
        ("memory_usage_kib", number(3)),
        ("memory_request_kib", number(4)),
    ];
    let day = || Arc::new(Date32Array::from(vec![20_458])) as ArrayRef;
    let tables = vec![
        write("pod_usage", usage),
        write(
            "node_labels",
            vec![("usage_date", day()), ("node", text(vec![Some("other")])), ("node_labels", text(vec![None]))],
        ),
        write(
            "namespace_labels",
            vec![
                ("usage_date", day()),
                ("namespace", text(vec![Some("other")])),
                ("namespace_labels", text(vec![None])),
            ],
        ),
    ];
    Dataset {
        suite: "pods".to_owned(),
        scale: Scale::ONE,
        format: "parquet".to_owned(),
        sha256: String::new(),
        layout: String::new(),
        generated: false,
        tables,
    }
}

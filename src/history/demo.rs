//! A history to try things on: a year of simulated results, the same each time. Nobody has measured them, and each says so.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, SecondsFormat, TimeDelta};

use super::rows::hash;
use super::stage::reached;
use super::store::{AT_ONCE, Staged, Store};
use super::take_in::{due, take_in};
use crate::host::catalog::Catalog;
use crate::host::record::{
    DatasetRecord, EngineRecord, Git, Measurement, Metrics, Outcome, Provenance, QueryRecord, Record, SCHEMA, metric,
};
use crate::host::session::{Failure, FailureKind};
use crate::host::settings::Settings;
use crate::host::suite::{self, Suite};
use crate::host::terminal::output;
use crate::host::variant::{Cache, PARQUET};
use crate::host::verify::Verdict;
use crate::measure::machine::Host;
use crate::protocol::engine::Build;
use crate::protocol::id::{BenchId, Scale};

/// Samples of a measured cell.
const SAMPLES: u64 = 10;
/// When the first run began, in seconds since 1970: 2026-01-01, noon.
const START: i64 = 1_767_268_800;

/// Makes a history of about so many results; with a folder, the journal that it is made of stays there, as in `QUERYDYNO_HOME`.
///
/// # Errors
/// When the file is there already, or cannot be written.
pub(super) fn demo(file: &Path, results: usize, samples: bool, journal: Option<&Path>) -> Result<()> {
    ensure!(!file.exists(), "{} is there already: name a file that is not", file.display());
    let staged = Staged::new(file)?;
    let home = journal.unwrap_or_else(|| staged.folder());
    let written = write(&home.join("records"), results, samples)?;
    let store = Store::write(&staged.file, AT_ONCE)?;
    take_in(&store, due(home, Some(&store))?)?;
    drop(store);
    reached("filled");
    fs::rename(&staged.file, file).with_context(|| format!("cannot write {}", file.display()))?;
    output::line(format_args!("{}: {written} simulated results", file.display()))?;
    output::line(format_args!(
        "try: cargo xtask history --database {} sql \"FROM best_engine_per_query\"",
        file.display()
    ))
}

/// Writes the journal of it; how many records it has.
fn write(folder: &Path, results: usize, samples: bool) -> Result<usize> {
    let settings = Settings::read()?;
    let catalog = Catalog::read(&settings)?;
    let engines: Vec<&str> = catalog
        .entries()
        .iter()
        .filter(|entry| entry.kind != "own" && !entry.on_request)
        .map(|entry| entry.name.as_str())
        .collect();
    let suite = Suite::read(suite::DEFAULT)?;
    let queries: Vec<&str> = suite.queries.iter().map(|query| query.name.as_str()).collect();
    let a_run = engines.len() * queries.len();
    let runs = results.div_ceil(a_run).max(1);
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut written = 0;
    for run in 0..runs {
        let began = DateTime::from_timestamp(START, 0).unwrap_or_default()
            + TimeDelta::seconds(31_536_000 / i64::try_from(runs)? * i64::try_from(run)?);
        let stem = format!("{}-{}", began.format("%Y%m%dT%H%M%SZ"), 1000 + run);
        let path = folder.join(format!("{stem}.jsonl"));
        let mut out = BufWriter::new(File::create(&path).with_context(|| format!("cannot write {}", path.display()))?);
        let cells = queries.iter().flat_map(|query| engines.iter().map(move |engine| (*engine, *query)));
        for (place, (engine, query)) in cells.enumerate().take(results - written.min(results)) {
            let at = began + TimeDelta::seconds(i64::try_from(place)?);
            let mut record = simulated(engine, query, &suite.name, (run, runs), samples);
            record.run_id = Some(format!("{stem}-{:08x}", hash(&run) >> 32));
            record.started_at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
            serde_json::to_writer(&mut out, &record)?;
            out.write_all(b"\n")?;
            written += 1;
        }
        out.flush()?;
    }
    Ok(written)
}

/// A number from 0 to 1 that is always the same for the same parts.
#[expect(clippy::cast_precision_loss, reason = "a part of 2^64 to 16 digits is as good")]
fn chance(parts: &impl serde::Serialize) -> f64 {
    hash(parts) as f64 / u64::MAX as f64
}

/// One cell. Engines and queries have their own levels; in the middle of the year each engine has a version that is a little
/// different; every fiftieth cell fails, and some answers are wrong.
fn simulated(engine: &str, query: &str, suite: &str, (run, runs): (usize, usize), samples: bool) -> Record {
    let version = if run * 2 < runs { "1.0.0" } else { "1.1.0" };
    let level =
        20e6 * (1.0 + 4.0 * chance(&query)) * (1.0 + chance(&engine)) * (0.9 + 0.2 * chance(&(engine, version)));
    let mut metrics = Metrics::default();
    let noise = |what: &str, sample: u64| 0.98 + 0.04 * chance(&(what, engine, query, run, sample));
    let count = if samples { SAMPLES } else { 1 };
    let outcome = match hash(&(engine, query, run / 20)) % 50 {
        0 => Outcome::Failed(Failure::from(FailureKind::Crashed { signal: 11, request: "run".to_owned() }).into()),
        1 => Outcome::Skipped(Failure::from(FailureKind::Unsupported { reason: "a simulated gap".to_owned() }).into()),
        _ => {
            metrics.set(metric::TIME, (0..count).map(|sample| level * noise("time", sample)));
            metrics.set(metric::CPU_TIME, (0..count).map(|sample| 1.8 * level * noise("cpu", sample)));
            metrics.set(metric::PEAK_MEMORY, [(level * noise("memory", 0)).round()]);
            metrics.set(metric::LOAD_TIME, [(1e6 * noise("load", 0)).round()]);
            let iterations = if samples { vec![11; usize::try_from(SAMPLES).unwrap_or_default()] } else { Vec::new() };
            Outcome::Measured(Measurement { iterations, ..Measurement::default() })
        }
    };
    let wrong = Verdict::Wrong { difference: "a simulated difference in row 1".to_owned() };
    let right = Verdict::Official { equals_reference: Some(true) };
    let verdict = if hash(&(query, engine, run / 30)).is_multiple_of(90) { wrong } else { right };
    let scale = Scale::ONE;
    Record {
        schema: SCHEMA,
        run_id: None,
        id: BenchId { engine: engine.to_owned(), query: query.to_owned(), scale, variant: PARQUET.to_owned() },
        engine: EngineRecord {
            name: engine.to_owned(),
            version: Some(version.to_owned()),
            kind: "embedded".to_owned(),
            build: Build::default(),
            settings: [("threads".to_owned(), "2".to_owned())].into(),
            program: None,
            options: [].into(),
        },
        query: QueryRecord { id: query.to_owned(), sha256: Some(format!("{:064x}", hash(&query))), sql: None },
        dataset: DatasetRecord {
            suite: suite.to_owned(),
            scale,
            format: PARQUET.to_owned(),
            sha256: Some(format!("{:064x}", hash(&suite))),
            layout: Some("simulated".to_owned()),
            tables: Vec::new(),
            cautions: Vec::new(),
        },
        verdict: matches!(outcome, Outcome::Measured(_)).then_some(verdict),
        outcome,
        rows: Some(4),
        answer_digest: None,
        metrics,
        plan: None,
        planning: None,
        network: None,
        mode: None,
        inspects: None,
        threads: 2,
        memory_limit_bytes: None,
        cache: Cache::Hot,
        accept_majority: false,
        environment: [].into(),
        parallel: 1,
        provenance: Provenance::Simulated,
        provenance_reason: Some("sample data of `history demo`".to_owned()),
        host: Host {
            name: None,
            cpu: Some(format!("simulated processor {}", run % 2 + 1)),
            cores: 2,
            memory_bytes: Some(16 << 30),
            kernel: "6.12".to_owned(),
            governor: None,
            virtualised: Some(true),
            gpus: None,
        },
        git: Some(Git { commit: format!("{:040x}", hash(&(run / 10))), dirty: false }),
        started_at: String::new(),
        command: format!("{suite} --bench"),
    }
}

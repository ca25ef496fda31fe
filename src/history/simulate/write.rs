//! Simulated results as records, in a file of the journal that has nothing else.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use chrono::{SecondsFormat, TimeDelta, Utc};

use super::models::Estimate;
use crate::host::files::write_whole;
use crate::host::record::{
    DatasetRecord, EngineRecord, Git, Measurement, Metric, Metrics, Outcome, Provenance, QueryRecord, Record, SCHEMA,
    file_of, metric, run_id,
};
use crate::host::run::context::quoted;
use crate::host::verify::Verdict;
use crate::measure::machine::Host;

/// Writes them all, or none; the file.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(home: &Path, estimates: &[Estimate], hosts: &HashMap<String, Host>) -> Result<PathBuf> {
    let run = run_id();
    let file = file_of(&home.join("records"), &run);
    let (git, command, now) = (Git::read(), command(), Utc::now());
    let mut lines = Vec::new();
    for (estimate, micros) in estimates.iter().zip(0..) {
        let mut record = record(estimate, hosts)?;
        record.run_id = Some(run.clone());
        record.git.clone_from(&git);
        record.command.clone_from(&command);
        // One cell on two machines: its time tells its records apart.
        record.started_at = (now + TimeDelta::microseconds(micros)).to_rfc3339_opts(SecondsFormat::Micros, true);
        serde_json::to_writer(&mut lines, &record)?;
        lines.push(b'\n');
    }
    write_whole(&file, &lines).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

fn record(Estimate { of, model, time_ns, reason }: &Estimate, hosts: &HashMap<String, Host>) -> Result<Record> {
    let host = hosts.get(&of.class).with_context(|| format!("no machine of the class {} is known", of.class))?;
    let mut metrics = Metrics::default();
    metrics.put(Metric { source: Some((*model).to_owned()), ..Metric::new(metric::TIME, [*time_ns]) });
    Ok(Record {
        schema: SCHEMA,
        run_id: None,
        id: of.id.clone(),
        // Nothing was started: of the program only what it was made of is known.
        engine: EngineRecord {
            name: of.id.engine.clone(),
            version: of.version.clone(),
            kind: of.kind.clone(),
            ..EngineRecord::default()
        },
        query: QueryRecord { id: of.id.query.clone(), sha256: of.text_sha256.clone(), sql: None },
        dataset: DatasetRecord {
            suite: of.suite.clone(),
            scale: of.id.scale,
            format: of.format.clone(),
            sha256: of.data_sha256.clone(),
            layout: of.layout.clone(),
            tables: Vec::new(),
            cautions: Vec::new(),
        },
        outcome: Outcome::Measured(Measurement::default()),
        verdict: Some(Verdict::Unchecked { reason: "simulated: there is no answer".to_owned() }),
        rows: None,
        answer_digest: None,
        plan: None,
        metrics,
        planning: None,
        network: None,
        mode: of.mode.clone(),
        inspects: None,
        threads: of.threads,
        memory_limit_bytes: of.memory_limit_bytes,
        cache: of.cache,
        accept_majority: false,
        environment: [].into(),
        parallel: of.parallel,
        provenance: Provenance::Simulated,
        provenance_reason: Some(reason.clone()),
        host: host.clone(),
        git: None,
        started_at: String::new(),
        command: String::new(),
    })
}

/// How it was called, as a shell takes it.
fn command() -> String {
    let arguments = env::args().skip(1).map(|argument| quoted(&argument));
    ["history".to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}

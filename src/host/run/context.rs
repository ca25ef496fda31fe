//! What all records of one call have in common: machine, source, command; and a cell's record before anything is known.

use std::collections::BTreeMap;

use super::select::Cell;
use crate::host::record::{
    self, DatasetRecord, EngineRecord, Git, Metrics, NetworkRecord, Outcome, Provenance, QueryRecord, Record, SCHEMA,
};
use crate::host::session::environment;
use crate::host::settings::Settings;
use crate::host::variant::is_on_s3;
use crate::measure::machine::Host;
use crate::protocol::units::Bytes;

/// Where records come from.
#[derive(Debug, Clone)]
pub(crate) struct RunContext {
    pub(super) run_id: String,
    host: Host,
    git: Option<Git>,
    command: String,
    accept_majority: bool,
    environment: BTreeMap<String, String>,
}

impl RunContext {
    /// Of this machine, this checkout, these settings and this process's command line.
    pub(crate) fn read(settings: &Settings) -> Self {
        // cargo adds --bench to what was typed.
        let typed = std::env::args().skip(1).filter(|argument| argument != "--bench");
        let command = typed.map(|argument| quoted(&argument)).collect::<Vec<_>>().join(" ");
        Self {
            run_id: record::run_id(),
            host: Host::read(),
            git: Git::read(),
            command,
            accept_majority: settings.accept_majority,
            environment: environment::always().chain(environment::recorded(std::env::vars_os())).collect(),
        }
    }

    /// The same of another source.
    pub(crate) fn of(&self, git: Option<Git>) -> Self {
        Self { git, ..self.clone() }
    }

    /// The record of a cell that begins now; failed until something better is known.
    pub(crate) fn blank(&self, cell: &Cell<'_>) -> Record {
        let engine = cell.engine;
        let variant = cell.variant;
        Record {
            schema: SCHEMA,
            run_id: Some(self.run_id.clone()),
            id: cell.id.clone(),
            engine: EngineRecord {
                name: engine.name.clone(),
                kind: engine.kind.to_owned(),
                options: engine.options.clone(),
                ..EngineRecord::default()
            },
            query: QueryRecord { id: cell.id.query.clone(), sha256: None, sql: None },
            dataset: DatasetRecord {
                suite: cell.suite.name.clone(),
                scale: cell.id.scale,
                format: variant.format.to_owned(),
                sha256: None,
                layout: None,
                tables: Vec::new(),
                cautions: Vec::new(),
            },
            outcome: Outcome::Failed("it did not come to an end".to_owned().into()),
            verdict: None,
            rows: None,
            answer_digest: None,
            metrics: Metrics::default(),
            plan: None,
            planning: None,
            network: is_on_s3(variant.format)
                .then(|| NetworkRecord { conditions: variant.network.cloned(), ..NetworkRecord::default() }),
            inspects: None,
            mode: variant.mode.map(str::to_owned),
            threads: variant.threads,
            memory_limit_bytes: variant.memory.map(|Bytes(bytes)| bytes),
            cache: variant.cache,
            accept_majority: self.accept_majority,
            environment: self.environment.clone(),
            parallel: variant.parallel,
            provenance: Provenance::Measured,
            provenance_reason: None,
            host: self.host.clone(),
            git: self.git.clone(),
            started_at: record::now(),
            command: self.command.clone(),
        }
    }
}

/// An argument as a shell takes it.
pub(crate) fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted() {
        assert_eq!(quoted("duckdb/q1"), "duckdb/q1");
        assert_eq!(quoted("^(duckdb|polars)/"), "'^(duckdb|polars)/'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}

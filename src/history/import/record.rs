//! What a file tells of a result as a record: [`Converter`]. Nothing is added but where it is from.

use std::collections::HashMap;

use super::names::Names;
use super::told::{End, Told};
use super::{Defaults, Kind};
use crate::host::record::{
    DatasetRecord, EngineRecord, Measurement, Outcome, Provenance, QueryRecord, Record, SCHEMA, Unmeasured,
};
use crate::host::variant::Cache;
use crate::host::verify::Verdict;
use crate::measure::machine::Host;
use crate::protocol::id::Scale;

/// Makes records of what a file tells.
pub(super) struct Converter<'a> {
    kind: Kind,
    file: (String, String),
    defaults: &'a Defaults,
    names: Names,
    /// Where each result stands, by what its key is made of.
    places: HashMap<[String; 3], String>,
}

impl<'a> Converter<'a> {
    /// For a file of this kind, name and checksum.
    pub(super) fn new(kind: Kind, file: (String, String), defaults: &'a Defaults) -> Self {
        Self { kind, file, defaults, names: Names::default(), places: HashMap::new() }
    }

    /// A result as a record. Its run is the file's content, so that the same content is the same results.
    ///
    /// # Errors
    /// When the file has told the same result before.
    pub(super) fn record(&mut self, told: Told) -> Result<Record, String> {
        let word = self.kind.word();
        let (file, checksum) = told.file.unwrap_or_else(|| self.file.clone());
        let suite = told.suite.unwrap_or_else(|| word.to_owned());
        let id = told.id.unwrap_or_else(|| {
            let axes = || told.axes.iter().cloned();
            let names: Vec<String> = [told.engine.clone(), told.query.clone()].into_iter().chain(axes()).collect();
            let variant: Vec<String> = [word.to_owned()].into_iter().chain(axes()).collect();
            self.names.cell(&names, [&told.engine, &told.query], told.scale.unwrap_or(Scale::UNKNOWN), &variant)
        });
        let started_at = told.started_at.unwrap_or_default();
        let key = [id.to_string(), suite.clone(), started_at.clone()];
        if let Some(place) = self.places.insert(key, told.place) {
            return Err(format!("is the same benchmark as {place}"));
        }
        let unchecked = || {
            let caution = told.caution.map(|caution| format!("; {caution}")).unwrap_or_default();
            Verdict::Unchecked { reason: format!("imported: its answer was not compared here{caution}") }
        };
        let (outcome, verdict) = match told.end {
            End::Measured => {
                let how = Measurement { iterations: told.iterations, ..Measurement::default() };
                (Outcome::Measured(how), Some(unchecked()))
            }
            End::Skipped(reason) => (Outcome::Skipped(Unmeasured::from(reason)), None),
            End::Failed(reason) => (Outcome::Failed(Unmeasured::from(reason)), None),
        };
        Ok(Record {
            schema: SCHEMA,
            run_id: Some(format!("imported-{}", &checksum[..16])),
            engine: EngineRecord {
                name: id.engine.clone(),
                version: told.version,
                kind: "imported".to_owned(),
                settings: told.settings,
                ..EngineRecord::default()
            },
            query: QueryRecord { id: id.query.clone(), sha256: None, sql: told.text },
            dataset: DatasetRecord {
                suite,
                scale: id.scale,
                format: String::new(),
                sha256: None,
                layout: None,
                tables: Vec::new(),
                cautions: Vec::new(),
            },
            id,
            outcome,
            verdict,
            rows: None,
            answer_digest: None,
            plan: None,
            metrics: told.metrics,
            planning: None,
            network: None,
            mode: None,
            inspects: None,
            threads: told.threads.and_then(|threads| threads.try_into().ok()).unwrap_or_default(),
            memory_limit_bytes: None,
            cache: told.cache.unwrap_or(Cache::Unknown),
            accept_majority: false,
            environment: [].into(),
            parallel: 0,
            provenance: Provenance::Imported,
            provenance_reason: Some(format!("{word}: {file}, sha256 {checksum}")),
            host: self.host(told.host),
            git: told.git,
            started_at,
            command: format!("history import {file}"),
        })
    }

    /// The machine that a file tells, or the one that the user names.
    fn host(&self, told: Host) -> Host {
        let is_known = told.name.is_some() || told.cpu.is_some();
        if is_known { told } else { Host { name: self.defaults.machine.clone(), ..told } }
    }
}

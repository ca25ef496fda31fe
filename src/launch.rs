//! An engine taken from its program to a prepared query, with what every engine of a run is given.

use std::path::Path;

use crate::catalog::Entry;
use crate::engine::{EngineInfo, EngineSettings};
use crate::fixture::Dataset;
use crate::measure::host;
use crate::paths;
use crate::services;
use crate::session::{Failure, Limits, Program, Session, Worker};
use crate::settings::Settings;
use crate::units::Bytes;
use crate::variant::Variant;
use crate::workload::Query;

/// A program with its engine open, the tables loaded and the query prepared.
pub(crate) struct Launched {
    pub(crate) session: Session,
    pub(crate) info: EngineInfo,
    pub(crate) load_ns: u64,
}

/// Takes an engine through open, load and prepare.
///
/// # Errors
/// Whatever the program did instead.
pub(crate) fn launch(
    engine: &Entry,
    variant: Variant<'_>,
    program: &Program,
    settings: &Settings,
    dataset: &Dataset,
    query: &Query,
) -> Result<Launched, Failure> {
    let (limits, opening) = opening(engine, variant, settings, Path::new(""));
    let mut program = program.clone();
    // From the file too, for a server that looks tables up there by itself.
    program.env.extend(settings.metastore.clone().map(|uri| ("HIVE_METASTORE_URI".to_owned(), uri)));
    let mut session = Session::spawn(&program, limits, &paths::own("scratch"))?;
    let info = session.open(&opening)?;
    if let Some(server) = &info.server {
        session.look_at(services::process_of(server).map_or(Worker::Elsewhere, Worker::Server));
    }
    let load_ns = session.load(dataset)?;
    session.prepare(query)?;
    Ok(Launched { session, info, load_ns })
}

/// What a program may take, and what its engine is opened with.
pub(crate) fn opening(
    engine: &Entry,
    variant: Variant<'_>,
    settings: &Settings,
    scratch: &Path,
) -> (Limits, EngineSettings) {
    let limits = Limits {
        timeout: settings.timeout,
        memory: variant.memory.or_else(most_memory),
        // What an engine counts as its memory is less than what the process holds: told the whole limit, an engine
        // that would have spilled is killed instead.
        told_memory: variant.memory.map(|Bytes(bytes)| Bytes(bytes / 5 * 4)),
        threads: variant.threads,
    };
    let opening = EngineSettings {
        threads: variant.threads,
        memory_limit_bytes: limits.told_memory.map(|Bytes(bytes)| bytes),
        scratch: scratch.to_owned(),
        mode: variant.mode.map(str::to_owned),
        options: engine.options.clone(),
    };
    (limits, opening)
}

/// The limit where none was asked for: what keeps one engine from taking the machine down with it.
pub(crate) fn most_memory() -> Option<Bytes> {
    host::usable_memory().map(|bytes| Bytes(bytes / 10 * 9))
}

//! A server without a container: found running, started in the background, or the reason why not.
//!
//! What belongs to it lies in a folder of its own, `target/querydyno/services/<name>/`: what it is known by, its logs and
//! its data. One process at a time starts or stops it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::log::tail;
use super::plan::{Configuration, Given, Part, Plan, remove_scratch};
use super::process::{PidFile, log_of, spawn};
use super::service::{Port, Service};
use super::started::Started;
use super::supervise::reap;
use super::wait::{QUOTED, until_up, wait_for};
use super::{ask, cluster, hadoop, hive, mariadb, ports, postgresql, s3, spark, thunderduck, trino};
use crate::host::interrupt;
use crate::host::lock::Lock;
use crate::host::progress::Work;

/// Time to answer after the start: the metastore takes 5 to 10 s with a new database, Spark and Trino 15 to 40 on two cores.
const LIMIT: Duration = Duration::from_mins(3);

/// Why the service cannot run here without a container.
pub(super) fn obstacle(service: Service, home: &Path, java: Option<&str>) -> Option<String> {
    match service {
        Service::Hive => hive::obstacle(java),
        Service::MariaDb => mariadb::obstacle(),
        Service::StarRocks => Some("it runs in a container only".to_owned()),
        Service::S3 => s3::obstacle(home),
        Service::Spark40 | Service::Spark35 | Service::SparkCluster => spark::obstacle(service, java),
        Service::Thunderduck => thunderduck::obstacle(java),
        Service::Trino => trino::obstacle(java),
        Service::PostgreSql => postgresql::obstacle(),
    }
}

pub(super) fn folder(home: &Path, service: Service) -> PathBuf {
    home.join(service.name())
}

/// What a running one is known by: all its processes that we started run.
pub(super) fn running(home: &Path, service: Service) -> Option<PidFile> {
    PidFile::read(&folder(home, service)).filter(PidFile::lives)
}

/// Makes the service's folder, which is its owner's alone, and takes its lock.
///
/// # Errors
/// When it cannot be made or locked, or after an interrupt.
pub(super) fn lock(home: &Path, service: Service) -> Result<Lock> {
    let folder = folder(home, service);
    fs::create_dir_all(home)
        .and_then(|()| DirBuilder::new().recursive(true).mode(0o700).create(&folder))
        .with_context(|| format!("cannot make {}", folder.display()))?;
    Lock::wait(&folder, "starts or stops the service")
}

/// Stops what is left of one that ended, or was killed, in part; says whether there was anything. Call it with the lock held.
///
/// # Errors
/// When it cannot be stopped.
fn sweep(home: &Path, service: Service) -> Result<bool> {
    let folder = folder(home, service);
    let Some(kept) = PidFile::read(&folder).filter(|kept| !kept.lives()) else { return Ok(false) };
    let left = !kept.processes(&folder).is_empty();
    kept.stop(service.name(), &folder)?;
    PidFile::forget(&folder);
    remove_scratch(&folder);
    Ok(left)
}

/// Stops what is left of one that no longer runs whole, after whoever starts or stops it at the moment. What was done, for a note.
pub(super) fn tidy(home: &Path, service: Service) -> Option<String> {
    let ended = PidFile::read(&folder(home, service)).is_some_and(|kept| !kept.lives());
    if !ended {
        return None;
    }
    let swept = lock(home, service).and_then(|_lock| sweep(home, service));
    let rest = match swept {
        Ok(true) => "; what was left of it is stopped now".to_owned(),
        Ok(false) => String::new(),
        Err(error) => format!("; what is left of it cannot be stopped: {error:#}"),
    };
    Some(format!("it has ended by itself or was killed{rest}; cargo xtask services logs {service} shows its log"))
}

/// Starts it and waits until it answers; whether it was up before. Call it with the lock held.
///
/// # Errors
/// When a port of its is taken, it cannot be prepared, or does not answer: then nothing of it runs.
pub(super) fn up(service: Service, given: &Given<'_>) -> Result<bool> {
    let folder = given.folder(service);
    if let Some(kept) = running(given.home, service) {
        already(service, &kept, &folder, given)?;
        return Ok(true);
    }
    sweep(given.home, service)?;
    PidFile::forget(&folder);
    ensure_free(service, given)?;
    let began = begin(service, given, &folder);
    if began.is_err() {
        remove_scratch(&folder);
    }
    began.map(|()| false)
}

fn begin(service: Service, given: &Given<'_>, folder: &Path) -> Result<()> {
    let mut plan = prepare(service, given)?;
    Started::keep(given, folder)?;
    // Preparing may have taken minutes.
    ensure_free(service, given)?;
    plan.configuration.write(folder)?;
    start(service, &mut plan.parts, folder, given)?;
    // The server has read it: see `mariadb::greets`.
    drop(plan.init);
    Ok(())
}

fn prepare(service: Service, given: &Given<'_>) -> Result<Plan> {
    let alone =
        |command, init| Plan { parts: vec![Part::server(command)], configuration: Configuration::default(), init };
    match service {
        Service::Hive => Ok(alone(hive::prepare(given)?, None)),
        Service::MariaDb => {
            let (command, init) = mariadb::prepare(&given.folder(service), given.port(service))?;
            Ok(alone(command, Some(init)))
        }
        Service::Spark40 | Service::Spark35 => spark::prepare(service, given),
        Service::SparkCluster => cluster::prepare(given),
        Service::Thunderduck => thunderduck::prepare(given),
        Service::Trino => trino::prepare(given),
        Service::PostgreSql => Ok(alone(postgresql::prepare(&given.folder(service), given.port(service))?, None)),
        Service::S3 => s3::prepare(given),
        Service::StarRocks => bail!("{service} runs in a container only"),
    }
}

fn ensure_free(service: Service, given: &Given<'_>) -> Result<()> {
    let free = |port: &Port| ports::ensure_free(given.number_of(*port), port.variable, service.name());
    let needed = if service == Service::SparkCluster { cluster::ports_of(given) } else { service.ports() };
    needed.iter().try_for_each(free)
}

fn start(service: Service, parts: &mut [Part], folder: &Path, given: &Given<'_>) -> Result<()> {
    let port = given.port(service);
    let work = wait_for(&format!("starting {service} on port {port}"));
    let mut kept: Option<PidFile> = None;
    let last = parts.len() - 1;
    let mut begin = |number: usize, part: &mut Part| -> Result<()> {
        let log = log_in(folder, &part.name);
        let (mut child, now) = spawn(&mut part.command, folder, &log, port, kept.as_ref())?;
        kept = Some(now);
        let came = match part.port {
            Some(port) => until_up(Some(&mut child), LIMIT, || ask::takes_connections(port)),
            None if number == last => until_up(Some(&mut child), LIMIT, || answers(service, given)),
            None => Ok(()),
        };
        reap(child);
        let why = |error| if service == Service::SparkCluster { cluster::explain(given, error) } else { error };
        came.map_err(|error| silent(service, &log, &why(error)))
    };
    let came = parts.iter_mut().enumerate().try_for_each(|(number, part)| begin(number, part));
    drop(work);
    let Err(error) = came else { return Ok(()) };
    if let Some(kept) = kept {
        kept.stop(service.name(), folder)?;
        PidFile::forget(folder);
    }
    interrupt::check()?;
    Err(error)
}

/// One that runs: the same port and settings, and it answers, if need be after a while.
fn already(service: Service, kept: &PidFile, folder: &Path, given: &Given<'_>) -> Result<()> {
    let port = given.port(service);
    ensure!(
        kept.port == port,
        "{service} is up on port {}, not {port}: `cargo xtask services down {service}` first, or leave {} as it was",
        kept.port,
        service.ports()[0].variable
    );
    same_as_asked(service, folder, given)?;
    let work = Work::wait(&format!("waiting for {service}, process {}", kept.pid()));
    let came = until_up(None, LIMIT, || answers(service, given) || !kept.lives() || kept.is_stopped());
    drop(work);
    ensure!(
        !kept.is_stopped(),
        "{service} does not answer: a process of its was stopped by a signal; `cargo xtask services down {service}` ends it"
    );
    let came = came.and_then(|()| if kept.lives() { Ok(()) } else { Err(anyhow!("it ended while it was waited for")) });
    came.map_err(|error| silent(service, &log_of(folder), &error))
}

/// Whether it was started with what is asked for now: threads, memory, executors.
fn same_as_asked(service: Service, folder: &Path, given: &Given<'_>) -> Result<()> {
    let Some(is) = Configuration::read(folder) else { return Ok(()) };
    let asked = match service {
        Service::Spark40 | Service::Spark35 => {
            vec![("spark.master", format!("local[{}]", given.sole_threads(service)?)), spark::memory(given.memory)]
        }
        Service::SparkCluster => {
            vec![
                (cluster::EXECUTORS, given.executors.to_string()),
                ("spark.master", cluster::master(given)),
                cluster::memory(given),
            ]
        }
        Service::Trino => {
            vec![("task.max-worker-threads", given.sole_threads(service)?.to_string()), trino::memory(given.memory)]
        }
        Service::Thunderduck => vec![
            ("thunderduck.duckdb.threads", given.sole_threads(service)?.to_string()),
            thunderduck::memory(given.memory),
        ],
        Service::Hive | Service::MariaDb | Service::StarRocks | Service::S3 | Service::PostgreSql => Vec::new(),
    };
    let is_spark = matches!(service, Service::Spark40 | Service::SparkCluster);
    if given.s3 && is_spark && !is.settings.contains_key(hadoop::SETTING) && hadoop::can_be_had(given.home) {
        bail!(
            "{service} is up without what tables on S3 are read with: `cargo xtask services down {service}` first, or ask without the \
             variables of S3"
        );
    }
    for (name, value) in asked {
        if let Some(now) = is.settings.get(name).filter(|now| **now != value) {
            bail!(
                "{service} is up with {name} {now}, not {value}: `cargo xtask services down {service}` first, or ask for what it has"
            );
        }
    }
    Ok(())
}

/// The error of one that does not answer, with what it wrote last.
fn silent(service: Service, log: &Path, error: &anyhow::Error) -> anyhow::Error {
    let end = tail(log, QUOTED).unwrap_or_default();
    anyhow!("{service} does not start: {error:#}. The end of its log, {}:\n{end}", log.display())
}

fn log_in(folder: &Path, name: &str) -> PathBuf {
    log_of(folder).with_file_name(format!("{name}.log"))
}

/// Whether it can be used.
fn answers(service: Service, given: &Given<'_>) -> bool {
    match service {
        Service::SparkCluster => cluster::answers(given),
        Service::Trino => trino::takes_queries(given.port(service)),
        _ => speaks(service, given.port(service)),
    }
}

/// Whether the server on this port answers at all.
pub(super) fn speaks(service: Service, port: u16) -> bool {
    match service {
        Service::MariaDb => mariadb::greets(port),
        Service::PostgreSql => postgresql::greets(port),
        Service::Spark40 | Service::Spark35 | Service::SparkCluster | Service::Thunderduck => ask::speaks_http2(port),
        Service::Trino => trino::answers(port),
        Service::S3 => s3::answers(port),
        Service::Hive | Service::StarRocks => ask::takes_connections(port),
    }
}

/// Stops it; whether it ran.
///
/// # Errors
/// When it cannot be stopped.
pub(super) fn down(service: Service, home: &Path) -> Result<bool> {
    let folder = folder(home, service);
    if !folder.exists() {
        return Ok(false);
    }
    let _lock = lock(home, service)?;
    let kept = running(home, service);
    let ran = match &kept {
        Some(kept) => kept.stop(service.name(), &folder).map(|()| true)?,
        None => sweep(home, service)?,
    };
    PidFile::forget(&folder);
    Started::forget(&folder);
    remove_scratch(&folder);
    Ok(ran)
}

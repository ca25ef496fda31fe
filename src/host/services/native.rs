//! A server without a container: found running, started in the background, or the reason why not.
//!
//! What belongs to it lies in a folder of its own, `target/querydyno/services/<name>/`: what it is known by, its log and
//! its data. One process at a time starts or stops it.

use std::fs::{self, DirBuilder};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::log::tail;
use super::process::{PidFile, log_of, spawn};
use super::service::Service;
use super::wait::{QUOTED, until_up, wait_for};
use super::{hive, mariadb, ports};
use crate::host::interrupt;
use crate::host::lock::Lock;
use crate::host::progress::Work;

/// Time to answer after the start: the metastore takes 5 to 10 s with a new database.
const LIMIT: Duration = Duration::from_secs(90);
/// Time for one try to connect.
const CONNECT: Duration = Duration::from_millis(500);

/// Why the service cannot run here without a container.
pub(super) fn obstacle(service: Service) -> Option<String> {
    match service {
        Service::Hive => hive::obstacle(),
        Service::MariaDb => mariadb::obstacle(),
        Service::StarRocks | Service::MinIo => Some("it runs in a container only".to_owned()),
    }
}

pub(super) fn folder(home: &Path, service: Service) -> PathBuf {
    home.join(service.name())
}

/// What a running one is known by.
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

/// Starts it and waits until it answers; whether it was up before. Call it with the lock held.
///
/// # Errors
/// When its port is taken, it cannot be prepared, or does not answer: then nothing of it runs.
pub(super) fn up(service: Service, home: &Path, python: &str, port: u16) -> Result<bool> {
    let folder = folder(home, service);
    if let Some(kept) = running(home, service) {
        already(service, &kept, &folder, port)?;
        return Ok(true);
    }
    PidFile::forget(&folder);
    let variable = service.ports()[0].variable;
    ports::ensure_free(port, variable, service.name())?;
    let (mut command, init) = match service {
        Service::Hive => (hive::prepare(&folder, home, python, port)?, None),
        Service::MariaDb => mariadb::prepare(&folder, port).map(|(command, init)| (command, Some(init)))?,
        Service::StarRocks | Service::MinIo => bail!("{service} runs in a container only"),
    };
    // Preparing may have taken minutes.
    ports::ensure_free(port, variable, service.name())?;
    start(service, &mut command, &folder, port)?;
    // It has read it: see `mariadb::greets`.
    drop(init);
    Ok(false)
}

fn start(service: Service, command: &mut Command, folder: &Path, port: u16) -> Result<()> {
    let work = wait_for(&format!("starting {service} on port {port}"));
    let (mut child, kept) = spawn(command, folder, port)?;
    let came = until_up(Some(&mut child), LIMIT, || answers(service, port));
    drop(work);
    let Err(error) = came else { return Ok(()) };
    kept.stop(service.name())?;
    PidFile::forget(folder);
    interrupt::check()?;
    Err(silent(service, folder, &error))
}

/// One that runs: the same port, and it answers, if need be after a while.
fn already(service: Service, kept: &PidFile, folder: &Path, port: u16) -> Result<()> {
    ensure!(
        kept.port == port,
        "{service} is up on port {}, not {port}: `cargo xtask services down {service}` first, or leave {} as it was",
        kept.port,
        service.ports()[0].variable
    );
    let work = Work::wait(&format!("waiting for {service}, process {}", kept.pid));
    let came = until_up(None, LIMIT, || answers(service, port) || !kept.lives());
    drop(work);
    let came = came.and_then(|()| if kept.lives() { Ok(()) } else { Err(anyhow!("it ended while it was waited for")) });
    came.map_err(|error| silent(service, folder, &error))
}

/// The error of one that does not answer, with what it wrote last.
fn silent(service: Service, folder: &Path, error: &anyhow::Error) -> anyhow::Error {
    let log = log_of(folder);
    let end = tail(&log, QUOTED).unwrap_or_default();
    anyhow!("{service} does not start: {error:#}. The end of its log, {}:\n{end}", log.display())
}

fn answers(service: Service, port: u16) -> bool {
    match service {
        Service::MariaDb => mariadb::greets(port),
        _ => TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), CONNECT).is_ok(),
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
    if let Some(kept) = &kept {
        kept.stop(service.name())?;
    }
    PidFile::forget(&folder);
    Ok(kept.is_some())
}

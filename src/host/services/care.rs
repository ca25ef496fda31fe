//! Before a cell: a server that an earlier one has lost is started anew where we started it, and is refused where somebody else did.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::lost::Lost;
use super::process::PidFile;
use super::service::Service;
use super::watched::{found_stranger, lost_stranger, users};
use super::{Services, in_use, native, service};
use crate::host::catalog::SERVICE;
use crate::host::interrupt;
use crate::host::paths;
use crate::host::progress::Work;
use crate::host::settings::Settings;
use crate::protocol::engine::Server;

/// How long a server that has been silent may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(500);

/// The servers that engines of this process have used, by the engines' names.
static USED: Mutex<BTreeMap<String, (Service, u16)>> = Mutex::new(BTreeMap::new());
/// Why servers could not be started anew. Held while one is: cells that run at the same time wait.
static GIVEN_UP: Mutex<BTreeMap<(Service, u16), String>> = Mutex::new(BTreeMap::new());

/// Notes that the engine uses this server.
pub(crate) fn used(engine: &str, server: &Server) {
    if let Some(service) = server.service.parse().ok().filter(|_| server.local) {
        let mut used = USED.lock().unwrap_or_else(PoisonError::into_inner);
        used.insert(engine.to_owned(), (service, server.port));
    }
}

/// Brings the server that the engine will use, whose program gets these variables, back to where a cell can use it, if an earlier one has
/// lost it.
///
/// # Errors
/// When it cannot be used, in one sentence; and after an interrupt.
pub(crate) fn before(engine: &str, variables: &BTreeMap<String, String>) -> Result<()> {
    let used = USED.lock().unwrap_or_else(PoisonError::into_inner).get(engine).copied();
    let service = match used {
        Some((service, _)) => service,
        None => match variables.get(SERVICE).and_then(|name| name.parse().ok()) {
            Some(service) => service,
            None => return Ok(()),
        },
    };
    if let Some((service, port)) = used
        && let Some(why) = lost_stranger(service, port)
    {
        return refuse_unless_back(service, port, &why);
    }
    let folder = native::folder(&paths::own("services"), service);
    let mut given_up = GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner);
    let known = Lost::read(&folder)
        .or_else(|| used.and_then(|(service, port)| look(service, port, &folder)))
        .or_else(|| left(service, &folder));
    let Some(lost) = known else { return Ok(()) };
    let told = |name: &str| variables.get(name).cloned().or_else(|| service::told(name));
    if !used.map_or_else(|| service.is_meant(lost.port, told), |(_, port)| port == lost.port) {
        return Ok(());
    }
    if let Some(why) = given_up.get(&(service, lost.port)) {
        bail!("{why}");
    }
    let services = Services::read(&Settings::read()?)?;
    if lost.spoiled {
        // It serves others at this moment, as well as it can.
        let in_use = users(service, lost.port) > 0 || in_use::by_others(&folder, lost.port);
        if in_use && native::speaks(service, lost.port) {
            return Ok(());
        }
    } else if services.answers_within(service, lost.port, PATIENCE)? {
        Lost::forget(&folder);
        return Ok(());
    }
    log::info!("{}: {service} is started anew with the same settings before the next cell", lost.why);
    services.restart(service).or_else(|error| {
        // Another command may try again.
        lost.keep(&folder);
        interrupt::check()?;
        let why = format!("an earlier cell lost its server ({}), and it cannot be started anew: {error:#}", lost.why);
        given_up.insert((service, lost.port), why.clone());
        bail!("{why}")
    })
}

/// What is wrong, before a cell, with a server that we started and that an engine used before.
fn look(service: Service, port: u16, folder: &Path) -> Option<Lost> {
    let kept = PidFile::read(folder).filter(|kept| kept.port == port)?;
    if let Some((pid, how)) = kept.end(folder) {
        let how = how.unwrap_or_else(|| "is gone".to_owned());
        let why = format!("the server {service} died before the cell: its process {pid} {how}");
        return Some(Lost { port, why, spoiled: true });
    }
    let why = || format!("the server {service} did not answer before the cell");
    (!native::speaks(service, port)).then(|| Lost { port, why: why(), spoiled: false })
}

/// What is wrong with a server that we started and that a command used which was killed: nobody has told the server to stop.
fn left(service: Service, folder: &Path) -> Option<Lost> {
    let kept = PidFile::read(folder).filter(PidFile::lives)?;
    let user = in_use::left(folder, kept.port)?;
    let why = format!(
        "process {} used the server {service} and was killed: the server may still be at work for it",
        user.pid
    );
    Some(Lost { port: kept.port, why, spoiled: true })
}

fn refuse_unless_back(service: Service, port: u16, why: &str) -> Result<()> {
    if native::speaks(service, port) {
        found_stranger(service, port);
        return Ok(());
    }
    bail!(
        "an earlier cell lost its server ({why}), and nothing answers on port {port}: QueryDyno did not start it and leaves it alone; \
         start it again, or have QueryDyno do so with cargo xtask services up {service}"
    )
}

impl Services {
    /// Whether a server that was silent answers, unless a signal holds it.
    fn answers_within(&self, service: Service, port: u16, time: Duration) -> Result<bool> {
        let _work = Work::wait(&format!("waiting for {service}, which did not answer"));
        let deadline = Instant::now() + time;
        loop {
            if native::speaks(service, port) {
                return Ok(true);
            }
            let held = native::running(&self.home, service).is_none_or(|kept| kept.is_stopped());
            if held || Instant::now() > deadline {
                return Ok(false);
            }
            interrupt::check()?;
            std::thread::sleep(PAUSE);
        }
    }
}

//! The servers that engines and formats need: started, found again, stopped.
//!
//! Where there is a Docker engine they run in containers, else natively where the real server can be had: the Hive
//! Metastore, `MariaDB`, PostgreSQL, object storage, Spark, Thunderduck and Trino. Whoever measures connects to them.
//!
//! `cargo xtask services up hive`

mod ask;
mod care;
mod cluster;
mod compose;
mod fetch;
mod hadoop;
mod hive;
mod in_use;
mod jars;
mod java;
mod log;
mod lost;
mod mariadb;
mod maven;
mod native;
mod pinned;
mod plan;
pub(crate) mod ports;
mod postgresql;
mod process;
mod restart;
mod s3;
mod seen;
mod service;
mod spark;
mod started;
mod state;
mod supervise;
mod tasks;
mod thunderduck;
mod trino;
mod wait;
mod watched;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::host::paths;
use crate::host::settings::Settings;
use crate::protocol::engine::Server;
use crate::protocol::units::Bytes;
use compose::{Compose, Container};
use plan::Given;

pub(crate) use care::{before, used};
pub use jars::{hive_jars, spark_3_5_jars};
pub use plan::Configuration;
pub use ports::{Owner, owner};
pub(crate) use seen::{Seen, threads_of};
pub use seen::{server_pid_in, server_processes_in};
pub use service::{Port, Service};
pub use state::{How, State};
pub(crate) use tasks::{TaskCounts, Tasks};
pub use trino::trino_home;
pub(crate) use watched::Watched;

/// One server, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Which.
    pub service: Service,
    /// How it runs, or would; `None` when it cannot run here.
    pub how: Option<How>,
    /// Whether it can be used.
    pub state: State,
    /// Where clients connect.
    pub address: String,
    /// The process that clients connect to, a container's first one.
    pub pid: Option<u32>,
    /// All processes of a native one.
    pub processes: Vec<u32>,
    /// The log of a native one, if there is one.
    pub log: Option<PathBuf>,
    /// What keeps it from being started: another process on its port, or something that is missing; or why it does not answer.
    pub note: Option<String>,
    /// What a native one was started as.
    pub configuration: Option<Configuration>,
}

/// A server that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Up {
    /// How it runs.
    pub how: How,
    /// The port that clients connect to.
    pub port: u16,
    /// It was up before, and nothing was done.
    pub was_up: bool,
}

/// All servers, and where they and what they need are.
#[derive(Debug)]
pub struct Services {
    /// Where native ones keep what they are known by, their logs and their data.
    pub home: PathBuf,
    /// Where data lies: containers see it at the same path.
    pub data: PathBuf,
    /// The Python that fetches the Hive Metastore and Spark.
    pub python: String,
    /// The Java that runs servers, where the user named one.
    pub java: Option<String>,
    /// Threads of a server that is an engine.
    pub threads: Vec<usize>,
    /// Memory of such a server.
    pub memory: Bytes,
    /// Workers of the cluster.
    pub executors: usize,
    /// The master of a cluster that somebody else runs; none: one is started here.
    pub master: Option<String>,
    /// Whether they have to read tables on S3: then Spark has what that takes.
    pub s3: bool,
    /// By the variables that set them.
    pub ports: BTreeMap<&'static str, u16>,
    /// What keeps containers from running here; asked once.
    docker: OnceLock<Option<&'static str>>,
}

impl Services {
    /// With the user's settings and the ports of the environment.
    ///
    /// # Errors
    /// When a variable holds no port.
    pub fn read(settings: &Settings) -> Result<Self> {
        let all = Service::ALL.into_iter().flat_map(Service::ports);
        let ports = all.map(|port| Ok((port.variable, number(*port, service::told(port.variable))?)));
        Ok(Self {
            home: paths::own("services"),
            data: settings.data.clone(),
            python: settings.python.clone(),
            java: settings.services.java.clone(),
            threads: settings.threads.clone(),
            memory: settings.services.memory,
            executors: settings.services.executors,
            master: settings.services.master.clone(),
            s3: settings.s3.is_told(),
            ports: ports.collect::<Result<_>>()?,
            docker: OnceLock::new(),
        })
    }

    /// The port that clients of the service connect to.
    pub fn port(&self, service: Service) -> u16 {
        self.number_of(service.ports()[0])
    }

    fn number_of(&self, port: Port) -> u16 {
        self.given().number_of(port)
    }

    fn given(&self) -> Given<'_> {
        Given {
            home: &self.home,
            python: &self.python,
            java: self.java.as_deref(),
            threads: &self.threads,
            memory: self.memory,
            executors: self.executors,
            master: self.master.as_deref(),
            s3: self.s3,
            ports: &self.ports,
        }
    }

    /// How the service runs here: in a container where there is an engine for them, unless `native` is asked for.
    ///
    /// # Errors
    /// When it cannot, with what to do.
    pub fn how(&self, service: Service, native: bool) -> Result<How> {
        if !service.in_container() {
            let obstacle = native::obstacle(service, &self.home, self.java.as_deref());
            return obstacle.map_or(Ok(How::Native), |obstacle| bail!("{service} cannot run here: {obstacle}"));
        }
        let docker = self.no_docker();
        // What plans for a cluster elsewhere has to be reached by it.
        let native = native || (service == Service::SparkCluster && self.master.is_some());
        if docker.is_none() && !native {
            return Ok(How::Compose);
        }
        match (docker, native::obstacle(service, &self.home, self.java.as_deref())) {
            (_, None) => Ok(How::Native),
            (Some(docker), Some(obstacle)) => bail!(
                "{service} cannot run here: {obstacle}, and {docker}; on a machine with Docker: cargo xtask services up {service}"
            ),
            (None, Some(obstacle)) => {
                bail!("{service} cannot run natively: {obstacle}; without --native it runs in a container")
            }
        }
    }

    /// Starts a server unless it is up, and waits until it can be used.
    ///
    /// # Errors
    /// When it cannot run here, a port of its is taken, or it does not start; then it does not run.
    pub fn up(&self, service: Service, native: bool) -> Result<Up> {
        // One that runs stays as it is, however another would be started.
        let how = match native::running(&self.home, service) {
            Some(_) => How::Native,
            None => self.how(service, native)?,
        };
        let port = self.port(service);
        let _lock = native::lock(&self.home, service)?;
        let was_up = match how {
            How::Native => native::up(service, &self.given())?,
            How::Compose => self.up_in_container(service)?,
        };
        if !was_up {
            forget_users(&native::folder(&self.home, service));
        }
        Ok(Up { how, port, was_up })
    }

    fn up_in_container(&self, service: Service) -> Result<bool> {
        let container = self.compose().container(service)?;
        if container.as_ref().is_some_and(Container::healthy) {
            return Ok(true);
        }
        if !container.is_some_and(|container| container.runs()) {
            for port in service.ports() {
                ports::ensure_free(self.number_of(*port), port.variable, service.name())?;
            }
        }
        self.compose().up(service)?;
        Ok(false)
    }

    /// Stops a server, however it runs, and says how it ran; what it keeps stays for the next start.
    ///
    /// # Errors
    /// When it cannot be stopped.
    pub fn down(&self, service: Service) -> Result<Option<How>> {
        forget_users(&native::folder(&self.home, service));
        if native::down(service, &self.home)? {
            return Ok(Some(How::Native));
        }
        if self.no_docker().is_some() || self.compose().container(service)?.is_none() {
            return Ok(None);
        }
        self.compose().down(service)?;
        Ok(Some(How::Compose))
    }

    /// Every server as it is now. What is left of one that was killed is stopped.
    pub fn status(&self) -> Vec<Status> {
        let containers = if self.no_docker().is_none() { self.compose().containers() } else { Ok(Vec::new()) };
        // Docker answered a moment ago: what is not known now is taken for not there.
        let containers = containers.unwrap_or_default();
        let of = |service: Service| containers.iter().find(|container| container.service == service.name());
        Service::ALL.into_iter().map(|service| self.status_of(service, of(service))).collect()
    }

    fn status_of(&self, service: Service, container: Option<&Container>) -> Status {
        let folder = native::folder(&self.home, service);
        let mut note = native::tidy(&self.home, service);
        let kept = native::running(&self.home, service);
        let port = kept.as_ref().map_or(self.port(service), |kept| kept.port);
        let configuration = kept.as_ref().and_then(|_| Configuration::read(&folder)).filter(Configuration::is_told);
        let processes = kept.as_ref().map(|kept| kept.processes(&folder)).unwrap_or_default();
        let (how, state, pid) = match (kept, container.filter(|container| container.runs())) {
            (Some(kept), _) => {
                let state = match (ports::listens(port), native::speaks(service, port)) {
                    (_, true) => State::Up,
                    (true, false) => State::Silent,
                    (false, false) => State::Starting,
                };
                note = (state == State::Silent).then(|| silent(service, kept.is_stopped()));
                (Some(How::Native), state, Some(kept.pid()))
            }
            (None, Some(container)) => {
                let state = match (container.healthy(), container.unhealthy()) {
                    (true, _) => State::Up,
                    (_, true) => State::Unhealthy,
                    _ => State::Starting,
                };
                (Some(How::Compose), state, container.pid())
            }
            (None, None) => {
                let how = self.how(service, false);
                let taken = owner(port).map(|owner| format!("port {port} is taken by {owner}"));
                note = note.or(taken).or_else(|| Some(how.as_ref().err()?.to_string()));
                (how.ok(), State::Down, None)
            }
        };
        let log = Some(process::log_of(&folder)).filter(|log| log.exists());
        let address = format!("localhost:{port}");
        Status { service, how, state, address, pid, processes, log, note, configuration }
    }

    /// The last lines that a server wrote, also when it runs no more; `None` when it never ran.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn logs(&self, service: Service, lines: usize) -> Result<Option<String>> {
        let path = process::log_of(&native::folder(&self.home, service));
        let runs = native::running(&self.home, service).is_some();
        if !runs && self.no_docker().is_none() && self.compose().container(service)?.is_some() {
            return self.compose().logs(service, lines).map(Some);
        }
        let log = path.exists().then(|| log::tail(&path, lines)).transpose();
        log.with_context(|| format!("cannot read {}", path.display()))
    }

    /// What keeps containers from running here.
    pub fn no_docker(&self) -> Option<&'static str> {
        *self.docker.get_or_init(compose::obstacle)
    }

    /// Lines for a shell that is to use it on that port: those of [`Service::exports`], and where a secret is that must not be printed.
    pub fn exports(&self, service: Service, port: u16) -> Vec<String> {
        let secrets = (service == Service::S3).then(|| s3::Credentials::file(&self.home));
        let secrets = secrets.map(|file| format!(". '{}'", file.display().to_string().replace('\'', r"'\''")));
        service.exports(port).into_iter().chain(secrets).collect()
    }

    fn compose(&self) -> Compose<'_> {
        let threads = self.threads.first().copied().unwrap_or(1);
        let conditions = vec![
            ("SERVICE_THREADS", threads.to_string()),
            ("SERVICE_CONCURRENCY", trino::power_of_two(threads).to_string()),
            ("SERVICE_MEMORY_MIB", (self.memory.0 >> 20).to_string()),
            ("SERVICE_QUERY_MIB", trino::query_mib(self.memory).to_string()),
            ("SERVICE_EXECUTORS", self.executors.to_string()),
        ];
        // Where they cannot be kept, its own start says so.
        let credentials = s3::Credentials::of(&self.home).ok();
        let credentials = credentials.into_iter().flat_map(|found| {
            [("S3_ACCESS_KEY_ID", found.access_key_id), ("S3_SECRET_ACCESS_KEY", found.secret_access_key)]
        });
        let conditions = conditions.into_iter().chain(credentials).collect();
        Compose { data: &self.data, ports: &self.ports, conditions }
    }
}

/// What measurements have left of a server that runs no more, or anew.
fn forget_users(folder: &Path) {
    lost::Lost::forget(folder);
    in_use::forget_left(folder);
}

fn silent(service: Service, is_stopped: bool) -> String {
    let why = if is_stopped { "it was stopped by a signal" } else { "it has its port and says nothing" };
    format!("{why}: cargo xtask services logs {service} shows its log, cargo xtask services down {service} ends it")
}

/// Where a server's memory and CPU time can be read: our own service's processes, our container's, or those of a server that is known
/// to do its work in the process that listens on the port. `None` when it is on another machine or hidden.
pub(crate) fn process_of(server: &Server) -> Option<Seen> {
    if !server.local {
        return None;
    }
    let home = paths::own("services");
    if seen::works_elsewhere(&home, &server.service, server.port) {
        return None;
    }
    if let Some(roots) = seen::roots_in(&home, &server.service, server.port) {
        return Some(Seen::Server(roots));
    }
    if let Some(pid) = container_of(&server.service, server.port) {
        return Some(Seen::Container(pid));
    }
    seen::stranger_on(server.port).map(|pid| Seen::Server(vec![pid]))
}

/// The first process of our container of that service; asked once, since Docker takes its time.
fn container_of(name: &str, port: u16) -> Option<u32> {
    static ASKED: Mutex<BTreeMap<(String, u16), Option<u32>>> = Mutex::new(BTreeMap::new());
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    *asked.entry((name.to_owned(), port)).or_insert_with(|| {
        let services = Services::read(&Settings::read().ok()?).ok()?;
        let service: Service = name.parse().ok()?;
        if services.port(service) != port || services.no_docker().is_some() {
            return None;
        }
        services.status().into_iter().find(|status| status.service == service && status.how == Some(How::Compose))?.pid
    })
}

fn number(port: Port, told: Option<String>) -> Result<u16> {
    let Some(text) = told else { return Ok(port.default) };
    let number = text.parse().ok().filter(|number| *number > 0);
    number.with_context(|| format!("{}: '{text}' is no port: give a number from 1 to 65535", port.variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_number_or_the_default() {
        let port = Service::Hive.ports()[0];
        assert_eq!(number(port, None).unwrap(), 9083);
        assert_eq!(number(port, Some("19083".to_owned())).unwrap(), 19083);
        for wrong in ["0", "65536", "hive"] {
            let error = number(port, Some(wrong.to_owned())).unwrap_err().to_string();
            assert!(error.contains("HIVE_PORT") && error.contains(wrong), "{error}");
        }
    }
}

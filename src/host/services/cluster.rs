//! Spark on a cluster: a standalone master, workers of one core each, and a server of Spark Connect that plans for them. One service of
//! several processes; where somebody else runs the cluster, the server alone.
//!
//! The memory of the service is shared out: as much for the server as for each executor.
//!
//! `QUERYDYNO_SPARK_EXECUTORS=2 cargo xtask services up spark-cluster`

use std::fs;
use std::io;
use std::net::{IpAddr, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::plan::{Configuration, Given, Part, Plan, scratch_in};
use super::service::{Port, Service};
use super::spark::{Installed, LEAST, serve};
use super::{ask, tasks};
use crate::protocol::units::Bytes;

const SERVICE: Service = Service::SparkCluster;
const MASTER: &str = "org.apache.spark.deploy.master.Master";
const WORKER: &str = "org.apache.spark.deploy.worker.Worker";
/// What Spark 4 is built with. Workers are told it, since they would look for it in folders that only Spark's own build tree has.
const SCALA: (&str, &str) = ("SPARK_SCALA_VERSION", "2.13");
/// Time for a master to take a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Of a master and of a worker, which only pass messages on.
const HEAP: Bytes = Bytes(256 << 20);
/// How many there are, in the configuration.
pub(super) const EXECUTORS: &str = "executors";
/// What the configuration says of a cluster that somebody else runs.
const ELSEWHERE: (&str, &str) = ("workers", "started by somebody else");

/// How the cluster is started, or the server that plans for one.
///
/// # Errors
/// When Spark cannot be had, or not with these settings.
pub(super) fn prepare(given: &Given<'_>) -> Result<Plan> {
    let executors = given.executors;
    given.memory_for(SERVICE, Bytes(LEAST.0 * (executors as u64 + 1)))?;
    let share = share(given);
    let folder = given.folder(SERVICE);
    let scratch = scratch_in(&folder, SERVICE)?;
    let spark = Installed::find(SERVICE, given)?;
    let mut configuration = spark.configuration(ports(given)[0], executors, &scratch)?;
    configuration.set("spark.master", master(given));
    let (name, value) = memory(given);
    configuration.set(name, value);
    configuration.set("spark.executor.memory", in_mib(share));
    configuration.set("spark.executor.cores", "1");
    configuration.set("spark.cores.max", executors.to_string());
    configuration.set(EXECUTORS, executors.to_string());
    let mut parts = Vec::new();
    if let Some(master) = given.master {
        ensure_there(master)?;
        // Executors of other machines call the driver back.
        let here = address_towards(master)?.to_string();
        configuration.set("spark.driver.host", here.as_str());
        configuration.set("spark.driver.bindAddress", here);
        configuration.set(ELSEWHERE.0, ELSEWHERE.1);
    } else {
        if let Some(further) = spark.further() {
            configuration.set("spark.executor.extraClassPath", further);
        }
        parts = of_this_machine(given, &spark, share, &folder, &scratch)?;
    }
    parts.push(Part::server(serve(&spark, share, &folder, &configuration)?));
    Ok(Plan { parts, configuration, init: None })
}

/// The memory of the server, and of each executor.
fn share(given: &Given<'_>) -> Bytes {
    Bytes(given.memory.0 / (given.executors as u64 + 1))
}

/// The setting that is the server's share.
pub(super) fn memory(given: &Given<'_>) -> (&'static str, String) {
    super::spark::memory(share(given))
}

/// A master and its workers.
fn of_this_machine(
    given: &Given<'_>,
    spark: &Installed,
    share: Bytes,
    folder: &Path,
    scratch: &Path,
) -> Result<Vec<Part>> {
    let [_, master_port, page_port] = ports(given);
    let home = home(folder, &spark.jars)?;
    let mut command = spark.command(HEAP, folder)?;
    command.env("SPARK_HOME", &home).args([MASTER, "--host", "127.0.0.1"]).args([
        "--port",
        &master_port.to_string(),
        "--webui-port",
        &page_port.to_string(),
    ]);
    let mut parts = vec![Part { name: "master".to_owned(), command, port: Some(master_port) }];
    for number in 1..=given.executors {
        let mut command = spark.command(HEAP, folder)?;
        command
            .env("SPARK_HOME", &home)
            .env(SCALA.0, SCALA.1)
            // Where executors keep what does not fit into memory.
            .env("SPARK_LOCAL_DIRS", scratch)
            .args([WORKER, "--host", "127.0.0.1", "--webui-port", "0", "--cores", "1"])
            .args(["--memory", &in_mib(share), "--work-dir"])
            .arg(scratch.join(format!("worker-{number}")))
            .arg(master(given));
        parts.push(Part { name: format!("worker-{number}"), command, port: None });
    }
    Ok(parts)
}

/// The master that plans are carried out by.
pub(super) fn master(given: &Given<'_>) -> String {
    given.master.map_or_else(|| format!("spark://127.0.0.1:{}", ports(given)[1]), str::to_owned)
}

/// The ports that it takes: with a master elsewhere, only the one that clients connect to.
pub(super) fn ports_of(given: &Given<'_>) -> &'static [Port] {
    let all = SERVICE.ports();
    if given.master.is_some() { &all[..1] } else { all }
}

/// Whether the workers of a service with these settings are not ours: then nothing is known of their memory.
pub(super) fn is_elsewhere(configuration: &Configuration) -> bool {
    configuration.settings.get(ELSEWHERE.0).is_some_and(|told| told == ELSEWHERE.1)
}

/// Whether clients are answered and every executor has been given to the server.
pub(super) fn answers(given: &Given<'_>) -> bool {
    ask::speaks_http2(ports(given)[0]) && cores(given) == Some(given.executors as u64)
}

/// How many cores the server was given so far.
fn cores(given: &Given<'_>) -> Option<u64> {
    tasks::cores_of(&given.folder(SERVICE))
}

/// What else is known of a server that did not come to its executors.
pub(super) fn explain(given: &Given<'_>, error: anyhow::Error) -> anyhow::Error {
    let Some(master) = given.master.filter(|_| ask::speaks_http2(ports(given)[0])) else { return error };
    error.context(format!(
        "{master} gave it {} of {} executors of one core and {}: they may not be free, the cluster may be of another version than Spark 4.0, \
         or its machines cannot call this one back",
        cores(given).unwrap_or(0),
        given.executors,
        share(given)
    ))
}

/// Whether one of the masters that the address names takes a connection: a server that plans would try again for minutes.
///
/// # Errors
/// When none does, with what the last one answered.
fn ensure_there(master: &str) -> Result<()> {
    let mut refused = None;
    for authority in master.trim_start_matches("spark://").split(',') {
        let came = authority.to_socket_addrs().and_then(|addresses| {
            let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
            for address in addresses {
                match TcpStream::connect_timeout(&address, CONNECT) {
                    Ok(_) => return Ok(()),
                    Err(error) => last = error,
                }
            }
            Err(last)
        });
        match came {
            Ok(()) => return Ok(()),
            Err(error) => refused = Some(error),
        }
    }
    let refused = refused.map_or_else(String::new, |error| format!(" ({error})"));
    bail!("no master answers at {master}{refused}: start it, or name another, spark://host:port")
}

/// The address by which this machine is known on the way to the master. Nothing is sent.
fn address_towards(master: &str) -> Result<IpAddr> {
    let first = master.trim_start_matches("spark://").split(',').next().unwrap_or_default();
    let look = || {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.connect(first)?;
        socket.local_addr().map(|address| address.ip())
    };
    look().with_context(|| format!("there is no way to {master}: name a host that this machine reaches"))
}

fn ports(given: &Given<'_>) -> [u16; 3] {
    let ports = SERVICE.ports();
    [0, 1, 2].map(|index| given.number_of(ports[index]))
}

fn in_mib(bytes: Bytes) -> String {
    format!("{}m", bytes.0 >> 20)
}

/// A folder as workers want Spark's to be: they look for jars in it.
fn home(folder: &Path, jars: &Path) -> Result<PathBuf> {
    let home = folder.join("spark");
    let link = home.join("jars");
    let make = || {
        fs::create_dir_all(&home)?;
        // It may lead to another Spark.
        let _ = fs::remove_file(&link);
        symlink(std::path::absolute(jars)?, &link)
    };
    make().with_context(|| format!("cannot make {}", link.display()))?;
    Ok(home)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_master_elsewhere_takes_one_port_and_is_called_back_by_the_right_address() {
        let (home, port_numbers) = (PathBuf::new(), BTreeMap::new());
        let given = |master| Given {
            home: &home,
            python: "python3",
            java: None,
            threads: &[1],
            memory: Bytes(1 << 30),
            executors: 2,
            master,
            s3: false,
            ports: &port_numbers,
        };
        assert_eq!(master(&given(None)), "spark://127.0.0.1:15501");
        assert_eq!(master(&given(Some("spark://head:7077"))), "spark://head:7077");
        assert_eq!((ports_of(&given(None)).len(), ports_of(&given(Some("spark://head:7077"))).len()), (3, 1));
        assert!(address_towards("spark://127.0.0.1:7077,spark://x:1").unwrap().is_loopback());
        let error = address_towards("spark://no.such.host.invalid:7077").unwrap_err().to_string();
        assert!(error.contains("no way to spark://no.such.host.invalid:7077"), "{error}");
    }

    #[test]
    fn ensure_there_takes_any_of_several_masters_and_names_those_that_are_not_there() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        ensure_there(&format!("spark://127.0.0.1:{free},127.0.0.1:{port}")).unwrap();
        let error = ensure_there(&format!("spark://127.0.0.1:{free}")).unwrap_err().to_string();
        assert!(error.contains(&format!("no master answers at spark://127.0.0.1:{free} (")), "{error}");
    }
}

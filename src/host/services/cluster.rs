//! Spark on a cluster of this machine: a standalone master, workers of one core each, and a server of Spark Connect that plans
//! for them. One service of several processes.
//!
//! The memory of the service is shared out: as much for the server as for each executor.
//!
//! `QUERYDYNO_SPARK_EXECUTORS=2 cargo xtask services up spark-cluster`

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::ask;
use super::plan::{Given, Part, Plan, scratch_in};
use super::service::Service;
use super::spark::{Installed, LEAST, serve};
use crate::protocol::units::Bytes;

const SERVICE: Service = Service::SparkCluster;
const MASTER: &str = "org.apache.spark.deploy.master.Master";
const WORKER: &str = "org.apache.spark.deploy.worker.Worker";
/// Of Spark 4. A worker would look for it in folders that only Spark's own build has.
const SCALA: (&str, &str) = ("SPARK_SCALA_VERSION", "2.13");
/// Of a master and of a worker, which only pass messages on.
const HEAP: Bytes = Bytes(256 << 20);

/// How the cluster is started.
///
/// # Errors
/// When Spark cannot be had, or not with these settings.
pub(super) fn prepare(given: &Given<'_>) -> Result<Plan> {
    let [port, master_port, page_port] = ports(given);
    let executors = given.executors;
    let shares = executors as u64 + 1;
    let memory = given.memory_for(SERVICE, Bytes(LEAST.0 * shares))?;
    let share = Bytes(memory.0 / shares);
    let folder = given.folder(SERVICE);
    let scratch = scratch_in(&folder, SERVICE)?;
    let spark = Installed::find(SERVICE, given)?;
    let home = home(&folder, &spark.jars)?;
    let master = format!("spark://127.0.0.1:{master_port}");
    let mut configuration = spark.configuration(port, executors, &folder);
    configuration.set("spark.master", master.as_str());
    configuration.set("spark.driver.memory", in_mib(share));
    configuration.set("spark.executor.memory", in_mib(share));
    configuration.set("spark.executor.cores", "1");
    configuration.set("spark.cores.max", executors.to_string());
    configuration.set("executors", executors.to_string());

    let mut command = spark.command(HEAP, &folder)?;
    command.env("SPARK_HOME", &home).args([MASTER, "--host", "127.0.0.1"]).args([
        "--port",
        &master_port.to_string(),
        "--webui-port",
        &page_port.to_string(),
    ]);
    let mut parts = vec![Part { name: "master".to_owned(), command, port: Some(master_port) }];
    for number in 1..=executors {
        let mut command = spark.command(HEAP, &folder)?;
        command
            .env("SPARK_HOME", &home)
            .env(SCALA.0, SCALA.1)
            // Where executors keep what does not fit into memory.
            .env("SPARK_LOCAL_DIRS", &scratch)
            .args([WORKER, "--host", "127.0.0.1", "--webui-port", "0", "--cores", "1"])
            .args(["--memory", &in_mib(share), "--work-dir"])
            .arg(scratch.join(format!("worker-{number}")))
            .arg(&master);
        parts.push(Part { name: format!("worker-{number}"), command, port: None });
    }
    parts.push(Part::server(serve(&spark, share, &folder, &configuration)?));
    Ok(Plan { parts, configuration, init: None })
}

/// Whether clients are answered and every executor has been given to the server.
pub(super) fn answers(given: &Given<'_>) -> bool {
    let [port, _, page] = ports(given);
    let whole = || {
        let told = ask::json(page, "/json/", None)?;
        let workers = told["aliveworkers"].as_u64()?;
        let cores = told["activeapps"].get(0)?["cores"].as_u64()?;
        let wanted = given.executors as u64;
        Some(workers == wanted && cores == wanted)
    };
    ask::speaks_http2(port) && whole().unwrap_or(false)
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

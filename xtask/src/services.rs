//! `cargo xtask services`: starts, stops and shows the servers that engines and formats need.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use querydyno::host::interrupt;
use querydyno::host::services::{How, Service, Services as All, Status};
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output;

use crate::json::Json;

/// Start and stop the servers that engines and formats need
///
/// They are hive, mariadb, starrocks, s3, spark-4.0, spark-3.5, spark-cluster, thunderduck, trino and postgresql.
///
/// They run in containers where there is a Docker engine, else natively: the Hive Metastore and Spark from Spark's Python
/// package and Trino from Maven Central, fetched once, with the Java that fits; object storage (s3) compiled once by Go; Thunderduck from a jar that you built; MariaDB
/// and PostgreSQL where Debian's packages are installed. What they keep stays when they are stopped, but for the temporary files of engines.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask services up hive                   the Hive Metastore, and the line that a shell needs
  eval \"$(cargo xtask services up hive)\"         the same, and sets it in this shell
  HIVE_PORT=9084 cargo xtask services up hive    on another port
  eval \"$(cargo xtask services up s3)\"           object storage; sets its address, credentials and bucket in this shell
  cargo xtask services up spark-4.0              Spark, with QUERYDYNO_THREADS threads and QUERYDYNO_SERVICE_MEMORY
  cargo xtask services down                      all that run

Ports: HIVE_PORT 9083, MARIADB_PORT 3307, STARROCKS_PORT 9030, STARROCKS_HTTP_PORT 8030, S3_PORT 9000,
SPARK_4_0_PORT 15400, SPARK_3_5_PORT 15350, SPARK_CLUSTER_PORT 15500,
SPARK_CLUSTER_MASTER_PORT 15501, SPARK_CLUSTER_PAGE_PORT 15502, THUNDERDUCK_PORT 15002, TRINO_PORT 18080,
POSTGRES_PORT 5545.
Passwords of the user querydyno: MYSQL_PASSWORD of MariaDB, POSTGRES_PASSWORD [default: querydyno].
POSTGRES_URL names a PostgreSQL that somebody else runs, postgresql://user:password@host:port/database.
Spark, Thunderduck and Trino: QUERYDYNO_THREADS [default: all processors], QUERYDYNO_SERVICE_MEMORY [default: 4GiB],
QUERYDYNO_SPARK_EXECUTORS of spark-cluster [default: 2], QUERYDYNO_SPARK_MASTER [default: a master and workers are
started; spark://host:port: only the server that plans for that cluster, which must see the data under the same path], QUERYDYNO_JAVA [default: the first that fits].
Where the variables of S3 are set (QUERYDYNO_S3_BUCKET, or AWS_ACCESS_KEY_ID with its secret), spark-4.0 and spark-cluster get what tables
on S3 are read with, 9 MB by mvn. A server never gets AWS_*: sessions are told.
Your own: SPARK_HOME, TRINO_HOME, THUNDERDUCK_JAR.")]
pub(crate) struct Services {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start them and wait until they can be used; those that are up stay as they are
    Up {
        /// The services [default: hive, mariadb, starrocks, as far as they can run here]
        services: Vec<Service>,
        /// Without containers, though there is a Docker engine
        #[arg(long)]
        native: bool,
    },
    /// Stop them; their data stays
    Down {
        /// The services [default: all]
        services: Vec<Service>,
    },
    /// Show which are up, where, and what keeps the others from being started
    Status {
        #[command(flatten)]
        json: Json,
    },
    /// Print the last lines of their logs
    Logs {
        /// The services [default: all]
        services: Vec<Service>,
        /// Lines of each
        #[arg(long, default_value_t = 50)]
        lines: usize,
    },
}

impl Services {
    pub(crate) fn run(self) -> Result<()> {
        let all = All::read(&Settings::read()?)?;
        match self.action {
            Action::Up { services, native } => up(&all, services, native),
            Action::Down { services } => down(&all, services),
            Action::Status { json } => status(&all, &json),
            Action::Logs { services, lines } => logs(&all, services, lines),
        }
    }
}

/// What a shell needs goes to stdout, all else to stderr.
fn up(all: &All, services: Vec<Service>, native: bool) -> Result<()> {
    let named = !services.is_empty();
    let mut failed = Vec::new();
    let mut ran = 0;
    let mut exports: Vec<String> = Vec::new();
    for service in given(services).into_iter().filter(|service| named || service.by_default()) {
        // Without names it is no failure that one cannot run here.
        if let (false, Err(why)) = (named, all.how(service, native)) {
            eprintln!("left out: {why:#}");
            continue;
        }
        match all.up(service, native) {
            Ok(up) => {
                ran += 1;
                let was = if up.was_up { " already" } else { "" };
                eprintln!("{service} is up{was}: {}, port {}", up.how.name(), up.port);
                for line in all.exports(service, up.port) {
                    output::line(&line)?;
                    exports.push(line);
                }
                if let Some(advice) = service.advice() {
                    eprintln!("{advice}");
                }
            }
            Err(error) => {
                interrupt::check()?;
                eprintln!("error: {error:#}");
                failed.push(service.name());
            }
        }
    }
    for variable in told_twice(&exports) {
        output::line(format_args!("unset {variable}"))?;
        eprintln!(
            "{variable} would lead to one of these servers only, so it is unset: each engine finds its own by its port"
        );
    }
    crate::ensure_well(failed.is_empty(), || format!("not started: {}", failed.join(", ")))?;
    ensure!(ran > 0, "none of the services can run here: see above what each of them needs");
    Ok(())
}

/// The variables that these lines set to several values: two services may be led to by one variable.
fn told_twice(exports: &[String]) -> BTreeSet<&str> {
    let told: BTreeSet<(&str, &str)> =
        exports.iter().flat_map(|line| line.split_whitespace()).filter_map(|word| word.split_once('=')).collect();
    let names: Vec<&str> = told.iter().map(|(name, _)| *name).collect();
    names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect()
}

fn down(all: &All, services: Vec<Service>) -> Result<()> {
    let mut failed = Vec::new();
    for service in given(services) {
        match all.down(service) {
            Ok(Some(how)) => eprintln!("{service} is stopped: it was {}", how.name()),
            Ok(None) => eprintln!("{service} was not running"),
            Err(error) => {
                interrupt::check()?;
                eprintln!("error: {error:#}");
                failed.push(service.name());
            }
        }
    }
    crate::ensure_well(failed.is_empty(), || format!("not stopped: {}", failed.join(", ")))
}

fn status(all: &All, json: &Json) -> Result<()> {
    let found = all.status();
    if json.is_wanted() {
        return json.write(&serde_json::to_string_pretty(&found)?);
    }
    output::line(table(&found))?;
    for status in &found {
        if let Some(note) = &status.note {
            output::line(format_args!("{}: {note}", status.service))?;
        }
    }
    Ok(())
}

fn table(found: &[Status]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["name", "how", "state", "address", "pid", "log"]);
    for status in found {
        table.add_row([
            status.service.to_string(),
            status.how.map_or("-", How::name).to_owned(),
            status.state.name().to_owned(),
            status.address.clone(),
            status.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
            status.log.as_ref().map_or_else(|| "-".to_owned(), |log| log.display().to_string()),
        ]);
    }
    table
}

fn logs(all: &All, services: Vec<Service>, lines: usize) -> Result<()> {
    for service in given(services) {
        match all.logs(service, lines)? {
            Some(text) => output::line(format_args!("{service}, the last {lines} lines:\n{}\n", text.trim_end()))?,
            None => output::line(format_args!("{service} has not run here\n"))?,
        }
    }
    Ok(())
}

/// Those that were named, once each, or all.
fn given(mut services: Vec<Service>) -> Vec<Service> {
    if services.is_empty() {
        return Service::ALL.to_vec();
    }
    services.sort_unstable();
    services.dedup();
    services
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_of_two_servers_is_told_twice() {
        let lines = ["export A=1 B=2", "export A=3", "export B=2 C=4"].map(str::to_owned);
        assert_eq!(told_twice(&lines), BTreeSet::from(["A"]));
    }
}

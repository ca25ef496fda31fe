//! What a run is to do: [`Plan`], which is written to the store before anything is started, so that whoever comes later can go on.

use anyhow::{Context, Result, ensure};
use querydyno::host::catalog::{Catalog, Entry};
use querydyno::host::services::Service;
use querydyno::host::suite::Suite;
use querydyno::protocol::id::Scale;
use serde::{Deserialize, Serialize};

use super::names::slug;

/// Where machines come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(super) enum Backend {
    /// An EC2 instance for each engine, and a bucket
    Ec2,
    /// This machine, an engine after the other, each in a fresh folder under another user, and a folder in place of the bucket
    Local,
}

/// Everything about a run but the secrets, of which it has none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) run_id: String,
    pub(super) backend: Backend,
    pub(super) region: String,
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) instance_type: String,
    pub(super) machines: Vec<Job>,
    pub(super) suites: Vec<String>,
    pub(super) scale: Scale,
    pub(super) queries: Vec<String>,
    pub(super) runs: usize,
    pub(super) answers: Vec<String>,
    pub(super) max_minutes: u32,
    pub(super) price_per_hour: Option<f64>,
    pub(super) price_from: Option<String>,
    pub(super) spot: bool,
    pub(super) keep: bool,
    pub(super) key_pair: Option<String>,
    pub(super) ssh_from: Option<String>,
    pub(super) disk_gib: u64,
    /// How long a machine waits for another's tables.
    pub(super) wait_seconds: u64,
    /// RFC 3339, UTC.
    pub(super) created_at: String,
    pub(super) expires_at: String,
    /// Found by the check.
    pub(super) ami: Option<String>,
    pub(super) subnets: Vec<Subnet>,
    /// By the checksum that the machine holds them against.
    pub(super) parts: Vec<Part>,
}

/// A subnet of a zone that has the instance type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subnet {
    pub(super) id: String,
    pub(super) zone: String,
    pub(super) vpc: String,
}

/// An engine, and what its machine needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) engine: String,
    pub(super) name: String,
    pub(super) service: Option<String>,
    /// Debian packages.
    pub(super) packages: Vec<String>,
    /// Names of [`Part`]s.
    pub(super) parts: Vec<String>,
}

/// A file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) sha256: String,
    pub(super) bytes: u64,
}

impl Plan {
    /// The place in the store, as machines of the run get it.
    pub(super) fn store(&self) -> String {
        match self.backend {
            Backend::Ec2 => format!("s3://{}/{}", self.bucket, self.prefix),
            Backend::Local => self.prefix.clone(),
        }
    }

    /// The machine that makes the tables.
    pub(super) fn maker(&self) -> &str {
        &self.machines[0].name
    }

    pub(super) fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// At most so much, where the price is known: all machines until they end by themselves.
    pub(super) fn most_dollars(&self) -> Option<f64> {
        Some(self.price_per_hour? * self.most_hours())
    }

    #[expect(clippy::cast_precision_loss, reason = "a few machines")]
    pub(super) fn most_hours(&self) -> f64 {
        self.machines.len() as f64 * f64::from(self.max_minutes) / 60.0
    }
}

/// Fewer runs of a cell have no median with an interval, without which a report shows nothing.
pub(super) const REPORT_TAKES: usize = 10;

/// The part that every machine has: the command, suites, scripts.
pub(super) const BASE: &str = "base";

/// The machines of these engines, each once.
///
/// # Errors
/// Names an engine that is not there, or that cannot be alone on a machine.
pub(super) fn jobs(engines: &[String], catalog: &Catalog) -> Result<Vec<Job>> {
    let mut jobs: Vec<Job> = Vec::new();
    for name in engines.iter().map(|name| name.trim()) {
        let entry = catalog.entry(name)?;
        ensure!(
            entry.writes.is_none(),
            "{name} writes into a server of its own, which machines of a run do not have: run it by cargo xtask bench"
        );
        let job = job(&entry)?;
        ensure!(jobs.iter().all(|other| other.name != job.name), "{name} is named twice");
        jobs.push(job);
    }
    ensure!(!jobs.is_empty(), "--engines names no engine");
    Ok(jobs)
}

fn job(entry: &Entry) -> Result<Job> {
    let service = entry.service().map(str::to_owned);
    let mut parts = vec![BASE.to_owned()];
    parts.extend(entry.recipe().map(|recipe| format!("program-{}", recipe.feature)));
    parts.extend(service.as_ref().map(|service| format!("service-{service}")));
    Ok(Job {
        name: slug(&entry.name),
        packages: service.as_deref().map(packages).transpose()?.unwrap_or_default(),
        engine: entry.name.clone(),
        service,
        parts,
    })
}

/// What a server needs of Ubuntu's packages.
fn packages(service: &str) -> Result<Vec<String>> {
    let service = service.parse::<Service>().map_err(|error| anyhow::anyhow!("{error}"))?;
    let packages: &[&str] = match service {
        // Spark 3.5 fetches its Connect jar by Maven.
        Service::Spark35 => &["openjdk-17-jre-headless", "maven", "python3-pip"],
        Service::Spark40 | Service::SparkCluster | Service::Hive => &["openjdk-17-jre-headless", "python3-pip"],
        Service::Thunderduck => &["openjdk-25-jre-headless"],
        Service::Trino => &["openjdk-25-jre-headless", "maven"],
        Service::MariaDb => &["mariadb-server"],
        Service::PostgreSql => &["postgresql"],
        Service::StarRocks => &["docker.io", "docker-compose-v2"],
        Service::S3 => &["golang"],
    };
    Ok(packages.iter().map(|package| (*package).to_owned()).collect())
}

/// The suites, and the number of their cells for an engine.
///
/// # Errors
/// When a suite is not there, or a query is of none of them.
pub(super) fn suites(names: &[String], queries: &[String]) -> Result<Vec<Suite>> {
    let suites: Vec<Suite> = names.iter().map(|name| Suite::read(name.trim())).collect::<Result<_>>()?;
    ensure!(!suites.is_empty(), "--suites names no suite");
    for query in queries {
        suites
            .iter()
            .find_map(|suite| suite.query(query).ok())
            .with_context(|| format!("no suite of {} has a query {query}", names.join(", ")))?;
    }
    Ok(suites)
}

#[cfg(test)]
mod tests {
    use querydyno::host::settings::Settings;

    use super::*;

    #[test]
    fn jobs_has_a_machine_for_each_engine_and_what_it_needs() {
        let catalog = Catalog::read(&Settings::read().unwrap()).unwrap();
        let named = |names: &[&str]| jobs(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), &catalog);
        let found = named(&["duckdb", "spark@3.5.3", "spark@4.0.1"]).unwrap();
        let machines: Vec<&str> = found.iter().map(|job| job.name.as_str()).collect();
        assert_eq!(machines, ["duckdb", "spark-3.5.3", "spark-4.0.1"]);
        assert_eq!(found[1].parts, ["base", "program-spark", "service-spark-3.5"]);
        assert!(found[0].service.is_none() && found[2].packages.contains(&"openjdk-17-jre-headless".to_owned()));
        for (wrong, told) in
            [(&["duckbd"][..], "no engine"), (&["duckdb", "duckdb"], "twice"), (&["pipeline"], "writes")]
        {
            let error = named(wrong).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}

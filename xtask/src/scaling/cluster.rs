//! `cargo xtask scaling --executors`: clusters of several sizes, each started, measured and stopped, and one machine beside them.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use comfy_table::Table;
use querydyno::host::catalog::{Catalog, Entry};
use querydyno::host::interrupt;
use querydyno::host::record::Record;
use querydyno::host::scaling::cluster::{Size, Sizes, competition, sizes};
use querydyno::host::scaling::picture::draw;
use querydyno::host::services::{Service, Services};
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output::{self, plain_table};
use querydyno::measure::machine;
use querydyno::protocol::units::{Bytes, Nanos};
use serde_json::json;

use super::Scaling;

const THREADS: &str = "QUERYDYNO_THREADS";
const EXECUTORS: &str = "QUERYDYNO_SPARK_EXECUTORS";
const MASTER: &str = "QUERYDYNO_SPARK_MASTER";
/// Leads clients to a server, whichever is started here.
const REMOTE: &str = "SPARK_REMOTE";

/// Where the executors are.
enum Place {
    /// On this machine, started for each size.
    Here,
    /// On a cluster with this master.
    Master(String),
    /// Behind this server, as many as it has.
    Server(String),
}

impl Place {
    fn of(scaling: &Scaling, settings: &Settings) -> Result<Self> {
        match &scaling.master {
            None => Ok(settings.services.master.clone().map_or(Self::Here, Self::Master)),
            Some(url) if url.starts_with("sc://") => {
                ensure!(
                    scaling.executors.is_empty(),
                    "the server {url} has the executors that it has: leave out --executors, or name its master, spark://host:port"
                );
                Ok(Self::Server(url.clone()))
            }
            Some(url) => {
                let told = Settings::read_with([(MASTER, url.as_str())])
                    .with_context(|| format!("--master {url} is neither spark://host:port nor sc://host:port"))?;
                Ok(told.services.master.map_or(Self::Here, Self::Master))
            }
        }
    }
}

/// The service of a size, stopped when this goes, also after an error or an interrupt.
struct Started<'a> {
    services: &'a Services,
    service: Service,
    /// It was up before, and stays.
    stays: bool,
}

impl<'a> Started<'a> {
    fn up(services: &'a Services, service: Service) -> Result<Self> {
        let up = services.up(service, false)?;
        Ok(Self { services, service, stays: up.was_up })
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        if let Err(error) = self.services.down(self.service) {
            eprintln!("warning: {error:#}; cargo xtask services down {}", self.service);
        }
    }
}

pub(super) fn run(scaling: &Scaling, picture: &Path) -> Result<()> {
    let settings = Settings::read()?;
    let catalog = Catalog::read(&settings)?;
    let (engine, cells) = engine_and_cells(&scaling.filter, &catalog)?;
    let place = Place::of(scaling, &settings)?;
    let mut services = Services::read(&settings)?;
    let threads = local_threads(scaling, &settings)?;

    let (mut records, mut went_well) = (Vec::new(), true);
    let mut take = |(mut of_point, well): (Vec<Record>, bool)| {
        records.append(&mut of_point);
        went_well &= well;
    };
    // As it was typed: with the first sign of a regular expression, or as whole segments.
    let start = if scaling.filter.starts_with('^') { "^" } else { "" };
    let filter = format!("{start}{}/{cells}", engine.name);
    if let Place::Server(url) = &place {
        take(scaling.bench(&filter, &[(REMOTE, Some(url))])?);
    } else {
        services.master = if let Place::Master(master) = &place { Some(master.clone()) } else { None };
        for executors in counts(&scaling.executors) {
            services.executors = executors;
            take(of_size(scaling, &filter, &services).or_else(|error| {
                interrupt::check()?;
                eprintln!("error: {executors} executors are left out: {error:#}");
                anyhow::Ok((Vec::new(), false))
            })?);
        }
    }
    let local = local_engine(&catalog, records.iter().find_map(|record| record.engine.version.as_deref()));
    let mut of_local = Vec::new();
    if let Some((entry, service)) = local {
        services.threads = vec![threads];
        let _started = Started::up(&services, service)?;
        let variables = [(THREADS, Some(&*threads.to_string())), (REMOTE, None)];
        let (told, well) = scaling.bench(&format!("{start}{}/{cells}", entry.name), &variables)?;
        of_local = told;
        went_well &= well;
    }
    tell(scaling, picture, &place, &sizes(&records, &of_local))?;
    crate::ensure_well(went_well, || "some cells or sizes failed and are not in the table, see above".to_owned())?;
    Ok(())
}

/// One size of a cluster.
fn of_size(scaling: &Scaling, filter: &str, services: &Services) -> Result<(Vec<Record>, bool)> {
    let service = Service::SparkCluster;
    // One of another size is in the way.
    if services.down(service)?.is_some() {
        eprintln!("{service} was up and is started anew for each size; it is not up afterwards");
    }
    let executors = services.executors.to_string();
    eprintln!("{service} with {executors} executors");
    let _started = Started::up(services, service)?;
    let variables = [
        (EXECUTORS, Some(&*executors)),
        (THREADS, Some(&*executors)),
        (MASTER, services.master.as_deref()),
        (REMOTE, None),
    ];
    scaling.bench(filter, &variables)
}

/// The engine that the filter begins with, and the rest of it.
fn engine_and_cells<'a>(filter: &'a str, catalog: &Catalog) -> Result<(Entry, &'a str)> {
    let (name, cells) = filter.trim_start_matches('^').split_once('/').with_context(|| {
        format!(
            "'{filter}' names no engine and query: sizes of a cluster are those of one engine, such as spark-cluster/q1"
        )
    })?;
    let entry = catalog.entry(name)?;
    if entry.service() != Some(Service::SparkCluster.name()) {
        let of_cluster = |entry: &&Entry| entry.service() == Some(Service::SparkCluster.name());
        let names: Vec<&str> = catalog.entries().iter().filter(of_cluster).map(|entry| entry.name.as_str()).collect();
        bail!("{name} does not run on a cluster: name {}, or leave out --executors and --master", names.join(", "));
    }
    Ok((entry, cells))
}

/// The engine on one machine that has the version of the cluster's server, and its service.
fn local_engine(catalog: &Catalog, version: Option<&str>) -> Option<(Entry, Service)> {
    let usual = Service::SparkCluster.on_one_machine()?;
    let plain = catalog.entries().iter().find(|entry| entry.service() == Some(usual.name()))?;
    let version = version?;
    let line = version.rsplit_once('.').map_or(version, |(line, _)| line);
    let named = |version: &str| catalog.entry(&format!("{}@{version}", plain.name)).ok();
    let Some(entry) = named(version).or_else(|| named(line)) else {
        eprintln!("no local[N]: {} has no version {version} that could be started here", plain.name);
        return None;
    };
    let service = entry.service()?.parse().ok()?;
    Some((entry, service))
}

fn counts(told: &[u16]) -> BTreeSet<usize> {
    let told = if told.is_empty() { &[2] } else { told };
    // One is the base of every speed-up.
    told.iter().copied().map(usize::from).chain([1]).collect()
}

fn local_threads(scaling: &Scaling, settings: &Settings) -> Result<usize> {
    match (scaling.threads.as_slice(), settings.threads.as_slice()) {
        ([threads], _) => Ok(usize::from(*threads)),
        ([], [threads]) => Ok(*threads),
        _ => bail!("with a cluster, --threads (or {THREADS}) is one number, the N of local[N]"),
    }
}

fn tell(scaling: &Scaling, picture: &Path, place: &Place, found: &[Sizes]) -> Result<()> {
    ensure!(!found.is_empty(), "no cell has a verified time on the cluster: see above what failed");
    let most = found.iter().flat_map(|sizes| &sizes.sizes).filter_map(|size| size.executors).max().unwrap_or(1);
    let cores = machine::cores();
    let note = match place {
        Place::Here => competition(cores, most),
        Place::Master(_) | Place::Server(_) => Some(
            "the cluster is elsewhere: local[N] is this machine, and the speed-up against it is also one of other hardware".to_owned(),
        ),
    };
    let curves: Vec<_> = found.iter().filter_map(Sizes::curve).collect();
    let drawn = !curves.is_empty();
    if scaling.json.is_wanted() {
        let told = json!({ "clusters": found, "cores_of_this_machine": cores, "note": note, "picture": drawn.then_some(picture) });
        scaling.json.write(&serde_json::to_string_pretty(&told)?)?;
    } else {
        output::line(table(found))?;
        if let Some(note) = note {
            output::line(note)?;
        }
    }
    if drawn {
        super::write(picture, &draw(&curves, "executors")?)?;
    } else {
        eprintln!("no picture: it takes verified times with one executor and with more");
    }
    Ok(())
}

fn table(found: &[Sizes]) -> Table {
    let header = [
        "query",
        "scale",
        "executors",
        "time",
        "CPU time",
        "against 1",
        "against local",
        "shuffle read",
        "shuffle written",
        "no task ran",
        "peak memory",
    ];
    let mut table = plain_table(header.map(str::to_owned), 2..header.len());
    for Sizes { query, scale, local, sizes, .. } in found {
        for size in local.iter().chain(sizes) {
            let executors = match (size.executors, local.as_ref() == Some(size)) {
                (_, true) => format!("local[{}]", size.threads),
                (Some(executors), false) => executors.to_string(),
                (None, false) => "?".to_owned(),
            };
            table.add_row([query.clone(), scale.to_string(), executors].into_iter().chain(figures(size)));
        }
    }
    table
}

fn figures(size: &Size) -> [String; 8] {
    let known = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
    let bytes = |bytes: Option<u64>| known(bytes.map(|bytes| Bytes(bytes).to_string()));
    let ratio = |ratio: Option<f64>| ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    [
        Nanos(size.median_ns).to_string(),
        known(size.cpu_time_ns.map(|ns| Nanos(ns).to_string())),
        ratio(size.speedup),
        ratio(size.against_local),
        bytes(size.shuffle_read_bytes),
        bytes(size.shuffle_written_bytes),
        known(size.coordination.map(|share| format!("{:.0} %", share * 100.0))),
        bytes(size.peak_memory_bytes),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_one_and_each_once() {
        assert_eq!(counts(&[4, 2, 4]).into_iter().collect::<Vec<_>>(), [1, 2, 4]);
        assert_eq!(counts(&[]).into_iter().collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn engine_and_cells_takes_an_engine_that_runs_on_a_cluster() {
        let catalog = Catalog::read(&Settings::read().unwrap()).unwrap();
        let (entry, cells) = engine_and_cells("^spark-cluster/q(1|6)/sf0.1", &catalog).unwrap();
        assert_eq!((entry.name.as_str(), cells), ("spark-cluster", "q(1|6)/sf0.1"));
        let error = engine_and_cells("duckdb/q1", &catalog).unwrap_err().to_string();
        assert!(error.contains("does not run on a cluster") && error.contains("spark-cluster"), "{error}");
        assert!(engine_and_cells("q1", &catalog).unwrap_err().to_string().contains("names no engine"));
    }

    #[test]
    fn local_engine_is_of_the_version_of_the_cluster() {
        let catalog = Catalog::read(&Settings::read().unwrap()).unwrap();
        let found = |version| local_engine(&catalog, Some(version)).map(|(entry, service)| (entry.name, service));
        assert_eq!(found("4.0.1").map(|(_, service)| service), Some(Service::Spark40));
        assert_eq!(found("3.5.1").map(|(name, _)| name), Some("spark@3.5".to_owned()));
        assert_eq!(found("2.4.0"), None);
    }
}

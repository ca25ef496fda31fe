//! Trino without a container: one process that coordinates and works, with a catalog `hive` of a file metastore.
//!
//! The catalog reads any file that we can: an external location is `local://` and an absolute path. `TRINO_HOME` is taken where it
//! is set.
//!
//! `cargo xtask services up trino`

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::ask;
use super::fetch::{self, Fetched};
use super::java::{Java, Needs};
use super::maven;
use super::pinned::{TRINO, TRINO_NEEDED, TRINO_UNPACKED};
use super::plan::{Configuration, Given, Part, Plan, scratch_in};
use super::service::{Service, told};
use super::spark::heap_option;
use super::wait::tool;
use crate::host::progress::Work;
use crate::protocol::units::Bytes;

const SERVICE: Service = Service::Trino;
/// The variable that names a Trino of the user's.
const HOME: &str = "TRINO_HOME";
const SERVER: &str = "io.trino.server.TrinoServer";
const LEAST: Bytes = Bytes(1 << 30);
const JAVA: Needs = Needs { from: 24, to: None, advice: "install one, such as Temurin 25" };
/// Those that are loaded: each more costs seconds at the start.
const PLUGINS: [&str; 2] = ["hive", "iceberg"];
/// The jar that tells the version.
const MAIN: &str = "io.trino_trino-main-";

/// What keeps it from running here.
pub(super) fn obstacle(java: Option<&str>) -> Option<String> {
    Java::find(JAVA, SERVICE.name(), java).err().map(|error| format!("{error:#}"))
}

/// How it is started.
///
/// # Errors
/// When it cannot be had, or not with these settings.
pub(super) fn prepare(given: &Given<'_>) -> Result<Plan> {
    let threads = given.sole_threads(SERVICE)?;
    let heap = given.memory_for(SERVICE, LEAST)?;
    let folder = given.folder(SERVICE);
    let scratch = scratch_in(&folder, SERVICE)?;
    let java = Java::find(JAVA, SERVICE.name(), given.java)?;
    let (home, version, source) = installed(given.home)?;
    let mut configuration = Configuration::new(&version, &source, &java);
    let port = given.port(SERVICE);
    let limit = format!("{}MB", query_mib(heap));
    let server = [
        ("coordinator", "true".to_owned()),
        ("node-scheduler.include-coordinator", "true".to_owned()),
        ("http-server.http.port", port.to_string()),
        ("discovery.uri", format!("http://127.0.0.1:{port}")),
        ("node.bind-ip", "127.0.0.1".to_owned()),
        ("node.internal-address", "127.0.0.1".to_owned()),
        ("query.max-memory", limit.clone()),
        ("query.max-memory-per-node", limit),
        ("task.concurrency", power_of_two(threads).to_string()),
        ("task.max-worker-threads", threads.to_string()),
        ("catalog.management", "static".to_owned()),
        ("http-server.log.enabled", "false".to_owned()),
    ];
    let catalog = [
        ("connector.name", "hive".to_owned()),
        ("hive.metastore", "file".to_owned()),
        ("hive.metastore.catalog.dir", format!("local://{}", folder.join("metastore").display())),
        ("fs.native-local.enabled", "true".to_owned()),
        ("local.location", "/".to_owned()),
    ];
    let settings = folder.join("etc");
    let catalogs = settings.join("catalog");
    fs::create_dir_all(&catalogs).with_context(|| format!("cannot make {}", catalogs.display()))?;
    write(&settings.join("config.properties"), &server)?;
    write(&catalogs.join("hive.properties"), &catalog)?;
    write(&settings.join("log.properties"), &[("", "warn".to_owned())])?;
    for (name, value) in server {
        configuration.set(name, value);
    }
    for (name, value) in catalog {
        configuration.set(&format!("hive: {name}"), value);
    }
    let (name, value) = memory(heap);
    configuration.set(name, value);
    let mut command = java.command();
    command
        .arg(heap_option(heap))
        // As Trino's own documentation has them.
        .args(["-XX:+ExitOnOutOfMemoryError", "-XX:G1HeapRegionSize=32M", "-XX:ReservedCodeCacheSize=512M"])
        .args(["-XX:PerMethodRecompilationCutoff=10000", "-XX:PerBytecodeRecompilationCutoff=10000"])
        .args(["-Djdk.attach.allowAttachSelf=true", "-Djdk.nio.maxCachedBufferSize=2000000", "-Dfile.encoding=UTF-8"])
        .args(["--add-modules=jdk.incubator.vector", "--sun-misc-unsafe-memory-access=allow"])
        .args(["--enable-native-access=ALL-UNNAMED", "-Dnode.id=querydyno", "-Dnode.environment=querydyno"])
        .arg(format!("-Djava.io.tmpdir={}", scratch.display()))
        .arg(format!("-Dnode.data-dir={}", scratch.join("data").display()))
        .arg(format!("-Dconfig={}", settings.join("config.properties").display()))
        .arg(format!("-Dlog.levels-file={}", settings.join("log.properties").display()))
        .arg(format!("-Dplugin.dir={}", plugins(&folder, &home)?.display()))
        .arg(format!("-Dcatalog.config-dir={}", catalogs.display()))
        .arg("-cp")
        .arg(home.join("lib/*"))
        .arg(SERVER);
    Ok(Plan { parts: vec![Part::server(command)], configuration, init: None })
}

/// The setting that is its memory.
pub(super) fn memory(heap: Bytes) -> (&'static str, String) {
    ("-Xmx", format!("{}m", heap.0 >> 20))
}

/// Whether it takes queries: some seconds after it says that it has started it still knows of nobody to run one.
pub(super) fn takes_queries(port: u16) -> bool {
    let has_started = || Some(!ask::json(port, "/v1/info", None)?["starting"].as_bool()?);
    let runs = || {
        let mut said = ask::json(port, "/v1/statement", Some("SELECT 1"))?;
        while let Some(next) = said["nextUri"].as_str() {
            let (_, path) = next.split_once("//")?.1.split_once('/')?;
            said = ask::json(port, &format!("/{path}"), None)?;
        }
        Some(said["error"].is_null())
    };
    has_started().unwrap_or(false) && runs().unwrap_or(false)
}

/// Whether it answers at all.
pub(super) fn answers(port: u16) -> bool {
    ask::json(port, "/v1/info", None).is_some_and(|told| told["starting"] == false)
}

/// The folder of a Trino, its version, and where it is from.
fn installed(services: &Path) -> Result<(PathBuf, String, String)> {
    if let Some(home) = told(HOME) {
        let version = version_in(Path::new(&home)).with_context(|| {
            format!(
                "{HOME} is {home}, which has no {MAIN}*.jar in lib: name a Trino, or unset it and Trino {} is fetched",
                TRINO.version
            )
        })?;
        ensure!(
            version == TRINO.version,
            "{HOME} is {home}, which is Trino {version}, not {}: name another folder, or unset {HOME} and Trino {0} is fetched",
            TRINO.version
        );
        // The server's working folder is another one.
        return Ok((std::path::absolute(&home)?, version, format!("{HOME} {home}")));
    }
    let place = place(services);
    let what = format!("Trino {}", TRINO.version);
    let package = TRINO.file();
    let fetched =
        Fetched { what: &what, package: &package, download: TRINO.bytes, needed: TRINO_NEEDED, stays: TRINO_UNPACKED };
    fetch::once(services, &place, fetched, |staging| {
        let archive = maven::get(staging, &TRINO, &what)?;
        unpack(&archive, staging)
    })?;
    let source = format!("Maven {} {}", TRINO.name, TRINO.version);
    Ok((place, TRINO.version.to_owned(), source))
}

/// Where it is kept.
fn place(services: &Path) -> PathBuf {
    services.join(format!("{}-{}", TRINO.name, TRINO.version))
}

/// The folder of Trino in this folder of services, if it is there.
pub fn trino_home(services: &Path) -> Option<PathBuf> {
    Some(place(services)).filter(|place| place.is_dir())
}

fn unpack(archive: &Path, staging: &Path) -> Result<PathBuf> {
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(archive).arg("-C").arg(staging);
    tool(&mut tar, &staging.join("tar.log"), "unpacking Trino")?;
    let made = staging.join(format!("{}-{}", TRINO.name, TRINO.version));
    // Plugins have files in common, as links of equal rank: what others need stays.
    for plugin in fs::read_dir(made.join("plugin")).context("there are no plugins in it")?.flatten() {
        if !plugin.file_name().to_str().is_some_and(|name| PLUGINS.contains(&name)) {
            fs::remove_dir_all(plugin.path())?;
        }
    }
    let _work = Work::wait("bringing it to the disk");
    fetch::sync(&made)?;
    Ok(made)
}

fn version_in(home: &Path) -> Option<String> {
    let names = fs::read_dir(home.join("lib")).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.into_iter().find_map(|name| Some(name.strip_prefix(MAIN)?.strip_suffix(".jar")?.to_owned()))
}

/// A folder of links to the plugins that are loaded.
fn plugins(folder: &Path, home: &Path) -> Result<PathBuf> {
    let plugins = folder.join("plugin");
    // They may lead to another Trino.
    let _ = fs::remove_dir_all(&plugins);
    fs::create_dir_all(&plugins).with_context(|| format!("cannot make {}", plugins.display()))?;
    for name in PLUGINS {
        let plugin = std::path::absolute(home.join("plugin").join(name))?;
        symlink(&plugin, plugins.join(name)).with_context(|| format!("cannot link {}", plugin.display()))?;
    }
    Ok(plugins)
}

fn write(file: &Path, properties: &[(&str, String)]) -> Result<()> {
    let lines: Vec<String> = properties.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    fs::write(file, lines.concat()).with_context(|| format!("cannot write {}", file.display()))
}

/// What queries may have of a heap, in MiB: three fifths. Trino keeps three tenths as headroom, and does not start where both together
/// exceed the heap.
pub(super) fn query_mib(heap: Bytes) -> u64 {
    (heap.0 >> 20) * 3 / 5
}

/// Trino takes only these for its concurrency: the next one that is no less.
pub(super) fn power_of_two(threads: usize) -> usize {
    threads.next_power_of_two().min(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_main_jar() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(version_in(home.path()), None);
        fs::create_dir(home.path().join("lib")).unwrap();
        fs::write(home.path().join("lib/io.trino_trino-main-476.jar"), "").unwrap();
        assert_eq!(version_in(home.path()).as_deref(), Some("476"));
    }

    #[test]
    fn concurrency_is_a_power_of_two() {
        assert_eq!([1, 2, 3, 8, 100].map(power_of_two), [1, 2, 4, 8, 32]);
    }
}

//! Thunderduck, `DuckDB` behind Spark Connect, without a container: Java and a jar that the user has built.
//!
//! `THUNDERDUCK_JAR=... cargo xtask services up thunderduck`

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::java::{Java, Needs};
use super::plan::{Configuration, Given, Part, Plan, scratch_in};
use super::service::{Service, told};
use super::spark::heap_option;
use crate::protocol::units::Bytes;

const SERVICE: Service = Service::Thunderduck;
const JAR: &str = "THUNDERDUCK_JAR";
const LEAST: Bytes = Bytes(1 << 30);
/// What it is built with.
const JAVA: Needs = Needs { from: 25, to: None, advice: "install one, such as Temurin 25" };
/// Only what went wrong: it would write a line for each of its steps.
const LOGGING: &str = r#"<configuration>
  <appender name="stderr" class="ch.qos.logback.core.ConsoleAppender">
    <target>System.err</target>
    <encoder><pattern>%d %-5level %logger{20}: %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="stderr"/></root>
</configuration>
"#;
/// Nobody publishes it.
const BUILD: &str = "it has no release to download; build it from its source (github.com/lastrk/thunderduck, with Java 25: \
                     mvn -DskipTests -pl core,connect-server -am package) and set THUNDERDUCK_JAR to thunderduck-connect-server-*.jar; \
                     THUNDERDUCK_URL=sc://host:port names a server that runs already";

/// What keeps it from running here.
pub(super) fn obstacle(java: Option<&str>) -> Option<String> {
    match told(JAR) {
        None => Some(BUILD.to_owned()),
        Some(jar) if !Path::new(&jar).is_file() => Some(format!("{JAR} is {jar}, where no file is: {BUILD}")),
        Some(_) => Java::find(JAVA, SERVICE.name(), java).err().map(|error| format!("{error:#}")),
    }
}

/// How it is started.
///
/// # Errors
/// Without a jar or a Java for it, or not with these settings.
pub(super) fn prepare(given: &Given<'_>) -> Result<Plan> {
    let threads = given.sole_threads(SERVICE)?;
    let memory = given.memory_for(SERVICE, LEAST)?;
    let jar = told(JAR).context(BUILD)?;
    let jar = std::path::absolute(&jar)?;
    ensure!(jar.is_file(), "{JAR} is {}, where no file is: {BUILD}", jar.display());
    let folder = given.folder(SERVICE);
    let scratch = scratch_in(&folder, SERVICE)?;
    let java = Java::find(JAVA, SERVICE.name(), given.java)?;
    let heap = heap_of(memory);
    let mut configuration = Configuration::new(&version_of(&jar), &format!("{JAR} {}", jar.display()), &java);
    configuration.set("thunderduck.duckdb.threads", threads.to_string());
    let (name, value) = self::memory(memory);
    configuration.set(name, value);
    configuration.set("java.io.tmpdir", scratch.to_string_lossy());
    configuration.set("duckdb.sessions.dir", scratch.join("sessions").to_string_lossy());
    let logging = folder.join("logback.xml");
    fs::write(&logging, LOGGING).with_context(|| format!("cannot write {}", logging.display()))?;
    configuration.set("logback.configurationFile", logging.to_string_lossy());
    let mut command = java.command();
    command
        .args([heap_option(heap).as_str(), "--add-opens=java.base/java.nio=ALL-UNNAMED"])
        .args(["--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"])
        .args(configuration.settings.iter().map(|(name, value)| format!("-D{name}={value}")))
        .arg("-jar")
        .arg(&jar)
        .arg(given.port(SERVICE).to_string());
    configuration.set("-Xmx", format!("{}m", heap.0 >> 20));
    Ok(Plan { parts: vec![Part::server(command)], configuration, init: None })
}

/// Java plans and sends; what is executed is in the memory of DuckDB, beside Java's heap.
fn heap_of(memory: Bytes) -> Bytes {
    Bytes(memory.0 / 4)
}

/// The setting that is DuckDB's share of the memory.
pub(super) fn memory(memory: Bytes) -> (&'static str, String) {
    ("thunderduck.duckdb.memory_limit", format!("{}MiB", (memory.0 - heap_of(memory).0) >> 20))
}

/// As the jar's name has it.
fn version_of(jar: &Path) -> String {
    let name = jar.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_prefix("thunderduck-connect-server-").unwrap_or(name).to_owned()
}

//! Spark behind Spark Connect, without a container: Java and Spark's jars, one process that plans and executes.
//!
//! Java is started without Spark's scripts, which would read settings of the machine. `SPARK_HOME` is taken where it is set.
//!
//! `cargo xtask services up spark-4.0`

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::hadoop::Hadoop;
use super::java::{Java, Needs};
use super::pinned::{Artifact, CONNECT_3_5, ICEBERG_3_5, ICEBERG_4_0, Pyspark, SPARK_3_5, SPARK_4_0};
use super::plan::{Configuration, Given, Part, Plan, scratch_in};
use super::service::{Service, told};
use super::tasks::PAGE_PORT;
use super::{hadoop, jars, maven, ports};
use crate::protocol::units::Bytes;

/// The variable that names a Spark of the user's.
const HOME: &str = "SPARK_HOME";
const SERVER: &str = "org.apache.spark.sql.connect.service.SparkConnectServer";
/// Spark itself refuses a heap of less than 450 MiB.
pub(super) const LEAST: Bytes = Bytes(512 << 20);
/// What Spark's launcher gives every Java: without these it cannot read its own memory.
const MODULES: [&str; 15] = [
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.io",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
    "java.security.jgss/sun.security.krb5",
];
/// Only what went wrong: a line a task costs time, and hides it.
const LOGGING: &str = "rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
";

/// A release of Spark as a service has it.
struct Release {
    pyspark: &'static Pyspark,
    /// What its versions begin with.
    line: &'static str,
    java: Needs,
    /// Its server of Spark Connect, where that is a jar of its own.
    connect: Option<&'static Artifact>,
    iceberg: &'static Artifact,
}

impl Release {
    fn of(service: Service) -> Self {
        if service == Service::Spark35 {
            let java = Needs { from: 17, to: Some(17), advice: "apt-get install openjdk-17-jre-headless" };
            return Self {
                pyspark: &SPARK_3_5,
                line: "3.5.",
                java,
                connect: Some(&CONNECT_3_5),
                iceberg: &ICEBERG_3_5,
            };
        }
        Self { pyspark: &SPARK_4_0, line: "4.0.", java: JAVA, connect: None, iceberg: &ICEBERG_4_0 }
    }
}

/// What Spark 4.0 and the Hive Metastore among its jars need: from 23 on Java refuses a call that Hadoop makes.
pub(super) const JAVA: Needs = Needs { from: 17, to: Some(22), advice: "apt-get install openjdk-17-jre-headless" };

/// What keeps it from running here.
pub(super) fn obstacle(service: Service, java: Option<&str>) -> Option<String> {
    let release = Release::of(service);
    Java::find(release.java, service.name(), java).err().map(|error| format!("{error:#}"))
}

/// A Spark that is there, and the Java for it.
pub(super) struct Installed {
    pub(super) java: Java,
    pub(super) version: String,
    pub(super) source: String,
    pub(super) jars: PathBuf,
    /// Further jars, of which it has none.
    further: Vec<PathBuf>,
    /// Those for tables on S3.
    s3: Option<Hadoop>,
}

impl Installed {
    /// The user's own, or one that is fetched.
    ///
    /// # Errors
    /// When there is no Java for it, the user's is of another version, or it cannot be fetched.
    pub(super) fn find(service: Service, given: &Given<'_>) -> Result<Self> {
        let release = Release::of(service);
        let java = Java::find(release.java, service.name(), given.java)?;
        let mut further = Vec::new();
        let (jars, version, source) = if let Some(home) = told(HOME) {
            let (jars, version) = of_user(&home, service, &release)?;
            (jars, version, format!("{HOME} {home}"))
        } else {
            let what = format!("Spark {}", release.pyspark.version);
            let jars = jars::ensure(given.home, given.python, release.pyspark, &what)?;
            let mut source = format!("PyPI pyspark {}", release.pyspark.version);
            if let Some(connect) = release.connect {
                further.push(maven::ensure(given.home, connect, &what)?);
                source += &format!(", Maven {} {}", connect.name, connect.version);
            }
            (jars, release.pyspark.version.to_owned(), source)
        };
        further.extend(iceberg(given.home, release.iceberg, service));
        let s3 = if given.s3 { hadoop::for_s3(given.home, service) } else { None };
        Ok(Self { java, version, source, jars, further, s3 })
    }

    /// Java with Spark on its class path, before the class that it is to run; its settings lie in `folder`.
    pub(super) fn command(&self, heap: Bytes, folder: &Path) -> Result<Command> {
        let settings = folder.join("conf");
        let further = self.beside().map(|jar| jar.display().to_string());
        let class_path = [settings.display().to_string(), self.jars.join("*").display().to_string()];
        let class_path: Vec<String> = class_path.into_iter().chain(further).collect();
        for path in &class_path {
            ensure!(
                !path.contains(':'),
                "{path} holds a ':', which Java takes for a separator: set CARGO_TARGET_DIR to another folder"
            );
        }
        fs::create_dir_all(&settings).with_context(|| format!("cannot make {}", settings.display()))?;
        fs::write(settings.join("log4j2.properties"), LOGGING)?;
        let mut command = self.java.command();
        command
            .arg(heap_option(heap))
            .args(["-XX:+IgnoreUnrecognizedVMOptions", "--add-modules=jdk.incubator.vector"])
            .args(MODULES.map(|module| format!("--add-opens={module}=ALL-UNNAMED")))
            .args(["-Djdk.reflect.useDirectMethodHandle=false", "-Dio.netty.tryReflectionSetAccessible=true"])
            .env("SPARK_CONF_DIR", &settings)
            .env("SPARK_LOCAL_IP", "127.0.0.1")
            .arg("-cp")
            .arg(class_path.join(":"));
        Ok(command)
    }

    fn beside(&self) -> impl Iterator<Item = &PathBuf> {
        self.further.iter().chain(self.s3.iter().flat_map(|hadoop| &hadoop.jars))
    }

    /// The class path of what is not among its jars, for processes that it starts by itself.
    pub(super) fn further(&self) -> Option<String> {
        let further: Vec<String> = self.beside().map(|jar| jar.display().to_string()).collect();
        (!further.is_empty()).then(|| further.join(":"))
    }

    /// What is set of it, with what holds for every Spark here; temporary files are kept in `scratch`.
    ///
    /// # Errors
    /// When no port is left for its page.
    pub(super) fn configuration(&self, port: u16, partitions: usize, scratch: &Path) -> Result<Configuration> {
        let mut configuration = Configuration::new(&self.version, &self.source, &self.java);
        let fixed = [
            ("spark.app.name", "querydyno"),
            ("spark.driver.host", "127.0.0.1"),
            ("spark.driver.bindAddress", "127.0.0.1"),
            // Its page tells what tasks took: see `tasks`. It keeps its lists whether or not it is served, so they are short.
            ("spark.ui.enabled", "true"),
            ("spark.ui.killEnabled", "false"),
            ("spark.ui.retainedJobs", "200"),
            ("spark.ui.retainedStages", "200"),
            ("spark.sql.ui.retainedExecutions", "200"),
            // Results that are large are part of what is measured.
            ("spark.driver.maxResultSize", "0"),
            ("spark.sql.catalogImplementation", "in-memory"),
            ("spark.sql.session.timeZone", "UTC"),
        ];
        let of_spark_4 = [
            ("spark.connect.grpc.binding.address", "127.0.0.1"),
            // A query is planned again whenever it is run.
            ("spark.connect.session.planCache.enabled", "false"),
        ];
        let of_its_own = of_spark_4.into_iter().filter(|_| !self.version.starts_with("3."));
        for (name, value) in fixed.into_iter().chain(of_its_own) {
            configuration.set(name, value);
        }
        configuration.set("spark.connect.grpc.binding.port", port.to_string());
        configuration.set(PAGE_PORT, ports::free()?.to_string());
        configuration.set("spark.sql.shuffle.partitions", partitions.to_string());
        configuration.set("spark.local.dir", scratch.to_string_lossy());
        configuration.set("spark.sql.warehouse.dir", scratch.join("warehouse").to_string_lossy());
        if !self.further.is_empty() {
            let names = self.further.iter().filter_map(|jar| jar.file_name()?.to_str());
            // Spark does nothing with it: so clients are told.
            configuration.set("spark.querydyno.jars", names.collect::<Vec<_>>().join(", "));
        }
        if let Some(hadoop) = &self.s3 {
            configuration.set(hadoop::SETTING, hadoop.words.as_str());
        }
        Ok(configuration)
    }
}

/// The command that serves Spark Connect with these settings.
pub(super) fn serve(spark: &Installed, heap: Bytes, folder: &Path, configuration: &Configuration) -> Result<Command> {
    let mut command = spark.command(heap, folder)?;
    // Java's own option comes before the class path or behind it, but before the class.
    let settings = configuration.settings.iter().filter(|(name, _)| name.starts_with("spark."));
    command.args(settings.map(|(name, value)| format!("-D{name}={value}"))).arg(SERVER);
    Ok(command)
}

pub(super) fn heap_option(heap: Bytes) -> String {
    format!("-Xmx{}m", heap.0 >> 20)
}

/// The setting that is the heap of one that runs in one process.
pub(super) fn memory(heap: Bytes) -> (&'static str, String) {
    ("spark.driver.memory", format!("{}m", heap.0 >> 20))
}

/// How Spark is started that runs in one process.
///
/// # Errors
/// When it cannot be had, or not with these settings.
pub(super) fn prepare(service: Service, given: &Given<'_>) -> Result<Plan> {
    let threads = given.sole_threads(service)?;
    let heap = given.memory_for(service, LEAST)?;
    let folder = given.folder(service);
    let scratch = scratch_in(&folder, service)?;
    let spark = Installed::find(service, given)?;
    let mut configuration = spark.configuration(given.port(service), threads, &scratch)?;
    configuration.set("spark.master", format!("local[{threads}]"));
    let (name, value) = memory(heap);
    configuration.set(name, value);
    let command = serve(&spark, heap, &folder, &configuration)?;
    Ok(Plan { parts: vec![Part::server(command)], configuration, init: None })
}

/// Iceberg's jar, if it can be had: without it, only Iceberg's tables cannot be read.
fn iceberg(home: &Path, artifact: &Artifact, service: Service) -> Option<PathBuf> {
    if !artifact.can_be_had(home) {
        log::info!(
            "{service} starts without Iceberg: {} {} is fetched by mvn, which is not here (apt-get install maven)",
            artifact.name,
            artifact.version
        );
        return None;
    }
    maven::ensure(home, artifact, "Iceberg for Spark")
        .inspect_err(|error| log::warn!("{service} starts without Iceberg: {error:#}"))
        .ok()
}

/// The jars of the user's Spark and its version.
fn of_user(home: &str, service: Service, release: &Release) -> Result<(PathBuf, String)> {
    // The server's working folder is another one.
    let jars = std::path::absolute(home)?.join("jars");
    let names: Vec<String> = fs::read_dir(&jars)
        .with_context(|| format!("{HOME} is {home}, which has no folder of jars: name a Spark, or unset it"))?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let version = names.iter().find_map(|name| version_in(name, "spark-core_"));
    let version = version.with_context(|| format!("{HOME} is {home}, which has no spark-core in its jars"))?;
    ensure!(
        version.starts_with(release.line),
        "{HOME} is {home}, which is Spark {version}; {service} is {}x: name another folder, or unset {HOME} and Spark {} is fetched",
        release.line,
        release.pyspark.version
    );
    let connect = names.iter().find_map(|name| version_in(name, "spark-connect_"));
    let missing = format!(
        "{HOME} is {home}, which has Spark {version} without Spark Connect: put spark-connect of that version into its jars, or unset {HOME} and Spark {} is fetched",
        release.pyspark.version
    );
    let connect = connect.context(missing)?;
    ensure!(
        connect == version,
        "{HOME} is {home}, which has Spark {version} with Spark Connect {connect}: a mixed build is not measured; put the jar of {version} there"
    );
    Ok((jars, version))
}

/// The version in the name of a jar, such as `spark-core_2.13-4.0.1.jar`.
fn version_in(name: &str, prefix: &str) -> Option<String> {
    let (scala, version) = name.strip_prefix(prefix)?.strip_suffix(".jar")?.split_once('-')?;
    scala.starts_with("2.").then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home_of(jars: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("jars")).unwrap();
        for jar in jars {
            fs::write(home.path().join("jars").join(jar), "").unwrap();
        }
        home
    }

    #[test]
    fn of_user_takes_the_version_that_is_meant_and_names_any_other() {
        let find = |home: &tempfile::TempDir, service| {
            of_user(home.path().to_str().unwrap(), service, &Release::of(service)).map(|(_, version)| version)
        };
        let four =
            home_of(&["spark-core_2.13-4.0.2.jar", "spark-connect_2.13-4.0.2.jar", "spark-connect-x_2.13-1.jar"]);
        assert_eq!(find(&four, Service::Spark40).unwrap(), "4.0.2");
        let error = find(&four, Service::Spark35).unwrap_err().to_string();
        assert!(error.contains("is Spark 4.0.2; spark-3.5 is 3.5.x") && error.contains("unset SPARK_HOME"), "{error}");
        let bare = home_of(&["spark-core_2.12-3.5.3.jar"]);
        let error = find(&bare, Service::Spark35).unwrap_err().to_string();
        assert!(error.contains("3.5.3 without Spark Connect"), "{error}");
        let mixed = home_of(&["spark-core_2.12-3.5.3.jar", "spark-connect_2.12-3.5.4.jar"]);
        let error = find(&mixed, Service::Spark35).unwrap_err().to_string();
        assert!(error.contains("mixed"), "{error}");
        let here = tempfile::tempdir_in(".").unwrap();
        fs::create_dir(here.path().join("jars")).unwrap();
        for jar in ["spark-core_2.13-4.0.1.jar", "spark-connect_2.13-4.0.1.jar"] {
            fs::write(here.path().join("jars").join(jar), "").unwrap();
        }
        let relative = here.path().file_name().unwrap().to_str().unwrap();
        let (jars, _) = of_user(relative, Service::Spark40, &Release::of(Service::Spark40)).unwrap();
        assert_eq!(jars, std::env::current_dir().unwrap().join(relative).join("jars"));
        assert!(of_user("/nowhere", Service::Spark40, &Release::of(Service::Spark40)).is_err());
    }
}

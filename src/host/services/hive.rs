//! A Hive Metastore without a container: Java, the jars of Spark's Python package, and Derby in the same process.
//!
//! Its settings are `fixtures/services/hive/hive-site.xml`. Hive 2.3 has no setting for an address: it listens on all of
//! this machine's. The database is kept, so that tables are there after the next start.
//!
//! `cargo xtask services up hive`

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::jars;
use super::java::Java;
use super::pinned::SPARK_4_0;
use super::plan::Given;
use super::service::Service;
use super::spark::JAVA;
use super::wait::tool;
use crate::host::paths;
use crate::host::scratch;

const CLASS: &str = "org.apache.hadoop.hive.metastore.HiveMetaStore";
/// Some hundred tables take a quarter of that.
const HEAP: &str = "-Xmx512m";

/// What keeps it from running here.
pub(super) fn obstacle(java: Option<&str>) -> Option<String> {
    Java::find(JAVA, "hive", java).err().map(|error| format!("{error:#}"))
}

/// The command that is the server; fetches the jars and makes the database where they are missing.
///
/// # Errors
/// When either fails.
pub(super) fn prepare(given: &Given<'_>) -> Result<Command> {
    let folder = &given.folder(Service::Hive);
    for separator in [':', ';'] {
        ensure!(
            !folder.to_string_lossy().contains(separator),
            "{} holds a '{separator}', which Java or Derby takes for a separator: set CARGO_TARGET_DIR to another folder",
            folder.display()
        );
    }
    let java = Java::find(JAVA, "hive", given.java)?;
    let jars = jars::ensure(given.home, given.python, &SPARK_4_0, "the Hive Metastore")?;
    let settings = paths::root().join("fixtures/services/hive");
    make_database(&java, folder, &settings, &jars)?;
    let mut command = with_classes(&java, folder, &[settings.as_path(), &jars.join("*")]);
    command
        .arg(HEAP)
        .arg(format!("-Dquerydyno.state={}", folder.display()))
        // Else its log goes to the system's folder of temporary files.
        .args(["-Dhive.root.logger=console", "-Dhive.log.level=WARN", CLASS, "-p"])
        .arg(given.port(Service::Hive).to_string());
    Ok(command)
}

/// Java with these on its class path and Derby's messages in the service's folder.
fn with_classes(java: &Java, folder: &Path, class_path: &[&Path]) -> Command {
    let class_path: Vec<String> = class_path.iter().map(|path| path.display().to_string()).collect();
    let mut command = java.command();
    command
        .arg("-cp")
        .arg(class_path.join(":"))
        .arg(format!("-Dderby.stream.error.file={}", folder.join("derby.log").display()));
    command
}

/// Makes the database with the tables that `lock()` needs, which Iceberg clients call; the metastore makes all others.
fn make_database(java: &Java, folder: &Path, settings: &Path, jars: &Path) -> Result<()> {
    let place = folder.join("db");
    if place.exists() {
        return Ok(());
    }
    let staging = scratch::folder(&folder.join("making"))?;
    let made = staging.path().join("db");
    let mut ij = with_classes(java, folder, &[&jars.join("*")]);
    // A schema of its own user is what the metastore looks in.
    ij.arg(format!("-Dij.database=jdbc:derby:{};create=true", made.display()))
        .args(["-Dij.user=APP", "org.apache.derby.tools.ij"])
        .arg(settings.join("lock-tables.sql"));
    let wrote = tool(&mut ij, &staging.path().join("ij.log"), "making the metastore's database, once")?;
    // Its exit code is 0 whatever the statements do.
    ensure!(!wrote.contains("ERROR") && made.is_dir(), "cannot make the metastore's database:\n{wrote}");
    fs::rename(&made, &place).with_context(|| format!("cannot rename {} to {}", made.display(), place.display()))
}

//! The Java that runs a server: the first that is of a version which the server can use.
//!
//! Looked at, in this order: `JAVA_HOME`, the `PATH`, `/usr/lib/jvm`; only that of `QUERYDYNO_JAVA` where it is set.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::service::told;
use crate::host::catalog::command::version_of;

/// Where Linux distributions have them.
const INSTALLED: &str = "/usr/lib/jvm";
/// What would change a server behind its settings.
const FOREIGN: [&str; 4] = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH"];
/// And whole families: of Spark and Hadoop.
const FAMILIES: [&str; 3] = ["SPARK_", "HADOOP_", "PYSPARK_"];

/// The major versions that a server can use, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) from: u32,
    pub(super) to: Option<u32>,
    /// Debian's package of one that fits, or who has one.
    pub(super) advice: &'static str,
}

impl Needs {
    fn fits(self, major: u32) -> bool {
        major >= self.from && self.to.is_none_or(|to| major <= to)
    }

    fn name(self) -> String {
        match self.to {
            Some(to) if to == self.from => format!("Java {to}"),
            Some(to) => format!("Java {} to {to}", self.from),
            None => format!("Java {} or newer", self.from),
        }
    }
}

/// A Java that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Java {
    pub(super) program: PathBuf,
    pub(super) version: String,
}

impl Java {
    /// One that fits; `given` is what the user set.
    ///
    /// # Errors
    /// When there is none, with those that there are and what to install or set.
    pub(super) fn find(needs: Needs, service: &str, given: Option<&str>) -> Result<Self> {
        let candidates = given.map_or_else(candidates, |given| vec![program_in(Path::new(given))]);
        let mut others = Vec::new();
        for program in candidates {
            let Some(version) = version(&program) else { continue };
            if major(&version).is_some_and(|major| needs.fits(major)) {
                return Ok(Self { program, version });
            }
            others.push(format!("{version} at {}", program.display()));
        }
        let there = match (given, others.as_slice()) {
            (Some(given), []) => format!("QUERYDYNO_JAVA, {given}, is none"),
            (Some(_), [other, ..]) => format!("QUERYDYNO_JAVA is {other}"),
            (None, []) => "there is none".to_owned(),
            (None, others) => format!("there is only {}", others.join(", ")),
        };
        bail!(
            "{service} needs {}, and {there}: {}, or set QUERYDYNO_JAVA to the folder of one",
            needs.name(),
            needs.advice
        )
    }

    /// The folder that it is installed in, as servers are told it that start further processes.
    pub(super) fn home(&self) -> Option<PathBuf> {
        let program = self.program.canonicalize().ok()?;
        program.parent()?.parent().map(Path::to_owned)
    }

    /// A command with nothing in its environment that would change the server.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if FOREIGN.contains(&&*name) || FAMILIES.iter().any(|family| name.starts_with(family)) {
                command.env_remove(&*name);
            }
        }
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").arg("-Duser.timezone=UTC");
        if let Some(home) = self.home() {
            command.env("JAVA_HOME", home);
        }
        command
    }
}

/// A folder that Java is installed in, or the program itself. A server's working folder is another one; a mere name is looked for on the `PATH`.
fn program_in(given: &Path) -> PathBuf {
    let program = if given.is_dir() { given.join("bin/java") } else { given.to_owned() };
    if program.components().count() > 1 { std::path::absolute(&program).unwrap_or(program) } else { program }
}

fn candidates() -> Vec<PathBuf> {
    let home = told("JAVA_HOME").map(|home| program_in(Path::new(&home)));
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join("java")).collect::<Vec<_>>();
    let mut installed: Vec<PathBuf> =
        fs::read_dir(INSTALLED).into_iter().flatten().flatten().map(|entry| entry.path().join("bin/java")).collect();
    installed.sort();
    let mut found: Vec<PathBuf> = Vec::new();
    let mut seen = Vec::new();
    for program in home.into_iter().chain(on_path).chain(installed) {
        // Several names lead to one.
        let Ok(real) = program.canonicalize() else { continue };
        if !seen.contains(&real) {
            seen.push(real);
            found.push(program);
        }
    }
    found
}

/// What it says of itself: `17.0.15`.
fn version(program: &Path) -> Option<String> {
    // Before version 9 Java does not know the option that it is asked with.
    let said = version_of(program.to_str()?)?;
    said.lines()
        .next()?
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .map(str::to_owned)
}

fn major(version: &str) -> Option<u32> {
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const NEEDS: Needs = Needs { from: 17, to: Some(22), advice: "apt-get install one" };

    fn java(folder: &Path, says: &str) -> String {
        let program = folder.join("java");
        // A file that is being written cannot be executed, and another test may fork meanwhile: the shell reads it.
        fs::write(&program, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program.display().to_string()
    }

    #[test]
    fn versions_are_read_as_vendors_print_them() {
        assert_eq!((major("17.0.15"), major("25"), major("24-ea"), major("ea")), (Some(17), Some(25), Some(24), None));
        assert!(NEEDS.fits(17) && NEEDS.fits(22) && !NEEDS.fits(23) && !NEEDS.fits(11));
        assert!(Needs { to: None, ..NEEDS }.fits(99));
    }

    #[test]
    fn find_takes_the_given_one_or_says_what_it_is_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let fits = java(folder.path(), "openjdk 17.0.15 2025-04-15");
        let found = Java::find(NEEDS, "spark-4.0", Some(&fits)).unwrap();
        assert_eq!(found.version, "17.0.15");
        let other = java(folder.path(), "openjdk 25.0.1 2025-10-21 LTS");
        let error = Java::find(NEEDS, "spark-4.0", Some(&other)).unwrap_err().to_string();
        for part in ["spark-4.0 needs Java 17 to 22", "25.0.1", "QUERYDYNO_JAVA", "apt-get install one"] {
            assert!(error.contains(part), "{error}");
        }
        let error = Java::find(NEEDS, "spark-4.0", Some("/nowhere/java")).unwrap_err().to_string();
        assert!(error.contains("QUERYDYNO_JAVA, /nowhere/java, is none"), "{error}");
    }
}

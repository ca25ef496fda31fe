//! The tools that engines are built, installed and started with, and those that count instead of timing.

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Finding;
use crate::host::catalog::command::version_of;
use crate::host::catalog::compiler::{self, Compilers};
use crate::host::catalog::library;
use crate::host::catalog::script;
use crate::host::session::ended_within;
use crate::host::settings::Settings;

/// What Spark 4 asks for.
const OLDEST_JAVA: u32 = 17;
/// What Trino asks for where it does not come in a container.
const JAVA_OF_TRINO: u32 = 24;
/// A daemon that does not answer must not keep us.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    let name = &settings.python;
    let venv = || version_of("uv").is_some() || reply(name, &["-c", "import venv, ensurepip"]).is_ok();
    let python_version = version_of(name);
    let has_venv = python_version.is_some() && venv();
    let client = version_of("docker");
    let engine = client.as_ref().map(|_| reply("docker", &["version", "--format", "{{.Server.Version}}"]));
    vec![
        compilers(&Compilers::find()),
        downloads(library::client()),
        python(name, python_version.as_deref(), has_venv),
        valgrind(version_of("valgrind").as_deref()),
        docker(client.as_deref(), engine),
        java(version_of("java").as_deref()),
    ]
}

fn compilers(found: &Compilers) -> Finding {
    const NAME: &str = "compiler";
    let Some(described) = &found.described else {
        return Finding::missing(NAME, "no C compiler", "embedded engines cannot be built")
            .remedy(compiler::INSTALL_CLANG);
    };
    if found.recommended {
        return Finding::good(NAME, described, "DuckDB compiled from source is as fast as its makers' library");
    }
    // The default links its makers' library and compiles no C++.
    let means = format!(
        "enough for all engines; only DuckDB compiled from source (QUERYDYNO_DUCKDB=source) takes {} times the time of its makers' library",
        compiler::COST_OF_GCC
    );
    Finding::good(NAME, described, means)
}

/// What DuckDB's library is fetched with.
fn downloads(client: Option<&str>) -> Finding {
    const NAME: &str = "downloads";
    match client {
        Some(client) => Finding::good(NAME, client, "DuckDB's library can be fetched"),
        None => Finding::caution(NAME, "no curl and no wget", "DuckDB is compiled instead, in about half an hour")
            .remedy(library::INSTALL_CLIENT),
    }
}

fn python(name: &str, version: Option<&str>, venv: bool) -> Finding {
    const NAME: &str = "Python";
    const MEANS: &str = "script engines (Daft, pandas, the official wheels) are skipped";
    let Some(version) = version else {
        return Finding::missing(NAME, format!("no {name}"), MEANS).remedy(script::python_advice());
    };
    if !script::new_enough(version) {
        return Finding::missing(NAME, format!("{name} is {version}, too old"), MEANS).remedy(script::python_advice());
    }
    if !venv {
        return Finding::missing(NAME, format!("{version} without venv and pip, and no uv"), MEANS)
            .remedy(script::INSTALL_VENV);
    }
    Finding::good(NAME, version, "script engines can be installed, given a package index")
}

fn valgrind(version: Option<&str>) -> Finding {
    const NAME: &str = "Valgrind";
    match version {
        Some(version) => Finding::good(NAME, version, "instructions (Callgrind) and heap (DHAT) can be counted"),
        None => {
            Finding::missing(NAME, "none", "instructions and heap cannot be counted: only times are left to gate by")
                .remedy("apt-get install valgrind")
        }
    }
}

fn docker(client: Option<&str>, engine: Option<Result<String, String>>) -> Finding {
    const NAME: &str = "Docker";
    const MEANS: &str = "services in containers (StarRocks, Trino) cannot be started";
    let (Some(client), Some(engine)) = (client, engine) else {
        return Finding::missing(NAME, "none", MEANS).remedy("apt-get install docker.io");
    };
    match engine {
        Ok(version) => Finding::good(NAME, format!("engine {version}"), "services in containers can be started"),
        Err(error) => Finding::missing(NAME, format!("a client ({client}), no engine: {error}"), MEANS)
            .remedy("sudo systemctl start docker, and membership in the group docker"),
    }
}

fn java(described: Option<&str>) -> Finding {
    const NAME: &str = "Java";
    const MEANS: &str = "Spark and the Hive Metastore cannot be started";
    const REMEDY: &str = "apt-get install openjdk-17-jre-headless";
    let Some(described) = described.and_then(|text| text.lines().next()) else {
        return Finding::missing(NAME, "none of version 9 or newer", MEANS).remedy(REMEDY);
    };
    match major(described) {
        Some(version) if version >= OLDEST_JAVA => {
            let trino = if version < JAVA_OF_TRINO { ", Trino only in a container" } else { ", and Trino" };
            Finding::good(NAME, described, format!("Spark and the Hive Metastore can be started{trino}"))
        }
        _ => Finding::missing(NAME, format!("{described}, older than {OLDEST_JAVA}"), MEANS).remedy(REMEDY),
    }
}

/// The first number of a version line such as `openjdk 17.0.15 2025-04-15`.
fn major(described: &str) -> Option<u32> {
    let version = described.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    version.split(|separator: char| !separator.is_ascii_digit()).next()?.parse().ok()
}

/// What the tool prints, or the last line of its complaint.
fn reply(program: &str, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let Some(status) = ended_within(&mut child, PATIENCE) else {
        // One that has just ended needs no killing.
        let _ = child.kill().and_then(|()| child.wait());
        return Err(format!("no reply within {} s", PATIENCE.as_secs()));
    };
    // Both are a few lines, which the pipes hold.
    if status.success() {
        return Ok(all_of(child.stdout.take()).trim().to_owned());
    }
    let complaint = all_of(child.stderr.take());
    Err(complaint.trim().lines().last().map_or_else(|| status.to_string(), str::to_owned))
}

fn all_of(pipe: Option<impl Read>) -> String {
    pipe.and_then(|pipe| io::read_to_string(pipe).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn java_is_known_by_its_first_number() {
        for (text, number) in [
            ("openjdk 17.0.15 2025-04-15", 17),
            ("openjdk 25 2025-09-16", 25),
            ("java 21-ea 2023-09-19", 21),
            ("openjdk 9.0.4", 9),
        ] {
            assert_eq!(major(text), Some(number), "{text}");
        }
        assert_eq!(java(Some("openjdk 11.0.2 2019-01-15\nOpenJDK Runtime")).state, State::Missing);
        assert!(java(Some("openjdk 17.0.15 2025-04-15")).means.contains("only in a container"));
        assert!(!java(Some("openjdk 25 2025-09-16")).means.contains("only in a container"));
        assert_eq!(java(None).state, State::Missing);
    }

    #[test]
    fn a_client_without_an_engine_is_no_docker() {
        let alone = docker(Some("Docker version 28.2.2"), Some(Err("Cannot connect".to_owned())));
        assert_eq!(alone.state, State::Missing);
        assert!(alone.seen.contains("no engine: Cannot connect"), "{}", alone.seen);
        assert_eq!(docker(Some("Docker version 28.2.2"), Some(Ok("28.2.2".to_owned()))).state, State::Good);
        assert_eq!(docker(None, None).state, State::Missing);
    }

    #[test]
    fn python_needs_its_version_and_venv() {
        assert_eq!(python("python3", Some("Python 3.11.7"), true).state, State::Good);
        assert_eq!(python("python3", Some("Python 3.11.7"), false).state, State::Missing);
        assert_eq!(python("python3", Some("Python 3.9.2"), true).state, State::Missing);
        assert!(python("python4", None, false).seen.contains("python4"));
    }

    #[test]
    fn gcc_says_what_it_costs() {
        let found = |recommended| Compilers {
            env: Vec::new(),
            described: Some("c++ (Debian 12.2.0) 12.2.0".to_owned()),
            recommended,
        };
        assert_eq!(compilers(&found(true)).state, State::Good);
        let gcc = compilers(&found(false));
        assert!(gcc.state == State::Good && gcc.means.contains("1.19"), "{}", gcc.means);
        assert_eq!(compilers(&Compilers { described: None, ..found(false) }).state, State::Missing);
    }

    #[test]
    fn downloads_take_a_client() {
        assert_eq!(downloads(Some("curl")).state, State::Good);
        assert!(downloads(None).means.contains("half an hour"));
    }

    #[test]
    fn a_tool_replies_or_complains() {
        assert_eq!(reply("sh", &["-c", "echo 28.2.2"]), Ok("28.2.2".to_owned()));
        assert_eq!(reply("sh", &["-c", "echo a >&2; echo b >&2; exit 1"]), Err("b".to_owned()));
        assert!(reply("sh", &["-c", "exit 3"]).unwrap_err().contains('3'));
        assert!(reply("/nowhere/tool", &[]).is_err());
    }
}

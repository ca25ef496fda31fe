//! Servers in containers, by Docker Compose: `fixtures/services/compose.yaml`.
//!
//! Images, health checks and volumes are the file's; ports, the data folder and the password come from here, by the
//! environment. Docker's own progress is what a user sees.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::service::{PASSWORD, POSTGRES_PASSWORD, Service, USER, own_password, told};
use crate::host::catalog::command;
use crate::host::paths;

/// An engine that does not answer must not keep us.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds for the containers to be healthy, once their images are there.
const HEALTHY_WITHIN: &str = "300";

/// What keeps containers from running here.
pub(super) fn obstacle() -> Option<&'static str> {
    let answers = |args: &[&str]| {
        let mut docker = Command::new("docker");
        docker.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        matches!(command::run_within(&mut docker, PATIENCE), Ok(Some(status)) if status.success())
    };
    if !answers(&["compose", "version"]) {
        return Some("there is no `docker compose` here");
    }
    (!answers(&["info"])).then_some("no Docker engine answers `docker info` here")
}

/// A container of ours, as `docker compose ps` has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Container {
    #[serde(rename = "ID")]
    id: String,
    pub(super) service: String,
    state: String,
    #[serde(default)]
    health: String,
}

impl Container {
    pub(super) fn runs(&self) -> bool {
        self.state == "running"
    }

    /// Each of ours has a health check.
    pub(super) fn healthy(&self) -> bool {
        self.runs() && self.health == "healthy"
    }

    pub(super) fn unhealthy(&self) -> bool {
        self.runs() && self.health == "unhealthy"
    }

    /// Its first process, by this machine's numbers.
    pub(super) fn pid(&self) -> Option<u32> {
        let output = Command::new("docker").args(["inspect", "--format", "{{.State.Pid}}", &self.id]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok().filter(|pid| *pid > 0)
    }
}

/// The file with what it takes from us.
#[derive(Debug)]
pub(super) struct Compose<'a> {
    /// Mounted where the servers read files.
    pub(super) data: &'a Path,
    /// By the variables that the file reads.
    pub(super) ports: &'a BTreeMap<&'static str, u16>,
    /// Of servers that are engines, as the file reads them.
    pub(super) conditions: Vec<(&'static str, String)>,
}

impl Compose<'_> {
    fn command(&self) -> Result<Command> {
        let data = std::path::absolute(self.data)?;
        let mut docker = Command::new("docker");
        docker
            .args(["compose", "--file"])
            .arg(paths::root().join("fixtures/services/compose.yaml"))
            .envs(self.ports.iter().map(|(variable, port)| (variable, port.to_string())))
            .envs(self.conditions.iter().map(|(name, value)| (name, value)))
            .env("QUERYDYNO_DATA", data)
            .env(PASSWORD, own_password().unwrap_or_else(|| USER.to_owned()))
            .env(POSTGRES_PASSWORD, told(POSTGRES_PASSWORD).unwrap_or_else(|| USER.to_owned()))
            .stdin(Stdio::null());
        Ok(docker)
    }

    /// The containers that there are.
    ///
    /// # Errors
    /// When Docker does not tell.
    pub(super) fn containers(&self) -> Result<Vec<Container>> {
        parse(&said(&self.command()?.args(["ps", "--all", "--format", "json"]).output()?, "docker compose ps")?)
    }

    /// The service's container, if there is one.
    ///
    /// # Errors
    /// When Docker does not tell.
    pub(super) fn container(&self, service: Service) -> Result<Option<Container>> {
        Ok(self.containers()?.into_iter().find(|container| container.service == service.name()))
    }

    /// Starts the service and waits until it is healthy; fetches its image first.
    ///
    /// # Errors
    /// When it does not become healthy; Docker has said why.
    pub(super) fn up(&self, service: Service) -> Result<()> {
        // Docker would make it as root.
        fs::create_dir_all(self.data).with_context(|| format!("cannot make {}", self.data.display()))?;
        let mut docker = self.command()?;
        docker.args(["up", "--detach", "--wait", "--wait-timeout", HEALTHY_WITHIN, service.name()]);
        ensure!(
            command::succeeds(&mut docker)?,
            "{service} does not start in a container; Docker says why above, `cargo xtask services logs {service}` shows its log"
        );
        Ok(())
    }

    /// Stops the service's container and removes it; its volumes stay.
    ///
    /// # Errors
    /// When Docker cannot.
    pub(super) fn down(&self, service: Service) -> Result<()> {
        let mut docker = self.command()?;
        let stopped = command::succeeds(docker.args(["rm", "--stop", "--force", service.name()]))?;
        ensure!(stopped, "cannot stop the container of {service}; Docker says why above");
        Ok(())
    }

    /// The last lines of the service's log.
    ///
    /// # Errors
    /// When Docker does not give them.
    pub(super) fn logs(&self, service: Service, lines: usize) -> Result<String> {
        let arguments = ["logs", "--no-color", "--no-log-prefix", "--tail", &lines.to_string(), service.name()];
        said(&self.command()?.args(arguments).output()?, "docker compose logs")
    }
}

fn said(output: &Output, what: &str) -> Result<String> {
    ensure!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A line for each container, or, before Compose 2.21, one list.
fn parse(text: &str) -> Result<Vec<Container>> {
    let what = "docker compose ps printed what is not known here";
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).context(what);
    }
    serde_json::Deserializer::from_str(text).into_iter::<Container>().collect::<Result<_, _>>().context(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_read_as_old_and_new_docker_print_them() {
        let hive = r#"{"ID":"0c","Name":"querydyno-hive-1","Service":"hive","State":"running","Health":"healthy"}"#;
        let stopped = r#"{"ID":"1d","Service":"s3","State":"exited","Health":"","ExitCode":1}"#;
        let lines = parse(&format!("{hive}\n{stopped}\n")).unwrap();
        assert_eq!(lines, parse(&format!("[{hive},{stopped}]")).unwrap());
        assert!(lines[0].healthy() && !lines[1].runs() && lines[1].service == "s3");
        assert!(parse("").unwrap().is_empty() && parse("no").is_err());
    }
}

//! `--backend local`: a machine is a fresh folder here and the script a process in it, under the user `nobody` where we may choose.
//!
//! Nothing but the AWS calls is other than on EC2: the same bundle, the same script, the same keys in the store. Engines run one after
//! the other, since they would share the processors.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use querydyno::host::paths;
use serde_json::json;

use super::aws::told;
use super::machines::{Machine, Machines};
use super::names::{FAILED, PLAN, run_key};
use super::plan::{Backend, Job, Plan};
use super::script::{self, Told};

/// `nobody` and its group, on every Linux.
const NOBODY: u32 = 65_534;
/// A server beside whoever else works here, where nobody says more.
const SERVICE_MEMORY: &str = "2GiB";
/// Says it.
const MEMORY: &str = "QUERYDYNO_SERVICE_MEMORY";

/// Machines below a folder, `<engine>-<attempt>` each.
pub(super) struct Local {
    pub(super) folder: PathBuf,
}

/// Where everything of a run lies: no place of ours, which another user need not be able to read.
pub(super) fn folder(run_id: &str) -> PathBuf {
    env::temp_dir().join(format!("querydyno-cloud-{run_id}"))
}

/// The place of the bucket in it.
pub(super) fn store(run_id: &str) -> PathBuf {
    folder(run_id).join("store")
}

/// Makes a run's folders, the store among them, for whoever the machines run as.
///
/// # Errors
/// When they cannot be made.
pub(super) fn prepare(run_id: &str) -> Result<()> {
    let (folder, store) = (folder(run_id), store(run_id));
    // Those that machines write into.
    let [data, answers, runs] = ["data", "answers", "runs"].map(|name| store.join(name));
    let own = store.join(run_key(run_id));
    for place in [&folder, &store, &data, &answers, &runs, &own] {
        fs::create_dir_all(place).with_context(|| format!("cannot make {}", place.display()))?;
        give(place)?;
    }
    Ok(())
}

/// Those that were begun here; what is no plan of this version is left out.
pub(super) fn plans() -> Vec<Plan> {
    let folders = fs::read_dir(paths::home().join("cloud")).into_iter().flatten().flatten();
    let texts = folders.filter_map(|folder| fs::read_to_string(folder.path().join(PLAN)).ok());
    let plans = texts.filter_map(|text| serde_json::from_str::<Plan>(&text).ok());
    plans.filter(|plan| plan.backend == Backend::Local).collect()
}

/// Has whoever follows the run start no further machine of it.
///
/// # Errors
/// When that cannot be written.
pub(super) fn give_up(plan: &Plan) -> Result<()> {
    for job in &plan.machines {
        if folder(&plan.run_id).join(format!("{}-1", job.name)).exists() {
            continue;
        }
        let place = store(&plan.run_id).join(run_key(&plan.run_id)).join(&job.name);
        fs::create_dir_all(&place)?;
        let facts = json!({ "attempt": 0, "stage": "not started: the run was terminated", "cells": 0, "seconds": 0 });
        fs::write(place.join(FAILED), facts.to_string())?;
    }
    Ok(())
}

/// When a machine was started.
pub(super) fn started(plan: &Plan, machine: &Machine) -> Option<DateTime<Utc>> {
    let job = plan.machines.iter().find(|job| job.engine == machine.engine)?;
    let folder = folder(&plan.run_id).join(format!("{}-{}", job.name, machine.attempt));
    Some(fs::metadata(folder.join("pid")).ok()?.modified().ok()?.into())
}

/// To `nobody`, where we may.
fn give(place: &Path) -> Result<()> {
    if is_root() {
        chown(place, Some(NOBODY), Some(NOBODY)).with_context(|| format!("cannot give away {}", place.display()))?;
    }
    Ok(())
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0)
}

impl Machines for Local {
    fn all(&self, plan: &Plan) -> Result<Vec<Machine>> {
        let mut found = Vec::new();
        for job in &plan.machines {
            for attempt in 1..=2 {
                let folder = self.folder.join(format!("{}-{attempt}", job.name));
                let Ok(pid) = fs::read_to_string(folder.join("pid")) else { continue };
                let state = if runs(&pid, &folder) { "running" } else { "terminated" };
                found.push(Machine {
                    id: pid,
                    engine: job.engine.clone(),
                    attempt,
                    state: state.to_owned(),
                    reason: None,
                });
            }
        }
        Ok(found)
    }

    fn start(&self, plan: &Plan, job: &Job, attempt: u32) -> Result<()> {
        let folder = self.folder.join(format!("{}-{attempt}", job.name));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        give(&folder)?;
        let work = folder.display().to_string();
        let memory = told(MEMORY).unwrap_or_else(|| SERVICE_MEMORY.to_owned());
        let text = script::user_data(plan, job, &Told { attempt, work: &work, service_memory: Some(&memory) })?;
        let file = folder.join("user-data");
        fs::write(&file, text)?;
        let output = File::create(folder.join("output"))?;
        // A session of its own: no terminal and no end of ours is its business. The kernel hangs up a group of our session that somebody
        // has stopped, once we are gone. `timeout` is in the place of a hard shutdown.
        let mut command = Command::new("setsid");
        command.args(["timeout", "--kill-after=60", &format!("{}m", plan.max_minutes), "bash"]).arg(&file);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let kept = env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            name == "PATH"
                || name == "LANG"
                || name == "JAVA_HOME"
                || name.ends_with("_PORT")
                || name.ends_with("_PROXY")
                || name.ends_with("_proxy")
                || name.starts_with("PIP_")
        });
        // Secrets of whoever calls us stay here.
        let kept: Vec<_> = kept.collect();
        command.env_clear().envs(kept).current_dir(&folder);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().context("cannot start setsid, which is in util-linux")?;
        fs::write(folder.join("pid"), child.id().to_string())?;
        eprintln!("{}: process {} in {}", job.engine, child.id(), folder.display());
        Ok(())
    }

    fn end(&self, machines: &[&Machine]) -> Result<()> {
        Self::end_all(machines);
        Ok(())
    }

    fn at_once(&self) -> usize {
        1
    }
}

impl Local {
    /// By the whole group: the script, which tells how it ended, and what it has started.
    pub(super) fn end_all(machines: &[&Machine]) {
        for machine in machines {
            let _ = Command::new("kill").arg("--").arg(format!("-{}", machine.id)).status();
        }
    }
}

/// Whether that process is the machine's, and not another that has its number now.
fn runs(pid: &str, folder: &Path) -> bool {
    let about = Path::new("/proc").join(pid);
    let is_dead = fs::read_to_string(about.join("stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')));
    !is_dead && fs::read_to_string(about.join("cmdline")).is_ok_and(|line| line.contains(&folder.display().to_string()))
}

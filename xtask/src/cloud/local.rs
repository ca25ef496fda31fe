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

use super::machines::{Machine, Machines};
use super::names::run_key;
use super::plan::{Job, Plan};
use super::script::{self, Told};

/// `nobody` and its group, on every Linux.
const NOBODY: u32 = 65_534;
/// A server beside whoever else works here.
const SERVICE_MEMORY: &str = "2GiB";

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
        let text = script::user_data(plan, job, &Told { attempt, work: &work, service_memory: Some(SERVICE_MEMORY) })?;
        let file = folder.join("user-data");
        fs::write(&file, text)?;
        let output = File::create(folder.join("output"))?;
        let mut command = Command::new("timeout");
        // The place of a hard shutdown.
        command.args(["--kill-after=30", &format!("{}m", plan.max_minutes), "bash"]).arg(&file);
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
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        let child = command.spawn().context("cannot start timeout, which is in coreutils")?;
        fs::write(folder.join("pid"), child.id().to_string())?;
        eprintln!("{}: process {} in {}", job.engine, child.id(), folder.display());
        Ok(())
    }

    fn end(&self, machines: &[&Machine]) -> Result<()> {
        for machine in machines {
            // The whole group: the script and what it has started.
            let _ = Command::new("kill").arg("--").arg(format!("-{}", machine.id)).status();
        }
        Ok(())
    }

    fn at_once(&self) -> usize {
        1
    }
}

/// Whether that process is the machine's, and not another that has its number now.
fn runs(pid: &str, folder: &Path) -> bool {
    let about = Path::new("/proc").join(pid);
    let is_dead = fs::read_to_string(about.join("stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')));
    !is_dead && fs::read_to_string(about.join("cmdline")).is_ok_and(|line| line.contains(&folder.display().to_string()))
}

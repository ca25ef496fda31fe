//! The program that owns the history, as the host calls it: told to take in what a run has kept, and asked for the newest results. It is
//! another process, so that the host links no database and a lock that it waits for is not ours.

use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::decide::Newest;
use crate::host::catalog::{Recipe, build, command};
use crate::host::interrupt;
use crate::host::paths;
use crate::host::settings::Settings;

/// What taking in a run may take of its end: a journal that was never taken in, of a hundred thousand records, takes seconds.
const LONGEST: Duration = Duration::from_mins(1);
/// How a program ends that does not know what it is asked.
const UNKNOWN: i32 = 2;

/// Has the history take in what a run has kept, where its program is built. What stands against that is one line: the next command
/// of the history takes it in.
pub(crate) fn take_in(settings: &Settings) {
    let program = program(settings);
    if !program.is_file() || interrupt::requested() {
        return;
    }
    if let Err(error) = taken_in(calling(&program, settings)) {
        log::info!("note: these results are not in the history yet, the next history command takes them in: {error:#}");
    }
}

fn taken_in(mut take_in: Command) -> Result<()> {
    // A file and no pipe, which nobody would empty while the program runs.
    let mut told = tempfile::tempfile()?;
    take_in.args(["take-in", "--at-once"]).stdout(Stdio::null()).stderr(told.try_clone()?);
    let Some(status) = command::run_within(&mut take_in, LONGEST)? else { bail!("it takes longer than a minute") };
    if status.success() {
        return Ok(());
    }
    told.rewind()?;
    let told = io::read_to_string(told)?;
    let why = told.lines().find_map(|line| line.strip_prefix("error: "));
    bail!("{}", why.map_or_else(|| format!("its program ended with {status}"), str::to_owned))
}

/// Whether there is somebody to ask without building a program.
pub(super) fn is_built(settings: &Settings) -> bool {
    program(settings).is_file()
}

/// The newest result of each cell on this class of machines. The program is built if it is missing.
///
/// # Errors
/// When it does not build, or does not answer.
pub(super) fn newest(settings: &Settings, class: &str) -> Result<Vec<Newest>> {
    asked(settings, &["newest", class])
}

/// A result that there is.
#[derive(Debug, Deserialize)]
pub(crate) struct Measured {
    pub(crate) cell: String,
    pub(crate) suite: String,
    pub(crate) git_commit: String,
}

/// At which commits there are results of which cells, on this class of machines.
///
/// # Errors
/// As [`newest`].
pub(crate) fn commits(settings: &Settings, class: &str) -> Result<Vec<Measured>> {
    asked(settings, &["newest", "--commits", class])
}

fn asked<T: DeserializeOwned>(settings: &Settings, question: &[&str]) -> Result<Vec<T>> {
    let program = program(settings);
    if !program.is_file() {
        let recipe = Recipe::history(settings)?;
        ensure!(
            recipe.program().path == program,
            "what needs to run is told by the history, whose program is not there: {}",
            program.display()
        );
        log::info!("building the program of the history, once: about {} min", recipe.minutes());
        recipe.build()?;
    }
    let mut asked = calling(&program, settings);
    asked.args(question).stdout(Stdio::piped());
    let mut told = Vec::new();
    let status = command::run(&mut asked, |child| {
        child.stdout.take().context("no pipe")?.read_to_end(&mut told)?;
        Ok(())
    })?;
    let rebuild = if status.code() == Some(UNKNOWN) { ": build it anew, cargo xtask build history" } else { "" };
    ensure!(status.success(), "the history does not tell what was measured ({status}){rebuild}");
    serde_json::from_slice(&told).with_context(|| {
        format!("{} is of another version than this: build it anew, cargo xtask build history", program.display())
    })
}

fn program(settings: &Settings) -> PathBuf {
    build::history_in(&settings.target)
}

/// The program with the home of these settings, which may be another than the environment says.
fn calling(program: &Path, settings: &Settings) -> Command {
    let mut command = Command::new(program);
    if settings.home != paths::home() {
        command.env(paths::HOME, &settings.home);
        // The history that the environment names is that of the other home.
        for name in paths::HISTORY {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

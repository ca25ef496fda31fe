//! Machines of a run until each has ended: started where they are not, told in one view, started once more where EC2 took one back.
//!
//! All that is known is in the store and in tags, so that whoever begins to follow knows as much as whoever was killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use querydyno::host::interrupt;
use serde_json::{Value, json};

use super::machines::{Machine, Machines};
use super::names::{DONE, FAILED, INTERRUPTED, STATE, run_key};
use super::plan::{Job, Plan};
use super::store::Store;

/// Between two looks: short while things happen, at most so long.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);
/// EC2 may not list an instance at once that it has just started.
const UNSEEN: Duration = Duration::from_mins(1);
/// A machine is started again once.
const ATTEMPTS: u32 = 2;

/// What a machine wrote of itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Facts {
    pub(super) attempt: u32,
    pub(super) stage: String,
    pub(super) cells: u64,
    /// Since the script began.
    pub(super) seconds: f64,
}

/// The files of a machine.
#[derive(Debug, Clone, Default)]
struct Told {
    state: Option<Facts>,
    done: Option<Facts>,
    failed: Option<Facts>,
    interrupted: Option<Facts>,
}

/// What is to be done about an engine.
#[derive(Debug, Clone, PartialEq)]
enum Next {
    Start(u32),
    Wait(String),
    Done(Facts),
    Failed(String),
}

/// How an engine's part of the run ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ending {
    pub(super) engine: String,
    pub(super) name: String,
    pub(super) facts: Facts,
    /// None: it is done.
    pub(super) failure: Option<String>,
}

/// Follows the run to its end; the store's folder of it is kept up to date in `mirror`.
///
/// # Errors
/// After an interrupt, or when nobody can be asked; machines go on then.
pub(super) fn follow(plan: &Plan, store: &Store, machines: &dyn Machines, mirror: &Path) -> Result<Vec<Ending>> {
    let mut shown = String::new();
    let mut pause = SHORTEST;
    let mut started: BTreeMap<&String, (u32, Instant)> = BTreeMap::new();
    loop {
        interrupt::check()?;
        // In this order: whatever a machine that has ended wrote is in the store by now.
        let all = machines.all(plan)?;
        store.mirror(&run_key(&plan.run_id), mirror)?;
        let mut up = all.iter().filter(|machine| machine.is_up()).count();
        let mut nexts = BTreeMap::new();
        for job in &plan.machines {
            let told = read(&mirror.join(&job.name));
            let own = of(&all, job);
            let next = next(&own, &told);
            if let (Next::Failed(why), None) = (&next, &told.failed) {
                let attempt = own.iter().map(|machine| machine.attempt).max().unwrap_or(1);
                tell_failure(plan, job, attempt, why, store, mirror)?;
            }
            if let Next::Start(attempt) = next {
                let was = started.get(&job.name);
                if was.is_some_and(|(before, at)| *before == attempt && at.elapsed() < UNSEEN) {
                    nexts.insert(&job.name, Next::Wait("started".to_owned()));
                    continue;
                }
                if up >= machines.at_once() {
                    nexts.insert(&job.name, Next::Wait("its turn comes".to_owned()));
                    continue;
                }
                start(plan, job, attempt, store, machines, mirror)?;
                super::stage::reached("started");
                started.insert(&job.name, (attempt, Instant::now()));
                up += 1;
                nexts.insert(&job.name, Next::Wait("started".to_owned()));
                continue;
            }
            nexts.insert(&job.name, next);
        }
        let view = view(plan, &nexts);
        if view == shown {
            pause = (pause * 3 / 2).min(LONGEST);
        } else {
            eprint!("{view}");
            shown = view;
            pause = SHORTEST;
        }
        let ended: Vec<Ending> = plan.machines.iter().filter_map(|job| ending(job, &nexts[&job.name])).collect();
        if ended.len() == plan.machines.len() {
            return Ok(ended);
        }
        sleep(pause);
    }
}

/// One that is refused costs its engine only.
fn start(plan: &Plan, job: &Job, attempt: u32, store: &Store, machines: &dyn Machines, scratch: &Path) -> Result<()> {
    let Err(error) = machines.start(plan, job, attempt) else { return Ok(()) };
    interrupt::check()?;
    eprintln!("{}: {error:#}", job.engine);
    tell_failure(plan, job, attempt, &format!("start: {error:#}"), store, scratch)
}

/// For a machine that did not do so itself: others may wait for its tables.
fn tell_failure(plan: &Plan, job: &Job, attempt: u32, why: &str, store: &Store, scratch: &Path) -> Result<()> {
    let facts = json!({ "attempt": attempt, "stage": why, "cells": 0, "seconds": 0 });
    store.put_text(&facts.to_string(), &format!("{}/{}/{FAILED}", run_key(&plan.run_id), job.name), scratch)
}

fn of<'a>(all: &'a [Machine], job: &Job) -> Vec<&'a Machine> {
    all.iter().filter(|machine| machine.engine == job.engine).collect()
}

fn next(machines: &[&Machine], told: &Told) -> Next {
    if let Some(done) = &told.done {
        return Next::Done(done.clone());
    }
    let Told { state, failed, interrupted, .. } = told;
    let newest = machines.iter().max_by_key(|machine| (machine.attempt, machine.is_up()));
    let of_state = state.as_ref().map(|state| state.attempt);
    let attempt = newest.map(|machine| machine.attempt).max(of_state);
    let Some(attempt) = attempt else {
        return match failed {
            Some(failed) => Next::Failed(failed.stage.clone()),
            None => Next::Start(1),
        };
    };
    if let Some(failed) = failed.as_ref().filter(|failed| failed.attempt >= attempt) {
        return Next::Failed(failed.stage.clone());
    }
    let was_interrupted = interrupted.as_ref().is_some_and(|interrupted| interrupted.attempt >= attempt);
    let taken_back = newest.is_some_and(|machine| machine.was_taken_back());
    match newest {
        Some(machine) if machine.is_up() && !was_interrupted => {
            let mine = state.as_ref().filter(|state| state.attempt == attempt);
            let (id, again) = (&machine.id, if attempt > 1 { ", again" } else { "" });
            Next::Wait(match mine {
                Some(state) => format!("{}, {} cells, {id}{again}", state.stage, state.cells),
                None => format!("{}, {id}{again}", machine.state),
            })
        }
        _ if (was_interrupted || taken_back) && attempt < ATTEMPTS => Next::Start(attempt + 1),
        _ if was_interrupted || taken_back => Next::Failed("EC2 took its instance back twice".to_owned()),
        _ => {
            let stage = state.as_ref().map_or("its start", |state| &state.stage);
            Next::Failed(format!("its machine ended without a word, in {stage}"))
        }
    }
}

fn ending(job: &Job, next: &Next) -> Option<Ending> {
    let (facts, failure) = match next {
        Next::Done(facts) => (facts.clone(), None),
        Next::Failed(why) => (Facts::default(), Some(why.clone())),
        Next::Start(_) | Next::Wait(_) => return None,
    };
    Some(Ending { engine: job.engine.clone(), name: job.name.clone(), facts, failure })
}

fn view(plan: &Plan, nexts: &BTreeMap<&String, Next>) -> String {
    let width = plan.machines.iter().map(|job| job.engine.len()).max().unwrap_or_default();
    let mut text = String::new();
    for job in &plan.machines {
        let line = match &nexts[&job.name] {
            Next::Start(_) => "starting".to_owned(),
            Next::Wait(line) => line.clone(),
            Next::Done(facts) => format!("done, {} cells in {:.0} s", facts.cells, facts.seconds),
            Next::Failed(why) => format!("FAILED: {why}"),
        };
        text += &format!("{:width$}  {line}\n", job.engine);
    }
    text + "\n"
}

fn read(folder: &Path) -> Told {
    let facts = |name: &str| facts(&fs::read_to_string(folder.join(name)).ok()?);
    Told { state: facts(STATE), done: facts(DONE), failed: facts(FAILED), interrupted: facts(INTERRUPTED) }
}

fn facts(text: &str) -> Option<Facts> {
    let value: Value = serde_json::from_str(text).ok()?;
    Some(Facts {
        attempt: value["attempt"].as_u64()?.try_into().ok()?,
        stage: value["stage"].as_str()?.to_owned(),
        cells: value["cells"].as_u64().unwrap_or_default(),
        seconds: value["seconds"].as_f64().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(attempt: u32, state: &str, reason: Option<&str>) -> Machine {
        Machine {
            id: format!("i-{attempt}"),
            engine: "e".to_owned(),
            attempt,
            state: state.to_owned(),
            reason: reason.map(str::to_owned),
        }
    }

    fn at(attempt: u32, stage: &str) -> Facts {
        Facts { attempt, stage: stage.to_owned(), ..Facts::default() }
    }

    fn of(machines: &[Machine], told: &Told) -> Next {
        next(&machines.iter().collect::<Vec<_>>(), told)
    }

    #[test]
    fn next_starts_what_nobody_started_and_no_more() {
        assert_eq!(of(&[], &Told::default()), Next::Start(1));
        assert!(matches!(of(&[machine(1, "pending", None)], &Told::default()), Next::Wait(_)));
        let failed = Told { failed: Some(at(1, "start: no room")), ..Told::default() };
        assert_eq!(of(&[], &failed), Next::Failed("start: no room".to_owned()));
        let done = Told { done: Some(at(1, "end")), state: Some(at(1, "end")), ..Told::default() };
        assert!(matches!(of(&[machine(1, "terminated", None)], &done), Next::Done(_)));
    }

    #[test]
    fn next_starts_once_more_what_ec2_took_back() {
        let back = Some("Server.SpotInstanceTermination");
        let told = Told { state: Some(at(1, "measure")), interrupted: Some(at(1, "measure")), ..Told::default() };
        assert_eq!(of(&[machine(1, "terminated", back)], &Told::default()), Next::Start(2));
        assert_eq!(of(&[machine(1, "running", None)], &told), Next::Start(2));
        let second = [machine(1, "terminated", back), machine(2, "running", None)];
        assert!(matches!(of(&second, &told), Next::Wait(line) if line.ends_with("again")));
        let second = [machine(1, "terminated", back), machine(2, "terminated", back)];
        assert!(matches!(of(&second, &told), Next::Failed(why) if why.contains("twice")));
    }

    #[test]
    fn next_fails_what_ended_without_a_word() {
        let told = Told { state: Some(at(1, "service")), ..Told::default() };
        let why = Next::Failed("its machine ended without a word, in service".to_owned());
        assert_eq!(of(&[machine(1, "terminated", Some("Client.InstanceInitiatedShutdown"))], &told), why);
        // EC2 forgets a machine an hour after its end.
        assert_eq!(of(&[], &told), why);
    }
}

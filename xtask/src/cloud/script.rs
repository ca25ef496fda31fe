//! The user-data of a machine: a head that sets variables, and `instance.sh` as it is.

use anyhow::{Result, ensure};

use super::plan::{Backend, Job, Plan};

pub(super) const SCRIPT: &str = include_str!("instance.sh");
/// More EC2 does not take, before it is encoded.
const MOST_BYTES: usize = 16 * 1024;

/// Where the machine works. On EC2 a local disk is mounted there, where the type has one.
pub(super) const WORK: &str = "/opt/querydyno";

/// What is told to a machine beside the plan.
pub(super) struct Told<'a> {
    pub(super) attempt: u32,
    pub(super) work: &'a str,
    /// None: by the machine's own memory.
    pub(super) service_memory: Option<&'a str>,
}

/// The whole text.
///
/// # Errors
/// When EC2 would not take it, or a value cannot stand in it.
pub(super) fn user_data(plan: &Plan, job: &Job, told: &Told<'_>) -> Result<String> {
    let body = SCRIPT.strip_prefix("#!/usr/bin/env bash\n").unwrap_or(SCRIPT);
    let text = format!("{}{body}", head(plan, job, told)?);
    ensure!(
        text.len() <= MOST_BYTES,
        "the user-data of {} has {} bytes, and EC2 takes {MOST_BYTES}: name fewer queries",
        job.engine,
        text.len()
    );
    Ok(text)
}

/// The variables, a line each.
///
/// # Errors
/// When a value holds what a shell could take for something else.
pub(super) fn head(plan: &Plan, job: &Job, told: &Told<'_>) -> Result<String> {
    let part = |name: &String| {
        let sha256 = plan.part(name).map_or("$SHA256_OF_IT", |part| part.sha256.as_str());
        format!("{sha256}:{name}")
    };
    let has = |name: &&String| plan.parts.is_empty() || plan.part(name).is_some();
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let values = [
        ("QD_RUN", plan.run_id.clone()),
        ("QD_ENGINE", job.engine.clone()),
        ("QD_NAME", job.name.clone()),
        ("QD_ATTEMPT", told.attempt.to_string()),
        ("QD_BACKEND", if plan.backend == Backend::Ec2 { "ec2" } else { "local" }.to_owned()),
        ("QD_STORE", plan.store()),
        ("QD_WORK", told.work.to_owned()),
        ("QD_PARTS", job.parts.iter().filter(has).map(part).collect::<Vec<_>>().join(" ")),
        ("QD_SERVICE", job.service.clone().unwrap_or_default()),
        ("QD_SERVICE_MEMORY", told.service_memory.unwrap_or_default().to_owned()),
        ("QD_PACKAGES", job.packages.join(" ")),
        ("QD_SUITES", plan.suites.join(" ")),
        ("QD_SCALE", plan.scale.factor().to_string()),
        ("QD_QUERIES", plan.queries.join("|")),
        ("QD_RUNS", plan.runs.to_string()),
        ("QD_ANSWERS", plan.answers.join(",")),
        ("QD_MAKER", plan.maker().to_owned()),
        ("QD_MAX_MINUTES", plan.max_minutes.to_string()),
        ("QD_WAIT_SECONDS", plan.wait_seconds.to_string()),
        ("QD_KEEP", yes(plan.keep)),
        ("AWS_DEFAULT_REGION", plan.region.clone()),
    ];
    let mut text = format!("#!/bin/bash\n# QueryDyno, run {}: {} on {}\n", plan.run_id, job.engine, plan.instance_type);
    for (name, value) in values {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@ |$".contains(c);
        ensure!(value.chars().all(is_plain), "{name} is '{value}', which cannot stand in a machine's script");
        text += &format!("export {name}='{value}'\n");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::SCRIPT;

    /// Whoever ends a local machine signals its whole group, `timeout` in it, which hands the signal on: two, in a moment.
    #[test]
    fn a_machine_that_is_told_twice_to_end_still_tells_how_it_ended() {
        let between = |from: &str, to: &str| {
            let (_, rest) = SCRIPT.split_once(from).unwrap();
            rest.split_once(to).unwrap().0
        };
        let finish = between("then how it ended, last of all the end of the machine.\n", "# Folders of our own");
        let traps = between("trap finish EXIT\n", "# An instance store");
        // The second one comes with the first word of `finish`.
        let text = format!(
            "local() {{ kill -TERM $$; declare -g \"$@\"; }}
            say() {{ echo \"$*\"; }}; put() {{ :; }}; put_text() {{ :; }}; facts() {{ :; }}
            stage=measure bench= server= QUERYDYNO_HOME=/nowhere QD_BACKEND=local QD_KEEP=no log= mine=
            {finish}\ntrap finish EXIT\n{traps}
            kill -TERM $$"
        );
        let output = Command::new("bash").args(["-c", &text]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(143), "{said}");
        assert!(said.contains("FAILED in measure, code 143"), "{said}");
    }
}

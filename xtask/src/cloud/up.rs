//! What of ours is up: [`Up`], an instance that carries our tag, or a machine of a local run on this machine.

use anyhow::{Context, Error, Result};
use chrono::{DateTime, Duration, Utc};
use comfy_table::Table;
use querydyno::host::terminal::output::plain_table;
use serde_json::Value;

use super::aws::Aws;
use super::call::Call;
use super::ec2::{instances, tag};
use super::local::{self, Local};
use super::machines::{Machine, Machines as _};
use super::names::{TAG, TAG_ENGINE, TAG_EXPIRES, TAG_RUN};
use super::options::Place;

/// Instances that still cost something.
const STATES: &str = "Name=instance-state-name,Values=pending,running,stopping,stopped";

/// One that has not ended.
pub(super) struct Up {
    pub(super) id: String,
    pub(super) run: String,
    engine: String,
    kind: String,
    state: String,
    launched: Option<DateTime<Utc>>,
    expires: Option<DateTime<Utc>>,
    /// None: an instance.
    pub(super) local: Option<Machine>,
}

/// All of them, and how instances are asked for.
pub(super) struct All {
    pub(super) up: Vec<Up>,
    /// None where there is no need to ask AWS, or nobody names a region and local runs were begun here.
    pub(super) aws: Option<Aws>,
    /// Why AWS did not answer: instances may be up that are not among these.
    pub(super) unanswered: Option<Error>,
}

impl All {
    /// Of a run, or of all. A local run is no business of AWS's; whoever has such runs alone needs no region.
    ///
    /// # Errors
    /// When AWS cannot be asked, and nothing is up on this machine.
    pub(super) fn of(place: &Place, run: Option<&str>) -> Result<Self> {
        let plans = local::plans();
        let is_local = run.is_some_and(|run| plans.iter().any(|plan| plan.run_id == run));
        let mut up = Vec::new();
        for plan in plans.iter().filter(|plan| run.is_none_or(|run| run == plan.run_id)) {
            let machines = Local { folder: local::folder(&plan.run_id) }.all(plan)?;
            up.extend(machines.into_iter().filter(Machine::is_up).map(|machine| Up {
                id: machine.id.clone(),
                run: plan.run_id.clone(),
                engine: machine.engine.clone(),
                kind: plan.instance_type.clone(),
                state: machine.state.clone(),
                launched: local::started(plan, &machine),
                expires: time(Some(&plan.expires_at)),
                local: Some(machine),
            }));
        }
        let aws = match place.region() {
            _ if is_local => None,
            Ok(region) => Some(Aws { region }),
            Err(_) if !plans.is_empty() => None,
            Err(error) => return Err(error),
        };
        let mut unanswered = None;
        match aws.as_ref().map(|aws| instances_up(aws, run)) {
            Some(Ok(instances)) => up.extend(instances),
            Some(Err(error)) if up.is_empty() => return Err(error),
            Some(Err(error)) => unanswered = Some(error),
            None => {}
        }
        up.sort_by(|a, b| (a.launched, &a.id).cmp(&(b.launched, &b.id)));
        Ok(Self { up, aws, unanswered })
    }

    /// Where was looked.
    pub(super) fn place(&self) -> String {
        let here = || "on this machine; AWS was not asked".to_owned();
        self.aws.as_ref().map_or_else(here, |aws| format!("in {} or on this machine", aws.region))
    }

    /// Only those that were started longer ago; of which nobody knows when is none of them.
    pub(super) fn keep_older(&mut self, age: Duration, now: DateTime<Utc>) {
        self.up.retain(|one| one.launched.is_some_and(|launched| launched < now - age));
    }

    pub(super) fn table(&self) -> Table {
        let header = ["machine", "run", "engine", "type", "state", "since", "expires"].map(str::to_owned);
        let mut table = plain_table(header, 0..0);
        let time =
            |time: Option<DateTime<Utc>>| time.map_or_else(|| "?".to_owned(), |time| time.format("%F %R").to_string());
        for one in &self.up {
            let Up { id, run, engine, kind, state, launched, expires, .. } = one;
            let words = [id, run, engine, kind, state].map(Clone::clone);
            table.add_row(words.into_iter().chain([time(*launched), time(*expires)]));
        }
        table
    }
}

impl Up {
    pub(super) fn is_past_its_time(&self, now: DateTime<Utc>) -> bool {
        self.expires.is_some_and(|expires| expires < now)
    }
}

fn instances_up(aws: &Aws, run: Option<&str>) -> Result<Vec<Up>> {
    let of_run = run.map(|run| format!("Name=tag:{TAG_RUN},Values={run}"));
    let filters = [format!("Name=tag:{},Values={}", TAG.0, TAG.1), STATES.to_owned()].into_iter().chain(of_run);
    let answer = aws.call(&Call::new("ec2", "describe-instances", "ours").args("--filters", filters))?;
    // Asked for by its tag, and looked at again: a filter that AWS did not heed would end somebody else's.
    let ours =
        instances(&answer).into_iter().filter(|instance| run.is_none_or(|run| tag(instance, TAG_RUN) == Some(run)));
    ours.map(read).collect()
}

fn read(instance: &Value) -> Result<Up> {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let tagged = |name| tag(instance, name).unwrap_or("?").to_owned();
    Ok(Up {
        id: instance["InstanceId"].as_str().context("an instance without an id")?.to_owned(),
        run: tagged(TAG_RUN),
        engine: tagged(TAG_ENGINE),
        kind: text(&instance["InstanceType"]),
        state: text(&instance["State"]["Name"]),
        launched: time(instance["LaunchTime"].as_str()),
        expires: time(tag(instance, TAG_EXPIRES)),
        local: None,
    })
}

fn time(text: Option<&str>) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(text?).ok()?.to_utc())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keep_older_keeps_what_was_started_before_that_time() {
        let instance = |id: &str, launched: &str| read(&json!({ "InstanceId": id, "LaunchTime": launched })).unwrap();
        let mut all = All {
            up: vec![
                instance("i-old", "2026-11-27T10:00:00+00:00"),
                instance("i-new", "2026-11-28T11:00:00.000Z"),
                instance("i-unknown", "lately"),
            ],
            aws: None,
            unanswered: None,
        };
        let now = time(Some("2026-11-28T12:00:00Z")).unwrap();
        all.keep_older(Duration::hours(1), now);
        assert_eq!(all.up.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["i-old"]);
        assert!(!all.up[0].is_past_its_time(now));
    }
}

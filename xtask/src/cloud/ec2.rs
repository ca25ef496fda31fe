//! EC2 instances as machines of a run: found by their tags alone, started in the first zone that has room.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::aws::{self, Aws};
use super::call::Call;
use super::calls::{self, Answers};
use super::machines::{Machine, Machines};
use super::names::{TAG_ATTEMPT, TAG_ENGINE};
use super::plan::{Job, Plan};
use super::prepare::has_tag;
use super::script::{self, Told};

/// The zone has no such instance to give, or not in this subnet: another may.
const NO_ROOM: [&str; 4] =
    ["InsufficientInstanceCapacity", "InsufficientHostCapacity", "Unsupported", "InsufficientFreeAddressesInSubnet"];

/// For runs with this security group.
pub(super) struct Ec2 {
    pub(super) aws: Aws,
    pub(super) group: String,
    pub(super) scratch: PathBuf,
}

impl Machines for Ec2 {
    fn all(&self, plan: &Plan) -> Result<Vec<Machine>> {
        Ok(instances(&self.aws.call(&calls::machines(&plan.run_id))?)
            .iter()
            .map(|instance| machine(instance))
            .collect())
    }

    fn start(&self, plan: &Plan, job: &Job, attempt: u32) -> Result<()> {
        let text = script::user_data(plan, job, &Told { attempt, work: script::WORK, service_memory: None })?;
        let file = self.scratch.join(format!("user-data-{}", job.name));
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        let ami = plan.ami.as_deref().context("no image")?;
        let user_data = format!("file://{}", file.display());
        let mut refused = Vec::new();
        for subnet in &plan.subnets {
            let answers = Answers { ami, subnet: &subnet.id, group: &self.group };
            match self.aws.call(&calls::run_instance(plan, job, attempt, &answers, &user_data)) {
                Ok(answer) => {
                    let id = answer["Instances"][0]["InstanceId"].as_str().unwrap_or("?");
                    eprintln!("{}: {id} in {}", job.engine, subnet.zone);
                    return Ok(());
                }
                Err(error) if aws::code(&error).is_some_and(|code| NO_ROOM.contains(&code)) => {
                    eprintln!("{}: no {} in {}", job.engine, plan.instance_type, subnet.zone);
                    refused.push(subnet.zone.clone());
                }
                Err(error) => return Err(error),
            }
        }
        bail!("no zone has a {} now ({}): try later, or another type", plan.instance_type, refused.join(", "))
    }

    fn end(&self, machines: &[&Machine]) -> Result<()> {
        if machines.is_empty() {
            return Ok(());
        }
        self.aws.call(&terminate(machines.iter().map(|machine| machine.id.as_str()))).map(drop)
    }

    fn at_once(&self) -> usize {
        usize::MAX
    }
}

pub(super) fn terminate<'a>(ids: impl IntoIterator<Item = &'a str>) -> Call {
    Call::new("ec2", "terminate-instances", "end them").args("--instance-ids", ids)
}

/// Those in an answer that carry our tag: asked for by it, and looked at again.
pub(super) fn instances(answer: &Value) -> Vec<&Value> {
    let reservations = answer["Reservations"].as_array().into_iter().flatten();
    let all = reservations.flat_map(|reservation| reservation["Instances"].as_array().into_iter().flatten());
    all.filter(|instance| has_tag(&instance["Tags"])).collect()
}

pub(super) fn tag<'a>(instance: &'a Value, name: &str) -> Option<&'a str> {
    let mut tags = instance["Tags"].as_array()?.iter();
    tags.find(|tag| tag["Key"] == name)?["Value"].as_str()
}

fn machine(instance: &Value) -> Machine {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Machine {
        id: text(&instance["InstanceId"]),
        engine: tag(instance, TAG_ENGINE).unwrap_or_default().to_owned(),
        attempt: tag(instance, TAG_ATTEMPT).and_then(|attempt| attempt.parse().ok()).unwrap_or(1),
        state: text(&instance["State"]["Name"]),
        reason: instance["StateReason"]["Code"].as_str().map(str::to_owned),
    }
}

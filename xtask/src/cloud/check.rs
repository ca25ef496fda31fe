//! What is asked before anything is made: who asks, what there is in the region, what it costs.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::aws::{self, Aws};
use super::estimate::processors;
use super::options::OWN_BUCKET;
use super::plan::{Plan, Subnet};
use super::{calls, price};

/// Fills in what only AWS can tell: image, subnets, the bucket's name, the price.
///
/// # Errors
/// Says what is missing and what to do.
pub(super) fn check(plan: &mut Plan, aws: &Aws) -> Result<()> {
    let identity = aws.call(&calls::identity())?;
    let account = identity["Account"].as_str().context("AWS does not tell the account's number")?;
    if let Some(rest) = plan.bucket.strip_prefix(OWN_BUCKET) {
        plan.bucket = format!("querydyno-{account}-{rest}");
    }
    let asked = |call| aws.call(&call);
    let zones = asked(calls::zones(&plan.instance_type))?;
    let zones = texts(&zones["InstanceTypeOfferings"], "Location");
    ensure!(!zones.is_empty(), "there is no {} in {}: choose another type or region", plan.instance_type, plan.region);
    check_type(plan, &asked(calls::instance_type(&plan.instance_type))?)?;
    if plan.ami.is_none() {
        let image = asked(calls::image()).context("the newest image cannot be asked for: name one with --ami")?;
        plan.ami = image["Parameter"]["Value"].as_str().map(str::to_owned);
        ensure!(plan.ami.is_some(), "AWS does not tell the newest image: name one with --ami");
    }
    plan.subnets = subnets(&asked(calls::subnets())?, &zones);
    ensure!(
        !plan.subnets.is_empty(),
        "no zone with {} has a default subnet: aws ec2 create-default-subnet --availability-zone {}",
        plan.instance_type,
        zones[0]
    );
    check_quota(plan, aws)?;
    if plan.price_per_hour.is_none() {
        match price::listed(aws, &plan.instance_type) {
            Ok(price) => (plan.price_per_hour, plan.price_from) = (Some(price.per_hour), Some(price.from)),
            Err(error) => {
                bail!("the price of {} is not known ({error:#}): give --price-per-hour or --prices", plan.instance_type)
            }
        }
    }
    Ok(())
}

fn check_type(plan: &Plan, answer: &Value) -> Result<()> {
    let architectures = &answer["InstanceTypes"][0]["ProcessorInfo"]["SupportedArchitectures"];
    let known: Vec<&str> = architectures.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    // As AWS names what Rust calls aarch64.
    let ours = if std::env::consts::ARCH == "aarch64" { "arm64" } else { std::env::consts::ARCH };
    ensure!(
        known.is_empty() || known.contains(&ours),
        "{} is {}, and programs that are built here are {ours}: choose a type of this architecture",
        plan.instance_type,
        known.join(", ")
    );
    Ok(())
}

/// A quota that cannot be asked for is no obstacle: EC2 itself says so when it refuses.
fn check_quota(plan: &Plan, aws: &Aws) -> Result<()> {
    let wanted = processors(&plan.instance_type).unwrap_or(1) * u32::try_from(plan.machines.len())?;
    match aws.call(&calls::quota(plan.spot)) {
        Ok(answer) => {
            let most = answer["Quota"]["Value"].as_f64();
            ensure!(
                most.is_none_or(|most| most >= f64::from(wanted)),
                "{} machines have {wanted} processors, and the account may have {} at once: fewer engines, a smaller type, or ask for more in Service Quotas",
                plan.machines.len(),
                most.unwrap_or_default()
            );
        }
        Err(error) => eprintln!(
            "note: the quota is not known ({}): EC2 may refuse some machines",
            aws::code(&error).unwrap_or("no answer")
        ),
    }
    Ok(())
}

/// The default subnets in these zones, in the order of zones.
fn subnets(answer: &Value, zones: &[String]) -> Vec<Subnet> {
    let text = |subnet: &Value, key: &str| subnet[key].as_str().unwrap_or_default().to_owned();
    let all = answer["Subnets"].as_array().into_iter().flatten();
    let mut found: Vec<Subnet> = all
        .map(|subnet| Subnet {
            id: text(subnet, "SubnetId"),
            zone: text(subnet, "AvailabilityZone"),
            vpc: text(subnet, "VpcId"),
        })
        .filter(|subnet| zones.contains(&subnet.zone))
        .collect();
    found.sort_by(|a, b| a.zone.cmp(&b.zone));
    found
}

fn texts(list: &Value, key: &str) -> Vec<String> {
    let all = list.as_array().into_iter().flatten();
    let mut found: Vec<String> = all.filter_map(|one| one[key].as_str()).map(str::to_owned).collect();
    found.sort();
    found
}

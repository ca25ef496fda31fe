//! A plan as people read it, and `--dry-run`: every call that a run would make, in its order, and the script of each machine.

use std::path::Path;

use anyhow::Result;
use querydyno::protocol::units::Bytes;

use super::call::Call;
use super::calls::{self, Answers};
use super::ec2::terminate;
use super::estimate::{Estimate, told};
use super::names::{PLAN, part_key, run_key};
use super::plan::{Backend, Plan, REPORT_TAKES};
use super::script::{self, Told};
use super::{policy, store};

/// What will be done, how long that takes, what it costs.
pub(super) fn plan(plan: &Plan, estimate: &Estimate, max_cost: f64) -> String {
    let engines: Vec<&str> = plan.machines.iter().map(|job| job.engine.as_str()).collect();
    let (count, hours) = (plan.machines.len(), f64::from(plan.max_minutes) / 60.0);
    let kind = if plan.spot { "spot instances" } else { "instances" };
    let machines = match plan.backend {
        Backend::Ec2 => format!(
            "{count} {kind}, {} in {}, with {} GiB of disk each",
            plan.instance_type, plan.region, plan.disk_gib
        ),
        Backend::Local => format!("{count} folders of this machine, one after the other"),
    };
    let mut lines = vec![
        ("run", plan.run_id.clone()),
        ("engines", engines.join(", ")),
        ("machines", machines),
        (
            "cells",
            format!(
                "{} for each engine: {} {}, {} runs of each",
                estimate.cells,
                plan.suites.join(", "),
                plan.scale,
                plan.runs
            ),
        ),
        ("data", format!("about {}, made by the first machine unless the store has it", Bytes(estimate.data_bytes))),
        ("store", plan.store()),
        (
            "time",
            format!(
                "about {}, guessed: {} to start, {} to make the data, {} to measure; every machine ends after {} whatever happens",
                told(estimate.total()),
                told(estimate.start),
                told(estimate.data),
                told(estimate.measure),
                told(std::time::Duration::from_secs(u64::from(plan.max_minutes) * 60)),
            ),
        ),
        ("cost", cost(plan, estimate, max_cost)),
    ];
    if estimate.total().as_secs() > u64::from(plan.max_minutes) * 60 {
        lines.push((
            "caution",
            format!("it may take longer than {hours} h: give a higher --max-hours, fewer suites or fewer --runs"),
        ));
    }
    if plan.runs < REPORT_TAKES {
        lines.push((
            "note",
            format!(
                "medians of {} runs are shown without intervals and are not ranked: a report takes {REPORT_TAKES}",
                plan.runs
            ),
        ));
    }
    if plan.answers.is_empty() {
        lines.push(("answers", "verified against references that are in the package or were made here; cells without one are not ranked (--answers makes them)".to_owned()));
    } else {
        lines.push((
            "answers",
            format!("references that are missing are made on the first machine by {}", plan.answers.join(", ")),
        ));
    }
    let mut text = String::new();
    for (name, line) in lines {
        text += &format!("{name:9} {line}\n");
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "a few machines")]
fn cost(plan: &Plan, estimate: &Estimate, max_cost: f64) -> String {
    let hours = plan.most_hours();
    if plan.backend == Backend::Local {
        return "nothing".to_owned();
    }
    let (Some(price), Some(most)) = (plan.price_per_hour, plan.most_dollars()) else {
        return format!(
            "at most {hours} machine-hours; the price is asked of AWS's price list before anything is made, and more than {:.2} $ an hour is refused (--max-cost {max_cost})",
            max_cost / hours
        );
    };
    let expected = estimate.total().as_secs_f64() / 3600.0 * plan.machines.len() as f64 * price;
    let spot = if plan.spot { "; spot costs less" } else { "" };
    format!(
        "about {expected:.2} $, at most {most:.2} $ of {max_cost} $: {price} $ an hour ({}){spot}; disks, S3 and traffic are not in it",
        plan.price_from.as_deref().unwrap_or("told")
    )
}

/// All of it.
///
/// # Errors
/// When a script cannot be made.
pub(super) fn dry_run(plan: &Plan) -> Result<String> {
    if plan.backend == Backend::Local {
        return Ok(format!("no call of aws; the script of each machine:\n\n{}", scripts(plan, "$FOLDER")?));
    }
    let (bucket, prefix) = (plan.bucket.as_str(), plan.prefix.as_str());
    let mut text = String::new();
    let mut section = |title: &str, calls: Vec<Call>| {
        text += &format!("\n## {title}\n");
        for call in calls {
            text += &format!("# {}\n{call}\n", call.why);
        }
    };
    let mut check =
        vec![calls::identity(), calls::zones(&plan.instance_type), calls::instance_type(&plan.instance_type)];
    check.extend(plan.ami.is_none().then(calls::image));
    check.extend([calls::subnets(), calls::quota(plan.spot)]);
    check.extend(plan.price_per_hour.is_none().then(|| calls::price(&plan.instance_type, &plan.region)));
    section("check: nothing is made", check);
    section(
        "the bucket, unless it is there",
        [
            vec![calls::head_bucket(bucket)],
            calls::make_bucket(bucket, prefix, &plan.region),
            vec![calls::bucket_tags(bucket)],
        ]
        .concat(),
    );
    let put = |file: &str, key: &str| store::put(Path::new(file), bucket, prefix, key);
    section("the plan, for whoever attaches", vec![put("$PLAN", &format!("{}/{PLAN}", run_key(&plan.run_id)))]);
    let mut names: Vec<&String> = plan.machines.iter().flat_map(|job| &job.parts).collect();
    names.sort();
    names.dedup();
    section(
        "the bundle: parts that the store does not have, packed here",
        names.iter().map(|name| put(&format!("$PARTS/{name}.tar.gz"), &part_key("$SHA256_OF_IT"))).collect(),
    );
    let role = policy::role(bucket, prefix);
    section(
        "what instances may do, where it is not there",
        vec![
            calls::get_role(&role),
            calls::create_role(&role),
            calls::put_role_policy(&role, &policy::instance(bucket, prefix)),
            calls::get_profile(&role),
            calls::create_profile(&role),
            calls::add_role(&role),
        ],
    );
    let mut group = vec![calls::find_group(plan, "$VPC"), calls::create_group(plan, "$VPC")];
    group.extend(plan.ssh_from.as_deref().map(|from| calls::open_ssh("$GROUP", from)));
    section("the security group, where it is not there", group);
    let answers = Answers { ami: plan.ami.as_deref().unwrap_or("$AMI"), subnet: "$SUBNET", group: "$GROUP" };
    let start = plan
        .machines
        .iter()
        .map(|job| calls::run_instance(plan, job, 1, &answers, &format!("file://user-data-{}", job.name)));
    section(
        "machines: in another zone where one has no room",
        [vec![calls::machines(&plan.run_id)], start.collect()].concat(),
    );
    let mirror = store::mirror(bucket, prefix, &run_key(&plan.run_id), Path::new("$MIRROR"));
    section("follow, every 1 to 15 seconds", vec![mirror, calls::machines(&plan.run_id)]);
    let end = if plan.keep { Vec::new() } else { vec![terminate(["$INSTANCES_THAT_ARE_STILL_UP"])] };
    section("end: machines have ended themselves, but for those that failed to", end);
    Ok(text + "\n" + &scripts(plan, script::WORK)?)
}

/// The first machine's script in full, and what differs in the others'.
fn scripts(plan: &Plan, work: &str) -> Result<String> {
    let told = Told { attempt: 1, work, service_memory: None };
    let mut text = String::new();
    for (number, job) in plan.machines.iter().enumerate() {
        if number == 0 {
            text += &format!("## user-data-{}\n{}", job.name, script::user_data(plan, job, &told)?);
            continue;
        }
        let first = script::head(plan, &plan.machines[0], &told)?;
        let own = script::head(plan, job, &told)?;
        text += &format!("\n## user-data-{}: the same, but\n", job.name);
        for (line, _) in own.lines().zip(first.lines()).filter(|(own, first)| own != first) {
            text += &format!("{line}\n");
        }
    }
    Ok(text)
}

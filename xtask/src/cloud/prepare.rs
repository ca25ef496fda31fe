//! What a run needs on AWS beside machines: a bucket, a role, a security group. Each is found or made, however far somebody came before.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use querydyno::host::paths;
use serde_json::Value;

use super::aws::{self, Aws};
use super::names::TAG;
use super::plan::Plan;
use super::{calls, policy};

/// The bucket. One that is there and not ours is used as it is.
///
/// # Errors
/// When it is another account's, or cannot be made.
pub(super) fn bucket(plan: &Plan, aws: &Aws) -> Result<()> {
    let making = marker(&plan.bucket);
    match aws.call(&calls::head_bucket(&plan.bucket)) {
        Ok(_) if !making.exists() => {
            if !is_ours(plan, aws)? {
                eprintln!(
                    "note: the bucket {} was there before and is left as it is: its policy, its encryption and how long it keeps objects are yours",
                    plan.bucket
                );
            }
            return Ok(());
        }
        // Somebody was killed while making it: all again, which changes nothing that is done.
        Ok(_) => {}
        Err(error) if aws::code(&error) == Some("404") => {}
        Err(error) if aws::code(&error) == Some("403") => {
            return Err(
                error.context(format!("the bucket {} is another account's: name one with --bucket", plan.bucket))
            );
        }
        Err(error) => return Err(error),
    }
    if let Some(folder) = making.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&making, "")?;
    for call in calls::make_bucket(&plan.bucket, &plan.prefix, &plan.region) {
        match aws.call(&call) {
            Err(error) if aws::code(&error) == Some("BucketAlreadyOwnedByYou") => {}
            answer => drop(answer.with_context(|| format!("making the bucket {}", plan.bucket))?),
        }
        super::stage::reached(call.operation());
    }
    fs::remove_file(&making)?;
    Ok(())
}

/// Whether the bucket has our tag.
///
/// # Errors
/// When nobody can tell.
pub(super) fn is_ours(plan: &Plan, aws: &Aws) -> Result<bool> {
    match aws.call(&calls::bucket_tags(&plan.bucket)) {
        Ok(answer) => Ok(has_tag(&answer["TagSet"])),
        Err(error) if aws::code(&error) == Some("NoSuchTagSet") => Ok(false),
        Err(error) => Err(error),
    }
}

pub(super) fn has_tag(tags: &Value) -> bool {
    let mut all = tags.as_array().into_iter().flatten();
    all.any(|tag| tag["Key"] == TAG.0 && tag["Value"] == TAG.1)
}

/// Is there while a bucket is being made here.
fn marker(bucket: &str) -> PathBuf {
    paths::home().join("cloud").join("making").join(bucket)
}

/// The role of instances, in its profile.
///
/// # Errors
/// When it cannot be made.
pub(super) fn role(plan: &Plan, aws: &Aws) -> Result<()> {
    let role = policy::role(&plan.bucket, &plan.prefix);
    let missing = |error: &anyhow::Error| aws::code(error) == Some("NoSuchEntity");
    match aws.call(&calls::get_role(&role)) {
        Err(error) if missing(&error) => drop(aws.call(&calls::create_role(&role))?),
        answer => drop(answer?),
    }
    super::stage::reached("create-role");
    aws.call(&calls::put_role_policy(&role, &policy::instance(&plan.bucket, &plan.prefix)))?;
    let profile = match aws.call(&calls::get_profile(&role)) {
        Err(error) if missing(&error) => aws.call(&calls::create_profile(&role))?,
        answer => answer?,
    };
    super::stage::reached("create-instance-profile");
    let roles = profile["InstanceProfile"]["Roles"].as_array();
    if roles.is_none_or(Vec::is_empty) {
        aws.call(&calls::add_role(&role))?;
    }
    Ok(())
}

/// The security group's id.
///
/// # Errors
/// When it lets somebody in who was not named, or cannot be made.
pub(super) fn group(plan: &Plan, aws: &Aws) -> Result<String> {
    let subnet = plan.subnets.first().context("no subnet")?;
    let found = aws.call(&calls::find_group(plan, &subnet.vpc))?;
    let (id, open) = match found["SecurityGroups"].get(0) {
        Some(group) => (group["GroupId"].clone(), group["IpPermissions"].as_array().cloned().unwrap_or_default()),
        None => (aws.call(&calls::create_group(plan, &subnet.vpc))?["GroupId"].clone(), Vec::new()),
    };
    let id = id.as_str().context("AWS does not tell the security group's id")?.to_owned();
    let Some(from) = &plan.ssh_from else {
        ensure!(
            open.is_empty(),
            "the security group {} ({id}) lets connections in, which it is not to: aws ec2 revoke-security-group-ingress, or delete it",
            calls::group_name(plan)
        );
        return Ok(id);
    };
    match aws.call(&calls::open_ssh(&id, from)) {
        Err(error) if aws::code(&error) == Some("InvalidPermission.Duplicate") => {}
        answer => drop(answer?),
    }
    Ok(id)
}

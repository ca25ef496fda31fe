//! Rights as moto knows them: whether those of `src/docs/cloud_rights.md` are enough, and what is refused without each.
//!
//! moto looks at the names of actions. Of resources and conditions it makes something else than AWS does: most calls have no resource there,
//! and a condition on anything of a call is never met. So only the names of a policy are given to it.

use std::collections::BTreeSet;
use std::fs;

use querydyno::host::paths::root;
use serde_json::{Value, json};

use super::docs::policy;
use super::machine::role_policy;
use super::server::Aws;

/// A call that needs the action, as a run makes it, or cleaning up. Which values it has does not matter: rights come first.
pub const CALLS: [(&str, &str); 25] = [
    (
        "ec2:DescribeInstanceTypeOfferings",
        "ec2 describe-instance-type-offerings --filters Name=instance-type,Values=c6i.large",
    ),
    ("ec2:DescribeInstanceTypes", "ec2 describe-instance-types --instance-types c6i.large"),
    ("ec2:DescribeInstances", "ec2 describe-instances --filters Name=tag:querydyno,Values=true"),
    ("ec2:DescribeSecurityGroups", "ec2 describe-security-groups --filters Name=group-name,Values=querydyno"),
    ("ec2:DescribeSubnets", "ec2 describe-subnets --filters Name=default-for-az,Values=true"),
    ("servicequotas:GetServiceQuota", "service-quotas get-service-quota --service-code ec2 --quota-code L-1216C47A"),
    ("ssm:GetParameter", "ssm get-parameter --name /aws/service/canonical/ubuntu"),
    ("s3:CreateBucket", "s3api create-bucket --bucket other"),
    ("s3:GetBucketTagging", "s3api get-bucket-tagging --bucket bench"),
    ("s3:ListBucket", "s3api head-bucket --bucket bench"),
    ("s3:PutBucketTagging", "s3api put-bucket-tagging --bucket bench --tagging TagSet=[{Key=querydyno,Value=true}]"),
    (
        "s3:PutLifecycleConfiguration",
        "s3api put-bucket-lifecycle-configuration --bucket bench --lifecycle-configuration Rules=[{ID=x,Status=Enabled,Filter={Prefix=qd/},Expiration={Days=30}}]",
    ),
    ("s3:GetObject", "s3api head-object --bucket bench --key qd/runs/try-1/run.json"),
    ("s3:PutObject", "s3 cp --only-show-errors Cargo.toml s3://bench/qd/runs/try-1/other"),
    ("s3:DeleteObject", "s3api delete-object --bucket bench --key qd/runs/try-1/run.json"),
    ("iam:GetRole", "iam get-role --role-name querydyno-0"),
    ("iam:CreateRole", "iam create-role --role-name querydyno-0 --assume-role-policy-document {}"),
    ("iam:PutRolePolicy", "iam put-role-policy --role-name querydyno-0 --policy-name querydyno-0 --policy-document {}"),
    ("iam:GetInstanceProfile", "iam get-instance-profile --instance-profile-name querydyno-0"),
    ("iam:CreateInstanceProfile", "iam create-instance-profile --instance-profile-name querydyno-0"),
    (
        "iam:AddRoleToInstanceProfile",
        "iam add-role-to-instance-profile --instance-profile-name querydyno-0 --role-name querydyno-0",
    ),
    ("ec2:CreateSecurityGroup", "ec2 create-security-group --group-name querydyno-0 --description x"),
    ("ec2:RunInstances", "ec2 run-instances --image-id ami-03cf127a --instance-type c6i.large --count 1"),
    (
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2 authorize-security-group-ingress --group-id sg-1 --protocol tcp --port 22 --cidr 203.0.113.7/32",
    ),
    ("ec2:TerminateInstances", "ec2 terminate-instances --instance-ids i-1234567890abcdef0"),
];

/// All actions of the page.
pub fn listed() -> Vec<String> {
    actions(&serde_json::from_str(&policy()).unwrap())
}

/// Of the role that an instance was given.
pub fn of_role(aws: &Aws, instance: &Value) -> Vec<String> {
    actions(&role_policy(aws, instance))
}

fn actions(policy: &Value) -> Vec<String> {
    let statements = policy["Statement"].as_array().unwrap();
    let all = statements.iter().flat_map(|statement| match &statement["Action"] {
        Value::Array(actions) => actions.clone(),
        action => vec![action.clone()],
    });
    all.map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// The policy that allows them. What AWS asks `s3:ListBucket` for, moto has a name of its own for too.
pub fn as_moto_reads(actions: &[String]) -> String {
    let own = actions.iter().any(|action| action == "s3:ListBucket").then(|| "s3:HeadBucket".to_owned());
    let all: Vec<String> = actions.iter().cloned().chain(own).collect();
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": all, "Resource": "*" }] }).to_string()
}

/// What was not tried is argued on the page, which marks it.
pub fn check_the_rest(listed: &[String]) {
    let page = fs::read_to_string(root().join("src/docs/cloud_rights.md")).unwrap();
    let tried: BTreeSet<&str> = CALLS.iter().map(|(action, _)| *action).collect();
    for action in listed {
        let is_marked = page.contains(&format!("| `{action}`* |"));
        assert!(is_marked != tried.contains(action.as_str()), "{action}: tried {}, marked {is_marked}", !is_marked);
    }
}

//! Every call of the `aws` CLI but those of cleaning up, as pure functions: what `cloud run` does and what its `--dry-run` prints. What an
//! earlier call answers is an argument, in a dry run its name: `$AMI`.

use serde_json::Value;

use super::call::Call;
use super::names::{TAG, TAG_ATTEMPT, TAG_ENGINE, TAG_EXPIRES, TAG_RUN};
use super::plan::{Job, Plan};
use super::policy;

/// Ubuntu 24.04, as its makers publish it: newer than what the bundle is built on must be, and with packages of what servers need.
const IMAGES: &str = "/aws/service/canonical/ubuntu/server/24.04/stable/current";
/// Processors of ordinary instances that an account may have at once: on demand, and spot.
const QUOTAS: [&str; 2] = ["L-1216C47A", "L-34B43A08"];
/// The root disk of that image.
const ROOT_DISK: &str = "/dev/sda1";
/// Where the price list is served.
const PRICING_REGION: &str = "us-east-1";

pub(super) fn identity() -> Call {
    Call::new("sts", "get-caller-identity", "credentials, and the account's number")
}

pub(super) fn zones(instance_type: &str) -> Call {
    Call::new("ec2", "describe-instance-type-offerings", "the zones that have the type")
        .arg("--location-type", "availability-zone")
        .arg("--filters", format!("Name=instance-type,Values={instance_type}"))
}

pub(super) fn instance_type(instance_type: &str) -> Call {
    Call::new("ec2", "describe-instance-types", "its processors and architecture")
        .arg("--instance-types", instance_type)
}

/// For the architecture of what is built here.
pub(super) fn image() -> Call {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    Call::new("ssm", "get-parameter", "the newest image of Ubuntu 24.04")
        .arg("--name", format!("{IMAGES}/{architecture}/hvm/ebs-gp3/ami-id"))
}

pub(super) fn subnets() -> Call {
    Call::new("ec2", "describe-subnets", "the default subnet of each zone")
        .arg("--filters", "Name=default-for-az,Values=true")
}

pub(super) fn quota(spot: bool) -> Call {
    Call::new("service-quotas", "get-service-quota", "processors that the account may have at once")
        .arg("--service-code", "ec2")
        .arg("--quota-code", QUOTAS[usize::from(spot)])
}

pub(super) fn price(instance_type: &str, region: &str) -> Call {
    let filter = |field: &str, value: &str| format!("Type=TERM_MATCH,Field={field},Value={value}");
    Call::new("pricing", "get-products", "the price on demand")
        .arg("--region", PRICING_REGION)
        .arg("--service-code", "AmazonEC2")
        .args(
            "--filters",
            [
                filter("instanceType", instance_type),
                filter("regionCode", region),
                filter("operatingSystem", "Linux"),
                filter("tenancy", "Shared"),
                filter("preInstalledSw", "NA"),
                filter("capacitystatus", "Used"),
            ],
        )
}

pub(super) fn head_bucket(bucket: &str) -> Call {
    Call::new("s3api", "head-bucket", "whether the bucket is there").arg("--bucket", bucket)
}

/// What makes a bucket ours, the tag last: without it the bucket is somebody else's, or half made.
pub(super) fn make_bucket(bucket: &str, prefix: &str, region: &str) -> Vec<Call> {
    let on = |operation, why| Call::new("s3api", operation, why).arg("--bucket", bucket);
    let place = (region != "us-east-1").then(|| format!("LocationConstraint={region}"));
    vec![
        on("create-bucket", "the bucket, without access lists")
            .arg("--object-ownership", "BucketOwnerEnforced")
            .arg_if("--create-bucket-configuration", place),
        on("put-public-access-block", "private").arg("--public-access-block-configuration", policy::no_public_access()),
        on("put-bucket-encryption", "encrypted")
            .arg("--server-side-encryption-configuration", policy::encryption().to_string()),
        on("put-bucket-policy", "by TLS only").arg("--policy", policy::bucket(bucket).to_string()),
        on("put-bucket-lifecycle-configuration", "gone after 30 days")
            .arg("--lifecycle-configuration", policy::lifecycle(prefix).to_string()),
        on("put-bucket-tagging", "ours").arg("--tagging", format!("TagSet=[{{Key={},Value={}}}]", TAG.0, TAG.1)),
    ]
}

pub(super) fn bucket_tags(bucket: &str) -> Call {
    Call::new("s3api", "get-bucket-tagging", "whether the bucket is ours").arg("--bucket", bucket)
}

pub(super) fn get_role(role: &str) -> Call {
    Call::new("iam", "get-role", "whether the role is there").arg("--role-name", role)
}

pub(super) fn create_role(role: &str) -> Call {
    Call::new("iam", "create-role", "what instances may be")
        .arg("--role-name", role)
        .arg("--assume-role-policy-document", policy::trust().to_string())
        .arg("--tags", format!("Key={},Value={}", TAG.0, TAG.1))
}

pub(super) fn put_role_policy(role: &str, policy: &Value) -> Call {
    Call::new("iam", "put-role-policy", "and may do: the prefix of the bucket, nothing else")
        .arg("--role-name", role)
        .arg("--policy-name", role)
        .arg("--policy-document", policy.to_string())
}

pub(super) fn get_profile(role: &str) -> Call {
    Call::new("iam", "get-instance-profile", "whether the instance profile is there")
        .arg("--instance-profile-name", role)
}

pub(super) fn create_profile(role: &str) -> Call {
    Call::new("iam", "create-instance-profile", "the profile that hands the role to an instance")
        .arg("--instance-profile-name", role)
        .arg("--tags", format!("Key={},Value={}", TAG.0, TAG.1))
}

pub(super) fn add_role(role: &str) -> Call {
    Call::new("iam", "add-role-to-instance-profile", "with the role in it")
        .arg("--instance-profile-name", role)
        .arg("--role-name", role)
}

/// Another group where somebody wants to log in: the usual one is never opened.
pub(super) fn group_name(plan: &Plan) -> &'static str {
    if plan.key_pair.is_some() { "querydyno-ssh" } else { "querydyno" }
}

pub(super) fn find_group(plan: &Plan, vpc: &str) -> Call {
    Call::new("ec2", "describe-security-groups", "whether the security group is there").args(
        "--filters",
        [format!("Name=group-name,Values={}", group_name(plan)), format!("Name=vpc-id,Values={vpc}")],
    )
}

pub(super) fn create_group(plan: &Plan, vpc: &str) -> Call {
    Call::new("ec2", "create-security-group", "nothing comes in")
        .arg("--group-name", group_name(plan))
        .arg("--description", "QueryDyno: machines of runs")
        .arg("--vpc-id", vpc)
        .arg("--tag-specifications", tags("security-group", &[(TAG.0, TAG.1)]))
}

pub(super) fn open_ssh(group: &str, from: &str) -> Call {
    Call::new("ec2", "authorize-security-group-ingress", "but SSH from there")
        .arg("--group-id", group)
        .arg("--protocol", "tcp")
        .arg("--port", "22")
        .arg("--cidr", from)
}

/// What is known of machines of a run, those that ended too.
pub(super) fn machines(run_id: &str) -> Call {
    Call::new("ec2", "describe-instances", "machines of the run").args(
        "--filters",
        [format!("Name=tag:{},Values={}", TAG.0, TAG.1), format!("Name=tag:{TAG_RUN},Values={run_id}")],
    )
}

/// An answer of an earlier call that a machine is started with.
pub(super) struct Answers<'a> {
    pub(super) ami: &'a str,
    pub(super) subnet: &'a str,
    pub(super) group: &'a str,
}

pub(super) fn run_instance(plan: &Plan, job: &Job, attempt: u32, answers: &Answers<'_>, user_data: &str) -> Call {
    let attempt = attempt.to_string();
    let name = format!("querydyno-{}", job.name);
    let own = [
        (TAG.0, TAG.1),
        (TAG_RUN, plan.run_id.as_str()),
        (TAG_ENGINE, job.engine.as_str()),
        (TAG_ATTEMPT, attempt.as_str()),
        (TAG_EXPIRES, plan.expires_at.as_str()),
        ("Name", name.as_str()),
    ];
    let disk = format!(
        "DeviceName={ROOT_DISK},Ebs={{VolumeSize={},VolumeType=gp3,Encrypted=true,DeleteOnTermination=true}}",
        plan.disk_gib
    );
    // One-time: AWS is not to bring it back by itself, the driver does so once.
    let spot = "MarketType=spot,SpotOptions={SpotInstanceType=one-time,InstanceInterruptionBehavior=terminate}";
    // The zone is in it: after a refusal the same call for another zone is another one.
    let token = format!("{}-{}-{attempt}-{}", plan.run_id, job.name, answers.subnet);
    Call::new("ec2", "run-instances", "a machine for an engine")
        .arg("--image-id", answers.ami)
        .arg("--instance-type", &plan.instance_type)
        .arg("--count", "1")
        .arg("--subnet-id", answers.subnet)
        .arg("--security-group-ids", answers.group)
        .arg("--iam-instance-profile", format!("Name={}", policy::role(&plan.bucket, &plan.prefix)))
        .arg("--instance-initiated-shutdown-behavior", "terminate")
        .arg("--metadata-options", "HttpTokens=required,HttpEndpoint=enabled,HttpPutResponseHopLimit=1")
        .arg("--block-device-mappings", disk)
        .args("--tag-specifications", [tags("instance", &own), tags("volume", &own)])
        .arg("--client-token", token.chars().take(64).collect::<String>())
        .arg("--user-data", user_data)
        .arg_if("--key-name", plan.key_pair.as_deref())
        .arg_if("--instance-market-options", plan.spot.then_some(spot))
}

fn tags(resource: &str, tags: &[(&str, &str)]) -> String {
    let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{{Key={key},Value={value}}}")).collect();
    format!("ResourceType={resource},Tags=[{}]", tags.join(","))
}

//! The rights that `src/docs/cloud_rights.md` lists, held against the calls that a run makes.

use std::collections::BTreeSet;
use std::fs;

use querydyno::host::paths::root;
use serde_json::Value;

/// Calls that are not named as the right to them is. Of the high-level `s3`: reading, listing, writing.
const NAMED_OTHERWISE: [(&str, &[&str]); 14] = [
    ("s3 cp", &["s3:PutObject"]),
    ("s3 sync", &["s3:GetObject", "s3:ListBucket"]),
    ("s3api head-bucket", &["s3:ListBucket"]),
    ("s3api create-bucket", &["s3:CreateBucket", "s3:PutBucketOwnershipControls"]),
    ("s3api put-public-access-block", &["s3:PutBucketPublicAccessBlock"]),
    ("s3api put-bucket-encryption", &["s3:PutEncryptionConfiguration"]),
    ("s3api put-bucket-lifecycle-configuration", &["s3:PutLifecycleConfiguration"]),
    ("service-quotas get-service-quota", &["servicequotas:GetServiceQuota"]),
    ("ec2 run-instances", &["ec2:RunInstances", "ec2:CreateTags", "iam:PassRole", "iam:CreateServiceLinkedRole"]),
    ("ec2 create-security-group", &["ec2:CreateSecurityGroup", "ec2:CreateTags"]),
    ("iam create-role", &["iam:CreateRole", "iam:TagRole"]),
    ("iam create-instance-profile", &["iam:CreateInstanceProfile", "iam:TagInstanceProfile"]),
    // Nobody can be kept from it.
    ("sts get-caller-identity", &[]),
    ("pricing get-products", &["pricing:GetProducts"]),
];
/// Of what the user's example does not do: whether an object is there (with `GetObject`), SSH, cleaning up.
const BESIDE: [&str; 2] = ["ec2:AuthorizeSecurityGroupIngress", "s3:DeleteObject"];

/// The policy of the page.
pub fn policy() -> String {
    let page = fs::read_to_string(root().join("src/docs/cloud_rights.md")).unwrap();
    page.split("```json\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

/// Every call has its right among those of the first JSON block of the page, and no right is without a call.
pub fn check_policy(shown: &str) {
    let page = fs::read_to_string(root().join("src/docs/cloud_rights.md")).unwrap();
    let policy: Value = serde_json::from_str(&policy()).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let listed: BTreeSet<String> = statements
        .iter()
        .flat_map(|statement| statement["Action"].as_array().unwrap())
        .map(|action| action.as_str().unwrap().to_owned())
        .collect();
    let needed: BTreeSet<String> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("aws "))
        .flat_map(|call| rights(&call.trim_end_matches('\\').split_whitespace().take(2).collect::<Vec<_>>().join(" ")))
        .chain(BESIDE.map(str::to_owned))
        .collect();
    assert_eq!(listed, needed);
    for action in &listed {
        assert!(page.contains(&format!("| `{action}`")), "{action} has no reason in src/docs/cloud_rights.md");
    }
}

fn rights(call: &str) -> Vec<String> {
    if let Some((_, rights)) = NAMED_OTHERWISE.iter().find(|(name, _)| *name == call) {
        return rights.iter().map(|right| (*right).to_owned()).collect();
    }
    let (service, operation) = call.split_once(' ').unwrap();
    let words = operation.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
    vec![format!("{}:{}", service.trim_end_matches("api"), words.collect::<String>())]
}

//! What may be done, as AWS reads it: the bucket's policy and lifecycle, the role that instances take. `src/docs/cloud_rights.md` says why each
//! action is among them.

use querydyno::host::checksum::sha256;
use serde_json::{Value, json};

/// Objects are deleted after so many days.
const DAYS: u32 = 30;

/// Nobody is let in by it; whoever does not use TLS is kept out.
pub(super) fn bucket(bucket: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }],
    })
}

pub(super) fn lifecycle(prefix: &str) -> Value {
    json!({
        "Rules": [{
            "ID": "querydyno",
            "Status": "Enabled",
            "Filter": { "Prefix": format!("{prefix}/") },
            "Expiration": { "Days": DAYS },
            "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 1 },
        }],
    })
}

pub(super) fn no_public_access() -> &'static str {
    "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
}

pub(super) fn encryption() -> Value {
    json!({ "Rules": [{ "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" }, "BucketKeyEnabled": true }] })
}

/// Only EC2 gives the role away.
pub(super) fn trust() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }],
    })
}

/// All that a machine of a run may do: read below the prefix, and write tables, references and what runs leave.
pub(super) fn instance(bucket: &str, prefix: &str) -> Value {
    let arn = format!("arn:aws:s3:::{bucket}");
    let below = |folder: &str| format!("{arn}/{prefix}/{folder}*");
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "List",
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": arn,
                "Condition": { "StringLike": { "s3:prefix": format!("{prefix}/*") } },
            },
            { "Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": below("") },
            {
                "Sid": "Write",
                "Effect": "Allow",
                "Action": "s3:PutObject",
                "Resource": [below("data/"), below("answers/"), below("runs/")],
            },
        ],
    })
}

/// The role's name, and that of the instance profile and the policy in it: one for each place in S3.
pub(super) fn role(bucket: &str, prefix: &str) -> String {
    format!("querydyno-{}", &sha256(format!("{bucket}/{prefix}"))[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_can_neither_delete_nor_reach_beyond_the_prefix() {
        let policy = instance("b", "p").to_string();
        assert!(!policy.contains("Delete") && !policy.contains("ec2:") && !policy.contains("iam:"), "{policy}");
        let resources: Vec<&str> = policy.split('"').filter(|text| text.starts_with("arn:")).collect();
        assert!(
            resources.iter().all(|arn| *arn == "arn:aws:s3:::b" || arn.starts_with("arn:aws:s3:::b/p/")),
            "{policy}"
        );
        assert_ne!(role("b", "p"), role("b", "q"));
    }
}

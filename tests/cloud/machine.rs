//! An instance of moto and what belongs to it: whether it is as it is to be, and its script, run in its place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::common::text;
use super::server::{Aws, Credentials, SECRET, tag};
use super::{RUN, id};

/// As it is to be made.
pub fn check_bucket(aws: &Aws) {
    let asked = |what: &str| aws.ask(&["s3api", what, "--bucket", "bench"]);
    let rule = &asked("get-bucket-lifecycle-configuration")["Rules"][0];
    assert_eq!((rule["Expiration"]["Days"].as_u64(), rule["Filter"]["Prefix"].as_str()), (Some(30), Some("qd/")));
    let public = &asked("get-public-access-block")["PublicAccessBlockConfiguration"];
    assert!(public.as_object().unwrap().values().all(|blocked| blocked == true), "{public}");
    let policy = aws.proxy.policy().unwrap();
    assert!(policy.contains("aws:SecureTransport") && !policy.contains("Allow"), "{policy}");
    assert!(asked("get-bucket-encryption").to_string().contains("AES256"));
    assert!(asked("get-bucket-ownership-controls").to_string().contains("BucketOwnerEnforced"));
}

/// Tags, rights and what it lets in.
pub fn check_instance(aws: &Aws, instance: &Value, engine: &str) {
    for (name, value) in [("querydyno", "true"), ("querydyno-run-id", RUN), ("querydyno-engine", engine)] {
        assert_eq!(tag(instance, name), Some(value));
    }
    assert_eq!(tag(instance, "Name"), Some(format!("querydyno-{engine}").as_str()));
    assert!(tag(instance, "querydyno-expires").unwrap().ends_with('Z'));
    assert_eq!(instance["InstanceLifecycle"], "spot");
    let group = instance["SecurityGroups"][0]["GroupId"].as_str().unwrap();
    let group = aws.ask(&["ec2", "describe-security-groups", "--group-ids", group]);
    assert_eq!(group["SecurityGroups"][0]["IpPermissions"].as_array().map(Vec::len), Some(0), "{group}");
    let policy = role_policy(aws, instance).to_string();
    assert!(policy.contains("s3:GetObject") && !policy.contains("\"*\""), "{policy}");
    assert!(!user_data(aws, instance).contains(SECRET));
}

/// What it may do.
pub fn role_policy(aws: &Aws, instance: &Value) -> Value {
    let profile = instance["IamInstanceProfile"]["Arn"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let profile = aws.ask(&["iam", "get-instance-profile", "--instance-profile-name", &profile]);
    let role = profile["InstanceProfile"]["Roles"][0]["RoleName"].as_str().unwrap().to_owned();
    aws.ask(&["iam", "get-role-policy", "--role-name", &role, "--policy-name", &role])["PolicyDocument"].clone()
}

/// What it was started with.
pub fn user_data(aws: &Aws, instance: &Value) -> String {
    let args = ["ec2", "describe-instance-attribute", "--attribute", "userData", "--instance-id"];
    let answer = aws.ask(&[&args[..], &[&id(instance)]].concat());
    let mut decoder = Command::new("base64").arg("-d").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let encoded = answer["UserData"]["Value"].as_str().unwrap().to_owned();
    std::io::Write::write_all(&mut decoder.stdin.take().unwrap(), encoded.as_bytes()).unwrap();
    String::from_utf8(decoder.wait_with_output().unwrap().stdout).unwrap()
}

/// Those of all processes.
pub fn command_lines() -> String {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.map(|process| fs::read_to_string(process.path().join("cmdline")).unwrap_or_default()).collect()
}

/// Runs an instance's user-data as its machine would, in a folder of its own. What would change this machine only notes that it was called:
/// `shutdown`, `apt-get`; and there is no local disk. With the credentials of a user, moto looks at rights in the meantime.
pub fn run_script(aws: &Aws, instance: &Value, user: Option<Credentials>) {
    let folder = TempDir::new().unwrap();
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    let noted = folder.path().join("noted");
    for (name, does) in [("shutdown", "note"), ("apt-get", "note"), ("lsblk", "nothing")] {
        let program = folder.path().join(name);
        let note = format!("echo \"{name} $*\" >> {}", noted.display());
        fs::write(&program, format!("#!/bin/sh\n{}\n", if does == "note" { &note } else { "true" })).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let text_of_it = user_data(aws, instance);
    assert!(text_of_it.contains("export QD_WORK='/opt/querydyno'\n"));
    let file = folder.path().join("user-data");
    fs::write(&file, text_of_it.replace("/opt/querydyno'", &format!("{}'", work.display()))).unwrap();
    let mut bash = Command::new("bash");
    aws.here(bash.arg(&file).current_dir(&work));
    let path =
        bash.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value?.to_str()).unwrap().to_owned();
    bash.env("PATH", format!("{}:{path}", folder.path().display()));
    let looks_at_rights = user.is_some();
    aws.enforce(looks_at_rights);
    let output = bash.envs(user.into_iter().flatten()).output().unwrap();
    aws.enforce(false);
    assert!(output.status.success(), "{}", text(&output));
    // Once before all else, after a time that is long enough, and at the end; packages only where it may.
    let noted = fs::read_to_string(noted).unwrap();
    let lines: Vec<&str> = noted.lines().filter(|line| !line.starts_with("apt-get ")).collect();
    assert_eq!(lines, ["shutdown -h +360", "shutdown -h now"]);
    assert!(noted.starts_with("shutdown"), "{noted}");
    aws.ask(&["ec2", "terminate-instances", "--instance-ids", &id(instance)]);
}

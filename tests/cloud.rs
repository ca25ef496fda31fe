//! `cargo xtask cloud` against moto, which stands for AWS, and on this machine: what is asked of AWS, what a machine's script does, what is
//! left at the end.
//!
//! moto and the `aws` CLI are Python, in an environment that only `TEST_INSTALLS=1 cargo test --release --test cloud` makes. What moto does
//! not do, refuse, a proxy before it does. Instances of moto run nothing: the test does what a machine would, and runs the script of one.

mod common;

#[path = "cloud/docs.rs"]
mod docs;
#[path = "cloud/local.rs"]
mod local;
#[path = "cloud/machine.rs"]
mod machine;
#[path = "cloud/proxy.rs"]
mod proxy;
#[path = "cloud/rights.rs"]
mod rights;
#[path = "cloud/server.rs"]
mod server;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{text, xtask};
use machine::{check_bucket, check_instance, command_lines, run_script};
use proxy::Rule;
use querydyno::host::paths::root;
use querydyno::host::record::Record;
use serde_json::Value;
use server::{Aws, IMAGE, SECRET, left_out, tag, tools, until};

const STORE: &str = "s3://bench/qd";
const RUN: &str = "try-1";

fn script() -> String {
    fs::read_to_string(root().join("xtask/src/cloud/instance.sh")).unwrap()
}

/// The user's own example.
fn example(xtask: &Path) -> String {
    let args = "cloud run --instance-type c6i.2xlarge --scale 100 --suites tpch,tpcds --engines thunderduck,spark@3.5.3,spark@4.0.1,duckdb --runs 5 --run-id try-1 --dry-run";
    let output = Command::new(xtask)
        .args(args.split(' '))
        .env("AWS_REGION", "eu-central-1")
        .env("BENCHMARK_S3_BUCKET", "bench")
        .env_remove("BENCHMARK_S3_PREFIX")
        // No call can be made: there is no such program.
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(output.stderr.is_empty(), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn dry_run_of_the_users_example_prints_every_call() {
    let Some(xtask) = xtask("cloud") else { return };
    let shown = example(xtask);
    // The script has its file; where it stands is what counts.
    let script = script();
    let body = script.strip_prefix("#!/usr/bin/env bash\n").unwrap();
    assert!(shown.contains(body), "the whole script is shown");
    let shown = shown.replace(body, "(instance.sh)\n");
    let time = |text: &str| {
        let mut parts = text.split("querydyno-expires,Value=");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |all, part| all + "querydyno-expires,Value=EXPIRES" + &part[20..])
    };
    insta::assert_snapshot!("dry_run", time(&shown));
}

#[test]
fn the_documented_policy_is_what_the_calls_need() {
    let Some(xtask) = xtask("cloud") else { return };
    docs::check_policy(&example(xtask));
}

#[test]
fn what_cannot_be_meant_is_told_before_anything_is_asked() {
    let Some(xtask) = xtask("cloud") else { return };
    for (args, told) in [
        ("--instance-type c6i.2xlarge --engines duckbd", "there is no engine 'duckbd'"),
        ("--instance-type c6i.2xlarge --engines duckdb,duckdb", "named twice"),
        ("--instance-type huge --engines duckdb", "no instance type"),
        ("--instance-type c6i.2xlarge --engines duckdb --queries q99", "has a query q99"),
        ("--instance-type c6i.2xlarge --engines duckdb --runs 0", "0 runs"),
        ("--instance-type c6i.2xlarge --engines duckdb --max-hours 1000", "between 0.1 and 168"),
        ("--instance-type c6i.2xlarge --engines duckdb --price-per-hour 9", "--max-hours 2.2"),
        ("--instance-type c6i.2xlarge --engines duckdb --prefix ../up", "no folder in a bucket"),
        ("--instance-type c6i.2xlarge --engines duckdb --run-id a/b", "--run-id a/b"),
        ("--engines duckdb", "--instance-type"),
        ("--instance-type c6i.2xlarge --engines duckdb --key-pair mine", "--ssh-from"),
    ] {
        let mut command = Command::new(xtask);
        command.args(["cloud", "run", "--region", "us-east-1"]).args(args.split(' ')).env("PATH", "/nowhere");
        let output = command.output().unwrap();
        assert!(!output.status.success() && text(&output).contains(told), "{args}: {}", text(&output));
    }
}

#[test]
fn shellcheck_finds_nothing_in_the_script() {
    let Some(tools) = tools() else { return };
    let script = root().join("xtask/src/cloud/instance.sh");
    let output = Command::new(tools.join("shellcheck")).arg(script).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}

/// What a run of these engines is called with; programs have to be there.
fn args<'a>(engines: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let usual = "run --instance-type c6i.2xlarge --scale 0.01 --queries q6 --runs 10 --bucket bench --prefix qd --price-per-hour 0.34 --yes";
    let mut args: Vec<&str> = usual.split(' ').collect();
    args.extend(["--ami", IMAGE, "--engines", engines]);
    args.extend(more);
    args
}

fn are_built(engines: &[&str]) -> bool {
    let found = engines.iter().all(|engine| common::catalog().entry(engine).unwrap().find().is_some());
    if !found {
        left_out(&format!("one of {engines:?} is not built: cargo xtask build {}", engines.join(" ")));
    }
    found
}

/// A result of this engine, as its machine would write it.
fn record(engine: &str) -> String {
    let mut record: Record = serde_json::from_str(include_str!("records/measured.json")).unwrap();
    record.id = format!("{engine}/q6/sf0.01/parquet").parse().unwrap();
    engine.clone_into(&mut record.engine.name);
    serde_json::to_string(&record).unwrap() + "\n"
}

fn facts(attempt: u32, stage: &str) -> String {
    format!(
        "{{\"attempt\":{attempt},\"stage\":\"{stage}\",\"cells\":1,\"seconds\":90,\"at\":\"2026-11-28T20:00:00Z\"}}"
    )
}

/// What was brought home of an engine.
fn brought(aws: &Aws, engine: &str) -> Vec<Record> {
    let file = aws.home().join(format!("records/cloud-{RUN}-{engine}.jsonl"));
    querydyno::host::record::read(&file).unwrap_or_default()
}

fn instance_of(aws: &Aws, engine: &str) -> Option<Value> {
    aws.up(&[&format!("Name=tag:querydyno-run-id,Values={RUN}"), &format!("Name=tag:querydyno-engine,Values={engine}")])
        .pop()
}

fn id(instance: &Value) -> String {
    instance["InstanceId"].as_str().unwrap().to_owned()
}

fn refuse(words: &[&str], times: usize, status: u16, code: &'static str) -> Rule {
    Rule { words: words.iter().map(|word| (*word).to_owned()).collect(), times, status, code }
}

#[test]
fn a_run_of_three_engines_goes_from_nothing_to_nothing() {
    if !are_built(&["null", "arrow"]) {
        return;
    }
    let rules = vec![
        refuse(&["Action=CreateRole"], 2, 503, "Throttling"),
        refuse(&["Action=RunInstances", "querydyno-arrow"], 1, 503, "RequestLimitExceeded"),
        refuse(&["PUT /bench/qd/runs/try-1/run.json"], 1, 503, "SlowDown"),
    ];
    let Some(aws) = Aws::new(rules) else { return };
    let subnets = aws.ask(&["ec2", "describe-subnets", "--filters", "Name=availability-zone,Values=us-east-1a"]);
    let first = subnets["Subnets"][0]["SubnetId"].as_str().unwrap();
    aws.proxy.add(refuse(&["Action=RunInstances", first, "querydyno-null"], 1, 500, "InsufficientInstanceCapacity"));
    let planted = [aws.plant(&[]), aws.plant(&[("querydyno", "false"), ("querydyno-run-id", RUN)])];

    let log = fs::File::create(aws.folder.path().join("log")).unwrap();
    let mut command = aws.cloud(&args("null,arrow,pandas", &["--run-id", RUN, "--spot"]));
    let mut driver = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let running = |driver: &mut std::process::Child| {
        let log = || fs::read_to_string(aws.folder.path().join("log")).unwrap();
        assert!(driver.try_wait().unwrap().is_none(), "{}", log());
    };
    let [null, arrow, pandas] = ["null", "arrow", "pandas"].map(|engine| {
        until(&format!("the instance of {engine}"), || {
            running(&mut driver);
            instance_of(&aws, engine)
        })
    });
    check_bucket(&aws);
    for (instance, engine) in [(&null, "null"), (&arrow, "arrow"), (&pandas, "pandas")] {
        check_instance(&aws, instance, engine);
    }
    let zone = |instance: &Value| instance["Placement"]["AvailabilityZone"].as_str().unwrap().to_owned();
    assert_eq!((zone(&null), zone(&arrow)), ("us-east-1b".to_owned(), "us-east-1a".to_owned()));
    assert!(aws.proxy.open().is_empty(), "not refused: {:?}", aws.proxy.open());
    assert!(!command_lines().contains(SECRET), "a secret is in the list of processes");

    // The null machine, which was to make the tables, is taken back; so another, which does what its script says, makes them. Null begins
    // again; pandas fails.
    aws.write(&format!("{STORE}/runs/{RUN}/null/INTERRUPTED"), &facts(1, "measure"));
    aws.ask(&["ec2", "terminate-instances", "--instance-ids", &id(&null)]);
    run_script(&aws, &arrow, None);
    let again = until("the second instance of null", || {
        running(&mut driver);
        instance_of(&aws, "null").filter(|again| id(again) != id(&null))
    });
    assert_eq!(tag(&again, "querydyno-attempt"), Some("2"));
    aws.write(&format!("{STORE}/runs/{RUN}/null/records/20261120T175042Z-19211.jsonl"), &record("null"));
    aws.write(&format!("{STORE}/runs/{RUN}/null/DONE"), &facts(2, "end"));
    aws.write(&format!("{STORE}/runs/{RUN}/pandas/log.txt"), "no room\n");
    aws.write(&format!("{STORE}/runs/{RUN}/pandas/FAILED"), &facts(1, "data"));

    let output = driver.wait_with_output().unwrap();
    let log = fs::read_to_string(aws.folder.path().join("log")).unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success() && log.contains("without pandas"), "{log}");
    let folder = aws.home().join("cloud").join(RUN);
    assert_eq!(fs::read_to_string(folder.join("pandas/log.txt")).unwrap(), "no room\n");
    for (engine, records) in [("null", 1), ("arrow", 1), ("pandas", 0)] {
        assert_eq!(brought(&aws, engine).len(), records, "{engine}: {log}");
    }
    let log_of_arrow = fs::read_to_string(folder.join("arrow/log.txt")).unwrap();
    assert!(log_of_arrow.contains("null does not make the tables: making them here"), "{log_of_arrow}");
    let of_arrow = &brought(&aws, "arrow")[0];
    assert!(of_arrow.ranks() && of_arrow.machine_class().starts_with("c6i.2xlarge, "), "{of_arrow:?}");
    assert!(told.contains("Dollars for 1,000 runs: 0.34 $") && told.contains("the run itself"), "{told}");
    assert!(fs::read_to_string(folder.join("report.html")).unwrap().contains("<section id=\"cost\">"));
    for text in [&told, &log, &log_of_arrow] {
        assert!(!text.contains(SECRET), "{text}");
    }
    // The script has ended its machine, the command has ended the others, and nothing of anybody else's.
    let mut left: Vec<String> = aws.up(&[]).iter().map(id).collect();
    left.sort();
    let mut planted = planted.to_vec();
    planted.sort();
    assert_eq!(left, planted, "{log}");
}

#[test]
fn a_run_whose_command_is_killed_at_each_step_goes_on_when_attached() {
    if !are_built(&["null"]) {
        return;
    }
    let Some(aws) = Aws::new(Vec::new()) else { return };
    let killed = |args: &[&str], stage: &str| {
        let output = aws.cloud(args).env("TEST_CLOUD_STAGE", stage).output().unwrap();
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&output.status),
            Some(9),
            "{stage}: {}",
            text(&output)
        );
    };
    let begin = args("null", &["--run-id", RUN]);
    for stage in ["create-bucket", "put-bucket-policy", "put-bucket-tagging", "stored"] {
        killed(&begin, stage);
    }
    check_bucket(&aws);
    let attach = ["attach", RUN];
    for stage in ["uploaded", "create-role", "create-instance-profile", "role", "group", "started"] {
        killed(&attach, stage);
    }
    // Whoever attaches from another machine knows where the store is, and nothing else.
    fs::remove_dir_all(aws.home()).unwrap();
    let attach = ["attach", RUN, "--bucket", "bench", "--prefix", "qd"];
    let instance = instance_of(&aws, "null").expect("it was started");
    aws.write(&format!("{STORE}/runs/{RUN}/null/records/20261120T175042Z-19211.jsonl"), &record("null"));
    aws.write(&format!("{STORE}/runs/{RUN}/null/DONE"), &facts(1, "end"));
    for stage in ["followed", "collected"] {
        killed(&attach, stage);
    }
    assert_eq!(aws.up(&["Name=tag:querydyno,Values=true"]).iter().map(id).collect::<Vec<_>>(), [id(&instance)]);
    let output = aws.cloud(&attach).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(brought(&aws, "null").len(), 1);
    assert!(aws.up(&[]).is_empty());
}

/// A run from its check to its instance with the rights of the page, and the instance's script with those of its role. Then each action alone is
/// taken away, and what needs it is refused; but for those that moto does not look at, of which the page says so.
#[test]
fn the_documented_rights_are_enough_and_each_is_needed() {
    if !are_built(&["arrow"]) {
        return;
    }
    let Some(aws) = Aws::new(Vec::new()) else { return };
    let [full, machine, less] = ["full", "machine", "less"].map(|name| aws.user(name));
    let rights = rights::listed();
    aws.allow("full", &rights::as_moto_reads(&rights));
    aws.enforce(true);
    let mut command = aws.cloud(&args("arrow", &["--run-id", RUN]));
    let output = command.envs(full).env("TEST_CLOUD_STAGE", "started").output().unwrap();
    aws.enforce(false);
    assert!(text(&output).contains("arrow: i-"), "{}", text(&output));
    let instance = instance_of(&aws, "arrow").expect("it was started");
    aws.allow("machine", &rights::as_moto_reads(&rights::of_role(&aws, &instance)));
    run_script(&aws, &instance, Some(machine));
    for (action, call) in rights::CALLS {
        let without: Vec<String> = rights.iter().filter(|right| *right != action).cloned().collect();
        assert_eq!(without.len() + 1, rights.len(), "{action} is not on the page");
        aws.allow("less", &rights::as_moto_reads(&without));
        aws.enforce(true);
        let output = aws.run_as(&less, &call.split(' ').collect::<Vec<_>>());
        aws.enforce(false);
        let said = text(&output);
        let is_refused = ["AccessDenied", "UnauthorizedOperation", "(403)"].iter().any(|code| said.contains(code));
        assert!(!output.status.success() && is_refused, "without {action}: {said}");
    }
    rights::check_the_rest(&rights);
}

#[test]
fn terminate_and_clean_end_what_is_ours_and_nothing_else() {
    let Some(aws) = Aws::new(Vec::new()) else { return };
    let ours = |run: &str| aws.plant(&[("querydyno", "true"), ("querydyno-run-id", run), ("querydyno-engine", "null")]);
    let others = [
        aws.plant(&[]),
        aws.plant(&[("querydyno", "yes"), ("querydyno-run-id", "a")]),
        aws.plant(&[("Name", "querydyno")]),
    ];
    let [a, b, c] = ["a", "b", "c"].map(ours);
    let cloud = |args: &str| {
        let output = aws.cloud(&args.split(' ').collect::<Vec<_>>()).output().unwrap();
        (output.status.success(), text(&output))
    };
    let up = || aws.up(&[]).iter().map(id).collect::<Vec<_>>();
    let (_, listed) = cloud("list");
    assert!(
        [&a, &b, &c].iter().all(|id| listed.contains(*id)) && others.iter().all(|id| !listed.contains(id)),
        "{listed}"
    );
    for (args, told) in [
        ("terminate --all --dry-run", "3 would be terminated"),
        ("terminate --older-than 1h --yes", "nothing of ours"),
        ("terminate --run-id nobody --yes", "nothing of ours"),
        ("terminate --all", "give --yes"),
    ] {
        let (_, said) = cloud(args);
        assert!(said.contains(told) && up().len() == 6, "{args}: {said}");
    }
    assert!(cloud("terminate --run-id a --yes").0);
    assert!(!up().contains(&a) && up().contains(&b));
    assert!(cloud("terminate --older-than 0m --yes").0);
    let mut left = up();
    left.sort();
    let mut others = others.to_vec();
    others.sort();
    assert_eq!(left, others);

    aws.ask(&["s3api", "create-bucket", "--bucket", "bench"]);
    for key in ["qd/runs/a/DONE", "qd/data/x", "mine/x", "qdx"] {
        aws.write(&format!("s3://bench/{key}"), "1");
    }
    let place = "bucket --clean --bucket bench --prefix qd";
    let (_, said) = cloud(&format!("{place} --dry-run"));
    assert!(said.contains("2 objects below s3://bench/qd/") && said.contains("would be"), "{said}");
    assert!(cloud(&format!("{place} --yes")).0);
    let left = aws.ask(&["s3api", "list-objects-v2", "--bucket", "bench", "--query", "Contents[].Key"]);
    assert_eq!(left, serde_json::json!(["mine/x", "qdx"]));
}

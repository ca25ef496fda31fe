//! Servers, started and stopped for real: the Hive Metastore where its jars have been fetched already, `MariaDB` where it is
//! installed. What is not there is left out and named. Nothing is downloaded.
//!
//! Each command runs in a process of its own, as `cargo xtask services` does, with a target folder of its own.

#[path = "common/served.rs"]
mod served;

use std::env;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use querydyno::host::paths;
use querydyno::host::services::{How, Service, State, hive_jars, owner};
use serde_json::{Value, json};
use served::{PASSWORD, Place, SECRET, left_out, runs, said, services};

/// What other tests start, as a process of its own: `up mariadb`.
#[test]
#[ignore = "other tests run it in another process"]
fn the_command() {
    served::obey();
}

fn new_place(service: Service) -> Place {
    Place::with(service, &[("MYSQL_PASSWORD", PASSWORD)])
}

/// Everything that the processes of this machine show of their commands.
fn process_list() -> String {
    let of = |entry: fs::DirEntry| fs::read(entry.path().join("cmdline")).unwrap_or_default();
    let all = fs::read_dir("/proc").unwrap().flatten().flat_map(of).collect::<Vec<u8>>();
    String::from_utf8_lossy(&all).into_owned()
}

/// From nothing to nothing, by way of all that can be asked of a server.
fn lives_and_ends(place: &Place) {
    let (service, port) = (place.service, place.port);
    assert_eq!(place.run("up"), "native up before: false");
    let pid = place.pid().unwrap();
    assert!(runs(pid));
    assert_eq!(owner(port).unwrap().pid, Some(pid));

    assert_eq!(place.run("up"), "native up before: true");
    assert_eq!(place.pid(), Some(pid));
    let status = place.status();
    assert_eq!((status.how, status.state, status.pid), (Some(How::Native), State::Up, Some(pid)));
    assert_eq!(status.address, format!("localhost:{port}"));
    assert!(status.log.unwrap().is_file());
    let elsewhere = new_place(service);
    let moved = said(place.start_on("up", elsewhere.port));
    assert!(moved.contains(&format!("{service} is up on port {port}, not {}", elsewhere.port)), "{moved}");

    // Another target folder knows nothing of it, and finds its port taken.
    let mut other = new_place(service);
    other.port = port;
    let taken = other.run("up");
    assert!(taken.contains(&format!("port {port} is taken by process {pid} (")), "{taken}");
    assert_eq!(other.run("down"), "stopped: nothing");
    assert!(runs(pid));

    assert_eq!(place.run("down"), "stopped: native");
    assert!(!runs(pid) && place.pid().is_none() && owner(port).is_none());
    assert_eq!(place.run("down"), "stopped: nothing");
    assert_eq!(place.status().state, State::Down);
}

#[test]
fn a_hive_metastore_lives_and_ends() {
    let Some(jars) = hive_jars(&paths::own("services")) else {
        return left_out("the Hive Metastore, its jars are not there; cargo xtask services up hive fetches them");
    };
    if Command::new("java").arg("--version").output().is_err() {
        return left_out("the Hive Metastore, there is no java; apt-get install openjdk-17-jre-headless");
    }
    let place = new_place(Service::Hive);
    fs::create_dir_all(place.home()).unwrap();
    symlink(&jars, place.home().join(jars.file_name().unwrap())).unwrap();
    lives_and_ends(&place);
    // What it keeps is kept, and what it was made in is gone.
    assert!(place.folder().join("db/service.properties").is_file());
    assert_eq!(fs::read_dir(place.folder().join("making")).unwrap().count(), 0);
    assert_eq!(place.run("up"), "native up before: false");
}

/// Whether `MariaDB` can be started here.
fn has_mariadb() -> bool {
    let there = services().how(Service::MariaDb, true).is_ok();
    if !there {
        left_out("MariaDB, there is no mariadbd; apt-get install mariadb-server");
    }
    there
}

/// What the server answers the user, or its error.
fn ask(place: &Place, user: &str, password: &str, sql: &str) -> Result<String, String> {
    let output = Command::new("mariadb")
        .args(["--no-defaults", "--host=127.0.0.1", "--batch", "--skip-column-names"])
        .args([format!("--port={}", place.port), format!("--user={user}")])
        .args(["--execute", sql])
        .env("MYSQL_PWD", password)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
fn mariadb_lives_and_ends() {
    if has_mariadb() {
        lives_and_ends(&new_place(Service::MariaDb));
    }
}

#[test]
fn mariadbs_user_has_a_password_that_nothing_shows_and_data_that_stays() {
    if !has_mariadb() {
        return;
    }
    let place = new_place(Service::MariaDb);
    assert_eq!(place.run("up"), "native up before: false");
    assert_eq!(ask(&place, "querydyno", PASSWORD, "CREATE DATABASE kept; SELECT @@local_infile"), Ok("1".to_owned()));
    for (user, password) in [("querydyno", "querydyno"), ("querydyno", ""), ("root", "")] {
        let refused = ask(&place, user, password, "SELECT 1").unwrap_err();
        assert!(refused.contains("Access denied"), "{user}: {refused}");
    }
    let pid = place.pid().unwrap();
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
    assert!(!String::from_utf8_lossy(&environment).contains(SECRET));
    assert!(!process_list().contains(SECRET));
    for entry in fs::read_dir(place.folder()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let text = fs::read(entry.path()).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains(SECRET), "{}", entry.path().display());
    }
    assert!(!place.folder().join("init.sql").exists());

    assert_eq!(place.run("down"), "stopped: native");
    assert_eq!(place.run("up"), "native up before: false");
    assert!(ask(&place, "querydyno", PASSWORD, "SHOW DATABASES").unwrap().lines().any(|database| database == "kept"));
}

#[test]
fn of_two_that_start_it_at_once_one_does() {
    if !has_mariadb() {
        return;
    }
    let place = new_place(Service::MariaDb);
    let both = [place.start("up"), place.start("up")];
    let mut said = both.map(said);
    said.sort();
    assert_eq!(said, ["native up before: false", "native up before: true"]);
}

#[test]
fn a_port_that_another_has_is_named_with_its_owner() {
    let Some(service) = [Service::MariaDb, Service::Hive].into_iter().find(|one| services().how(*one, true).is_ok())
    else {
        return left_out("a taken port, neither MariaDB nor the Hive Metastore can be started");
    };
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let mut place = new_place(service);
    place.port = port;
    let error = place.run("up");
    let us = format!("port {port} is taken by process {} (", std::process::id());
    assert!(error.contains(&us) && error.contains(service.ports()[0].variable), "{error}");
    assert!(place.pid().is_none());
    let note = place.status().note.unwrap();
    assert!(note.contains(&us), "{note}");
}

#[test]
fn a_process_that_is_not_ours_is_never_stopped() {
    let place = new_place(Service::Hive);
    fs::create_dir_all(place.folder()).unwrap();
    let mut stranger = Command::new("sleep").arg("1000").spawn().unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    // Its number is that of a server which was started at another time.
    let kept = json!({ "pid": stranger.id(), "port": place.port, "started_ticks": 1, "boot": boot.trim() });
    for text in [kept.to_string(), "half a".to_owned()] {
        fs::write(place.folder().join("pid.json"), text).unwrap();
        assert_eq!(place.pid(), None);
        assert_eq!(place.run("down"), "stopped: nothing");
        assert!(stranger.try_wait().unwrap().is_none());
        assert!(!place.folder().join("pid.json").exists());
    }
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn what_needs_docker_says_so_and_how() {
    let services = services();
    if services.no_docker().is_none() {
        return left_out("a machine without Docker, there is an engine");
    }
    let error = services.how(Service::StarRocks, false).unwrap_err().to_string();
    assert!(error.contains("on a machine with Docker: cargo xtask services up starrocks"), "{error}");
    assert!(!error.contains('\n'));
}

fn compose_file() -> PathBuf {
    paths::root().join("fixtures/services/compose.yaml")
}

#[test]
fn the_compose_file_has_our_services_ports_and_exact_images() {
    let text = fs::read_to_string(compose_file()).unwrap();
    let contained = || Service::ALL.into_iter().filter(|service| service.in_container());
    for service in contained() {
        assert!(text.contains(&format!("\n  {service}:\n")), "{service}");
        for port in service.ports() {
            assert!(text.contains(&format!("127.0.0.1:${{{}:-{}}}:", port.variable, port.default)), "{port:?}");
        }
    }
    let images: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("image: ")).collect();
    assert_eq!(images.len(), contained().count());
    for image in images {
        let (_, tag) = image.rsplit_once('/').map_or(image, |(_, name)| name).split_once(':').unwrap();
        assert!(tag.chars().any(|digit| digit.is_ascii_digit()) && !tag.contains("latest"), "{image}");
    }
}

/// Docker Compose by any of its names, with its first arguments.
fn compose() -> Option<Vec<String>> {
    let told = env::var("DOCKER_COMPOSE").ok().filter(|path| !path.is_empty());
    let names = [
        told.map(|path| vec![path]),
        Some(vec!["docker-compose".into()]),
        Some(vec!["docker".into(), "compose".into()]),
    ];
    let answers = |name: &Vec<String>| {
        let version = Command::new(&name[0]).args(&name[1..]).arg("version").output();
        version.is_ok_and(|output| output.status.success())
    };
    names.into_iter().flatten().find(answers)
}

#[test]
fn docker_compose_accepts_the_file() {
    let Some(compose) = compose() else {
        return left_out("docker compose config, there is none; name one with DOCKER_COMPOSE");
    };
    let data = Path::new("/some/where/data");
    let output = Command::new(&compose[0])
        .args(&compose[1..])
        .arg("--file")
        .arg(compose_file())
        .args(["config", "--format", "json"])
        .env("QUERYDYNO_DATA", data)
        .env("HIVE_PORT", "19083")
        .env("MYSQL_PASSWORD", PASSWORD)
        .env("POSTGRES_PASSWORD", PASSWORD)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("secret\\\""), "the password is shown: {text}");
    let file: Value = serde_json::from_str(&text).unwrap();
    let services = file["services"].as_object().unwrap();
    assert_eq!(services.len(), Service::ALL.into_iter().filter(|service| service.in_container()).count());
    for (name, service) in services {
        assert!(service["healthcheck"]["test"].is_array(), "{name}");
        for port in service["ports"].as_array().unwrap() {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}");
        }
    }
    assert_eq!(services["hive"]["ports"][0]["published"], "19083");
    for name in ["hive", "starrocks", "spark-4.0", "spark-3.5", "spark-cluster", "trino"] {
        let volumes = services[name]["volumes"].as_array().unwrap();
        let ours = volumes.iter().find(|volume| volume["target"] == data.to_str().unwrap()).unwrap();
        assert_eq!((ours["source"].as_str(), &ours["read_only"]), (data.to_str(), &Value::Bool(true)), "{name}");
    }
}

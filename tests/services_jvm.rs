//! Spark, its cluster, Thunderduck and Trino as services, with real servers, and what goes wrong with them: each fault is one clear
//! message, and nothing is left behind.
//!
//! What starts a server is for `TEST_SLOW`, and for where the server has been fetched already: nothing is downloaded.

#[path = "common/fetched.rs"]
mod fetched;
#[path = "common/served.rs"]
mod served;
#[path = "common/slow.rs"]
mod slow;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fetched::{has_java, new_place, with_server};
use querydyno::host::services::{Service, State, hive_jars, owner};
use querydyno::measure::{memory, tree};
use served::{Place, left_out, runs};

/// What other tests start, as a process of its own: `up spark-4.0`.
#[test]
#[ignore = "other tests run it in another process"]
fn the_command() {
    served::obey();
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

/// Kills a process, and waits until the kernel has it for ended: its memory goes before.
fn kill(pid: u32) {
    signal("-KILL", pid);
    while tree::look(pid).is_some_and(|process| !process.ended) {
        sleep(Duration::from_millis(20));
    }
}

/// Neither a process nor a temporary file of it.
fn nothing_is_left(place: &Place) {
    assert_eq!(place.marked(), Vec::<u32>::new());
    assert!(!place.folder().join("pid.json").exists());
    assert!(!place.folder().join("temporary").exists());
    assert_eq!(fs::read_dir(place.home().join("making")).map_or(0, Iterator::count), 0);
}

/// From nothing to nothing, with a stall on the way.
fn lives_stalls_and_ends(place: &Place, setting: &str, value: &str) {
    let service = place.service;
    assert_eq!(place.run("up"), "native up before: false");
    let pid = place.pid().unwrap();
    assert_eq!(owner(place.port).unwrap().pid, Some(pid));
    assert_eq!(place.run("up"), "native up before: true");
    let status = place.status();
    assert_eq!((status.state, status.pid), (State::Up, Some(pid)));
    let configuration = status.configuration.unwrap();
    assert_eq!(configuration.settings.get(setting).map(String::as_str), Some(value), "{configuration:?}");
    assert!(!configuration.version.is_empty() && !configuration.source.is_empty() && !configuration.java.is_empty());

    signal("-STOP", pid);
    let status = place.status();
    assert_eq!(status.state, State::Silent);
    let note = status.note.unwrap();
    assert!(note.contains("stopped by a signal") && note.contains(&format!("services down {service}")), "{note}");
    let refused = place.run("up");
    assert!(refused.contains(&format!("{service} does not answer")), "{refused}");
    let began = Instant::now();
    assert_eq!(place.run("down"), "stopped: native");
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    assert!(!runs(pid) && owner(place.port).is_none());
    nothing_is_left(place);
    assert_eq!(place.run("down"), "stopped: nothing");
}

#[test]
fn spark_4_0_lives_stalls_and_ends() {
    let Some(mut place) = with_server(Service::Spark40) else { return };
    lives_stalls_and_ends(&place, "spark.master", "local[2]");
    // The user's own, named from here: a server runs in another folder.
    let own = place.target.path().join("own");
    fs::create_dir(&own).unwrap();
    std::os::unix::fs::symlink(hive_jars(&place.home()).unwrap(), own.join("jars")).unwrap();
    let up = "../".repeat(std::env::current_dir().unwrap().components().count() - 1);
    place.set("SPARK_HOME", &format!("{up}{}", own.strip_prefix("/").unwrap().display()));
    // One that runs is not taken for another.
    assert_eq!(place.run("up"), "native up before: false");
    place.set("QUERYDYNO_THREADS", "1");
    let other = place.run("up");
    assert!(other.contains("spark-4.0 is up with spark.master local[2], not local[1]"), "{other}");

    // Killed while it is up: the next start is a fresh one, and nothing of the old is left.
    let pid = place.pid().unwrap();
    kill(pid);
    assert_eq!(place.pid(), None);
    assert_eq!(place.run("up"), "native up before: false");
    let fresh = place.pid().unwrap();
    assert!(fresh != pid && place.marked() == [fresh]);
    assert_eq!(place.run("down"), "stopped: native");
    nothing_is_left(&place);
}

#[test]
fn spark_3_5_lives_stalls_and_ends() {
    if let Some(place) = with_server(Service::Spark35) {
        lives_stalls_and_ends(&place, "spark.sql.shuffle.partitions", "2");
    }
}

#[test]
fn trino_lives_stalls_and_ends() {
    let Some(mut place) = with_server(Service::Trino) else { return };
    lives_stalls_and_ends(&place, "task.max-worker-threads", "2");
    assert_eq!(place.run("up"), "native up before: false");
    refuses_other_memory(&mut place, "trino is up with -Xmx 1024m, not 2048m");
}

/// One that runs with less memory than is asked for is named, and not taken.
fn refuses_other_memory(place: &mut Place, says: &str) {
    let before = place.pid();
    place.set("QUERYDYNO_SERVICE_MEMORY", "2GiB");
    let other = place.run("up");
    assert!(other.contains(says) && other.contains("services down"), "{other}");
    assert_eq!(place.pid(), before);
}

#[test]
fn a_cluster_is_measured_and_stopped_as_all_its_processes() {
    let Some(mut place) = with_server(Service::SparkCluster) else { return };
    assert_eq!(place.run("up"), "native up before: false");
    refuses_other_memory(&mut place, "spark-cluster is up with spark.driver.memory 512m, not 682m");
    // Master, two workers, the server, and an executor of each worker.
    let processes = place.processes();
    let sorted = |mut pids: Vec<u32>| {
        pids.sort_unstable();
        pids
    };
    assert_eq!(processes.len(), 6);
    assert_eq!(sorted(processes.clone()), sorted(place.marked()));
    assert_eq!(processes[0], place.pid().unwrap());
    let each: u64 = processes.iter().map(|pid| memory::resident_of(&[*pid]).unwrap().bytes.0).sum();
    let together = memory::resident_of(&processes).unwrap();
    assert_eq!(together.processes, 6);
    // It goes on meanwhile.
    assert!(together.bytes.0.abs_diff(each) < each / 10, "{together:?} {each}");
    let alone = tree::cpu_ns(&processes[..1]).unwrap();
    assert!(tree::cpu_ns(&processes).unwrap() > alone);

    // Of the workers' session, whose leader is dead then.
    let worker = tree::look(*processes.last().unwrap()).unwrap().session;
    kill(worker);
    assert_eq!(place.pid(), None);
    let said = place.run("status");
    assert!(said.starts_with("down it has ended by itself or was killed"), "{said}");
    nothing_is_left(&place);
    assert!(processes.iter().all(|pid| !runs(*pid)));
}

#[test]
fn a_port_that_is_taken_is_named_with_its_owner() {
    for service in [Service::Spark40, Service::Trino] {
        if !has_java(service) {
            continue;
        }
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut place = new_place(service);
        place.port = socket.local_addr().unwrap().port();
        let error = place.run("up");
        let us = format!("port {} is taken by process {} (", place.port, std::process::id());
        assert!(error.contains(&us) && error.contains(service.ports()[0].variable), "{error}");
        nothing_is_left(&place);
    }
}

/// A program that says that it is another Java.
fn other_java(folder: &Path) -> PathBuf {
    let program = folder.join("java");
    fs::write(&program, "#!/bin/sh\necho 'openjdk 11.0.2 2019-01-15'\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[test]
fn a_java_that_does_not_fit_is_refused_with_what_fits() {
    for (service, needs) in [
        (Service::Spark40, "spark-4.0 needs Java 17 to 22"),
        (Service::Spark35, "spark-3.5 needs Java 17"),
        (Service::SparkCluster, "spark-cluster needs Java 17 to 22"),
        (Service::Trino, "trino needs Java 24 or newer"),
    ] {
        let mut place = new_place(service);
        let java = other_java(place.target.path());
        place.set("QUERYDYNO_JAVA", java.to_str().unwrap());
        let error = place.run("up");
        assert!(error.contains(needs) && error.contains("QUERYDYNO_JAVA is 11.0.2 at"), "{error}");
        nothing_is_left(&place);
    }
}

#[test]
fn memory_that_is_too_little_or_too_much_is_refused() {
    for (service, least) in
        [(Service::Spark40, "512 MiB"), (Service::SparkCluster, "1.50 GiB"), (Service::Trino, "1.00 GiB")]
    {
        if !has_java(service) {
            continue;
        }
        let mut place = new_place(service);
        for (memory, says) in [("64MiB", format!("give it {least} or more")), ("900TiB", "this machine has".to_owned())]
        {
            place.set("QUERYDYNO_SERVICE_MEMORY", memory);
            let error = place.run("up");
            assert!(error.contains(&says) && error.contains("QUERYDYNO_SERVICE_MEMORY"), "{service}: {error}");
            nothing_is_left(&place);
        }
    }
}

#[test]
fn a_spark_or_trino_of_another_version_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (inside, file) in [("jars", "spark-core_2.12-3.4.1.jar"), ("lib", "io.trino_trino-main-400.jar")] {
        fs::create_dir(folder.path().join(inside)).unwrap();
        fs::write(folder.path().join(inside).join(file), "").unwrap();
    }
    for (service, variable, says) in [
        (Service::Spark40, "SPARK_HOME", "which is Spark 3.4.1; spark-4.0 is 4.0.x"),
        (Service::Spark35, "SPARK_HOME", "which is Spark 3.4.1; spark-3.5 is 3.5.x"),
        (Service::Trino, "TRINO_HOME", "which is Trino 400, not 476"),
    ] {
        if !has_java(service) {
            continue;
        }
        let mut place = new_place(service);
        place.set(variable, folder.path().to_str().unwrap());
        let error = place.run("up");
        assert!(error.contains(says) && error.contains(&format!("unset {variable}")), "{error}");
        nothing_is_left(&place);
    }
}

#[test]
fn a_server_that_ends_at_its_start_is_quoted_and_leaves_nothing() {
    let place = new_place(Service::Thunderduck);
    let without = place.run("up");
    assert!(without.contains("THUNDERDUCK_JAR") && without.contains("THUNDERDUCK_URL"), "{without}");
    let jar = place.target.path().join("thunderduck-connect-server-0.1.jar");
    fs::write(&jar, "no jar").unwrap();
    let mut place = place;
    place.set("THUNDERDUCK_JAR", jar.to_str().unwrap());
    let error = place.run("up");
    if error.contains("thunderduck needs Java") {
        return left_out("a server that ends at its start: there is no Java 25");
    }
    for part in ["thunderduck does not start: it ended with", "The end of its log", "corrupt jarfile"] {
        assert!(error.contains(part), "{error}");
    }
    nothing_is_left(&place);
}

#[test]
fn a_disk_that_is_full_is_said_before_anything_is_started() {
    let service = Service::Spark40;
    if !has_java(service) {
        return;
    }
    let place = new_place(service);
    let disk = place.folder().join("temporary");
    fs::create_dir_all(&disk).unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(&disk).output();
    if !mount.is_ok_and(|output| output.status.success()) {
        return left_out("a full disk: only root may mount a small one");
    }
    let error = place.run("up");
    let unmounted = Command::new("umount").arg(&disk).status().unwrap();
    assert!(unmounted.success());
    assert!(error.contains("the disk is full: spark-4.0 keeps temporary files in"), "{error}");
    assert!(error.contains(disk.to_str().unwrap()) && error.contains("CARGO_TARGET_DIR"), "{error}");
    assert!(place.marked().is_empty() && !place.folder().join("pid.json").exists());
}

//! The service `postgresql`, started and stopped for real where Debian's packages are installed. What is not there is left out and named.
//!
//! Each command runs in a process of its own, as `cargo xtask services` does, with a target folder of its own.

#[path = "common/postgres.rs"]
mod postgres;
#[path = "common/served.rs"]
mod served;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use postgres::psql;
use querydyno::host::services::{How, Service, State, owner};
use served::{PASSWORD, Place, SECRET, left_out, runs, services};

/// What other tests start, as a process of its own: `up postgresql`.
#[test]
#[ignore = "other tests run it in another process"]
fn the_command() {
    served::obey();
}

/// The server's data, which lies elsewhere where it runs as another user than we: it goes with this.
struct Data(PathBuf);

impl Data {
    fn of(pid: u32) -> Self {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        let words: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
        let place = words.iter().position(|word| *word == b"-D").unwrap();
        Self(String::from_utf8(words[place + 1].to_vec()).unwrap().into())
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let home = self.0.parent().unwrap();
        let ours = home.file_name().is_some_and(|name| name.to_string_lossy().starts_with("querydyno-"));
        if ours {
            let _ = fs::remove_dir_all(home);
        }
    }
}

/// What the server answers, or its error.
fn ask(place: &Place, password: &str, sql: &str) -> Result<String, String> {
    let output = psql(Path::new("psql"), place.port, "querydyno", password, sql);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
fn postgresql_lives_with_a_password_that_nothing_shows_and_data_that_stays() {
    if let Err(why) = services().how(Service::PostgreSql, true) {
        return left_out(&format!("PostgreSQL: {why}"));
    }
    let mut place = Place::with(Service::PostgreSql, &[("POSTGRES_PASSWORD", PASSWORD)]);
    assert_eq!(place.run("up"), "native up before: false");
    let pid = place.pid().unwrap();
    // After the server, which the place stops when it goes.
    let data = Data::of(pid);
    assert_eq!((owner(place.port).unwrap().pid, place.run("up").as_str()), (Some(pid), "native up before: true"));
    let status = place.status();
    assert_eq!((status.how, status.state, status.pid), (Some(How::Native), State::Up, Some(pid)));
    let told = ask(&place, PASSWORD, "create table kept (n int); select current_setting('fsync'), inet_server_addr()");
    assert_eq!(told, Ok("on|127.0.0.1".to_owned()));
    for password in ["querydyno", "wrong"] {
        let refused = ask(&place, password, "select 1").unwrap_err();
        assert!(refused.contains("password authentication failed"), "{refused}");
    }
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    assert!(!String::from_utf8_lossy(&[environment, command].concat()).contains(SECRET));
    for entry in fs::read_dir(place.folder()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let text = fs::read(entry.path()).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains(SECRET), "{}", entry.path().display());
    }
    assert_eq!(place.run("down"), "stopped: native");
    assert!(!runs(pid) && place.pid().is_none());
    // Another password, the same data.
    place.set("POSTGRES_PASSWORD", "another one");
    assert_eq!(place.run("up"), "native up before: false");
    assert_eq!(ask(&place, "another one", "select count(*) from kept"), Ok("0".to_owned()));
    assert!(ask(&place, PASSWORD, "select 1").is_err());
    assert_eq!(place.run("down"), "stopped: native");
    drop(data);
}

#[test]
fn postgresql_that_was_killed_starts_again() {
    if let Err(why) = services().how(Service::PostgreSql, true) {
        return left_out(&format!("PostgreSQL: {why}"));
    }
    let place = Place::with(Service::PostgreSql, &[]);
    assert_eq!(place.run("up"), "native up before: false");
    let pid = place.pid().unwrap();
    let data = Data::of(pid);
    assert!(ask(&place, "querydyno", "create table kept (n int)").is_ok());
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
    while runs(pid) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // What started it sees its end a moment later, and writes that into the log.
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(place.run("up"), "native up before: false");
    assert_eq!(ask(&place, "querydyno", "select count(*) from kept"), Ok("0".to_owned()));
    let all = place.processes();
    assert!(all.len() > 1, "the server and what it started");
    assert_eq!(place.run("down"), "stopped: native");
    assert!(!all.into_iter().any(runs));
    drop(data);
}

//! What the tasks of a run took in Spark's executors, as Spark itself counts it: the main type is [`Tasks`].
//!
//! Asked of the page (REST) that a server started here has, before and after a run and never during one. It is unknown of servers that
//! run in containers or that somebody else started.
//!
//! `curl http://127.0.0.1:PORT/api/v1/applications`, with `spark.ui.port` of `cargo xtask services status --json`

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::plan::Configuration;
use super::process::PidFile;
use super::wait::POLL;
use super::{ask, ports};
use crate::host::paths;
use crate::protocol::engine::Server;

/// The setting that is the port of the page.
pub(super) const PAGE_PORT: &str = "spark.ui.port";
/// How many further ports Spark tries (`spark.port.maxRetries`).
const TRIES: u16 = 16;
/// How long the page may lag behind the run: it is filled in the background, which takes seconds on a machine that is busy.
const LAG: Duration = Duration::from_secs(6);

/// A server's page.
#[derive(Debug)]
pub(crate) struct Tasks {
    port: u16,
    /// Of its application.
    path: String,
}

/// What the tasks of a run took, over all executors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskCounts {
    /// Time in which tasks ran, summed: Spark's `executorRunTime`, which has neither scheduling nor the way to the executor.
    pub(crate) run_ns: u64,
    /// Read from what the stage before had written, on this executor or another.
    pub(crate) shuffle_read_bytes: u64,
    /// Written for the next stage.
    pub(crate) shuffle_written_bytes: u64,
    /// Tasks that all executors can run at once.
    pub(crate) cores: u64,
}

impl Tasks {
    /// The page of a server; `None` where that is not known to be its own.
    pub(crate) fn of(server: &Server) -> Option<Self> {
        let folder = paths::own("services").join(&server.service);
        let kept = PidFile::read(&folder).filter(|kept| server.local && kept.port == server.port && kept.lives())?;
        Self::page(&folder, &kept)
    }

    /// The page of the server that is kept in this folder: on the port that it was given, or on a later one, which Spark takes by itself
    /// where that is taken.
    fn page(folder: &Path, kept: &PidFile) -> Option<Self> {
        let first: u16 = Configuration::read(folder)?.settings.get(PAGE_PORT)?.parse().ok()?;
        let its_own = |port: &u16| ports::owner(*port).is_some_and(|owner| owner.pid == Some(kept.pid()));
        // A port there may be its own and not the page.
        let page = |port| Some(Self { port, path: application(port)? });
        (first..=first.saturating_add(TRIES)).filter(its_own).find_map(page)
    }

    /// The newest stage so far: what comes after it is of the next run.
    pub(crate) fn newest_stage(&self) -> Option<i64> {
        Some(newest(&self.stages()?))
    }

    /// What the stages took that came after this one, once all of them have ended.
    pub(crate) fn since(&self, stage: i64) -> Option<TaskCounts> {
        let deadline = Instant::now() + LAG;
        let mut before = None;
        while Instant::now() < deadline {
            let told = self.stages().and_then(|stages| sum(&stages, stage));
            // Twice the same: the last of them is there.
            if let (Some(told), true) = (told, told == before) {
                let executors = ask::json(self.port, &format!("{}/executors", self.path), None)?;
                return Some(TaskCounts { cores: cores(&executors)?, ..told });
            }
            before = told;
            sleep(POLL);
        }
        None
    }

    fn stages(&self) -> Option<Value> {
        ask::json(self.port, &format!("{}/stages", self.path), None)
    }
}

/// How many tasks can run at once on the executors of the server that is kept in this folder; `None` while its page does not answer.
pub(super) fn cores_of(folder: &Path) -> Option<u64> {
    let page = Tasks::page(folder, &PidFile::read(folder)?)?;
    cores(&ask::json(page.port, &format!("{}/executors", page.path), None)?)
}

/// Where the page tells of its application.
fn application(port: u16) -> Option<String> {
    let told = ask::json(port, "/api/v1/applications", None)?;
    Some(format!("/api/v1/applications/{}", told.get(0)?["id"].as_str()?))
}

fn newest(stages: &Value) -> i64 {
    let ids = stages.as_array().into_iter().flatten().filter_map(|stage| stage["stageId"].as_i64());
    ids.max().unwrap_or(-1)
}

/// The sums over the stages after this one; `None` when there are none, one has not ended, or the page has forgotten the first of them.
fn sum(stages: &Value, after: i64) -> Option<TaskCounts> {
    let all = stages.as_array()?;
    let id = |stage: &Value| stage["stageId"].as_i64();
    let new: Vec<&Value> = all.iter().filter(|stage| id(stage).is_some_and(|id| id > after)).collect();
    let ended = |stage: &&Value| matches!(stage["status"].as_str(), Some("COMPLETE" | "SKIPPED" | "FAILED"));
    let whole = after < 0 || all.len() > new.len();
    if new.is_empty() || !whole || !new.iter().all(ended) {
        return None;
    }
    let total = |name: &str| new.iter().map(|stage| stage[name].as_u64()).sum::<Option<u64>>();
    Some(TaskCounts {
        run_ns: total("executorRunTime")? * 1_000_000,
        shuffle_read_bytes: total("shuffleReadBytes")?,
        shuffle_written_bytes: total("shuffleWriteBytes")?,
        cores: 0,
    })
}

/// On a cluster the driver has none of them; on one machine it has all.
fn cores(executors: &Value) -> Option<u64> {
    let active = executors.as_array()?.iter().filter(|executor| executor["isActive"] == true);
    active.map(|executor| executor["totalCores"].as_u64()).sum::<Option<u64>>().filter(|cores| *cores > 0)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_on_a_later_port_is_found_and_another_process_has_none() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map(Result::unwrap) {
                let _ = stream.read(&mut [0; 1024]);
                stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n[{\"id\": \"app-1\"}]").unwrap();
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let page = |given: u16, pid: u32| {
            let mut configuration = Configuration::default();
            configuration.set(PAGE_PORT, given.to_string());
            configuration.write(folder.path()).unwrap();
            let kept = json!({ "pid": pid, "started_ticks": 0, "port": 1, "boot": "" });
            Tasks::page(folder.path(), &serde_json::from_value(kept).unwrap()).map(|page| (page.port, page.path))
        };
        let found = Some((port, "/api/v1/applications/app-1".to_owned()));
        assert_eq!(page(port, std::process::id()), found);
        assert_eq!(page(port - TRIES, std::process::id()), found);
        assert_eq!(page(port - TRIES - 1, std::process::id()), None);
        assert_eq!(page(port, 1), None);
    }

    fn stage(id: i64, status: &str, run_ms: u64) -> Value {
        json!({ "stageId": id, "status": status, "executorRunTime": run_ms, "shuffleReadBytes": 7 * id, "shuffleWriteBytes": 5 })
    }

    #[test]
    fn sum_is_of_the_stages_after_the_newest_and_waits_for_the_last() {
        let told = json!([
            stage(6, "COMPLETE", 20),
            stage(5, "SKIPPED", 0),
            stage(4, "COMPLETE", 10),
            stage(3, "COMPLETE", 99)
        ]);
        assert_eq!(newest(&told), 6);
        let counts = TaskCounts { run_ns: 30_000_000, shuffle_read_bytes: 105, shuffle_written_bytes: 15, cores: 0 };
        assert_eq!(sum(&told, 3), Some(counts));
        assert_eq!(sum(&told, 6), None, "no new one");
        assert_eq!(sum(&told, 2), None, "the page may have forgotten some");
        assert_eq!(sum(&json!([stage(4, "ACTIVE", 10), stage(3, "COMPLETE", 99)]), 3), None);
        assert_eq!(
            (newest(&json!([])), sum(&json!([stage(0, "COMPLETE", 1)]), -1).map(|told| told.run_ns)),
            (-1, Some(1_000_000))
        );
    }

    #[test]
    fn cores_are_those_of_executors_that_are_there() {
        let driver = json!({ "id": "driver", "isActive": true, "totalCores": 0 });
        let executor = |active: bool| json!({ "id": "0", "isActive": active, "totalCores": 1 });
        assert_eq!(cores(&json!([driver, executor(true), executor(false), executor(true)])), Some(2));
        assert_eq!(cores(&json!([driver])), None);
        assert_eq!(cores(&json!([{ "id": "driver", "isActive": true, "totalCores": 4 }])), Some(4));
    }
}

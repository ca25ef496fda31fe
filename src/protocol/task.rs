//! What an engine is asked to do: a [`Task`] of one step or several, and the time of each as a [`Span`].
//!
//! A query is a task with one step that reads. A pipeline has several: read, aggregate, write.

use serde::{Deserialize, Serialize};

/// A task as it is sent to an engine program: texts ready to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The suite's name, `tpch`.
    #[serde(rename = "workload")]
    pub suite: String,
    /// The task's name, `q1`; an engine with hand-written plans goes by it.
    pub name: String,
    /// Statements that run once, when the task is taken. Not timed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<String>,
    /// Statements that run before each run, such as emptying the table that is written. Not timed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reset: Vec<String>,
    /// What is timed, in this order; one at least.
    pub steps: Vec<Step>,
    /// The statement whose rows are the answer. None: the answer is the last step's rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Where the task writes, such as `postgresql`. None: it only reads, and its program may refuse to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
    /// The table of the sink that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// A part of a task that is timed by itself where the engine can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it is called in spans, `aggregate`.
    pub name: String,
    /// What it does.
    #[serde(flatten)]
    pub work: Work,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A statement in the engine's dialect with every parameter filled in.
    Sql(String),
    /// A plan that the engine's program knows by this name.
    Plan(String),
}

/// What the one step of a query is called.
pub const QUERY: &str = "query";

impl Task {
    /// A query: one statement that reads.
    pub fn select(suite: impl Into<String>, name: impl Into<String>, sql: impl Into<String>) -> Self {
        Self {
            suite: suite.into(),
            name: name.into(),
            setup: Vec::new(),
            reset: Vec::new(),
            steps: vec![Step { name: QUERY.to_owned(), work: Work::Sql(sql.into()) }],
            check: None,
            sink: None,
            target: None,
        }
    }

    /// The text of a query; `None` of any other task.
    pub fn query(&self) -> Option<&str> {
        let [Step { work: Work::Sql(sql), .. }] = self.steps.as_slice() else { return None };
        let reads = self.setup.is_empty() && self.reset.is_empty() && self.check.is_none() && self.sink.is_none();
        reads.then_some(sql)
    }

    /// All that it says to do, for a checksum: the text of a query, the task as JSON of any other.
    pub fn text(&self) -> String {
        self.query().map_or_else(|| serde_json::to_string(self).unwrap_or_default(), str::to_owned)
    }
}

/// The parts of a query's time that a server tells by its own clock, with what its client waits for rows beyond them. Spans may have
/// these names where the task is a single query.
pub const SERVER_PARTS: [&str; 4] = ["queued", "planning", "execution", "transfer"];

/// The time of one step over some runs, or of one of the [`SERVER_PARTS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The step's name, or the part's.
    pub step: String,
    /// One duration for each run, in nanoseconds; a part of the run's.
    pub durations_ns: Vec<u64>,
}

/// What a sink did for some runs, all of them together. Unknown values are `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkUse {
    /// Bytes that it wrote into its log of changes.
    pub log_bytes: Option<u64>,
    /// Processor time of the process of it that did the work, in nanoseconds.
    pub cpu_time_ns: Option<u64>,
    /// How often something was tried again, after a pause that is within the time of its run.
    #[serde(default)]
    pub retries: u64,
}

impl SinkUse {
    /// These and later runs taken together.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| a.zip(b).map(|(a, b)| a.saturating_add(b));
        Self {
            log_bytes: sum(self.log_bytes, later.log_bytes),
            cpu_time_ns: sum(self.cpu_time_ns, later.cpu_time_ns),
            retries: self.retries.saturating_add(later.retries),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_select_is_a_query_with_its_text() {
        let task = Task::select("tpch", "q1", "select 1");
        assert_eq!(task.query(), Some("select 1"));
        let told = r#"{"workload":"tpch","name":"q1","steps":[{"name":"query","sql":"select 1"}]}"#;
        assert_eq!(serde_json::to_string(&task).unwrap(), told);
        assert_eq!(serde_json::from_str::<Task>(told).unwrap(), task);
    }

    #[test]
    fn task_that_writes_is_no_query() {
        let mut task = Task::select("pods", "pods-daily", "insert into t select 1");
        task.sink = Some("postgresql".to_owned());
        assert_eq!(task.query(), None);
        assert!(task.text().contains("postgresql"));
    }
}

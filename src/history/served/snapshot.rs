//! The newest result of each cell, in memory: what most pages show, so that they need not wait for the view `latest`. The main type is
//! [`Newest`].

use anyhow::Result;

use super::super::store::samples;
use super::owner::Owner;

/// The newest result of a cell on a class of machines; see the table `results` and the view `measurements` for what each is.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "they are called as the columns of the view")]
pub struct Newest {
    pub record: String,
    pub run: String,
    pub cell: String,
    /// In milliseconds since 1970, UTC.
    pub started_at_ms: Option<i64>,
    pub engine_name: String,
    pub engine_version: Option<String>,
    pub kind: String,
    pub mode: Option<String>,
    pub suite: String,
    pub query: String,
    pub scale: Option<String>,
    pub scale_factor: Option<f64>,
    pub format: Option<String>,
    pub cache: Option<String>,
    pub threads: Option<u64>,
    pub memory_limit_bytes: Option<u64>,
    pub parallel: Option<u64>,
    pub outcome: String,
    pub reason: Option<String>,
    pub failure: Option<String>,
    pub verdict: Option<String>,
    pub verdict_detail: Option<String>,
    pub provenance: String,
    pub provenance_reason: Option<String>,
    pub machine_class: String,
    pub series: Option<String>,
    pub comparable: bool,
    pub time_ns: Option<f64>,
    pub peak_memory_bytes: Option<f64>,
    pub cpu_time_ns: Option<f64>,
    /// Of the time, in nanoseconds.
    pub samples_ns: Vec<f64>,
    pub data_sha256: Option<String>,
    pub git_commit: Option<String>,
    pub git_dirty: Option<bool>,
    pub command: Option<String>,
    pub plan: Option<String>,
}

/// All of them, by suite, query and engine.
///
/// # Errors
/// When a table is damaged.
pub fn newest(owner: &Owner) -> Result<Vec<Newest>> {
    const ALL: &str = "
        SELECT l.record, l.run, l.cell, epoch_ms(l.started_at), l.engine_name, l.engine_version, e.kind, l.mode, l.suite, l.query,
               l.scale, l.scale_factor, l.format, l.cache, l.threads, l.memory_limit_bytes, l.parallel, l.outcome, l.reason,
               l.failure, l.verdict, l.verdict_detail, l.provenance, l.provenance_reason, l.machine_class, l.series, l.comparable,
               l.time_ns, l.peak_memory_bytes, l.cpu_time_ns, coalesce(t.samples, [t.value]), l.data_sha256, l.git_commit,
               l.git_dirty, l.command, l.plan
        FROM latest l JOIN engines e USING (engine) LEFT JOIN metrics t ON t.result = l.result AND t.name = 'time'
        ORDER BY l.suite, l.query, l.cell, l.machine_class, l.parallel, l.provenance";
    owner.read(|store| {
        Ok(store.rows(ALL, [], |row| {
            let samples_ns = samples(&row.get(30)?);
            Ok(Newest {
                record: row.get(0)?,
                run: row.get(1)?,
                cell: row.get(2)?,
                started_at_ms: row.get(3)?,
                engine_name: row.get(4)?,
                engine_version: row.get(5)?,
                kind: row.get(6)?,
                mode: row.get(7)?,
                suite: row.get(8)?,
                query: row.get(9)?,
                scale: row.get(10)?,
                scale_factor: row.get(11)?,
                format: row.get(12)?,
                cache: row.get(13)?,
                threads: row.get(14)?,
                memory_limit_bytes: row.get(15)?,
                parallel: row.get(16)?,
                outcome: row.get(17)?,
                reason: row.get(18)?,
                failure: row.get(19)?,
                verdict: row.get(20)?,
                verdict_detail: row.get(21)?,
                provenance: row.get(22)?,
                provenance_reason: row.get(23)?,
                machine_class: row.get(24)?,
                series: row.get(25)?,
                comparable: row.get(26)?,
                time_ns: row.get(27)?,
                peak_memory_bytes: row.get(28)?,
                cpu_time_ns: row.get(29)?,
                samples_ns,
                data_sha256: row.get(31)?,
                git_commit: row.get(32)?,
                git_dirty: row.get(33)?,
                command: row.get(34)?,
                plan: row.get(35)?,
            })
        })?)
    })
}

impl Newest {
    /// The engine with its version and its mode, as tables name it.
    pub fn label(&self) -> String {
        let engine = &self.engine_name;
        let version = self.engine_version.as_ref().filter(|version| !engine.ends_with(&format!("@{version}")));
        [Some(engine), version, self.mode.as_ref()].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
    }
}

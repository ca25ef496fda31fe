//! `cargo xtask scaling`: the bench over several thread counts or sizes of a cluster, and what they brought.

mod cluster;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use comfy_table::Table;
use querydyno::host::catalog::{cargo, command};
use querydyno::host::record::Record;
use querydyno::host::scaling::picture::draw;
use querydyno::host::scaling::{Curve, Mean, curves, means};
use querydyno::host::terminal::output::{self, plain_table};
use querydyno::host::{paths, record};
use querydyno::measure::machine;
use querydyno::protocol::units::Nanos;
use serde_json::json;

use crate::json::Json;

/// Measure the speed-up over thread counts or sizes of a cluster, against the ideal
///
/// With --executors or --master it measures a cluster of Spark: each size is a cluster that is started, measured and stopped, and the
/// same query on one machine, local[N], is measured beside it with the same memory in all (`QUERYDYNO_SERVICE_MEMORY`). The table has
/// the median time, the CPU time of all processes, the speed-up against one executor and against local[N], the bytes that were
/// shuffled, and the share of the executors' time in which no task ran: planning, scheduling, waiting for the last task of a stage.
/// Where executors and the server that plans for them have fewer cores than they need, that is said: such a speed-up shows that
/// the cluster works, and is no scaling result.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask scaling duckdb/q1 --threads 1,2,4
  cargo xtask scaling spark-cluster/q1 --executors 1,2,4                a master and workers on this machine
  cargo xtask scaling spark-cluster/q1 --executors 2,8 --master spark://head:7077
  cargo xtask scaling spark-cluster/q1 --master sc://connect.cluster:15002

A cluster elsewhere is never started or stopped. Of spark://host:port only the server that plans is started here, for each size
anew; the cluster is of the same version, has that many executors of one core free, and reaches this machine. Of sc://host:port
(a server of Spark Connect: Dataproc, EMR, Kubernetes) the size is what it is, and --executors is left out. Memory, CPU time and
shuffled bytes of machines elsewhere are unknown, but for what a server that is started here knows of its tasks.

The data has to lie where the cluster reaches it: under the same path on each of its machines, such as a shared folder that
QUERYDYNO_DATA names. Where it does not, the cells fail and say so.")]
pub(crate) struct Scaling {
    /// The cells, as in a bench, without a variant: `duckdb/q1`, `q6`, `^(duckdb|polars)/q1/`; of a cluster: `spark-cluster/q1`
    filter: String,
    /// Thread counts, separated by commas; 1 is always among them [default: powers of two up to all processors, and these]. With a
    /// cluster: the N of local[N] [default: `QUERYDYNO_THREADS`, or all processors]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Vec<u16>,
    /// Numbers of executors, of one core each, separated by commas; 1 is always among them
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=64))]
    executors: Vec<u16>,
    /// A cluster that is somewhere else: its master, spark://host:port, or its server of Spark Connect, sc://host:port
    #[arg(long, value_name = "URL")]
    master: Option<String>,
    /// Where to write the picture [default: target/querydyno/scaling.svg]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    json: Json,
    /// Options for the bench, after `--`: `-- --measurement-time 2`
    #[arg(last = true)]
    bench: Vec<String>,
}

impl Scaling {
    pub(crate) fn run(self) -> Result<()> {
        self.json.check()?;
        let output = self.output.clone().unwrap_or_else(|| paths::own("scaling.svg"));
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
        ensure!(
            folder.is_none_or(Path::is_dir),
            "there is no folder for the picture {}; make it first",
            output.display()
        );
        if self.executors.is_empty() && self.master.is_none() {
            return self.over_threads(&output);
        }
        cluster::run(&self, &output)
    }

    fn over_threads(&self, output: &Path) -> Result<()> {
        let told = self.threads.iter().copied().map(usize::from);
        let mut counts = if self.threads.is_empty() { powers_of_two(machine::cores()) } else { told.collect() };
        // The base of every speed-up.
        counts.insert(1);
        ensure!(counts.len() > 1, "a curve needs a number of threads beside 1: give --threads 2,4");
        let list: Vec<String> = counts.iter().map(ToString::to_string).collect();
        let (records, ended_well) = self.bench(&self.filter, &[("QUERYDYNO_THREADS", Some(&list.join(",")))])?;
        let curves = curves(&records);
        if curves.is_empty() {
            bail!(
                "no cell has a verified time with one thread and with another count: name cells without a variant \
                 (duckdb/q1), of an engine whose answers are verified, and see above what failed"
            );
        }
        if self.json.is_wanted() {
            self.json.write(&serde_json::to_string_pretty(&json!({ "curves": curves, "picture": output }))?)?;
        } else {
            let means = means(&curves);
            output::line(table(&curves, &means))?;
            for line in means.iter().filter_map(left_out) {
                output::line(line)?;
            }
        }
        write(output, &draw(&curves, "threads")?)?;
        crate::ensure_well(ended_well, || "some cells failed and are in no curve, see above".to_owned())
    }

    /// The bench's records, and whether all of it went well; what it prints goes to stderr. A variable without a value is taken away.
    fn bench(&self, filter: &str, variables: &[(&str, Option<&str>)]) -> Result<(Vec<Record>, bool)> {
        let mut bench = cargo();
        bench.args(["bench", "--", filter]).args(&self.bench).stdout(Stdio::piped());
        for (name, value) in variables {
            match value {
                Some(value) => bench.env(name, value),
                None => bench.env_remove(name),
            };
        }
        let mut file = None;
        let status = command::run(&mut bench, |child| {
            for line in child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
                let line = line?;
                // The last word of a bench: another one at the same time has another file.
                file = line.strip_prefix("records: ").map(PathBuf::from).or(file.take());
                eprintln!("{line}");
            }
            Ok(())
        })?;
        let file = file.context(
            "the bench left no records: it did not run, see above, or its options (--list, --test, --quick, --help) measure nothing",
        )?;
        Ok((record::read(&file)?, status.success()))
    }
}

fn write(file: &Path, picture: &str) -> Result<()> {
    fs::write(file, picture).with_context(|| format!("cannot write {}", file.display()))?;
    eprintln!("picture: {}", file.display());
    Ok(())
}

fn powers_of_two(cores: usize) -> BTreeSet<usize> {
    (0..usize::BITS).map(|power| 1 << power).filter(|count| *count < cores).chain([cores]).collect()
}

/// What the table does not show of a mean: that it is not of every query above it.
fn left_out(mean: &Mean) -> Option<String> {
    let Mean { engine, scale, queries, left_out, .. } = mean;
    (*left_out > 0).then(|| {
        format!(
            "{engine} at {scale}: the mean leaves out {left_out} of {} queries, for want of a verified time at every thread count",
            queries + left_out
        )
    })
}

fn table(curves: &[Curve], means: &[Mean]) -> Table {
    let counts: BTreeSet<usize> = curves.iter().flat_map(|curve| &curve.points).map(|point| point.threads).collect();
    let titles = counts.iter().map(|count| format!("{count}t: time, speed-up, cores used"));
    let header = ["engine", "query", "scale"].map(str::to_owned).into_iter().chain(titles);
    let mut table = plain_table(header.collect::<Vec<_>>(), 3..3 + counts.len());
    for curve in curves {
        let mut row = vec![curve.engine.clone(), curve.query.clone(), curve.scale.to_string()];
        row.extend(counts.iter().map(|count| {
            curve.at(*count).map_or_else(String::new, |point| {
                let cores = point.cores_used.map_or_else(|| "?".to_owned(), |cores| format!("{cores:.2}"));
                format!("{}  {:.2}  {cores}", Nanos(point.median_ns), point.speedup)
            })
        }));
        table.add_row(row);
    }
    for mean in means {
        let mut row = vec![mean.engine.clone(), format!("geometric mean of {}", mean.queries), mean.scale.to_string()];
        row.extend(counts.iter().map(|count| {
            let found = mean.speedups.iter().find(|(threads, _)| threads == count);
            found.map_or_else(String::new, |(_, speedup)| format!("{speedup:.2}      "))
        }));
        table.add_row(row);
    }
    table
}

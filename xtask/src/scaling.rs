//! `cargo xtask scaling`: the bench over several thread counts, and what the threads brought.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use comfy_table::Table;
use querydyno::host::catalog::{cargo, command};
use querydyno::host::scaling::picture::draw;
use querydyno::host::scaling::{Curve, Mean, curves, means};
use querydyno::host::terminal::output::{self, plain_table};
use querydyno::host::{paths, record};
use querydyno::measure::machine;
use querydyno::protocol::units::Nanos;
use serde_json::json;

/// Run the bench with several thread counts, and print and draw each engine's speed-up against the ideal
#[derive(Debug, Args)]
pub(crate) struct Scaling {
    /// The cells, as in a bench, without a variant: `duckdb/q1`, `q6`, `^(duckdb|polars)/q1/`
    filter: String,
    /// Thread counts, separated by commas; 1 is always among them [default: powers of two up to all processors, and these]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Vec<u16>,
    /// Where to write the picture [default: target/querydyno/scaling.svg]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Options for the bench, after `--`: `-- --measurement-time 2`
    #[arg(last = true)]
    bench: Vec<String>,
}

impl Scaling {
    pub(crate) fn run(self) -> Result<()> {
        let told = self.threads.iter().copied().map(usize::from);
        let mut counts = if self.threads.is_empty() { powers_of_two(machine::cores()) } else { told.collect() };
        // The base of every speed-up.
        counts.insert(1);
        ensure!(counts.len() > 1, "a curve takes a thread count beside 1: --threads 2,4");
        let output = self.output.clone().unwrap_or_else(|| paths::own("scaling.svg"));
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
        ensure!(
            folder.is_none_or(Path::is_dir),
            "there is no folder for the picture {}; make it first",
            output.display()
        );
        let (records, ended_well) = self.bench(&counts)?;
        let curves = curves(&records);
        if curves.is_empty() {
            bail!(
                "no cell has a verified time with one thread and with another count: name cells without a variant \
                 (duckdb/q1), of an engine whose answers are verified, and see above what failed"
            );
        }
        if self.json {
            output::line(serde_json::to_string_pretty(&json!({ "curves": curves, "picture": output }))?)?;
        } else {
            let means = means(&curves);
            output::line(table(&curves, &means))?;
            for line in means.iter().filter_map(left_out) {
                output::line(line)?;
            }
        }
        fs::write(&output, draw(&curves)?).with_context(|| format!("cannot write {}", output.display()))?;
        eprintln!("picture: {}", output.display());
        ensure!(ended_well, "some cells failed and are in no curve, see above");
        Ok(())
    }

    /// The bench's records, and whether all of it went well; what it prints goes to stderr.
    fn bench(&self, counts: &BTreeSet<usize>) -> Result<(Vec<record::Record>, bool)> {
        let list: Vec<String> = counts.iter().map(ToString::to_string).collect();
        let mut bench = cargo();
        bench
            .args(["bench", "--", &self.filter])
            .args(&self.bench)
            .env("QUERYDYNO_THREADS", list.join(","))
            .stdout(Stdio::piped());
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

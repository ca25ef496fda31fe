//! `cargo xtask scaling`: the bench over several thread counts, and what the threads brought.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use querydyno::catalog::{cargo, command};
use querydyno::measure::host;
use querydyno::scaling::{Curve, Mean, curves, draw, means};
use querydyno::units::Nanos;
use querydyno::{paths, record};
use serde_json::json;

/// Run the bench with several thread counts, and print and draw each engine's speed-up against the ideal
#[derive(Debug, Args)]
pub(crate) struct Scaling {
    /// The cells, as in a bench, without a variant: `duckdb/q1`, `q6`, `^(duckdb|polars)/q1/`
    filter: String,
    /// Thread counts, separated by commas [default: powers of two up to all processors, and these]
    #[arg(long, value_delimiter = ',')]
    threads: Vec<usize>,
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
        let counts = if self.threads.is_empty() { powers_of_two(host::cores()) } else { self.threads.clone() };
        ensure!(counts.iter().collect::<BTreeSet<_>>().len() > 1, "a curve takes two thread counts: --threads 1,2");
        let records = self.bench(&counts)?;
        let curves = curves(&records);
        if curves.is_empty() {
            bail!("no cell was measured and verified with two thread counts; the bench above says why");
        }
        let output = self.output.unwrap_or_else(|| paths::own("scaling.svg"));
        fs::write(&output, draw(&curves)?).with_context(|| format!("cannot write {}", output.display()))?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&json!({ "curves": curves, "picture": output }))?);
        } else {
            let means = means(&curves);
            println!("{}", table(&curves, &means));
            for line in means.iter().filter_map(left_out) {
                println!("{line}");
            }
            println!("\npicture: {}", output.display());
        }
        Ok(())
    }

    /// The bench's records; what it prints goes to stderr.
    fn bench(&self, counts: &[usize]) -> Result<Vec<record::Record>> {
        let before = record_files()?;
        let list: Vec<String> = counts.iter().map(ToString::to_string).collect();
        let mut bench = cargo();
        bench
            .args(["bench", "--bench", "tpch", "--", &self.filter])
            .args(&self.bench)
            .env("QUERYDYNO_THREADS", list.join(","))
            .stdout(std::io::stderr());
        let status = command::run(&mut bench, |_| Ok(()))?;
        // A cell that failed has said so; the others make curves.
        ensure!(matches!(status.code(), Some(0 | 1)), "the bench did not run, see above");
        let new = record_files()?.into_iter().filter(|file| !before.contains(file));
        Ok(new.map(|file| record::read(&file)).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }
}

fn record_files() -> Result<BTreeSet<PathBuf>> {
    let folder = paths::own("records");
    if !folder.exists() {
        return Ok(BTreeSet::new());
    }
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

fn powers_of_two(cores: usize) -> Vec<usize> {
    let mut counts: Vec<usize> = (0..usize::BITS).map(|power| 1 << power).filter(|count| *count < cores).collect();
    counts.push(cores);
    counts
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
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut header = vec!["engine".to_owned(), "query".to_owned(), "scale".to_owned()];
    header.extend(counts.iter().map(|count| format!("{count}t: time, speed-up, cores used")));
    let columns = header.len();
    table.set_header(header);
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
    for column in 3..columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

//! What is left on AWS, and its end: only what carries our tag is seen at all.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Duration, Utc};
use clap::Args;
use comfy_table::Table;
use querydyno::host::terminal::output::{self, plain_table};
use querydyno::protocol::units::Bytes;
use serde_json::Value;

use super::aws::{self, Aws};
use super::call::Call;
use super::drive::agrees;
use super::ec2::{instances, tag, terminate};
use super::names::{TAG, TAG_ENGINE, TAG_EXPIRES, TAG_RUN};
use super::options::Place;

/// Instances that still cost something.
const UP: &str = "Name=instance-state-name,Values=pending,running,stopping,stopped";

#[derive(Debug, Args)]
#[group(required = true, multiple = false, id = "which")]
pub(super) struct Which {
    /// Those of this run
    #[arg(long, value_name = "RUN")]
    run_id: Option<String>,
    /// Those that were started longer ago: 24h, 90m, 2d
    #[arg(long, value_name = "TIME", value_parser = age)]
    older_than: Option<Duration>,
    /// All of ours in the region
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
pub(super) struct Terminate {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Place,
    /// Only show which
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Bucket {
    /// Delete everything in our folder of it
    #[arg(long, required = true)]
    clean: bool,
    #[command(flatten)]
    place: Place,
    /// Only show how much
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// An instance of ours that is not terminated.
struct Up {
    id: String,
    run: String,
    engine: String,
    kind: String,
    state: String,
    launched: Option<DateTime<Utc>>,
    expires: Option<DateTime<Utc>>,
}

/// Shows all of ours in the region.
///
/// # Errors
/// When AWS cannot be asked.
pub(super) fn list(place: &Place) -> Result<()> {
    let aws = Aws { region: place.region()? };
    let up = up(&aws, None)?;
    if up.is_empty() {
        return output::line(format_args!("nothing of ours is up in {}", aws.region));
    }
    output::line(table(&up))?;
    for one in up.iter().filter(|one| one.expires.is_some_and(|expires| expires < Utc::now())) {
        output::line(format_args!("{} is past its time: cargo xtask cloud terminate --run-id {}", one.id, one.run))?;
    }
    Ok(())
}

impl Terminate {
    /// # Errors
    /// When AWS cannot be asked, or refuses.
    pub(super) fn run(&self) -> Result<()> {
        let aws = Aws { region: self.place.region()? };
        let mut up = up(&aws, self.which.run_id.as_deref())?;
        if let Some(age) = self.which.older_than {
            let before = Utc::now() - age;
            up.retain(|one| one.launched.is_some_and(|launched| launched < before));
        }
        if up.is_empty() {
            return output::line(format_args!("nothing of ours to terminate in {}", aws.region));
        }
        output::line(table(&up))?;
        if self.dry_run {
            return output::line(format_args!("{} would be terminated", up.len()));
        }
        ensure!(self.yes || agrees(&format!("Terminate these {}?", up.len()))?, "nothing was terminated");
        aws.call(&terminate(up.iter().map(|one| one.id.as_str())))?;
        output::line(format_args!("{} terminated", up.len()))
    }
}

impl Bucket {
    /// # Errors
    /// When AWS cannot be asked, or refuses.
    pub(super) fn run(&self) -> Result<()> {
        let region = self.place.region()?;
        let (bucket, prefix) = (self.place.bucket(&region), self.place.prefix()?);
        ensure!(!bucket.contains('$'), "name the --bucket, or set BENCHMARK_S3_BUCKET");
        let aws = Aws { region };
        let list = Call::new("s3api", "list-objects-v2", "what is in our folder")
            .arg("--bucket", &bucket)
            .arg("--prefix", format!("{prefix}/"))
            .arg("--query", "{sizes: Contents[].Size}");
        let answer = match aws.call(&list) {
            Err(error) if aws::code(&error) == Some("NoSuchBucket") => {
                return output::line(format_args!("there is no bucket {bucket}"));
            }
            answer => answer?,
        };
        let sizes: Vec<u64> = answer["sizes"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        let what = format!("{} objects below s3://{bucket}/{prefix}/, {}", sizes.len(), Bytes(sizes.iter().sum()));
        if self.dry_run || sizes.is_empty() {
            return output::line(format_args!("{what}{}", if sizes.is_empty() { "" } else { " would be deleted" }));
        }
        output::line(&what)?;
        ensure!(self.yes || agrees("Delete them?")?, "nothing was deleted");
        let remove = Call::new("s3", "rm", "all of it")
            .flag("--recursive")
            .flag("--only-show-errors")
            .flag(&format!("s3://{bucket}/{prefix}/"));
        aws.call(&remove)?;
        output::line("deleted")
    }
}

fn up(aws: &Aws, run: Option<&str>) -> Result<Vec<Up>> {
    let of_run = run.map(|run| format!("Name=tag:{TAG_RUN},Values={run}"));
    let filters = [format!("Name=tag:{},Values={}", TAG.0, TAG.1), UP.to_owned()].into_iter().chain(of_run);
    let answer = aws.call(&Call::new("ec2", "describe-instances", "ours").args("--filters", filters))?;
    // Asked for by its tag, and looked at again: a filter that AWS did not heed would end somebody else's.
    let ours =
        instances(&answer).into_iter().filter(|instance| run.is_none_or(|run| tag(instance, TAG_RUN) == Some(run)));
    let mut found: Vec<Up> = ours.map(read).collect::<Result<_>>()?;
    found.sort_by(|a, b| (a.launched, &a.id).cmp(&(b.launched, &b.id)));
    Ok(found)
}

fn read(instance: &Value) -> Result<Up> {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let tagged = |name| tag(instance, name).unwrap_or("?").to_owned();
    let time =
        |text: Option<&str>| text.and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|time| time.to_utc());
    Ok(Up {
        id: instance["InstanceId"].as_str().context("an instance without an id")?.to_owned(),
        run: tagged(TAG_RUN),
        engine: tagged(TAG_ENGINE),
        kind: text(&instance["InstanceType"]),
        state: text(&instance["State"]["Name"]),
        launched: time(instance["LaunchTime"].as_str()),
        expires: time(tag(instance, TAG_EXPIRES)),
    })
}

fn table(up: &[Up]) -> Table {
    let mut table =
        plain_table(["instance", "run", "engine", "type", "state", "since", "expires"].map(str::to_owned), 0..0);
    let time =
        |time: Option<DateTime<Utc>>| time.map_or_else(|| "?".to_owned(), |time| time.format("%F %R").to_string());
    for one in up {
        let Up { id, run, engine, kind, state, launched, expires } = one;
        table.add_row([
            id.clone(),
            run.clone(),
            engine.clone(),
            kind.clone(),
            state.clone(),
            time(*launched),
            time(*expires),
        ]);
    }
    table
}

/// `24h`, `90m`, `2d`.
fn age(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no time: write 24h, 90m or 2d");
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let minutes = match unit {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        _ => return Err(wrong()),
    };
    let number: u32 = digits.parse().map_err(|_| wrong())?;
    Ok(Duration::minutes(i64::from(number) * minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_takes_minutes_hours_and_days() {
        assert_eq!([age("90m"), age("24h"), age("2d")], [90, 1440, 2880].map(|minutes| Ok(Duration::minutes(minutes))));
        for wrong in ["", "24", "h", "-1h", "1w", "1ä"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}

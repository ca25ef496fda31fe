//! What is left of runs, and its end: on AWS only what carries our tag is seen at all.

use anyhow::{Result, ensure};
use chrono::{Duration, Utc};
use clap::Args;
use querydyno::host::terminal::output;
use querydyno::protocol::units::Bytes;
use serde_json::Value;

use super::aws::{self, Aws};
use super::call::Call;
use super::drive::agrees;
use super::ec2::terminate;
use super::local::{self, Local};
use super::machines::Machine;
use super::options::Place;
use super::up::{All, Up};

#[derive(Debug, Args)]
#[group(required = true, multiple = false, id = "which")]
pub(super) struct Which {
    /// Those of this run
    #[arg(long, value_name = "RUN")]
    run_id: Option<String>,
    /// Those that were started longer ago: 24h, 90m, 2d
    #[arg(long, value_name = "TIME", value_parser = age)]
    older_than: Option<Duration>,
    /// All of ours in the region, and of local runs on this machine
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

/// Shows all of ours, in the region and on this machine.
///
/// # Errors
/// When AWS cannot be asked; what is up on this machine is shown before.
pub(super) fn list(place: &Place) -> Result<()> {
    let all = All::of(place, None)?;
    if all.up.is_empty() {
        return output::line(format_args!("nothing of ours is up {}", all.place()));
    }
    output::line(all.table())?;
    for one in all.up.iter().filter(|one| one.is_past_its_time(Utc::now())) {
        output::line(format_args!("{} is past its time: cargo xtask cloud terminate --run-id {}", one.id, one.run))?;
    }
    match all.unanswered {
        Some(error) => Err(error.context(
            "AWS could not be asked, so only machines of local runs are listed: check the credentials and --region",
        )),
        None => Ok(()),
    }
}

impl Terminate {
    /// # Errors
    /// When AWS cannot be asked, or refuses.
    pub(super) fn run(&self) -> Result<()> {
        let mut all = All::of(&self.place, self.which.run_id.as_deref())?;
        if let Some(error) = all.unanswered.take() {
            let what = "AWS could not be asked what is up, so nothing was terminated: to end a local run without AWS, give --run-id RUN";
            return Err(error.context(what));
        }
        if let Some(age) = self.which.older_than {
            all.keep_older(age, Utc::now());
        }
        if all.up.is_empty() {
            return output::line(format_args!("nothing of ours to terminate {}", all.place()));
        }
        output::line(all.table())?;
        if self.dry_run {
            return output::line(format_args!("{} would be terminated", all.up.len()));
        }
        ensure!(self.yes || agrees(&format!("Terminate these {}?", all.up.len()))?, "nothing was terminated");
        let (local, instances): (Vec<&Up>, Vec<&Up>) = all.up.iter().partition(|one| one.local.is_some());
        for plan in local::plans().iter().filter(|plan| local.iter().any(|one| one.run == plan.run_id)) {
            local::give_up(plan)?;
        }
        Local::end_all(&local.iter().filter_map(|one| one.local.as_ref()).collect::<Vec<&Machine>>());
        if let Some(aws) = all.aws.as_ref().filter(|_| !instances.is_empty()) {
            aws.call(&terminate(instances.iter().map(|one| one.id.as_str())))?;
        }
        output::line(format_args!("{} terminated", all.up.len()))
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

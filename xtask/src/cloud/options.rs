//! What `cloud run` is told, and the plan that it makes of it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use clap::Args;
use querydyno::host::catalog::Catalog;
use querydyno::host::checksum::hex;
use querydyno::host::files;
use querydyno::host::settings::Settings;
use querydyno::protocol::id::Scale;

use super::aws::told;
use super::estimate::Estimate;
use super::names::is_run_id;
use super::plan::{self, Backend, Plan};
use super::{aws, local, price};

/// The bucket where nobody names one: the account's number is known once it was asked.
pub(super) const OWN_BUCKET: &str = "querydyno-$ACCOUNT-";

// Where things are on AWS. No doc comment: clap would take it for what the command does.
#[derive(Debug, Clone, Args)]
pub(super) struct Place {
    /// The bucket; made where it is not there [default: `BENCHMARK_S3_BUCKET`, or querydyno-ACCOUNT-REGION]
    #[arg(long)]
    pub(super) bucket: Option<String>,
    /// The folder in it that everything lies in [default: `BENCHMARK_S3_PREFIX`, or querydyno]
    #[arg(long)]
    pub(super) prefix: Option<String>,
    /// The region [default: `AWS_REGION`, `AWS_DEFAULT_REGION`, or that of the profile]
    #[arg(long)]
    pub(super) region: Option<String>,
}

impl Place {
    pub(super) fn region(&self) -> Result<String> {
        aws::region(self.region.as_deref())
    }

    pub(super) fn bucket(&self, region: &str) -> String {
        let own = || format!("{OWN_BUCKET}{region}");
        self.bucket.clone().or_else(|| told("BENCHMARK_S3_BUCKET")).unwrap_or_else(own)
    }

    /// # Errors
    /// When it cannot be a folder in a bucket.
    pub(super) fn prefix(&self) -> Result<String> {
        let prefix =
            self.prefix.clone().or_else(|| told("BENCHMARK_S3_PREFIX")).unwrap_or_else(|| "querydyno".to_owned());
        let prefix = prefix.trim_matches('/').to_owned();
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        ensure!(
            !prefix.is_empty() && prefix.chars().all(fits) && !prefix.contains(".."),
            "'{prefix}' is no folder in a bucket: use letters, digits, '-', '_', '.' and '/'"
        );
        Ok(prefix)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask cloud run --instance-type c6i.2xlarge --scale 100 \\
      --engines thunderduck,spark@3.5.3,spark@4.0.1,duckdb --runs 5 --dry-run
  cargo xtask cloud run --instance-type c6id.4xlarge --scale 10 --engines duckdb,datafusion --price-per-hour 0.8 --spot
  cargo xtask cloud run --backend local --scale 0.1 --engines duckdb,spark --runs 5

Whoever is killed goes on with: cargo xtask cloud attach RUN")]
#[expect(
    clippy::struct_excessive_bools,
    clippy::struct_field_names,
    reason = "they are flags, and called as they are typed"
)]
pub(super) struct Run {
    /// EC2, or this machine in place of it
    #[arg(long, value_enum, default_value = "ec2")]
    backend: Backend,
    /// The type of every instance, x86-64: results of a run are of one class of machine
    #[arg(long)]
    instance_type: Option<String>,
    /// The engines, separated by commas, each on a machine of its own: `duckdb,spark@4.0.1`
    #[arg(long, value_delimiter = ',', required = true)]
    engines: Vec<String>,
    /// The suites, separated by commas
    #[arg(long, value_delimiter = ',', default_value = querydyno::host::suite::DEFAULT)]
    suites: Vec<String>,
    /// The scale factor
    #[arg(long, default_value = "1")]
    scale: Scale,
    /// Only these queries, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    queries: Vec<String>,
    /// Timed runs of each cell; a report takes 10, fewer are shown without intervals and not ranked
    #[arg(long, default_value_t = 10)]
    runs: usize,
    /// Have the first machine make reference answers by these engines where there are none, separated by commas: at least three that
    /// share no component. Without references the answers of a machine with one engine are not verified, and not ranked
    #[arg(long, value_delimiter = ',', value_name = "ENGINES")]
    answers: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// The image [default: the newest Ubuntu 24.04]; it has apt-get and a C library as new as this machine's
    #[arg(long)]
    ami: Option<String>,
    /// Spot instances: cheaper, and EC2 may take them back, after which an engine is run once more
    #[arg(long)]
    spot: bool,
    /// Leave the instances up when they are done; they end after --max-hours all the same
    #[arg(long)]
    keep: bool,
    /// Whatever happens, a machine ends after so many hours
    #[arg(long, default_value_t = 6.0)]
    max_hours: f64,
    /// Start nothing that could cost more dollars
    #[arg(long, default_value_t = 20.0)]
    max_cost: f64,
    /// What an hour of an instance costs, in dollars [default: by --prices, or AWS's price list]
    #[arg(long, value_name = "DOLLARS")]
    price_per_hour: Option<f64>,
    /// A table of such prices, a line each: `c6i.2xlarge 0.34`
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// A key pair to log in with, by SSH from --ssh-from alone
    #[arg(long, requires = "ssh_from")]
    key_pair: Option<String>,
    /// Addresses that may log in: `203.0.113.7/32`
    #[arg(long, value_name = "CIDR", requires = "key_pair")]
    ssh_from: Option<String>,
    /// What the run is called [default: time and random digits]
    #[arg(long)]
    run_id: Option<String>,
    /// Print the plan, every call and the script; touch nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask before something is made that costs money
    #[arg(long)]
    pub(super) yes: bool,
}

impl Run {
    /// The plan, as far as it is known without asking anybody.
    ///
    /// # Errors
    /// What cannot be meant.
    pub(super) fn plan(&self) -> Result<(Plan, Estimate)> {
        let catalog = Catalog::read(&Settings::read()?)?;
        let suites = plan::suites(&self.suites, &self.queries)?;
        ensure!(self.runs > 0, "0 runs measure nothing: give at least 1");
        ensure!((0.1..=168.0).contains(&self.max_hours), "--max-hours {} is not between 0.1 and 168", self.max_hours);
        for engine in &self.answers {
            catalog.entry(engine)?;
        }
        let local = self.backend == Backend::Local;
        ensure!(
            local || self.instance_type.is_some(),
            "give the --instance-type of every instance, such as c6i.2xlarge"
        );
        let instance_type = self.instance_type.clone().unwrap_or_else(|| "this machine".to_owned());
        check_type(&instance_type, local)?;
        let now = Utc::now();
        let run_id = self.run_id.clone().map_or_else(|| made(now), Ok)?;
        ensure!(is_run_id(&run_id), "--run-id {run_id}: use at most 40 letters, digits, '-', '_' and '.'");
        let price = price::told(self.price_per_hour, self.prices.as_ref(), &instance_type)?;
        let estimate = Estimate::of(&suites, self.scale, &self.queries, self.runs, &instance_type);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a week")]
        let max_minutes = (self.max_hours * 60.0).ceil() as u32;
        let region = if local { "none".to_owned() } else { self.place.region()? };
        let plan = Plan {
            run_id: run_id.clone(),
            backend: self.backend,
            bucket: if local { String::new() } else { self.place.bucket(&region) },
            prefix: if local { local::store(&run_id).display().to_string() } else { self.place.prefix()? },
            region,
            instance_type,
            machines: plan::jobs(&self.engines, &catalog)?,
            suites: suites.iter().map(|suite| suite.name.clone()).collect(),
            scale: self.scale,
            queries: self.queries.clone(),
            runs: self.runs,
            answers: self.answers.clone(),
            max_minutes,
            price_per_hour: price.as_ref().map(|price| price.per_hour),
            price_from: price.map(|price| price.from),
            spot: self.spot,
            keep: self.keep,
            key_pair: self.key_pair.clone(),
            ssh_from: self.ssh_from.clone(),
            disk_gib: estimate.disk_gib,
            // Of a guess.
            wait_seconds: 1800 + 3 * estimate.data.as_secs(),
            created_at: rfc3339(now),
            expires_at: rfc3339(now + Duration::minutes(i64::from(max_minutes))),
            ami: self.ami.clone(),
            subnets: Vec::new(),
            parts: Vec::new(),
        };
        self.check_cost(&plan)?;
        Ok((plan, estimate))
    }

    /// Refuses what could cost more than somebody said.
    ///
    /// # Errors
    /// Says how much it could be, and what would fit.
    pub(super) fn check_cost(&self, plan: &Plan) -> Result<()> {
        if let (Some(most), Some(price)) = (plan.most_dollars(), plan.price_per_hour)
            && most > self.max_cost
        {
            bail!(
                "{} machines of {price} $ an hour for {} h could cost {most:.2} $, more than --max-cost {}: give fewer engines, --max-hours {:.1}, or a higher --max-cost",
                plan.machines.len(),
                self.max_hours,
                self.max_cost,
                self.max_hours * self.max_cost / most
            );
        }
        Ok(())
    }

    pub(super) fn max_cost(&self) -> f64 {
        self.max_cost
    }
}

fn check_type(instance_type: &str, local: bool) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let is_type = instance_type.split_once('.').is_some() && instance_type.chars().all(fits);
    ensure!(local || is_type, "'{instance_type}' is no instance type, such as c6i.2xlarge");
    Ok(())
}

fn made(now: DateTime<Utc>) -> Result<String> {
    let random: [u8; 3] = files::random().context("no random digits for the run's name")?;
    Ok(format!("{}-{}", now.format("%Y%m%dT%H%M%SZ"), hex(&random)))
}

pub(super) fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

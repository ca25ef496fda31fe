//! `cargo xtask data`: makes a suite's tables ahead of a run.

use anyhow::{Result, bail};
use clap::Args;
use querydyno::host::data::generate::Store;
use querydyno::host::data::generate::Uploaded;
use querydyno::host::data::tables;
use querydyno::host::settings::{Settings, bucket};
use querydyno::host::suite::{self, Suite};
use querydyno::host::terminal::output;
use querydyno::host::variant::{FORMATS, ICEBERG_S3, PARQUET, S3};
use querydyno::protocol::dataset::{Dataset, Table};
use querydyno::protocol::id::Scale;
use querydyno::protocol::location::Location;
use querydyno::protocol::units::Bytes;

use crate::json::Json;

/// Make a suite's tables ahead of a run; tables that are there and whole stay
///
/// Iceberg tables are made over the Parquet files, and registered in the Hive Metastore where `HIVE_METASTORE_URI` names one;
/// each is printed with the name, the folder or, on S3, the metadata file that `cargo xtask bench --table` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask data                                    TPC-H at scale 1, as Parquet
  cargo xtask data --scale 0.01,1 --formats parquet,iceberg
  cargo xtask data --tables lineitem,orders --scale 10
  cargo xtask data --location s3://bucket/folder      uploads the Parquet files as well")]
pub(crate) struct Data {
    /// The suite
    #[arg(default_value = suite::DEFAULT)]
    suite: String,
    /// Scale factors, separated by commas [default: `QUERYDYNO_SCALE`, or 1]
    #[arg(long, value_delimiter = ',')]
    scale: Vec<Scale>,
    /// Only these tables, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    tables: Vec<String>,
    /// How they are stored, separated by commas. In iceberg-monthly, tables with a column for it are partitioned by month; in
    /// parquet-by-category, tables with such a column have a folder for each value
    #[arg(long, alias = "format", value_delimiter = ',', default_value = PARQUET, value_parser = FORMATS)]
    formats: Vec<String>,
    /// Put the Parquet files there too, `s3://bucket/folder`, where they are not yet, and name it as `QUERYDYNO_S3_BUCKET` to run
    /// queries on them in the format s3; with `--formats iceberg-s3` also the metadata of Iceberg tables over them. The store is `AWS_ENDPOINT_URL` (Amazon's without it), with `AWS_ACCESS_KEY_ID` and
    /// `AWS_SECRET_ACCESS_KEY`; `eval "$(cargo xtask services up s3)"` starts one here
    #[arg(long, value_parser = place)]
    location: Option<Location>,
    #[command(flatten)]
    json: Json,
}

impl Data {
    pub(crate) fn run(self) -> Result<()> {
        self.json.check()?;
        let settings = Settings::read()?;
        let suite = Suite::read(&self.suite)?;
        let scales = if self.scale.is_empty() { settings.scales.clone() } else { self.scale };
        let tables = if self.tables.is_empty() {
            suite.tables.iter().map(|table| table.name.clone()).collect()
        } else {
            self.tables
        };
        let store = Store::new(&settings.data);
        let mut made = Vec::new();
        if let Some(place) = &self.location {
            let access = settings.s3.access()?;
            if let Some(other) =
                self.formats.iter().find(|format| ![PARQUET, S3, ICEBERG_S3].contains(&format.as_str()))
            {
                bail!(
                    "tables of the format {other} are not put on S3: --formats {PARQUET} or {ICEBERG_S3} goes with --location"
                );
            }
            for scale in scales {
                let uploaded = store.upload(&suite, scale, &tables, place, access)?;
                eprintln!("{} {scale} at {place}: {}", suite.name, sent(uploaded));
                for format in &self.formats {
                    let dataset = if format == ICEBERG_S3 {
                        tables::put(&suite, &tables, scale, place, &settings, &store)?
                    } else {
                        store.stored(&suite, scale, &tables, place, access)?
                    };
                    print(&dataset, &self.json)?;
                    made.push(dataset);
                }
            }
            return told(&made, &self.json);
        }
        for scale in scales {
            for format in &self.formats {
                let dataset = tables::make(&suite, &tables, scale, format, &settings, &store)?;
                print(&dataset, &self.json)?;
                made.push(dataset);
            }
        }
        told(&made, &self.json)
    }
}

fn place(text: &str) -> Result<Location, String> {
    bucket(text).map_err(|error| format!("{error:#}"))
}

fn sent(uploaded: Uploaded) -> String {
    match uploaded {
        Uploaded { objects: 0, .. } => "all was there, nothing was uploaded".to_owned(),
        Uploaded { objects, bytes } => format!("uploaded {objects} objects, {}", Bytes(bytes)),
    }
}

/// One JSON object a line for each scale and format: files, rows, checksum, layout.
fn told(made: &[Dataset], json: &Json) -> Result<()> {
    let lines = made.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    json.write(&lines.join("\n"))
}

fn print(dataset: &Dataset, json: &Json) -> Result<()> {
    if json.is_wanted() {
        return Ok(());
    }
    for table in &dataset.tables {
        output::line(line(dataset, table))?;
    }
    Ok(())
}

/// What a table is, and where an Iceberg table is found.
fn line(dataset: &Dataset, table: &Table) -> String {
    let made = format!("{} {}: {} rows in {} files", dataset.scale, table.name, table.rows, table.files.len());
    let Some(iceberg) = &table.iceberg else { return made };
    let place = if let Some((database, table)) = &iceberg.name {
        format!("{database}.{table}")
    } else if iceberg.metadata.is_on_s3() {
        iceberg.metadata.to_string()
    } else {
        // The metadata file lies in a folder of the table's folder.
        let metadata = iceberg.metadata.to_string();
        metadata.rsplitn(3, '/').nth(2).unwrap_or(&metadata).to_owned()
    };
    format!("{made}, {}: {place}", dataset.format)
}

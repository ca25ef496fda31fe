//! `cargo xtask data`: makes a workload's tables ahead of a run.

use anyhow::Result;
use clap::Args;
use querydyno::fixture::Store;
use querydyno::id::Scale;
use querydyno::settings::Settings;
use querydyno::workload::Workload;

/// Make a workload's tables ahead of a run; what is there and whole is left alone
#[derive(Debug, Args)]
pub(crate) struct Data {
    /// The workload
    #[arg(default_value = "tpch")]
    workload: String,
    /// Scale factors, separated by commas [default: `QUERYDYNO_SCALE`, or 1]
    #[arg(long, value_delimiter = ',')]
    scale: Vec<Scale>,
    /// Only these tables, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    tables: Vec<String>,
    /// Print one JSON object for each scale: files, rows, checksum, layout
    #[arg(long)]
    json: bool,
}

impl Data {
    pub(crate) fn run(self) -> Result<()> {
        let settings = Settings::read()?;
        let workload = Workload::read(&self.workload)?;
        let scales = if self.scale.is_empty() { settings.scales } else { self.scale };
        let tables = if self.tables.is_empty() {
            workload.tables.iter().map(|table| table.name.clone()).collect()
        } else {
            self.tables
        };
        let store = Store::new(settings.data);
        for scale in scales {
            let dataset = store.ensure(&workload, scale, "parquet", &tables)?;
            if self.json {
                println!("{}", serde_json::to_string(&dataset)?);
                continue;
            }
            for table in &dataset.tables {
                let files = table.files.len();
                println!("{scale} {}: {} rows in {files} files", table.name, table.rows);
            }
        }
        Ok(())
    }
}

//! A store with tables in it, and what the tests of tables on S3 ask of it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::PathBuf;
use std::time::Duration;

use querydyno::host::bench::Bench;
use querydyno::host::catalog::Recipe;
use querydyno::host::data::generate::Store;
use querydyno::host::data::tables;
use querydyno::host::paths;
use querydyno::host::record::Record;
use querydyno::host::settings::{OwnEngine, Settings};
use querydyno::host::suite::Suite;
use querydyno::protocol::dataset::Dataset;
use tempfile::TempDir;

use crate::common::{self, slow};
use crate::server::{self, Server};

/// Queries that the engine `arrow` has plans of.
pub const PLANS: [u32; 10] = [1, 3, 4, 5, 6, 10, 12, 14, 15, 19];

/// A server with TPC-H at scale 0.01 in its bucket, and a home for records; nothing where what it takes is not there.
pub struct Lab {
    pub server: Server,
    pub settings: Settings,
    // Goes last.
    _home: TempDir,
}

impl Lab {
    pub fn new(test: &str) -> Option<Self> {
        if !Recipe::s3().program().path.is_file() && !slow::wanted(&format!("{test}, whose program is not built")) {
            return None;
        }
        let server = Server::start(test)?;
        let home = tempfile::tempdir_in(paths::target()).unwrap();
        let mut settings = Settings::read().unwrap();
        settings.home = home.path().join("querydyno");
        settings.target = home.path().join("target");
        settings.formats = vec!["s3".to_owned()];
        settings.scales = vec!["0.01".parse().unwrap()];
        settings.timeout = Some(Duration::from_mins(2));
        settings.s3.bucket = Some("s3://bench/some/folder".parse().unwrap());
        settings.s3 = settings.s3.clone().reached_by(server.access());
        Some(Self { server, settings, _home: home })
    }

    /// The same with all tables of TPC-H there.
    pub fn with_tables(test: &str) -> Option<Self> {
        let lab = Self::new(test)?;
        lab.upload().unwrap();
        Some(lab)
    }

    pub fn upload(&self) -> anyhow::Result<(usize, u64)> {
        self.upload_of("tpch")
    }

    pub fn upload_of(&self, suite: &str) -> anyhow::Result<(usize, u64)> {
        let suite = Suite::read(suite)?;
        let tables: Vec<String> = suite.tables.iter().map(|table| table.name.clone()).collect();
        let (place, access) = (self.settings.s3.bucket()?, self.settings.s3.access()?);
        let uploaded = Store::new(common::data()).upload(&suite, self.settings.scales[0], &tables, place, access)?;
        Ok((uploaded.objects, uploaded.bytes))
    }

    /// Iceberg tables over them.
    pub fn make_iceberg(&self) -> anyhow::Result<Dataset> {
        let suite = Suite::read("tpch")?;
        let tables: Vec<String> = suite.tables.iter().map(|table| table.name.clone()).collect();
        let store = Store::new(common::data());
        tables::put(&suite, &tables, self.settings.scales[0], self.settings.s3.bucket()?, &self.settings, &store)
    }

    /// Where the server keeps an object of a table.
    pub fn object(&self, table: &str) -> PathBuf {
        self.server.folder().join(format!("bench/some/folder/tpch/sf0.01/parquet/{table}/part-000.parquet"))
    }

    pub fn network(&mut self, text: &str) -> &mut Self {
        self.settings.s3.network = text.parse().unwrap();
        self
    }

    pub fn bench(&self, engine: &str, query: &str) -> Bench {
        Bench::new().engines([engine]).filter(format!("{engine}/{query}")).runs(3).settings(self.settings.clone())
    }

    /// The record of an engine that says what it was told.
    pub fn telltale(&mut self) -> Record {
        let script = paths::root().join("tests/programs/telltale.py");
        let own = OwnEngine {
            program: Some("/usr/bin/python3".into()),
            args: vec![script.display().to_string()],
            ..OwnEngine::default()
        };
        self.settings.engines.insert("telltale".to_owned(), own);
        self.record("telltale", "q6")
    }

    /// The one record of a cell.
    pub fn record(&self, engine: &str, query: &str) -> Record {
        let mut records = self.bench(engine, query).run().unwrap();
        assert_eq!(records.len(), 1, "{engine}/{query}");
        records.remove(0)
    }
}

/// Those of these engines that are here.
pub fn here(engines: &[&'static str]) -> Vec<&'static str> {
    let catalog = common::catalog();
    let found: Vec<_> = engines.iter().copied().filter(|name| catalog.entry(name).unwrap().find().is_some()).collect();
    if found.len() < engines.len() {
        server::left_out(&format!("of {engines:?} only {found:?} are here: cargo xtask build {}", engines.join(" ")));
    }
    found
}

pub fn reason(record: &Record, word: &str) -> String {
    let reason = record.reason().unwrap_or_default().to_owned();
    assert_eq!(record.outcome.word(), word, "{}: {reason}", record.id);
    reason
}

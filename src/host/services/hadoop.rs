//! What Spark reads tables on S3 with: Hadoop's client for S3 and Amazon's SDK, fetched once by `mvn`, all in one run of it.
//!
//! `eval "$(cargo xtask services up s3)" && cargo xtask services up spark-4.0`

mod pinned;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::fetch::{self, Fetched};
use super::maven;
use super::service::Service;
use crate::protocol::units::Bytes;
use pinned::{HADOOP_4_0, S3_4_0, SDK};

/// What the server's settings say of it.
pub(super) const SETTING: &str = "spark.querydyno.s3";

/// The jars, and what they are in words.
#[derive(Debug)]
pub(super) struct Hadoop {
    pub(super) jars: Vec<PathBuf>,
    pub(super) words: String,
}

/// Those for a release of Spark, if they can be had: without them, only tables on S3 cannot be read.
pub(super) fn for_s3(home: &Path, service: Service) -> Option<Hadoop> {
    if !matches!(service, Service::Spark40 | Service::SparkCluster) {
        return None;
    }
    if !can_be_had(home) {
        log::info!(
            "{service} starts without S3: hadoop-aws {HADOOP_4_0} is fetched by mvn, which is not here (apt-get install maven)"
        );
        return None;
    }
    let jars = ensure(home).inspect_err(|error| log::warn!("{service} starts without S3: {error:#}")).ok()?;
    Some(Hadoop { jars, words: format!("hadoop-aws {HADOOP_4_0}, AWS SDK {SDK}") })
}

/// Whether all are there, or can be fetched.
pub(super) fn can_be_had(home: &Path) -> bool {
    folder(home).is_dir() || S3_4_0.iter().all(|artifact| artifact.can_be_had(home))
}

fn folder(home: &Path) -> PathBuf {
    home.join("maven").join(format!("hadoop-aws-{HADOOP_4_0}"))
}

fn ensure(home: &Path) -> Result<Vec<PathBuf>> {
    let place = folder(home);
    let bytes = S3_4_0.iter().map(|artifact| artifact.bytes.0).sum();
    let fetched = Fetched {
        what: "S3 for Spark",
        package: &format!("hadoop-aws {HADOOP_4_0} with {} modules", S3_4_0.len() - 1),
        download: Bytes(bytes),
        // With what Maven keeps of its own plugin.
        needed: Bytes(2 * bytes + (50 << 20)),
        stays: Bytes(bytes),
    };
    fetch::once(home, &place, fetched, |staging| {
        let jars = staging.join("jars");
        fs::create_dir(&jars)?;
        maven::get_all(staging, &S3_4_0, &jars, "S3 for Spark")?;
        Ok(jars)
    })?;
    Ok(S3_4_0.iter().map(|artifact| place.join(artifact.file())).collect())
}

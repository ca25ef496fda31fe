//! What is fetched for servers: each package with its version, size and checksum. The one place where they stand, but for the many
//! small files by which Spark reads from S3, which are in `hadoop/pinned.rs`.
//!
//! Images of containers are in `fixtures/services/compose.yaml`; a test holds their versions against these.

use crate::protocol::units::Bytes;

/// A source distribution of Spark's Python package, whose jars are all of Spark.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pyspark {
    pub(super) version: &'static str,
    pub(super) sha256: &'static str,
    pub(super) download: Bytes,
    /// The jars.
    pub(super) unpacked: Bytes,
}

/// Also Hive Metastore 2.3.10 and Derby.
pub(super) const SPARK_4_0: Pyspark = Pyspark {
    version: "4.0.1",
    sha256: "9d1f22d994f60369228397e3479003ffe2dd736ba79165003246ff7bd48e2c73",
    download: Bytes(434_204_896),
    unpacked: Bytes(461_900_046),
};

/// The newest of 3.5 of which both the package and [`CONNECT_3_5`] are to be had.
pub(super) const SPARK_3_5: Pyspark = Pyspark {
    version: "3.5.7",
    sha256: "80e36514e0c5c126d35a26adf4f405cd4a69de96a8ea8a3c1e9a65fce2fb4eaa",
    download: Bytes(317_370_347),
    unpacked: Bytes(338_129_626),
};

/// A file in Maven's repositories.
#[derive(Debug, Clone, Copy)]
pub(super) struct Artifact {
    pub(super) group: &'static str,
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) extension: &'static str,
    pub(super) sha256: &'static str,
    pub(super) bytes: Bytes,
}

/// Spark Connect's server, which Spark 4 has among its own jars.
pub(super) const CONNECT_3_5: Artifact = Artifact {
    group: "org.apache.spark",
    name: "spark-connect_2.12",
    version: "3.5.7",
    extension: "jar",
    sha256: "15366e21273a874c760b51fa00743a2acb8fa78642cc35d7a076a3ade0c5eef6",
    bytes: Bytes(14_147_901),
};

/// Iceberg's tables for Spark 4.0.
pub(super) const ICEBERG_4_0: Artifact = Artifact {
    group: "org.apache.iceberg",
    name: "iceberg-spark-runtime-4.0_2.13",
    version: "1.10.1",
    extension: "jar",
    sha256: "2192a0881ed0f5773b5a83a8820d2b0b2069beec203028643a1c338551007f09",
    bytes: Bytes(47_083_764),
};

/// Iceberg's tables for Spark 3.5.
pub(super) const ICEBERG_3_5: Artifact = Artifact {
    group: "org.apache.iceberg",
    name: "iceberg-spark-runtime-3.5_2.12",
    version: "1.10.1",
    extension: "jar",
    sha256: "39ea09e6c03550a300b9d9ab498949836d2d434e441da4c12a943a086e396940",
    bytes: Bytes(47_140_434),
};

/// Trino's server with all its plugins.
pub(super) const TRINO: Artifact = Artifact {
    group: "io.trino",
    name: "trino-server",
    version: "476",
    extension: "tar.gz",
    sha256: "cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f",
    bytes: Bytes(821_045_832),
};
/// What stays of it.
pub(super) const TRINO_UNPACKED: Bytes = Bytes(520_000_000);
/// While it is unpacked.
pub(super) const TRINO_NEEDED: Bytes = Bytes(2_000_000_000);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::paths;

    #[test]
    fn containers_have_the_versions_that_are_fetched() {
        let file = std::fs::read_to_string(paths::root().join("fixtures/services/compose.yaml")).unwrap();
        for version in [
            format!("apache/spark:{}\n", SPARK_4_0.version),
            format!("apache/spark:{}\n", SPARK_3_5.version),
            format!("{}:{}:{} ", CONNECT_3_5.group, CONNECT_3_5.name, CONNECT_3_5.version),
            format!("trinodb/trino:{}\n", TRINO.version),
        ] {
            assert!(file.contains(&version), "{version}");
        }
        assert_eq!(CONNECT_3_5.version, SPARK_3_5.version);
    }
}

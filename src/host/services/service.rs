//! The servers there are: their names, their ports, and what a shell needs to use them.
//!
//! `cargo xtask services status` lists them.

use std::str::FromStr;
use std::{fmt, iter};

use serde::{Serialize, Serializer};

/// A server that an engine or a format needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// The Hive Metastore, where Iceberg tables are registered.
    Hive,
    /// `MariaDB`, for the engine `mysql`.
    MariaDb,
    /// `StarRocks`, for the engine of that name.
    StarRocks,
    /// Object storage that speaks S3: versitygw, or `MinIO` in a container.
    S3,
    /// Spark 4.0 behind Spark Connect, in one process.
    Spark40,
    /// Spark 3.5, likewise.
    Spark35,
    /// Spark 4.0 with a master and workers.
    SparkCluster,
    /// Thunderduck, which speaks Spark Connect.
    Thunderduck,
    /// Trino.
    Trino,
    /// `PostgreSQL`, which pipelines write into.
    PostgreSql,
}

/// A port by the variable of the environment that sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// The variable.
    pub variable: &'static str,
    /// The port without it.
    pub default: u16,
}

/// The user that `MariaDB` and PostgreSQL are made with, and the password unless another is set.
pub(super) const USER: &str = "querydyno";
/// The bucket that object storage has from the beginning.
pub(super) const BUCKET: &str = "querydyno";
/// Where the password of `MariaDB`'s user is taken from.
pub(super) const PASSWORD: &str = "MYSQL_PASSWORD";
/// Where that of `PostgreSQL`'s user is taken from.
pub(super) const POSTGRES_PASSWORD: &str = "POSTGRES_PASSWORD";

impl Service {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Hive,
        Self::MariaDb,
        Self::StarRocks,
        Self::S3,
        Self::Spark40,
        Self::Spark35,
        Self::SparkCluster,
        Self::Thunderduck,
        Self::Trino,
        Self::PostgreSql,
    ];

    /// As it is called in commands, in `compose.yaml` and in folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hive => "hive",
            Self::MariaDb => "mariadb",
            Self::StarRocks => "starrocks",
            Self::S3 => "s3",
            Self::Spark40 => "spark-4.0",
            Self::Spark35 => "spark-3.5",
            Self::SparkCluster => "spark-cluster",
            Self::Thunderduck => "thunderduck",
            Self::Trino => "trino",
            Self::PostgreSql => "postgresql",
        }
    }

    /// Whether it is started where nobody named it: not those that take gigabytes of memory, or minutes to compile, and of which few are
    /// needed at once.
    pub fn by_default(self) -> bool {
        matches!(self, Self::Hive | Self::MariaDb | Self::StarRocks)
    }

    /// Whether there is an image of it.
    pub fn in_container(self) -> bool {
        self != Self::Thunderduck
    }

    /// The service that does on this machine alone what this one does on a cluster.
    pub fn on_one_machine(self) -> Option<Self> {
        (self == Self::SparkCluster).then_some(Self::Spark40)
    }

    /// Its ports; clients connect to the first.
    pub fn ports(self) -> &'static [Port] {
        const fn port(variable: &'static str, default: u16) -> Port {
            Port { variable, default }
        }
        match self {
            Self::Hive => const { &[port("HIVE_PORT", 9083)] },
            // Not 3306: another server may well be there.
            Self::MariaDb => const { &[port("MARIADB_PORT", 3307)] },
            Self::StarRocks => const { &[port("STARROCKS_PORT", 9030), port("STARROCKS_HTTP_PORT", 8030)] },
            Self::S3 => const { &[port("S3_PORT", 9000)] },
            // Not 15002, Spark Connect's own: several of these may run at once, beside another's.
            Self::Spark40 => const { &[port("SPARK_4_0_PORT", 15400)] },
            Self::Spark35 => const { &[port("SPARK_3_5_PORT", 15350)] },
            Self::SparkCluster => {
                const {
                    &[
                        port("SPARK_CLUSTER_PORT", 15500),
                        port("SPARK_CLUSTER_MASTER_PORT", 15501),
                        port("SPARK_CLUSTER_PAGE_PORT", 15502),
                    ]
                }
            }
            Self::Thunderduck => const { &[port("THUNDERDUCK_PORT", 15002)] },
            // Not 8080: many are.
            Self::Trino => const { &[port("TRINO_PORT", 18080)] },
            // Not 5432: many are.
            Self::PostgreSql => const { &[port("POSTGRES_PORT", 5545)] },
        }
    }

    /// Lines for a shell that is to use it on that port. A password is among them only where it is the documented one.
    pub fn exports(self, port: u16) -> Vec<String> {
        let address = match self {
            Self::Hive => format!("HIVE_METASTORE_URI=thrift://localhost:{port}"),
            Self::MariaDb => format!("MYSQL_HOST=127.0.0.1 MYSQL_PORT={port} MYSQL_USER={USER}"),
            Self::StarRocks => {
                format!("STARROCKS_HOST=127.0.0.1 STARROCKS_PORT={port} STARROCKS_USER=root STARROCKS_PASSWORD=")
            }
            Self::S3 => {
                format!("AWS_ENDPOINT_URL=http://127.0.0.1:{port} AWS_REGION=us-east-1 QUERYDYNO_S3_BUCKET={BUCKET}")
            }
            Self::Spark40 | Self::Spark35 | Self::SparkCluster => format!("SPARK_REMOTE=sc://127.0.0.1:{port}"),
            Self::Thunderduck => format!("THUNDERDUCK_URL=sc://127.0.0.1:{port}"),
            Self::Trino => format!("TRINO_URL=http://127.0.0.1:{port}"),
            Self::PostgreSql => format!("POSTGRES_PORT={port}"),
        };
        let unset = |names: &[&str]| names.iter().all(|name| told(name).is_none());
        let password = match self {
            Self::MariaDb if unset(&[PASSWORD]) => Some(format!("{PASSWORD}={USER}")),
            Self::PostgreSql if unset(&[POSTGRES_PASSWORD]) => Some(format!("{POSTGRES_PASSWORD}={USER}")),
            _ => None,
        };
        iter::once(address).chain(password).map(|line| format!("export {line}")).collect()
    }

    /// Whether a client that is told these variables means the server on this port of this machine.
    pub(super) fn is_meant(self, port: u16, told: impl Fn(&str) -> Option<String>) -> bool {
        let is_it =
            |value: &str| value == port.to_string() || value.trim_end_matches('/').ends_with(&format!(":{port}"));
        let exports = self.exports(port);
        let assignments =
            exports.iter().flat_map(|line| line.split_whitespace()).filter_map(|word| word.split_once('='));
        let named = assignments.filter(|(_, value)| is_it(value)).find_map(|(name, _)| told(name));
        let own = self.ports()[0];
        match named.or_else(|| told(own.variable)) {
            Some(value) => is_it(&value),
            None => own.default == port,
        }
    }

    /// What a person should know who uses it, if anything.
    pub fn advice(self) -> Option<String> {
        let password = |variable: &str| match told(variable) {
            Some(_) => format!("what {variable} was when it was started"),
            None => format!("{USER} unless {variable} was set when it was started"),
        };
        let of_user = |variable: &str| {
            Some(format!("the password of the user {USER} is {}; clients take it from {variable}", password(variable)))
        };
        match self {
            Self::MariaDb => of_user(PASSWORD),
            Self::PostgreSql => of_user(POSTGRES_PASSWORD),
            Self::Spark35 | Self::Thunderduck => Some(format!(
                "{self} listens on all addresses of this machine, since it has no setting for one: whoever reaches its port can run code here"
            )),
            _ => None,
        }
    }
}

/// The password that the user chose for `MariaDB`'s user.
pub(super) fn own_password() -> Option<String> {
    told(PASSWORD)
}

/// A variable of the environment that says something.
pub(super) fn told(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Service {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|service| service.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|service| service.name()).collect();
            format!("'{text}' is no service: there are {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_reads_as_it_prints_and_serializes() {
        for service in Service::ALL {
            assert_eq!(service.to_string().parse(), Ok(service));
            assert_eq!(serde_json::to_value(service).unwrap(), service.name());
        }
        assert!("presto".parse::<Service>().unwrap_err().contains("hive, mariadb, starrocks, s3, spark-4.0"));
    }

    #[test]
    fn no_two_services_have_a_port_in_common() {
        let mut ports: Vec<Port> = Service::ALL.into_iter().flat_map(Service::ports).copied().collect();
        let (all, by_number) = (ports.len(), |port: &Port| port.default);
        ports.sort_by_key(by_number);
        ports.dedup_by_key(|port| port.default);
        assert_eq!(ports.len(), all);
    }

    #[test]
    fn is_meant_follows_the_variables_of_clients() {
        let told =
            |name: &'static str, value: &'static str| move |asked: &str| (asked == name).then(|| value.to_owned());
        assert!(Service::MariaDb.is_meant(3307, |_| None) && !Service::MariaDb.is_meant(3308, |_| None));
        assert!(Service::MariaDb.is_meant(13307, told("MYSQL_PORT", "13307")));
        assert!(!Service::MariaDb.is_meant(3307, told("MYSQL_PORT", "13307")));
        assert!(Service::Spark40.is_meant(15430, told("SPARK_4_0_PORT", "15430")));
        assert!(!Service::Spark40.is_meant(15400, told("SPARK_REMOTE", "sc://cluster:15002")));
        assert!(Service::Trino.is_meant(18083, told("TRINO_URL", "http://localhost:18083/")));
    }

    #[test]
    fn a_shell_is_told_where_to_connect() {
        assert_eq!(Service::Hive.exports(9083), ["export HIVE_METASTORE_URI=thrift://localhost:9083"]);
        assert_eq!(Service::SparkCluster.exports(15500), ["export SPARK_REMOTE=sc://127.0.0.1:15500"]);
        assert_eq!(Service::Thunderduck.exports(15002), ["export THUNDERDUCK_URL=sc://127.0.0.1:15002"]);
        assert_eq!(Service::Trino.exports(18080), ["export TRINO_URL=http://127.0.0.1:18080"]);
        let mariadb = Service::MariaDb.exports(13307);
        assert_eq!(mariadb[0], "export MYSQL_HOST=127.0.0.1 MYSQL_PORT=13307 MYSQL_USER=querydyno");
    }
}

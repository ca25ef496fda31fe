//! The servers there are: their names, their ports, and what a shell needs to use them.
//!
//! `cargo xtask services status` lists them.

use std::str::FromStr;
use std::{fmt, iter};

use serde::Serialize;

/// A server that an engine or a format needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// The Hive Metastore, where Iceberg tables are registered.
    Hive,
    /// `MariaDB`, for the engine `mysql`.
    MariaDb,
    /// `StarRocks`, for the engine of that name.
    StarRocks,
    /// `MinIO`, object storage as Amazon has it.
    MinIo,
}

/// A port by the variable of the environment that sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// The variable.
    pub variable: &'static str,
    /// The port without it.
    pub default: u16,
}

/// The user that `MariaDB` and `MinIO` are made with, and the password unless another is set.
pub(super) const USER: &str = "querydyno";
/// Where the password of `MariaDB`'s user is taken from.
pub(super) const PASSWORD: &str = "MYSQL_PASSWORD";

impl Service {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hive, Self::MariaDb, Self::StarRocks, Self::MinIo];

    /// As it is called in commands, in `compose.yaml` and in folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hive => "hive",
            Self::MariaDb => "mariadb",
            Self::StarRocks => "starrocks",
            Self::MinIo => "minio",
        }
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
            Self::MinIo => const { &[port("MINIO_PORT", 9000), port("MINIO_CONSOLE_PORT", 9001)] },
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
            Self::MinIo => format!("AWS_ENDPOINT_URL=http://127.0.0.1:{port} AWS_REGION=us-east-1"),
        };
        let unset = |names: &[&str]| names.iter().all(|name| told(name).is_none());
        let password = match self {
            Self::MariaDb if unset(&[PASSWORD]) => Some(format!("{PASSWORD}={USER}")),
            Self::MinIo if unset(&["MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"]) => {
                Some(format!("AWS_ACCESS_KEY_ID={USER} AWS_SECRET_ACCESS_KEY={USER}"))
            }
            _ => None,
        };
        iter::once(address).chain(password).map(|line| format!("export {line}")).collect()
    }

    /// What a person should know who uses it, if anything.
    pub fn advice(self) -> Option<String> {
        let password = match own_password() {
            Some(_) => format!("what {PASSWORD} was when it was started"),
            None => format!("{USER} unless {PASSWORD} was set when it was started"),
        };
        (self == Self::MariaDb)
            .then(|| format!("the password of the user {USER} is {password}; clients take it from {PASSWORD}"))
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
        assert!("trino".parse::<Service>().unwrap_err().contains("hive, mariadb, starrocks, minio"));
    }

    #[test]
    fn a_shell_is_told_where_to_connect() {
        assert_eq!(Service::Hive.exports(9083), ["export HIVE_METASTORE_URI=thrift://localhost:9083"]);
        let mariadb = Service::MariaDb.exports(13307);
        assert_eq!(mariadb[0], "export MYSQL_HOST=127.0.0.1 MYSQL_PORT=13307 MYSQL_USER=querydyno");
    }
}

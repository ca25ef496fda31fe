//! The server that an engine's program is a client of, and which service has which version of it: [`Server`].

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};

/// What the program reads: the service, the versions that will do, and the one that the plain name means.
pub(crate) const SERVICE: &str = "QUERYDYNO_SERVICE";
const VERSIONS: &str = "QUERYDYNO_SERVER_VERSIONS";
const USUAL: &str = "QUERYDYNO_SERVER_USUAL_VERSION";

/// A server as the table has it.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// A name of `cargo xtask services`.
    pub(super) service: String,
    /// The version that the plain name means; none: any.
    pub(super) usual: Option<String>,
    /// The service that has a version.
    pub(super) versions: BTreeMap<String, String>,
    /// A version that is not to be had, and the one that is taken in its stead.
    pub(super) stand_ins: BTreeMap<String, String>,
    /// The versions that will do, the one that was asked for first; empty: none was.
    pub(super) asked: Vec<String>,
}

impl Server {
    /// Whether the table agrees with itself.
    pub(super) fn check(&self) -> Result<()> {
        for version in self.usual.iter().chain(self.stand_ins.values()) {
            ensure!(
                self.versions.is_empty() || self.versions.contains_key(version),
                "the version {version} is none of its versions"
            );
        }
        Ok(())
    }

    /// The same of another version, and what people call that; `3.5` is the newest that is known of these.
    pub(super) fn at_version(&self, version: &str) -> Result<(Self, String)> {
        let stands_in = self.stand_ins.get(version);
        let newest = || {
            let of_these = self.versions.keys().filter(|known| known.starts_with(&format!("{version}.")));
            of_these.max_by_key(|known| numbers(known))
        };
        let known = self.versions.get_key_value(version).map(|(known, _)| known);
        let Some(meant) = known.or(stands_in).or_else(newest) else {
            let all: Vec<&str> = self.versions.keys().chain(self.stand_ins.keys()).map(String::as_str).collect();
            bail!("there is no version '{version}': there are {}", all.join(", "));
        };
        let asked = [version.to_owned()].into_iter().chain(stands_in.cloned()).collect();
        let name = stands_in.map_or_else(|| meant.clone(), |meant| format!("{meant} for {version}"));
        Ok((Self { service: self.versions[meant].clone(), asked, ..self.clone() }, name))
    }

    /// What the program is told of it.
    pub(super) fn env(&self) -> Vec<(String, String)> {
        let mut env = vec![(SERVICE.to_owned(), self.service.clone())];
        if !self.asked.is_empty() {
            env.push((VERSIONS.to_owned(), self.asked.join(",")));
        }
        env.extend(self.usual.iter().map(|version| (USUAL.to_owned(), version.clone())));
        env
    }
}

/// `3.5.10` as numbers, which is more than `3.5.9`.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Server {
            service: "new".to_owned(),
            usual: Some("4.0.1".to_owned()),
            versions: map(&[("4.0.1", "new"), ("3.5.7", "old"), ("3.5.10", "old")]),
            stand_ins: map(&[("3.5.3", "3.5.7")]),
            asked: Vec::new(),
        }
    }

    #[test]
    fn server_at_version_names_the_service_and_what_will_do() {
        for (asked, service, versions, called) in [
            ("4.0.1", "new", "4.0.1", "4.0.1"),
            ("3.5.7", "old", "3.5.7", "3.5.7"),
            ("3.5.3", "old", "3.5.3,3.5.7", "3.5.7 for 3.5.3"),
            ("3.5", "old", "3.5", "3.5.10"),
        ] {
            let (found, name) = server().at_version(asked).unwrap();
            assert_eq!((found.service.as_str(), name.as_str()), (service, called));
            assert!(found.env().contains(&(VERSIONS.to_owned(), versions.to_owned())), "{asked}");
        }
        let env = server().env();
        assert!(env.contains(&(USUAL.to_owned(), "4.0.1".to_owned())) && !env.iter().any(|(name, _)| name == VERSIONS));
    }

    #[test]
    fn server_at_version_names_the_known_ones() {
        for unknown in ["3.5.1", "5.0.0", "", "3.5.", "4.0.1.1"] {
            let error = server().at_version(unknown).map(|(server, _)| server.service).unwrap_err().to_string();
            assert!(error.contains("3.5.10, 3.5.7, 4.0.1, 3.5.3"), "{error}");
        }
    }
}

//! What all clients of servers share: which server is asked for, and what to say of one that is not there or is gone.
//!
//! Nothing here knows a protocol.

use std::env;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};

use crate::engine::{EngineSettings, Result, Unsupported};
use crate::protocol::messages::NO_ANSWER_WITHIN;

/// The variable by which the host names the service that an engine's entry asks for.
const SERVICE: &str = "QUERYDYNO_SERVICE";
/// The variable by which the host names the server's versions that will do, the one that is asked for first.
const VERSIONS: &str = "QUERYDYNO_SERVER_VERSIONS";

/// The variable by which the host names the version that an engine's plain name means.
const USUAL: &str = "QUERYDYNO_SERVER_USUAL_VERSION";

/// Time that a call has less than the host gives: a server that is slow is told to stop before the host ends this program.
const AHEAD: Duration = Duration::from_secs(1);
/// Where the host gives no limit.
const LONGEST: Duration = Duration::from_hours(24);

/// The server that the engine's entry asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The service; none: the program's own choice.
    pub service: Option<String>,
    /// Versions that will do, the one that is asked for first; `3.5` stands for every `3.5.x`. Empty: none was asked for.
    pub versions: Vec<String>,
    /// The version that is meant where none was asked for, unless the user names a server.
    pub usual: Option<String>,
}

impl Asked {
    /// What the host told.
    pub fn read() -> Self {
        let versions = told(VERSIONS).unwrap_or_default();
        let versions = versions.split(',').filter(|version| !version.is_empty()).map(str::to_owned).collect();
        Self { service: told(SERVICE), versions, usual: told(USUAL) }
    }

    /// Whether a server of that version is meant; where another one stands in for it, what the record says of that. `given` says that
    /// the user named this server by the variable: whatever version it is then will do if none was asked for.
    ///
    /// # Errors
    /// When it is another version.
    pub fn check(
        &self,
        title: &str,
        version: &str,
        address: &str,
        variable: &str,
        given: bool,
    ) -> Result<Option<String>> {
        let is = |asked: &String| {
            version.strip_prefix(asked.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
        };
        let usual = self.usual.as_slice();
        let versions = if self.versions.is_empty() && !given { usual } else { self.versions.as_slice() };
        let Some(first) = versions.first() else { return Ok(None) };
        let service = self.service.as_deref().unwrap_or_default();
        ensure!(
            versions.iter().any(is),
            "the server at {address} is {title} {version}, and {} was asked for: stop it and run cargo xtask services up \
             {service}, or set {variable} to a server of that version",
            versions.join(" or ")
        );
        Ok((!is(first)).then(|| format!("{first}, for which {version} stands in")))
    }
}

/// Refuses a memory limit, which a client cannot set its server.
///
/// # Errors
/// [`Unsupported`] where there is one.
pub fn refuse_memory_limit(settings: &EngineSettings) -> Result<()> {
    if settings.memory_limit_bytes.is_some() {
        bail!(Unsupported("a server's memory is set where it is started; leave out QUERYDYNO_MEMORY".to_owned()));
    }
    Ok(())
}

/// A variable of the environment that says something.
pub fn told(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The port that the variable says, or else the one that the service has without it.
///
/// # Errors
/// When the variable holds no port.
pub fn port(variable: &str, default: u16) -> Result<u16> {
    let Some(port) = told(variable) else { return Ok(default) };
    port.parse().with_context(|| format!("{variable} is '{port}', which is no port"))
}

/// Host and port of `host:port`, where a host may be an IPv6 address between brackets; `default` where it names no port.
///
/// # Errors
/// When what stands behind the host is no port.
pub fn host_and_port(authority: &str, default: u16) -> Result<(&str, u16)> {
    match authority.rsplit_once(':') {
        // The colons of an IPv6 address stand between brackets.
        Some((host, port)) if !port.ends_with(']') => {
            Ok((host, port.parse().with_context(|| format!("'{port}' is no port"))?))
        }
        _ => Ok((authority, default)),
    }
}

/// Whether a host is this machine, so that the server's process can be looked at.
pub fn is_local(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// How long a call may take, when the host ends the program after so many seconds.
pub fn deadline(timeout_seconds: Option<u64>) -> Duration {
    let Some(seconds) = timeout_seconds else { return LONGEST };
    let whole = Duration::from_secs(seconds);
    whole.saturating_sub(AHEAD).max(whole / 2)
}

/// A call that took too long; `told` is what became of telling the server.
pub fn too_slow(address: &str, limit: Duration, told: &str) -> anyhow::Error {
    anyhow!(
        "the server at {address} {NO_ANSWER_WITHIN} {} s {told}; raise the deadline with QUERYDYNO_TIMEOUT",
        limit.as_secs_f64()
    )
}

/// Nobody listens there.
pub fn not_there(address: &str, why: &str, service: &str, variable: &str) -> anyhow::Error {
    anyhow!(
        "no server answers at {address}{why}: start one with cargo xtask services up {service}, or set {variable} to another"
    )
}

/// The connection ended in the middle.
pub fn broke(address: &str, when: &str, why: &str) -> anyhow::Error {
    anyhow!(
        "the connection to the server at {address} broke{when}: {why}; whether it still runs is told by cargo xtask services \
         status, and why it stopped by its log"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asked_check_takes_the_version_or_what_stands_in_for_it() {
        let asked = |versions: &[&str]| Asked {
            service: Some("spark-3.5".to_owned()),
            versions: versions.iter().map(|version| (*version).to_owned()).collect(),
            usual: Some("4.0.1".to_owned()),
        };
        let check =
            |versions: &[&str], version: &str| asked(versions).check("Spark", version, "h:1", "SPARK_REMOTE", true);
        let unnamed = |version: &str| asked(&[]).check("Spark", version, "h:1", "SPARK_REMOTE", false);
        assert_eq!(check(&["3.5.3", "3.5.7"], "3.5.3").unwrap(), None);
        assert!(check(&["3.5.3", "3.5.7"], "3.5.7").unwrap().unwrap().starts_with("3.5.3, for which 3.5.7"));
        for (asked, is) in [("3.5", "3.5.12"), ("3.5.1", "3.5.1-amzn-0"), ("476", "476")] {
            assert_eq!(check(&[asked], is).unwrap(), None, "{asked} {is}");
        }
        assert_eq!((check(&[], "4.1.0").unwrap(), unnamed("4.0.1").unwrap()), (None, None));
        assert!(unnamed("4.1.0").unwrap_err().to_string().contains("is Spark 4.1.0, and 4.0.1 was asked for"));
        for (asked, is) in [("3.5.1", "3.5.12"), ("4.0.1", "3.5.7"), ("476", "4760")] {
            let error = check(&[asked], is).unwrap_err().to_string();
            assert!(error.contains(is) && error.contains(asked) && error.contains("services up spark-3.5"), "{error}");
        }
    }

    #[test]
    fn is_local_knows_this_machine() {
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "::1"] {
            assert!(is_local(host), "{host}");
        }
        for host in ["10.0.0.1", "spark", "localhost.example"] {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn deadline_ends_before_the_host_does() {
        let seconds = |timeout| deadline(timeout).as_secs_f64();
        assert!((seconds(Some(600)) - 599.0).abs() < 1e-9);
        assert!((seconds(Some(1)) - 0.5).abs() < 1e-9);
        assert!(seconds(None) > 3600.0);
    }
}

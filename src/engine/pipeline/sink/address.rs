//! Where the server is and how to get in, from the environment; and what an error of connecting means to who reads it.
//!
//! The password stays in here: no message, setting or log names it.

use std::time::Duration;

use anyhow::anyhow;
use postgres::config::Host;
use postgres::error::SqlState;
use postgres::{Client, Config, Error, NoTls};

use crate::engine::Result;
use crate::engine::server::{is_local, port, told};

/// Names a server that somebody else runs: `postgresql://user:password@host:port/database`.
const URL: &str = "POSTGRES_URL";
/// Of the server that `cargo xtask services` starts.
const PORT: &str = "POSTGRES_PORT";
const PASSWORD: &str = "POSTGRES_PASSWORD";
const DEFAULT_PORT: u16 = 5545;
/// The user and the database that it is made with, and the user's password unless another is set.
const USER: &str = "querydyno";

/// A connection that takes longer is none; a statement may take as long as the host allows.
const CONNECT: Duration = Duration::from_secs(10);
/// A server that is gone without a word is noticed after about this.
const SILENCE: Duration = Duration::from_mins(1);

/// A server's address and the way in. Not `Debug`, which would show the password.
pub(in super::super) struct Address(Config);

impl Address {
    /// From `POSTGRES_URL`, or that of our own service on `POSTGRES_PORT` with `POSTGRES_PASSWORD`.
    ///
    /// # Errors
    /// When a variable holds no address or no port. What it holds is not shown: it may be a password.
    pub(in super::super) fn read() -> Result<Self> {
        let mut config = if let Some(url) = told(URL) {
            url.parse::<Config>().map_err(|_| {
                anyhow!("{URL} is no address of a server: give postgresql://user:password@host:port/database")
            })?
        } else {
            let mut config = Config::new();
            config.host("127.0.0.1").port(port(PORT, DEFAULT_PORT)?).user(USER).dbname(USER);
            config.password(told(PASSWORD).unwrap_or_else(|| USER.to_owned()));
            config
        };
        config.connect_timeout(CONNECT).tcp_user_timeout(SILENCE).application_name("querydyno-pipeline");
        Ok(Self(config))
    }

    /// Whether its processes are this machine's.
    pub(super) fn is_local(&self) -> bool {
        self.0.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => is_local(name),
            Host::Unix(_) => true,
        })
    }

    pub(super) fn connect(&self) -> std::result::Result<Client, Error> {
        self.0.connect(NoTls)
    }

    /// `127.0.0.1:5545`, for messages.
    pub(super) fn shown(&self) -> String {
        let host = |host: &Host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        };
        let hosts: Vec<String> = self.0.get_hosts().iter().map(host).collect();
        let ports: Vec<String> = self.0.get_ports().iter().map(u16::to_string).collect();
        format!("{}:{}", hosts.join(","), if ports.is_empty() { "5432".to_owned() } else { ports.join(",") })
    }

    /// What went wrong while connecting, and what to do about it.
    pub(super) fn refused(&self, error: &Error) -> anyhow::Error {
        let address = self.shown();
        let elsewhere = format!("set {URL}, or {PORT} and {PASSWORD} of our own service");
        let user = self.0.get_user().unwrap_or(USER);
        match (error.code(), error.as_db_error()) {
            (Some(code), Some(told))
                if [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(code) =>
            {
                anyhow!("the server at {address} does not let {user} in: {}; {elsewhere}", told.message())
            }
            (_, Some(told)) => anyhow!("the server at {address} takes no connection: {}; {elsewhere}", told.message()),
            _ => anyhow!(
                "no PostgreSQL answers at {address} ({}): start one with cargo xtask services up postgresql, or {elsewhere}",
                with_causes(error)
            ),
        }
    }
}

/// An error of the client's with what is behind it.
pub(super) fn with_causes(error: &Error) -> String {
    if let Some(told) = error.as_db_error() {
        let more = |name: &str, text: Option<&str>| text.map_or_else(String::new, |text| format!("; {name}: {text}"));
        return format!("{}{}{}", told.message(), more("detail", told.detail()), more("hint", told.hint()));
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text += &format!(": {said}");
        }
        cause = error.source();
    }
    text
}

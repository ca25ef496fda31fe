//! Where a server is and how to get in, from the environment; and what an error of connecting means to who reads it.
//!
//! The password stays in here: no message, setting or log names it.

use std::env;
use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context, anyhow};
use mysql::{DriverError, Error, Opts, OptsBuilder};

use crate::engine::Result;
use crate::protocol::engine::Server;

/// A connection that takes longer is none; a query may take as long as the host allows.
const CONNECT: Duration = Duration::from_secs(10);
/// A server that is gone without a word is noticed after about this.
const KEEPALIVE: Duration = Duration::from_mins(1);
/// The protocol's own limit; it keeps the client from asking the server for its limit.
const LARGEST_PACKET: usize = 1 << 30;

/// A kind of server: how its variables begin, and where it is when they say nothing.
#[derive(Debug)]
pub struct Service {
    /// The name people use.
    pub title: &'static str,
    /// What its variables begin with, `MYSQL`.
    pub prefix: &'static str,
    /// The port that `cargo xtask services` gives it.
    pub port: u16,
    /// The user that it makes.
    pub user: &'static str,
    /// That user's password, of a server that only this machine reaches.
    pub password: &'static str,
    /// The service's name there.
    pub name: &'static str,
}

/// A server's address and the way in. Not `Debug`, which would show the password.
pub struct Login {
    pub(super) service: &'static Service,
    host: String,
    port: u16,
    user: String,
    password: String,
}

impl Login {
    /// From `<PREFIX>_HOST`, `_PORT`, `_USER` and `_PASSWORD`.
    ///
    /// # Errors
    /// When the port is no port.
    pub fn read(service: &'static Service) -> Result<Self> {
        let told = |name: &str| env::var(format!("{}_{name}", service.prefix)).ok();
        let given = |name: &str| told(name).filter(|value| !value.is_empty());
        let port = given("PORT")
            .map(|port| port.parse().with_context(|| format!("{}_PORT is '{port}', which is no port", service.prefix)));
        Ok(Self {
            service,
            host: given("HOST").unwrap_or_else(|| "127.0.0.1".to_owned()),
            port: port.transpose()?.unwrap_or(service.port),
            user: given("USER").unwrap_or_else(|| service.user.to_owned()),
            // An empty one is a password too.
            password: told("PASSWORD").unwrap_or_else(|| service.password.to_owned()),
        })
    }

    /// `127.0.0.1:3307`, for messages.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Where the server is, for whoever measures it.
    pub fn server(&self) -> Server {
        Server { service: self.service.name.to_owned(), local: self.options().addr_is_loopback(), port: self.port }
    }

    /// How the client connects: by TCP and nothing else, with no deadline on an answer.
    pub(super) fn options(&self) -> Opts {
        // The client would take a colon for a port.
        let host = if self.host.contains(':') {
            format!("[{}]", self.host.trim_matches(['[', ']']))
        } else {
            self.host.clone()
        };
        OptsBuilder::new()
            .ip_or_hostname(Some(host))
            .tcp_port(self.port)
            .user(Some(self.user.clone()))
            .pass(Some(self.password.clone()))
            // It would change to the server's Unix socket behind our back.
            .prefer_socket(false)
            .tcp_connect_timeout(Some(CONNECT))
            .tcp_keepalive_time_ms(u32::try_from(KEEPALIVE.as_millis()).ok())
            .max_allowed_packet(Some(LARGEST_PACKET))
            .stmt_cache_size(0)
            .into()
    }

    /// What went wrong while connecting, and what to do about it.
    pub(super) fn refused(&self, error: &Error) -> anyhow::Error {
        let (address, Service { title, prefix, name, .. }) = (self.address(), self.service);
        let elsewhere = format!("set {prefix}_HOST and {prefix}_PORT");
        let start = format!("start one with cargo xtask services up {name}, or {elsewhere}");
        match error {
            Error::DriverError(DriverError::ConnectTimeout) => {
                anyhow!("no server answers at {address} within {} s: {start}", CONNECT.as_secs())
            }
            Error::DriverError(DriverError::CouldNotConnect(Some((_, _, ErrorKind::ConnectionRefused)))) => {
                anyhow!("no server answers at {address}: {start}")
            }
            Error::DriverError(DriverError::CouldNotConnect(Some((_, why, _)))) => {
                anyhow!("cannot reach {address}: {why}; {start}")
            }
            Error::MySqlError(told) if told.code == 1045 || told.message.contains("denied") => anyhow!(
                "the server at {address} does not let {} in: {told}; set {prefix}_USER and {prefix}_PASSWORD",
                self.user
            ),
            Error::MySqlError(told) => anyhow!("the server at {address} takes no connection: {told}"),
            other => anyhow!("what answers at {address} is no {title}, or broke off: {other}; {elsewhere}"),
        }
    }
}

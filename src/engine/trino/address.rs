//! Where a Trino server is and who asks, from the environment or as the service is set up here.
//!
//! A password stays in here: no message, setting or log names it.

use anyhow::{Context, Result, ensure};

use crate::engine::server::{Asked, host_and_port, is_local, port, told};
use crate::protocol::engine::Server;

/// The name in `cargo xtask services`.
const SERVICE: &str = "trino";
/// The port that it gives the server, unless the variable says another.
const PORT: u16 = 18080;
const PORT_VARIABLE: &str = "TRINO_PORT";
/// Leads to another server.
pub(super) const URL: &str = "TRINO_URL";

/// A server's address and the way in. Not `Debug`, which would show the password.
pub(super) struct Address {
    tls: bool,
    host: String,
    port: u16,
    pub(super) user: String,
    password: Option<String>,
    /// The catalog in which tables are made: one of the Hive connector.
    pub(super) catalog: String,
    /// Whether the user named the server.
    pub(super) given: bool,
}

impl Address {
    /// From `TRINO_URL`, `TRINO_USER`, `TRINO_PASSWORD` and `TRINO_CATALOG`.
    pub(super) fn read() -> Result<Self> {
        let given = told(URL).map(|url| Self::parse(&url).with_context(|| format!("{URL} is no address")));
        let mut address = given.unwrap_or_else(|| Ok(Self::here(port(PORT_VARIABLE, PORT)?)))?;
        address.user = told("TRINO_USER").unwrap_or(address.user);
        address.password = told("TRINO_PASSWORD");
        address.catalog = told("TRINO_CATALOG").unwrap_or(address.catalog);
        // Trino would take it, and the password would go over the network as it is.
        ensure!(address.password.is_none() || address.tls, "a password needs {URL}=https://...");
        Ok(address)
    }

    fn here(port: u16) -> Self {
        Self {
            tls: false,
            host: "127.0.0.1".to_owned(),
            port,
            user: "querydyno".to_owned(),
            password: None,
            catalog: "hive".to_owned(),
            given: false,
        }
    }

    fn parse(url: &str) -> Result<Self> {
        const FORM: &str = "it has the form http://host:port or https://host:port";
        let (scheme, rest) = url.split_once("://").context(FORM)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        ensure!(["http", "https"].contains(&scheme) && !authority.contains(['/', '@', '?', '#', ' ']), "{FORM}");
        let tls = scheme == "https";
        let (host, port) = host_and_port(authority, if tls { 443 } else { 80 })?;
        ensure!(!host.is_empty(), "{FORM}");
        Ok(Self { tls, host: host.to_owned(), given: true, ..Self::here(port) })
    }

    /// `127.0.0.1:18080`, for messages.
    pub(super) fn shown(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Of a path that begins with a slash.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.tls { "https" } else { "http" }, self.shown())
    }

    /// User and password, which go with every call where there is a password.
    pub(super) fn credentials(&self) -> Option<String> {
        self.password.as_ref().map(|password| format!("{}:{password}", self.user))
    }

    /// Whether what goes with every call may go to this URI, which a server behind a proxy may give without TLS.
    pub(super) fn may_be_told(&self, uri: &str) -> bool {
        self.password.is_none() || uri.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
    }

    /// Where the server is, for whoever measures it.
    pub(super) fn server(&self, asked: &Asked) -> Server {
        let service = asked.service.clone().unwrap_or_else(|| SERVICE.to_owned());
        Server { service, local: is_local(&self.host), port: self.port }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_parse_reads_urls() {
        for (url, shown, path) in [
            ("http://localhost:8080", "localhost:8080", "http://localhost:8080/v1/info"),
            ("https://trino.example/", "trino.example:443", "https://trino.example:443/v1/info"),
            ("http://[::1]", "[::1]:80", "http://[::1]:80/v1/info"),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!((address.shown().as_str(), address.url("/v1/info").as_str()), (shown, path));
            assert!(address.given && address.credentials().is_none());
        }
        for url in ["localhost:8080", "ftp://h", "http://", "http://me:secret@h", "http://h:port", "http://h/ui"] {
            let error = Address::parse(url).err().map(|error| format!("{error:#}")).unwrap();
            assert!(!error.contains("secret") && (error.contains("form") || error.contains("no port")), "{error}");
        }
    }

    #[test]
    fn address_may_be_told_keeps_a_password_within_tls() {
        let open = Address::parse("https://trino.example").unwrap();
        let with = Address { password: Some("secret".to_owned()), ..Address::parse("https://trino.example").unwrap() };
        for (uri, may) in
            [("https://other/v1/1", true), ("HTTPS://h", true), ("http://trino.example/v1/1", false), ("/v1", false)]
        {
            assert_eq!((with.may_be_told(uri), open.may_be_told(uri)), (may, true), "{uri}");
        }
    }
}

//! Where a server of Spark Connect is: `sc://host:port/;token=...`, from the environment or as the service is set up here.
//!
//! A token stays in here: no message, setting or log names it.

use anyhow::{Context, bail, ensure};

use crate::engine::Result;
use crate::engine::server::{Asked, host_and_port, is_local, port, told};
use crate::protocol::engine::Server;

/// A service whose server speaks Spark Connect.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// Its name in `cargo xtask services`.
    pub(super) name: &'static str,
    /// The engine that answers there.
    pub(super) engine: Kind,
    /// The port that `cargo xtask services` gives it, unless the variable says another.
    port: u16,
    port_variable: &'static str,
    /// Whether other processes than the server run its queries, on one machine or many.
    pub(super) cluster: bool,
}

/// What answers: they differ in what they can tell of themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Apache Spark.
    Spark,
    /// DuckDB behind the same protocol.
    Thunderduck,
}

static SERVICES: [Service; 4] = [
    Service { name: "spark-4.0", engine: Kind::Spark, port: 15400, port_variable: "SPARK_4_0_PORT", cluster: false },
    Service { name: "spark-3.5", engine: Kind::Spark, port: 15350, port_variable: "SPARK_3_5_PORT", cluster: false },
    Service {
        name: "spark-cluster",
        engine: Kind::Spark,
        port: 15500,
        port_variable: "SPARK_CLUSTER_PORT",
        cluster: true,
    },
    Service {
        name: "thunderduck",
        engine: Kind::Thunderduck,
        port: 15002,
        port_variable: "THUNDERDUCK_PORT",
        cluster: false,
    },
];

/// The port of the protocol where an address names none.
const PORT: u16 = 15002;
const USER: &str = "querydyno";

impl Kind {
    /// The name people use.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Spark => "Spark",
            Self::Thunderduck => "Thunderduck",
        }
    }

    /// The variable that leads to another server.
    pub(super) fn variable(self) -> &'static str {
        match self {
            Self::Spark => "SPARK_REMOTE",
            Self::Thunderduck => "THUNDERDUCK_URL",
        }
    }
}

impl Service {
    /// The one that is asked for; Spark 4.0 where nothing is said.
    pub(super) fn of(asked: &Asked) -> Result<&'static Self> {
        let name = asked.service.as_deref().unwrap_or(SERVICES[0].name);
        SERVICES.iter().find(|service| service.name == name).with_context(|| {
            let names: Vec<&str> = SERVICES.iter().map(|service| service.name).collect();
            format!("'{name}' is no service that speaks Spark Connect: there are {}", names.join(", "))
        })
    }
}

/// A server's address and the way in. Not `Debug`, which would show the token.
pub(super) struct Address {
    host: String,
    port: u16,
    /// Who asks; servers tell sessions apart by it.
    pub(super) user: String,
    /// Sent with every call.
    pub(super) token: Option<String>,
    /// Whether the user named it.
    pub(super) given: bool,
}

impl Address {
    /// Of the variable of the engine, else the service as it is started here.
    pub(super) fn read(service: &Service) -> Result<Self> {
        let variable = service.engine.variable();
        if let Some(text) = told(variable) {
            return Self::parse(&text).with_context(|| format!("{variable} is no address"));
        }
        Ok(Self::here(port(service.port_variable, service.port)?))
    }

    fn here(port: u16) -> Self {
        Self { host: "127.0.0.1".to_owned(), port, user: USER.to_owned(), token: None, given: false }
    }

    fn parse(text: &str) -> Result<Self> {
        const FORM: &str = "it has the form sc://host:port";
        let rest = text.strip_prefix("sc://").context(FORM)?;
        let (authority, parameters) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = host_and_port(authority, PORT)?;
        ensure!(!host.is_empty() && !host.contains(['@', '?', '#', ' ']), "{FORM}");
        let mut address = Self { host: host.to_owned(), given: true, ..Self::here(port) };
        for parameter in parameters.split(';').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').context("its parameters have the form /;name=value")?;
            match name {
                "user_id" => value.clone_into(&mut address.user),
                "token" => address.token = Some(value.to_owned()),
                "use_ssl" if value == "false" => {}
                "use_ssl" => bail!("this client speaks without TLS: go through a tunnel to the server"),
                other => bail!("it has the parameter {other}; there are user_id and token"),
            }
        }
        Ok(address)
    }

    /// `127.0.0.1:15400`, for messages.
    pub(super) fn shown(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// For the client.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.shown())
    }

    /// Where the server is, for whoever measures it.
    pub(super) fn server(&self, service: &Service) -> Server {
        Server { service: service.name.to_owned(), local: is_local(&self.host), port: self.port }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_parse_reads_what_clients_of_spark_take() {
        for (text, shown, user, token) in [
            ("sc://localhost", "localhost:15002", "querydyno", None),
            ("sc://10.0.0.7:443/", "10.0.0.7:443", "querydyno", None),
            ("sc://[::1]:15040", "[::1]:15040", "querydyno", None),
            ("sc://[::1]", "[::1]:15002", "querydyno", None),
            ("sc://h:1/;user_id=me;token=secret;use_ssl=false", "h:1", "me", Some("secret")),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.shown().as_str(), address.user.as_str()), (shown, user), "{text}");
            assert_eq!(address.token.as_deref(), token);
        }
    }

    #[test]
    fn address_parse_says_what_is_wrong_and_not_the_token() {
        for (text, why) in [
            ("localhost:15002", "sc://host:port"),
            ("sc://", "sc://host:port"),
            ("sc://h:port", "'port' is no port"),
            ("sc://h:1/;use_ssl=true;token=secret", "without TLS"),
            ("sc://h:1/;token=secret;color=red", "parameter color"),
            ("sc://h:1/;token", "name=value"),
        ] {
            let error = format!("{:#}", Address::parse(text).err().unwrap());
            assert!(error.contains(why) && !error.contains("secret"), "{text}: {error}");
        }
    }

    #[test]
    fn each_service_has_a_port_of_its_own() {
        let asked = |name: &str| Asked { service: Some(name.to_owned()), ..Asked::default() };
        for service in &SERVICES {
            assert_eq!(Service::of(&asked(service.name)).unwrap(), service);
            let address = Address::here(service.port);
            let sharing = SERVICES.iter().filter(|other| other.port == service.port).count();
            assert_eq!((sharing, address.server(service).local), (1, true));
        }
        assert!(Service::of(&asked("hive")).unwrap_err().to_string().contains("spark-3.5"));
    }
}

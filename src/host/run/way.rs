//! The way from an engine to a store on S3: [`Way::to_s3`].
//!
//! Where the store speaks plain HTTP, the engine is told a proxy of ours in its place, one for each program, which counts and charges
//! what `QUERYDYNO_NETWORK` says. Where it speaks TLS, or is Amazon's, whose requests are signed for its own name, the engine is told the store
//! itself, and nothing is counted.

use crate::host::data::s3;
use crate::host::session::{Failure, FailureKind, Proxy};
use crate::host::settings::Settings;
use crate::protocol::s3::Access;

/// What an engine's program is told, and what is in between.
#[derive(Debug, Default)]
pub(super) struct Way {
    pub(super) access: Option<Access>,
    pub(super) proxy: Option<Proxy>,
}

impl Way {
    /// By these settings.
    ///
    /// # Errors
    /// Without credentials, where the proxy does not start, or a network is set that nobody could charge.
    pub(super) fn to_s3(settings: &Settings) -> Result<Self, Failure> {
        let failed = |error: anyhow::Error| FailureKind::Engine { message: format!("{error:#}") };
        let access = settings.s3.access().map_err(failed)?.clone();
        let network = &settings.s3.network;
        let Some(server) = access.endpoint.as_deref().and_then(server) else {
            if !network.is_plain() {
                let message = format!(
                    "QUERYDYNO_NETWORK={network} takes a store that speaks plain HTTP, AWS_ENDPOINT_URL=http://host:port: a \
                     proxy between it and an engine cannot speak for one with TLS"
                );
                return Err(FailureKind::Engine { message }.into());
            }
            return Ok(Self { access: Some(access), proxy: None });
        };
        let program = s3::program().map_err(failed)?;
        let proxy = Proxy::start(&program, &server, network)?;
        let endpoint = Some(format!("http://127.0.0.1:{}", proxy.port));
        Ok(Self { access: Some(Access { endpoint, ..access }), proxy: Some(proxy) })
    }
}

/// `host:port` of an endpoint that speaks plain HTTP.
fn server(endpoint: &str) -> Option<String> {
    let host = endpoint.strip_prefix("http://")?.split('/').next()?;
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Some(if has_port { host.to_owned() } else { format!("{host}:80") })
}

#[cfg(test)]
mod tests {
    use super::{Way, server};
    use crate::host::settings::Settings;
    use crate::protocol::s3::{Access, Secret};

    #[test]
    fn a_network_is_refused_where_nobody_could_charge_it() {
        let to = |endpoint: Option<&str>, network: &str| {
            let access = Access {
                endpoint: endpoint.map(str::to_owned),
                region: "us-east-1".to_owned(),
                path_style: true,
                access_key_id: Secret::new("a"),
                secret_access_key: Secret::new("b"),
                session_token: None,
            };
            let mut settings = Settings::read().unwrap();
            settings.s3.network = network.parse().unwrap();
            settings.s3 = settings.s3.reached_by(access);
            Way::to_s3(&settings)
        };
        for endpoint in [None, Some("https://127.0.0.1:1")] {
            let refused = to(endpoint, "rtt=1ms").unwrap_err().to_string();
            assert!(refused.contains("takes a store that speaks plain HTTP"), "{refused}");
            let way = to(endpoint, "").unwrap();
            assert!(way.proxy.is_none() && way.access.unwrap().endpoint.as_deref() == endpoint);
        }
    }

    #[test]
    fn server_is_one_that_a_proxy_can_speak_for() {
        assert_eq!(server("http://127.0.0.1:7070").as_deref(), Some("127.0.0.1:7070"));
        assert_eq!(server("http://minio").as_deref(), Some("minio:80"));
        assert_eq!(server("http://[::1]:9000").as_deref(), Some("[::1]:9000"));
        assert_eq!(server("https://s3.eu-central-1.amazonaws.com"), None);
    }
}

//! Tables on S3 by Hadoop's client among the server's jars: what a session is set to for it, [`settings`] and [`secrets`], and how a file is called.
//!
//! A server keeps one client for each bucket for as long as it runs, with the endpoint and the credentials of who asked first. So each
//! session has a scheme of its own, `s3a-SESSION://bucket/key`: its client is its own, and keeps connections from one query to the next,
//! as one of `s3a` does. Without clients that are kept (`fs.s3a.impl.disable.cache`) each file that is opened would leave one behind.
//!
//! Spark hands what a session is set to on to Hadoop. Names with `secret`, `token` or `access.key` it shows to nobody, be it on its
//! page or in its log of events (`spark.redaction.regex`); options of a read it would show with the plan.

use anyhow::bail;

use crate::engine::server::is_local;
use crate::engine::{Result, Unsupported};
use crate::protocol::location::Location;
use crate::protocol::s3::{Access, Secret};

const CLIENT: &str = "org.apache.hadoop.fs.s3a.S3AFileSystem";

/// A session's own scheme.
pub(super) fn scheme(session: &str) -> String {
    format!("s3a-{session}")
}

/// A text of the server's without it.
pub(super) fn shown(session: &str, text: &str) -> String {
    text.replace(&scheme(session), "s3a")
}

/// What a session is set to before it reads such tables, besides [`secrets`].
pub(super) fn settings(access: &Access, session: &str) -> Vec<(String, String)> {
    let Access { endpoint, region, path_style, session_token, .. } = access;
    let provider =
        if session_token.is_some() { "TemporaryAWSCredentialsProvider" } else { "SimpleAWSCredentialsProvider" };
    let mut settings = vec![
        (format!("fs.{}.impl", scheme(session)), CLIENT.to_owned()),
        ("fs.s3a.aws.credentials.provider".to_owned(), format!("org.apache.hadoop.fs.s3a.{provider}")),
        ("fs.s3a.endpoint.region".to_owned(), region.clone()),
        // As Hadoop advises for Parquet. Otherwise it asks for the rest of a file and hangs up, and how much of that comes is chance.
        ("fs.s3a.experimental.input.fadvise".to_owned(), "random".to_owned()),
        ("fs.s3a.path.style.access".to_owned(), path_style.to_string()),
    ];
    if let Some(endpoint) = endpoint {
        let tls = !endpoint.starts_with("http://");
        settings.push(("fs.s3a.endpoint".to_owned(), endpoint.clone()));
        settings.push(("fs.s3a.connection.ssl.enabled".to_owned(), tls.to_string()));
    }
    settings
}

/// Settings that nobody may be told.
pub(super) fn secrets(access: &Access) -> Vec<(&'static str, Secret)> {
    let Access { access_key_id, secret_access_key, session_token, .. } = access;
    let mut secrets =
        vec![("fs.s3a.access.key", access_key_id.clone()), ("fs.s3a.secret.key", secret_access_key.clone())];
    secrets.extend(session_token.clone().map(|token| ("fs.s3a.session.token", token)));
    secrets
}

/// Refuses a store of this machine, or a proxy to one, for a server whose queries run on others.
///
/// # Errors
/// [`Unsupported`].
pub(super) fn refuse_unreached(access: &Access, local: bool, master: Option<&str>) -> Result<()> {
    let Some(endpoint) = &access.endpoint else { return Ok(()) };
    let of_master = |master: &str| master.starts_with("local") || host(master).is_some_and(is_local);
    if host(endpoint).is_some_and(is_local) && !(local && master.is_none_or(of_master)) {
        bail!(Unsupported(format!(
            "Spark runs on other machines, and S3 is reached by {endpoint}, a store of this machine or the proxy that counts what is \
             read: take a store with TLS (AWS_ENDPOINT_URL=https://...), which is asked directly"
        )));
    }
    Ok(())
}

/// The host of `scheme://host:port`.
fn host(address: &str) -> Option<&str> {
    let authority = address.split_once("://")?.1.split(['/', ',']).next()?;
    Some(authority.rsplit_once(':').map_or(authority, |(host, _)| host))
}

/// A file as Spark takes it.
///
/// # Errors
/// [`Unsupported`] for one on S3 whose bucket Hadoop does not take.
pub(super) fn path(location: &Location, session: &str) -> Result<String> {
    let Location::S3 { bucket, key } = location else { bail!("{location} is not on S3, as others of its table are") };
    if !bucket.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-.".contains(letter)) {
        bail!(Unsupported(format!("the bucket {bucket} has a name that Hadoop takes for no host's")));
    }
    Ok(format!("{}://{bucket}/{key}", scheme(session)))
}

/// Whether this is what a server says that has no such client among its jars.
pub(super) fn is_missing(error: &str) -> bool {
    ["ClassNotFoundException", "NoClassDefFoundError"].iter().any(|why| error.contains(why))
        && ["S3AFileSystem", "awssdk", "com/amazonaws", "com.amazonaws"].iter().any(|what| error.contains(what))
}

/// What to say of one.
pub(super) fn missing(address: &str, service: &str) -> Unsupported {
    let advice = if service == "spark-3.5" {
        "cargo xtask services up spark-4.0 starts one that has; 3.5 takes an SDK of 280 MB (hadoop-aws 3.3.4 and aws-java-sdk-bundle \
         1.12.262 in the jars of a Spark of your own, SPARK_HOME)"
            .to_owned()
    } else {
        format!(
            "stop it and, where mvn is installed and the variables of S3 are set, cargo xtask services up {service} starts one that has"
        )
    };
    Unsupported(format!("the server at {address} has no hadoop-aws with its SDK among its jars: {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(endpoint: Option<&str>, token: Option<&str>) -> Access {
        Access {
            endpoint: endpoint.map(str::to_owned),
            region: "eu-central-1".to_owned(),
            path_style: true,
            access_key_id: Secret::new("AKIA7"),
            secret_access_key: Secret::new("hidden"),
            session_token: token.map(Secret::new),
        }
    }

    #[test]
    fn settings_have_secrets_only_where_spark_redacts_them() {
        let hours = access(Some("http://127.0.0.1:7070"), Some("for hours"));
        let (told, secret) = (settings(&hours, "7"), secrets(&hours));
        assert!(told.contains(&("fs.s3a-7.impl".to_owned(), CLIENT.to_owned())));
        assert!(told.contains(&("fs.s3a.connection.ssl.enabled".to_owned(), "false".to_owned())));
        assert!(told.iter().any(|(_, value)| value.ends_with("TemporaryAWSCredentialsProvider")));
        assert!(!format!("{told:?}{secret:?}").contains("AKIA7") && !format!("{told:?}{secret:?}").contains("hidden"));
        // spark.redaction.regex: (?i)secret|password|token|access[.]?key
        let redacted = |name: &str| ["secret", "token", "access.key"].iter().any(|word| name.contains(word));
        assert!(secret.len() == 3 && secret.iter().all(|(name, _)| redacted(name)), "{secret:?}");
        let (told, secret) = (settings(&access(None, None), "7"), secrets(&access(None, None)));
        assert!(secret.len() == 2 && !told.iter().any(|(name, _)| name == "fs.s3a.endpoint"));
    }

    #[test]
    fn a_file_has_the_scheme_of_its_session_which_nobody_is_told() {
        let found = path(&"s3://bench/a/b.parquet".parse().unwrap(), "1-2").unwrap();
        assert_eq!(found, "s3a-1-2://bench/a/b.parquet");
        assert_eq!(shown("1-2", &found), "s3a://bench/a/b.parquet");
        assert!(path(&"s3://My_Bucket/a".parse().unwrap(), "7").unwrap_err().is::<Unsupported>());
    }

    #[test]
    fn a_store_of_this_machine_is_for_a_server_of_this_machine() {
        let refused = |endpoint, local, master| refuse_unreached(&access(endpoint, None), local, master).is_err();
        let here = Some("http://127.0.0.1:7070");
        assert!(!refused(here, true, Some("local[2]")) && !refused(here, true, Some("spark://127.0.0.1:7077")));
        assert!(refused(here, false, None) && refused(here, true, Some("spark://head:7077,spark://127.0.0.1:1")));
        assert!(!refused(Some("https://s3.example.org"), false, None) && !refused(None, false, None));
    }

    #[test]
    fn is_missing_knows_what_a_server_without_the_jars_says() {
        for (error, is) in [
            ("java.lang.ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem not found", true),
            ("java.lang.NoClassDefFoundError: software/amazon/awssdk/transfer/s3/model/ObjectTransfer", true),
            ("java.nio.file.AccessDeniedException: s3a://bench/a: InvalidAccessKeyId", false),
        ] {
            assert_eq!(is_missing(error), is, "{error}");
        }
    }
}

//! A client of a store, by the library `object_store`: [`Client`]. Its errors say what happened and what to do about it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use object_store::aws::{AmazonS3, Checksum};
use object_store::{BackoffConfig, ClientOptions, Error, RetryConfig};

use crate::protocol::s3::Access;

/// By which the store's own log tells us from engines.
const USER_AGENT: &str = "querydyno-s3";

/// A store, and who asks it.
#[derive(Debug)]
pub(crate) struct Client {
    access: Access,
    /// By their names: requests to one bucket have their connections in common.
    buckets: Mutex<BTreeMap<String, AmazonS3>>,
}

impl Client {
    pub(crate) fn new(access: Access) -> Self {
        Self { access, buckets: Mutex::default() }
    }

    /// # Errors
    /// When its name is none.
    pub(crate) fn bucket(&self, name: &str) -> Result<AmazonS3> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = buckets.get(name) {
            return Ok(known.clone());
        }
        let options = ClientOptions::new()
            .with_allow_http(true)
            .with_user_agent(USER_AGENT.parse()?)
            .with_connect_timeout(Duration::from_secs(5));
        // A store that is down is told in seconds.
        let backoff = BackoffConfig { max_backoff: Duration::from_secs(1), ..BackoffConfig::default() };
        let retry = RetryConfig { backoff, max_retries: 3, retry_timeout: Duration::from_secs(20) };
        let builder = self.access.bucket(name).with_checksum_algorithm(Checksum::SHA256);
        let store = builder.with_client_options(options).with_retry(retry).build();
        let store = store.with_context(|| format!("the bucket {name} cannot be reached"))?;
        buckets.insert(name.to_owned(), store.clone());
        Ok(store)
    }

    /// An error of the library's, which tells much, as what happened and what to do.
    pub(crate) fn told(&self, error: &Error, what: &str) -> anyhow::Error {
        let place = self.access.endpoint.as_deref().unwrap_or("Amazon");
        // Of credentials that are over, Amazon repeats the token.
        let text = self.access.secrets().iter().fold(error.to_string(), |text, secret| secret.hide_in(&text));
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let why = if has(&["Connection refused", "tcp connect error", "error sending request", "dns error"]) {
            format!("no server answers at {place}: is it up, and is AWS_ENDPOINT_URL right?")
        } else if has(&[
            "SignatureDoesNotMatch",
            "XAdminUserNotFound",
            "InvalidAccessKeyId",
            "ExpiredToken",
            "InvalidToken",
            "AccessDenied",
            "403 Forbidden",
            "401 Unauthorized",
        ]) {
            format!(
                "{place} refuses these credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN \
                 where they are temporary) of somebody who may do that"
            )
        } else if has(&["NoSuchBucket"]) {
            format!("{place} has no such bucket: make it, or name another with QUERYDYNO_S3_BUCKET")
        } else if matches!(error, Error::NotFound { .. }) {
            format!("there is no such object at {place}")
        } else if has(&["SlowDown", "503 Service Unavailable"]) {
            format!("{place} says that it is too busy, also when asked again")
        } else {
            text.clone()
        };
        let code = code_in(&text).filter(|_| why != text);
        anyhow!("{what}: {why}{}", code.map(|code| format!(" ({code})")).unwrap_or_default())
    }
}

/// The code of S3's error in an answer.
fn code_in(text: &str) -> Option<&str> {
    Some(text.split_once("<Code>")?.1.split_once("</Code>")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::s3::Secret;

    #[test]
    fn told_repeats_no_secret_that_the_store_repeats() {
        let client = Client::new(Access {
            endpoint: None,
            region: "us-east-1".to_owned(),
            path_style: false,
            access_key_id: Secret::new("ASIA7"),
            secret_access_key: Secret::new("hidden"),
            session_token: Some(Secret::new("Fwo/GZ+xyz==")),
        });
        let told = |code: &str| {
            let body = format!("400: <Error><Code>{code}</Code><Token-0>Fwo/GZ+xyz==</Token-0><Id>ASIA7</Id></Error>");
            client.told(&Error::Generic { store: "S3", source: body.into() }, "cannot list s3://bench").to_string()
        };
        for code in ["ExpiredToken", "Strange"] {
            assert!(!told(code).contains("Fwo/GZ") && !told(code).contains("ASIA7"), "{}", told(code));
        }
        assert!(told("ExpiredToken").contains("AWS_SESSION_TOKEN") && told("Strange").contains("Strange"));
    }

    #[test]
    fn code_in_finds_what_the_store_calls_it() {
        assert_eq!(code_in("403: <Error><Code>AccessDenied</Code><Message>"), Some("AccessDenied"));
        assert_eq!(code_in("no answer"), None);
    }
}

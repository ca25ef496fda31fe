//! What tables on S3 take: a place in a bucket, the variables that every tool of Amazon's reads, and the network in between.

use anyhow::{Context, Result, bail, ensure};

use super::keys::{NETWORK, S3_BUCKET, S3_PATH_STYLE};
use super::read::yes;
use super::resolved::{Given, named};
use crate::protocol::location::Location;
use crate::protocol::network::Network;
use crate::protocol::s3::{Access, Secret};

/// Where a store on S3 is, who asks, and what the way there costs.
#[derive(Debug, Clone, Default)]
pub struct S3Settings {
    /// The bucket, or a folder in it, where somebody said one.
    pub bucket: Option<Location>,
    /// What the way costs, in addition to what it takes by itself.
    pub network: Network,
    /// Where both parts of the credentials are set.
    access: Option<Access>,
}

/// What to set where tables on S3 are asked for and nothing is.
const ADVICE: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_ENDPOINT_URL=http://host:port for a server that is \
                      not Amazon's; eval \"$(cargo xtask services up s3)\" starts one here and sets them";

impl S3Settings {
    pub(super) fn of(given: &Given) -> Result<Self> {
        let told = |name: &str| given.environment.get(name).filter(|value| !value.is_empty()).cloned();
        let first = |names: [&str; 2]| names.into_iter().find_map(told);
        let bucket = given.value(&S3_BUCKET).map(|(text, by)| bucket(&text).with_context(|| named(&S3_BUCKET, &by)));
        let network = given.value(&NETWORK).map(|(text, by)| {
            text.parse::<Network>().map_err(anyhow::Error::msg).with_context(|| named(&NETWORK, &by))
        });
        let endpoint = first(["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]);
        let path_style = given.value(&S3_PATH_STYLE).map(|(text, _)| yes(&text, &S3_PATH_STYLE)).transpose()?;
        let credentials = told("AWS_ACCESS_KEY_ID").zip(told("AWS_SECRET_ACCESS_KEY"));
        let access = credentials.map(|(id, secret)| Access {
            path_style: path_style.unwrap_or(endpoint.is_some()),
            endpoint: endpoint.map(|endpoint| endpoint.trim_end_matches('/').to_owned()),
            region: first(["AWS_REGION", "AWS_DEFAULT_REGION"]).unwrap_or_else(|| "us-east-1".to_owned()),
            access_key_id: Secret::new(id),
            secret_access_key: Secret::new(secret),
            session_token: told("AWS_SESSION_TOKEN").map(Secret::new),
        });
        Ok(Self { bucket: bucket.transpose()?, network: network.transpose()?.unwrap_or_default(), access })
    }

    /// The same by what a program says instead of the environment.
    #[must_use]
    pub fn reached_by(self, access: Access) -> Self {
        Self { access: Some(access), ..self }
    }

    /// Whether somebody said anything by which a store is found.
    pub fn is_told(&self) -> bool {
        self.bucket.is_some() || self.access.is_some()
    }

    /// How the store is reached.
    ///
    /// # Errors
    /// What to set, where credentials are missing.
    pub fn access(&self) -> Result<&Access> {
        self.access.as_ref().with_context(|| format!("there are no credentials for S3: {ADVICE}"))
    }

    /// The same, where somebody said it.
    pub fn access_if_told(&self) -> Option<&Access> {
        self.access.as_ref()
    }

    /// Where tables of the formats on S3 are.
    ///
    /// # Errors
    /// What to set, where no bucket is named.
    pub fn bucket(&self) -> Result<&Location> {
        let advice = "set QUERYDYNO_S3_BUCKET to a bucket, or to s3://bucket/folder";
        self.bucket.as_ref().with_context(|| {
            format!("tables of the formats s3 and iceberg-s3 are in a bucket, and none is named: {advice}")
        })
    }
}

/// A bucket's name, or a place in one.
///
/// # Errors
/// When it is on no S3.
pub fn bucket(text: &str) -> Result<Location> {
    let whole = if text.contains("://") { text.to_owned() } else { format!("s3://{text}") };
    let place: Location = whole.parse().map_err(anyhow::Error::msg)?;
    let Location::S3 { bucket, .. } = &place else { bail!("'{text}' is no place on S3: write s3://bucket/folder") };
    let may_be = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(
        bucket.chars().all(may_be) && !bucket.starts_with('.'),
        "'{bucket}' is no bucket: write its name, or s3://bucket/folder"
    );
    Ok(place)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<S3Settings> {
        let environment: BTreeMap<_, _> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        S3Settings::of(&Given { environment, ..Given::default() })
    }

    #[test]
    fn a_bucket_is_a_name_or_a_place() {
        for (text, wanted) in
            [("bench", "s3://bench/"), ("s3://bench/a/b", "s3://bench/a/b"), ("bench/a", "s3://bench/a")]
        {
            assert_eq!(bucket(text).unwrap().to_string(), wanted);
        }
        for wrong in ["gs://bench", "/data", "./data", "file:/data"] {
            assert!(bucket(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn access_takes_what_every_tool_of_amazon_takes_and_shows_no_secret() {
        let both = [("AWS_ACCESS_KEY_ID", "AKIA7"), ("AWS_SECRET_ACCESS_KEY", "hidden")];
        let own = settings(&[&both[..], &[("AWS_ENDPOINT_URL", "http://127.0.0.1:7070/")]].concat()).unwrap();
        let access = own.access().unwrap();
        assert_eq!((access.endpoint.as_deref(), access.path_style), (Some("http://127.0.0.1:7070"), true));
        assert!(!format!("{own:?}").contains("hidden") && !format!("{own:?}").contains("AKIA7"));
        let amazon = settings(&[&both[..], &[("AWS_DEFAULT_REGION", "eu-central-1")]].concat()).unwrap();
        let access = amazon.access().unwrap();
        assert_eq!((access.region.as_str(), access.path_style, &access.endpoint), ("eu-central-1", false, &None));
        let error = settings(&both[..1]).unwrap().access().unwrap_err().to_string();
        assert!(error.contains("AWS_SECRET_ACCESS_KEY") && error.contains("services up s3"), "{error}");
        let error = format!("{:#}", settings(&[("QUERYDYNO_NETWORK", "latency=2ms")]).unwrap_err());
        assert!(error.contains("QUERYDYNO_NETWORK") && error.contains("rtt=2ms"), "{error}");
    }
}

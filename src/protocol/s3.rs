//! What a store that speaks S3 is reached by, [`Access`]; and what the host asks `querydyno-s3`, and what that replies: JSON, one
//! request a line on stdin, replies on stdout.
//!
//! The program ends when its stdin closes. A request has one reply; an upload tells its progress before.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::protocol::network::{Network, Traffic};

/// Where a store is, and who asks. It goes to programs by their stdin, never by arguments or the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// `http://127.0.0.1:7070`; none: Amazon's own of the region.
    pub endpoint: Option<String>,
    /// `us-east-1`.
    pub region: String,
    /// Whether the bucket is in the path and not in the host's name.
    pub path_style: bool,
    /// Who asks.
    pub access_key_id: Secret,
    /// And with what.
    pub secret_access_key: Secret,
    /// Of credentials that are for some hours only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Secret>,
}

impl Access {
    /// A bucket for the library `object_store`, without its environment.
    #[cfg(any(feature = "arrow", feature = "datafusion", feature = "iceberg", feature = "pipeline", feature = "s3"))]
    pub fn bucket(&self, name: &str) -> object_store::aws::AmazonS3Builder {
        let Self { endpoint, region, path_style, access_key_id, secret_access_key, session_token } = self;
        let mut builder = object_store::aws::AmazonS3Builder::new()
            .with_bucket_name(name)
            .with_region(region)
            .with_virtual_hosted_style_request(!path_style)
            .with_access_key_id(access_key_id.reveal())
            .with_secret_access_key(secret_access_key.reveal())
            .with_allow_http(true);
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(token) = session_token {
            builder = builder.with_token(token.reveal());
        }
        builder
    }

    /// What must stand in no record and no log.
    pub fn secrets(&self) -> Vec<Secret> {
        let all = [Some(&self.access_key_id), Some(&self.secret_access_key), self.session_token.as_ref()];
        all.into_iter().flatten().filter(|secret| !secret.0.is_empty()).cloned().collect()
    }
}

/// An object by its key as it is, for the library `object_store`: a percent sign in it stands for itself.
///
/// # Errors
/// When no object can be called that.
#[cfg(any(feature = "arrow", feature = "iceberg", feature = "pipeline", feature = "s3"))]
pub fn object(key: &str) -> anyhow::Result<object_store::path::Path> {
    use anyhow::Context as _;
    let no_key = || format!("'{key}' is no key of an object that can be asked for");
    object_store::path::Path::parse(key).with_context(no_key)
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// What stands in the place of one.
const HIDDEN: &str = "***";

impl Secret {
    /// Keeps a text from being shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever has to say it to a server.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A text without it, be it as it is or as JSON has it.
    pub fn hide_in(&self, text: &str) -> String {
        let json = serde_json::to_string(&self.0).unwrap_or_default();
        let inner = json.trim_matches('"');
        let hidden = text.replace(&self.0, HIDDEN);
        if inner.is_empty() { hidden } else { hidden.replace(inner, HIDDEN) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Talk to this store from here on.
    Connect {
        /// Where it is.
        access: Access,
    },
    /// The objects whose keys begin so.
    List {
        /// The bucket.
        bucket: String,
        /// How the keys begin: a folder ends in a slash.
        prefix: String,
    },
    /// A small object, as text.
    Read {
        /// The bucket.
        bucket: String,
        /// Its key.
        key: String,
    },
    /// Put a text there.
    Write {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
        /// What it shall hold.
        text: String,
    },
    /// Put a file there, in parts where it is large.
    Upload {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
        /// The file.
        file: PathBuf,
    },
    /// The footer of a Parquet file, in a file of the same length that holds nothing else.
    Footer {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
        /// Its length.
        bytes: u64,
        /// The file, which is made.
        file: PathBuf,
    },
    /// Stand between a client and a server from here on.
    Proxy {
        /// The server, `host:port`.
        server: String,
        /// What the way costs.
        network: Network,
    },
    /// What went through it so far.
    Count {},
}

/// What is replied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Reply {
    /// Whether the store answers shows when it is asked for something.
    Connect {},
    /// In the order of their keys.
    List {
        /// What is there.
        objects: Vec<Object>,
    },
    /// The text, if there is such an object.
    Read {
        /// What it holds.
        text: Option<String>,
    },
    /// The text is there.
    Write {},
    /// So many bytes of an upload were sent since the last such line. Another reply follows.
    Sent {
        /// How many.
        bytes: u64,
    },
    /// The file is there.
    Upload {
        /// What the store calls this content.
        etag: Option<String>,
    },
    /// The file is made.
    Footer {},
    /// Where clients connect.
    Proxy {
        /// A port of this machine, open to it alone.
        port: u16,
    },
    /// Since the proxy began.
    Count {
        /// What was counted.
        traffic: Traffic,
    },
    /// It went wrong.
    Fail {
        /// The error with its causes, and what to do.
        message: String,
    },
}

/// An object in a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// What the store calls its content; another content has another.
    pub etag: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(any(feature = "arrow", feature = "iceberg", feature = "pipeline", feature = "s3"))]
    #[test]
    fn object_keeps_what_a_writer_has_escaped() {
        for text in ["t/day=a%20b/0.parquet", "t/größe 1/0.parquet"] {
            assert_eq!(object(text).unwrap().as_ref(), text);
        }
        assert!(object("t//0.parquet").is_err());
    }

    #[test]
    fn a_secret_is_sent_and_not_shown() {
        let access = Access {
            endpoint: None,
            region: "us-east-1".to_owned(),
            path_style: false,
            access_key_id: Secret::new("AKIA7"),
            secret_access_key: Secret::new("a/b\"c"),
            session_token: None,
        };
        let shown = format!("{access:?}");
        assert!(shown.contains("us-east-1") && !shown.contains("AKIA7") && !shown.contains("a/b"), "{shown}");
        let sent = serde_json::to_string(&access).unwrap();
        assert_eq!(serde_json::from_str::<Access>(&sent).unwrap(), access);
        let [_, secret] = access.secrets().try_into().unwrap();
        assert!(!secret.hide_in(&sent).contains("a/b") && !secret.hide_in("it is a/b\"c").contains("a/b"));
    }
}

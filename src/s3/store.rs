//! A store that speaks S3, by the library `object_store`: listed, read, written. Errors say what to do about them.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use futures::TryStreamExt as _;
use object_store::aws::{AmazonS3, Checksum};
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore as _, ObjectStoreExt as _, RetryConfig, WriteMultipart,
};

use crate::protocol::s3::{Access, Object};

/// A part of a large upload. S3 has no smaller ones than 5 MiB, and no more than 10,000.
const PART: usize = 16 << 20;
/// Parts on their way at the same time.
const PARTS: usize = 4;
/// What is read of a file at a time.
const PIECE: usize = 1 << 20;
/// The most that a footer is looked for in at first.
const TAIL: u64 = 64 << 10;
/// The last bytes of a Parquet file: the length of its footer, and a mark.
const LENGTH_AND_MARK: u64 = 8;
/// By which the store's own log tells us from engines.
const USER_AGENT: &str = "querydyno-s3";

pub(super) struct Store {
    access: Access,
}

impl Store {
    pub(super) fn new(access: Access) -> Self {
        Self { access }
    }

    /// # Errors
    /// When the store does not answer, or does not let us in.
    pub(super) async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Object>> {
        let within = |error| self.told(&error, &format!("cannot list s3://{bucket}/{prefix}"));
        // A folder, or what is told by its beginning.
        let (folder, _) = prefix.rsplit_once('/').unwrap_or(("", prefix));
        let folder = (!folder.is_empty()).then(|| Key::from(folder));
        let found: Vec<_> = self.bucket(bucket)?.list(folder.as_ref()).try_collect().await.map_err(within)?;
        let objects = found.into_iter().filter(|meta| meta.location.as_ref().starts_with(prefix));
        let mut objects: Vec<Object> =
            objects.map(|meta| Object { key: meta.location.to_string(), bytes: meta.size, etag: meta.e_tag }).collect();
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(objects)
    }

    /// # Errors
    /// As [`list`](Self::list), and when it is no text. An object that is not there is none.
    pub(super) async fn read(&self, bucket: &str, key: &str) -> Result<Option<String>> {
        let what = format!("cannot read s3://{bucket}/{key}");
        let bytes = match self.bucket(bucket)?.get(&Key::from(key)).await {
            Ok(found) => found.bytes().await.map_err(|error| self.told(&error, &what))?,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.told(&error, &what)),
        };
        Ok(Some(String::from_utf8(bytes.to_vec()).context(what)?))
    }

    /// # Errors
    /// As [`list`](Self::list).
    pub(super) async fn write(&self, bucket: &str, key: &str, text: String) -> Result<()> {
        let put = self.bucket(bucket)?.put(&Key::from(key), text.into()).await;
        put.map(|_| ()).map_err(|error| self.told(&error, &format!("cannot write s3://{bucket}/{key}")))
    }

    /// Sends a file, in parts where it is larger than one; the store checks each part by its checksum. Gives what the store calls it.
    ///
    /// # Errors
    /// As [`list`](Self::list), and when the file cannot be read. What was sent of it is given up.
    pub(super) async fn upload(
        &self,
        bucket: &str,
        key: &str,
        file: &Path,
        sent: impl Fn(u64) -> Result<()>,
    ) -> Result<Option<String>> {
        let cannot = format!("cannot upload {} to s3://{bucket}/{key}", file.display());
        let told = |error| self.told(&error, &cannot);
        let store = self.bucket(bucket)?;
        let mut opened = File::open(file).context(cannot.clone())?;
        let key = Key::from(key);
        let length = opened.metadata()?.len();
        if length <= PART as u64 {
            let mut whole = Vec::new();
            opened.read_to_end(&mut whole).context(cannot.clone())?;
            let put = store.put(&key, whole.into()).await.map_err(told)?;
            sent(length)?;
            return Ok(put.e_tag);
        }
        let mut upload = WriteMultipart::new_with_chunk_size(store.put_multipart(&key).await.map_err(told)?, PART);
        let mut piece = vec![0; PIECE];
        loop {
            let read = opened.read(&mut piece).context(cannot.clone())?;
            if read == 0 {
                break;
            }
            if let Err(error) = upload.wait_for_capacity(PARTS).await {
                // A failure to give up is not the error to tell; the store drops what is left by its own rules.
                let _ = upload.abort().await;
                return Err(told(error));
            }
            upload.write(&piece[..read]);
            sent(read as u64)?;
        }
        Ok(upload.finish().await.map_err(told)?.e_tag)
    }

    /// Makes a file of the object's length that holds its footer at its end, and nothing before it.
    ///
    /// # Errors
    /// As [`list`](Self::list), and when it is no Parquet file.
    pub(super) async fn footer(&self, bucket: &str, key: &str, length: u64, file: &Path) -> Result<()> {
        let cannot = format!("cannot read the footer of s3://{bucket}/{key}");
        ensure!(length > LENGTH_AND_MARK, "{cannot}: it has {length} bytes, which is no Parquet file");
        let store = self.bucket(bucket)?;
        let key = Key::from(key);
        let told = |error| self.told(&error, &cannot);
        let mut from = length.saturating_sub(TAIL);
        let mut tail = store.get_range(&key, from..length).await.map_err(told)?;
        let Some((_, [a, b, c, d, b'P', b'A', b'R', b'1'])) = tail.split_last_chunk() else {
            bail!("{cannot}: it does not end as a Parquet file does");
        };
        let needed = u64::from(u32::from_le_bytes([*a, *b, *c, *d])) + LENGTH_AND_MARK;
        ensure!(needed <= length, "{cannot}: it would be longer than the object");
        if needed > tail.len() as u64 {
            from = length - needed;
            tail = store.get_range(&key, from..length).await.map_err(told)?;
        }
        let mut made = File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
        made.seek(SeekFrom::Start(from))?;
        Ok(made.write_all(&tail)?)
    }

    fn bucket(&self, bucket: &str) -> Result<AmazonS3> {
        let options = ClientOptions::new()
            .with_allow_http(true)
            .with_user_agent(USER_AGENT.parse()?)
            .with_connect_timeout(Duration::from_secs(5));
        // A store that is down is told in seconds.
        let backoff = BackoffConfig { max_backoff: Duration::from_secs(1), ..BackoffConfig::default() };
        let retry = RetryConfig { backoff, max_retries: 3, retry_timeout: Duration::from_secs(20) };
        let builder = self.access.bucket(bucket).with_checksum_algorithm(Checksum::SHA256);
        builder
            .with_client_options(options)
            .with_retry(retry)
            .build()
            .with_context(|| format!("the bucket {bucket} cannot be reached"))
    }

    /// An error of the library's, which tells much, as what happened and what to do.
    fn told(&self, error: &Error, what: &str) -> anyhow::Error {
        let place = self.access.endpoint.as_deref().unwrap_or("Amazon");
        let text = error.to_string();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let why = if has(&["Connection refused", "tcp connect error", "error sending request", "dns error"]) {
            format!("no server answers at {place}: is it up, and is AWS_ENDPOINT_URL right?")
        } else if has(&[
            "SignatureDoesNotMatch",
            "XAdminUserNotFound",
            "InvalidAccessKeyId",
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
    use super::code_in;

    #[test]
    fn code_in_finds_what_the_store_calls_it() {
        assert_eq!(code_in("403: <Error><Code>AccessDenied</Code><Message>"), Some("AccessDenied"));
        assert_eq!(code_in("no answer"), None);
    }
}

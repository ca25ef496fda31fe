//! A store that speaks S3, by the library `object_store`: listed, read, written. Errors say what to do about them.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use futures::TryStreamExt as _;
use object_store::{Error, ObjectStore as _, ObjectStoreExt as _, WriteMultipart};

use super::client::Client;
use crate::protocol::s3::{Access, Object, object};

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

pub(super) struct Store {
    client: Client,
}

impl Store {
    pub(super) fn new(access: Access) -> Self {
        Self { client: Client::new(access) }
    }

    /// # Errors
    /// When the store does not answer, or does not let us in.
    pub(super) async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Object>> {
        let within = |error| self.client.told(&error, &format!("cannot list s3://{bucket}/{prefix}"));
        // A folder, or what is told by its beginning.
        let (folder, _) = prefix.rsplit_once('/').unwrap_or(("", prefix));
        let folder = if folder.is_empty() { None } else { Some(object(folder)?) };
        let found: Vec<_> = self.client.bucket(bucket)?.list(folder.as_ref()).try_collect().await.map_err(within)?;
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
        let bytes = match self.client.bucket(bucket)?.get(&object(key)?).await {
            Ok(found) => found.bytes().await.map_err(|error| self.client.told(&error, &what))?,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.client.told(&error, &what)),
        };
        Ok(Some(String::from_utf8(bytes.to_vec()).context(what)?))
    }

    /// # Errors
    /// As [`list`](Self::list).
    pub(super) async fn write(&self, bucket: &str, key: &str, text: String) -> Result<()> {
        let put = self.client.bucket(bucket)?.put(&object(key)?, text.into()).await;
        put.map(|_| ()).map_err(|error| self.client.told(&error, &format!("cannot write s3://{bucket}/{key}")))
    }

    /// Sends a file, in parts where it is larger than one; the store checks each part by its checksum. Gives what the store calls it.
    ///
    /// # Errors
    /// As [`list`](Self::list), and when the file cannot be read. The parts that were sent are given up, unless the last one fails.
    pub(super) async fn upload(
        &self,
        bucket: &str,
        key: &str,
        file: &Path,
        sent: impl Fn(u64) -> Result<()>,
    ) -> Result<Option<String>> {
        let cannot = format!("cannot upload {} to s3://{bucket}/{key}", file.display());
        let told = |error| self.client.told(&error, &cannot);
        let store = self.client.bucket(bucket)?;
        let mut opened = File::open(file).context(cannot.clone())?;
        let key = object(key)?;
        let length = opened.metadata()?.len();
        if length <= PART as u64 {
            let mut whole = Vec::new();
            opened.read_to_end(&mut whole).context(cannot.clone())?;
            let put = store.put(&key, whole.into()).await.map_err(told)?;
            sent(length)?;
            return Ok(put.e_tag);
        }
        let mut upload = WriteMultipart::new_with_chunk_size(store.put_multipart(&key).await.map_err(told)?, PART);
        if let Err(error) = send(&mut opened, &mut upload, sent).await {
            // A failure to give up is not the error to tell; the store drops what is left by its own rules.
            let _ = upload.abort().await;
            return Err(match error.downcast() {
                Ok(refused) => told(refused),
                Err(error) => error.context(cannot.clone()),
            });
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
        let store = self.client.bucket(bucket)?;
        let key = object(key)?;
        let told = |error| self.client.told(&error, &cannot);
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
}

/// Sends all of a file but its last part, which finishing sends, and waits until these have arrived.
async fn send(file: &mut File, upload: &mut WriteMultipart, sent: impl Fn(u64) -> Result<()>) -> Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(upload.wait_for_capacity(0).await?);
        }
        upload.wait_for_capacity(PARTS).await?;
        upload.write(&piece[..read]);
        sent(read as u64)?;
    }
}

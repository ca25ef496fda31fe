//! Objects on S3 as sources, by the library `object_store`: [`Stored`] is what they are reached by, one for all tables.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use bytes::Bytes;
use object_store::aws::AmazonS3;
use object_store::path::Path as Key;
use object_store::{ClientOptions, GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use tokio::runtime::{Builder, Handle, Runtime};

use super::{Chunks, Coming, Source};
use crate::engine::Result;
use crate::protocol::location::Location;
use crate::protocol::s3::{Access, object};

/// Where a footer is looked for at first.
const TAIL: u64 = 64 << 10;

/// A store, and who asks it.
#[derive(Debug)]
pub struct Stored {
    access: Access,
    pool: bool,
    runtime: Runtime,
    /// By their names: objects of one bucket have their connections in common.
    buckets: Mutex<BTreeMap<String, Arc<AmazonS3>>>,
}

/// An object.
#[derive(Debug)]
pub struct Object {
    store: Arc<AmazonS3>,
    key: Key,
    bytes: u64,
    name: String,
    runtime: Handle,
}

impl Stored {
    /// `pool`: whether a connection is kept for later requests.
    ///
    /// # Errors
    /// When there are no threads to be had.
    pub fn new(access: Access, pool: bool) -> Result<Self> {
        // Waiting for a network takes no processor; what is fetched is decoded by the workers.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { access, pool, runtime, buckets: Mutex::default() })
    }

    /// An object and its footer.
    ///
    /// # Errors
    /// When it is not there or is not Parquet.
    pub fn open(&self, location: &Location) -> Result<(Object, ParquetMetaData)> {
        let mut object = self.object(location)?;
        let footer = self.runtime.block_on(object.footer()).with_context(|| object.name.clone())?;
        Ok((object, footer))
    }

    /// An object that nobody has asked for yet.
    fn object(&self, location: &Location) -> Result<Object> {
        let Location::S3 { bucket, key } = location else { bail!("{location} is not on S3") };
        let (store, name) = (self.bucket(bucket)?, location.to_string());
        Ok(Object { store, key: object(key)?, bytes: 0, name, runtime: self.handle() })
    }

    fn bucket(&self, name: &str) -> Result<Arc<AmazonS3>> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = buckets.get(name) {
            return Ok(Arc::clone(store));
        }
        let mut options = ClientOptions::new().with_allow_http(true);
        if !self.pool {
            options = options.with_pool_max_idle_per_host(0);
        }
        let store = Arc::new(self.access.bucket(name).with_client_options(options).build()?);
        buckets.insert(name.to_owned(), Arc::clone(&store));
        Ok(store)
    }

    fn handle(&self) -> Handle {
        self.runtime.handle().clone()
    }
}

impl Object {
    async fn footer(&mut self) -> Result<ParquetMetaData> {
        let suffix = GetOptions { range: Some(GetRange::Suffix(TAIL)), ..GetOptions::default() };
        let found = self.store.get_opts(&self.key, suffix).await?;
        self.bytes = found.meta.size;
        let mut tail = found.bytes().await?;
        let mut reader = ParquetMetaDataReader::new();
        if let Err(error) = reader.try_parse_sized(&tail, self.bytes) {
            let ParquetError::NeedMoreData(needed) = error else { return Err(error.into()) };
            tail = self.store.get_range(&self.key, self.bytes.saturating_sub(needed as u64)..self.bytes).await?;
            reader.try_parse_sized(&tail, self.bytes)?;
        }
        Ok(reader.finish()?)
    }
}

impl Source for Object {
    fn fetch(&self, ranges: &mut dyn Iterator<Item = Range<u64>>) -> Coming {
        let ranges: Vec<Range<u64>> = ranges.collect();
        let (store, key, bytes, runtime) =
            (Arc::clone(&self.store), self.key.clone(), self.bytes, self.runtime.clone());
        let begins: Vec<u64> = ranges.iter().map(|range| range.start).collect();
        let fetching = runtime.spawn(async move { store.get_ranges(&key, &ranges).await });
        Box::new(move || {
            let fetched: Vec<Bytes> = runtime.block_on(fetching)??;
            Ok(Chunks::Fetched(bytes, begins.into_iter().zip(fetched).collect()))
        })
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::s3::Secret;

    #[test]
    fn an_object_is_asked_for_by_its_key_as_it_is() {
        let access = Access {
            endpoint: Some("http://127.0.0.1:1".to_owned()),
            region: "us-east-1".to_owned(),
            path_style: true,
            access_key_id: Secret::new("a"),
            secret_access_key: Secret::new("b"),
            session_token: None,
        };
        let stored = Stored::new(access, true).unwrap();
        let location = "s3://bench/t/day=a%20b/0.parquet".parse().unwrap();
        assert_eq!(stored.object(&location).unwrap().key.as_ref(), "t/day=a%20b/0.parquet");
    }
}

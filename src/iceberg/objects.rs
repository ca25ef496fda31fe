//! Objects on S3 as a storage of the library `iceberg`: [`Objects`], for what a table consists of besides its data files.

use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use iceberg::io::{
    FileMetadata, FileRead, FileWrite, InputFile, LocalFsStorageFactory, OutputFile, Storage, StorageConfig,
    StorageFactory,
};
use iceberg::{Error, ErrorKind, Result};
use object_store::aws::AmazonS3;
use object_store::path::Path as Key;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use serde::{Deserialize, Serialize};

use crate::protocol::location::Location;
use crate::protocol::s3::{Access, object};
use crate::s3::client::Client;

/// A store, where somebody said what it is reached by. The library could send a storage to another process: that one would know no store.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Objects {
    #[serde(skip)]
    client: Option<Arc<Client>>,
}

/// An object that is asked for.
#[derive(Debug, Clone)]
struct Place {
    client: Arc<Client>,
    store: AmazonS3,
    key: Key,
    path: String,
}

impl Objects {
    pub(super) fn reached_by(access: Access) -> Self {
        Self { client: Some(Arc::new(Client::new(access))) }
    }

    /// What reads and writes a table's metadata where this file of it lies.
    pub(super) fn of(&self, metadata: &Location) -> Arc<dyn StorageFactory> {
        match metadata {
            Location::Local(_) => Arc::new(LocalFsStorageFactory),
            Location::S3 { .. } => Arc::new(self.clone()),
        }
    }

    fn place(&self, path: &str) -> Result<Place> {
        let found = || -> anyhow::Result<Place> {
            let client = self.client.clone().with_context(|| {
                format!(
                    "{path} is on S3, and nobody said what that is reached by: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and \
                     AWS_ENDPOINT_URL for a server that is not Amazon's"
                )
            })?;
            let Location::S3 { bucket, key } = path.parse::<Location>().map_err(anyhow::Error::msg)? else {
                bail!(
                    "{path} is on this machine, and the metadata that name it are on S3: write the table anew in one place"
                );
            };
            Ok(Place { store: client.bucket(&bucket)?, key: object(&key)?, client, path: path.to_owned() })
        };
        found().map_err(|error| failed(&error))
    }
}

impl Place {
    fn cannot(&self, what: &str) -> impl FnOnce(object_store::Error) -> Error {
        let (client, what) = (Arc::clone(&self.client), format!("cannot {what} {}", self.path));
        move |error| failed(&client.told(&error, &what))
    }
}

fn failed(error: &anyhow::Error) -> Error {
    Error::new(ErrorKind::Unexpected, format!("{error:#}"))
}

#[typetag::serde]
impl StorageFactory for Objects {
    fn build(&self, _: &StorageConfig) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
#[typetag::serde]
impl Storage for Objects {
    async fn exists(&self, path: &str) -> Result<bool> {
        let place = self.place(path)?;
        match place.store.head(&place.key).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(place.cannot("look for")(error)),
        }
    }

    async fn metadata(&self, path: &str) -> Result<FileMetadata> {
        let place = self.place(path)?;
        let found = place.store.head(&place.key).await.map_err(place.cannot("look for"))?;
        Ok(FileMetadata { size: found.size })
    }

    async fn read(&self, path: &str) -> Result<Bytes> {
        let place = self.place(path)?;
        let found = place.store.get(&place.key).await.map_err(place.cannot("read"))?;
        found.bytes().await.map_err(place.cannot("read"))
    }

    async fn reader(&self, path: &str) -> Result<Box<dyn FileRead>> {
        Ok(Box::new(self.place(path)?))
    }

    async fn write(&self, path: &str, bytes: Bytes) -> Result<()> {
        let place = self.place(path)?;
        place.store.put(&place.key, bytes.into()).await.map(|_| ()).map_err(place.cannot("write"))
    }

    async fn writer(&self, path: &str) -> Result<Box<dyn FileWrite>> {
        Ok(Box::new(Whole { place: self.place(path)?, content: Some(BytesMut::new()) }))
    }

    async fn delete(&self, path: &str) -> Result<()> {
        let place = self.place(path)?;
        match place.store.delete(&place.key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(place.cannot("delete")(error)),
        }
    }

    async fn delete_prefix(&self, path: &str) -> Result<()> {
        let place = self.place(path)?;
        let found = place.store.list(Some(&place.key)).try_collect::<Vec<_>>().await;
        for object in found.map_err(place.cannot("list"))? {
            place.store.delete(&object.location).await.map_err(place.cannot("delete what is in"))?;
        }
        Ok(())
    }

    async fn delete_stream(&self, mut paths: BoxStream<'static, String>) -> Result<()> {
        while let Some(path) = paths.next().await {
            self.delete(&path).await?;
        }
        Ok(())
    }

    fn new_input(&self, path: &str) -> Result<InputFile> {
        Ok(InputFile::new(Arc::new(self.clone()), path.to_owned()))
    }

    fn new_output(&self, path: &str) -> Result<OutputFile> {
        Ok(OutputFile::new(Arc::new(self.clone()), path.to_owned()))
    }
}

#[async_trait]
impl FileRead for Place {
    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        self.store.get_range(&self.key, range).await.map_err(self.cannot("read"))
    }
}

/// An object that is written in one request when it is whole: manifests are small.
#[derive(Debug)]
struct Whole {
    place: Place,
    /// None: it was closed.
    content: Option<BytesMut>,
}

impl Whole {
    fn closed(&self) -> Error {
        Error::new(ErrorKind::Unexpected, format!("{} was closed already", self.place.path))
    }
}

#[async_trait]
impl FileWrite for Whole {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        match &mut self.content {
            Some(content) => content.extend_from_slice(&bytes),
            None => return Err(self.closed()),
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        let content = self.content.take().ok_or_else(|| self.closed())?;
        let Place { store, key, .. } = &self.place;
        store.put(key, content.freeze().into()).await.map(|_| ()).map_err(self.place.cannot("write"))
    }
}

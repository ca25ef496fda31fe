//! The Hive Metastore over Thrift: where a table's metadata are, and making a table known.
//!
//! The crate's own catalog can neither register a table that exists nor change one, so the metastore's client is used as it is.

use std::fmt::Debug;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail, ensure};
use hive_metastore::{
    Database, FieldSchema, PrincipalType, SerDeInfo, StorageDescriptor, Table, ThriftHiveMetastoreClient,
    ThriftHiveMetastoreClientBuilder, ThriftHiveMetastoreCreateDatabaseException,
    ThriftHiveMetastoreCreateTableException, ThriftHiveMetastoreGetTableException,
};
use pilota::FastStr;
use volo_thrift::MaybeException;

use super::{location_in, text_of};
use crate::protocol::iceberg::Column;
use crate::protocol::location::Location;

/// How long the metastore has to take a connection.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long it has for one answer: it may have to look into a slow database.
const ANSWERING: Duration = Duration::from_secs(30);

/// Who owns the tables that are registered here: only those are ever replaced.
const OWNER: &str = "querydyno";

/// A metastore that takes connections.
pub(super) struct Metastore {
    client: ThriftHiveMetastoreClient,
    uri: String,
}

impl Metastore {
    /// Of this address, `thrift://host:port`.
    ///
    /// # Errors
    /// When it is no such address or nobody answers there.
    pub(super) fn connect(uri: &str) -> Result<Self> {
        let address = address(uri)?;
        Ok(Self {
            client: ThriftHiveMetastoreClientBuilder::new("hms")
                .address(address)
                .make_codec(volo_thrift::codec::default::DefaultMakeCodec::buffered())
                .build(),
            uri: uri.to_owned(),
        })
    }

    /// The metadata file of a table.
    ///
    /// # Errors
    /// When there is no such table: says which there are. When it is no Iceberg table, or neither on this machine nor on S3.
    pub(super) async fn metadata(&self, database: &str, table: &str) -> Result<Location> {
        let Some(found) = self.table(database, table).await? else { bail!(self.missing(database, table).await) };
        let parameters = found.parameters.unwrap_or_default();
        let is_iceberg = parameters.get("table_type").is_some_and(|kind| kind.eq_ignore_ascii_case("iceberg"));
        let metadata = parameters.get("metadata_location").filter(|_| is_iceberg);
        location_in(metadata.with_context(|| format!("{database}.{table} is no Iceberg table"))?)
    }

    /// Makes the table known, in place of an earlier one of ours; its database too.
    ///
    /// # Errors
    /// When the metastore does not want it, or somebody else's table has its name.
    pub(super) async fn register(
        &self,
        database: &str,
        table: &str,
        metadata: &Location,
        columns: &[Column],
    ) -> Result<()> {
        let known = self.table(database, table).await?;
        if let Some(known) = &known {
            ensure!(
                known.owner.as_deref() == Some(OWNER),
                "the Hive Metastore has a table {database}.{table} that is not ours: drop or rename it, or use another metastore"
            );
            let known = known.parameters.as_ref().and_then(|parameters| parameters.get("metadata_location"));
            if known.map(ToString::to_string) == Some(text_of(metadata)?) {
                return Ok(());
            }
        }
        let location = folder(metadata)?;
        let space = Database {
            name: Some(text(database)),
            owner_name: Some(text(OWNER)),
            owner_type: Some(PrincipalType::USER),
            location_uri: location.as_deref().and_then(|place| place.rsplit_once('/')).map(|(above, _)| text(above)),
            ..Database::default()
        };
        match self.within(self.client.create_database(space)).await? {
            // It may be there from before.
            MaybeException::Ok(()) | MaybeException::Exception(ThriftHiveMetastoreCreateDatabaseException::O1(_)) => {}
            MaybeException::Exception(other) => bail!(self.refused(&other)),
        }
        if known.is_some() {
            // Its files stay. Whoever was faster has dropped it already.
            let _ = self.within(self.client.drop_table(text(database), text(table), false)).await?;
        }
        match self
            .within(self.client.create_table(description(database, table, metadata, location.as_deref(), columns)?))
            .await?
        {
            MaybeException::Ok(()) => {}
            MaybeException::Exception(ThriftHiveMetastoreCreateTableException::O1(_)) => ensure!(
                self.metadata(database, table).await? == *metadata,
                "another process registered a {database}.{table} of its own just now: give each of them a metastore, or the same data folder"
            ),
            MaybeException::Exception(other) => bail!(self.refused(&other)),
        }
        Ok(())
    }

    /// The table as it is registered; `None` where there is none of that name.
    async fn table(&self, database: &str, table: &str) -> Result<Option<Table>> {
        match self.within(self.client.get_table(text(database), text(table))).await? {
            MaybeException::Ok(found) => Ok(Some(found)),
            MaybeException::Exception(ThriftHiveMetastoreGetTableException::O2(_)) => Ok(None),
            MaybeException::Exception(other) => bail!(self.refused(&other)),
        }
    }

    async fn within<T, E: std::error::Error>(&self, answer: impl Future<Output = Result<T, E>>) -> Result<T> {
        let answer = tokio::time::timeout(ANSWERING, answer).await;
        let answer = answer
            .map_err(|_| anyhow!("the Hive Metastore at {} has not answered in {} s", self.uri, ANSWERING.as_secs()))?;
        answer.map_err(|error| {
            let told = error.to_string();
            // What follows is the client's own state.
            let told = told.split(", cx:").next().unwrap_or_default();
            anyhow!("{} does not talk like a Hive Metastore: {told}", self.uri)
        })
    }

    fn refused(&self, exception: &impl Debug) -> anyhow::Error {
        anyhow!("the Hive Metastore at {} refused: {exception:?}", self.uri)
    }

    /// What there is instead of a table that is not there.
    async fn missing(&self, database: &str, table: &str) -> String {
        if let Ok(MaybeException::Ok(tables)) = self.within(self.client.get_all_tables(text(database))).await
            && !tables.is_empty()
        {
            return format!("the Hive Metastore has no table {table} in {database}; there are: {}", tables.join(", "));
        }
        let databases = match self.within(self.client.get_all_databases()).await {
            Ok(MaybeException::Ok(databases)) => databases,
            _ => Vec::new(),
        };
        format!("the Hive Metastore has no table {database}.{table}; its databases are: {}", databases.join(", "))
    }
}

/// The folder of the table with this metadata file, as a metastore is told it; none for one on S3. A metastore looks whether the
/// folder is there, and only one that was set up for S3 can. Clients of Iceberg go by the metadata file alone.
///
/// # Errors
/// When the file is not in such a folder.
fn folder(metadata: &Location) -> Result<Option<String>> {
    if metadata.is_on_s3() {
        return Ok(None);
    }
    let whole = text_of(metadata)?;
    Ok(Some(whole.rsplitn(3, '/').nth(2).context("a metadata file lies in its table's folder")?.to_owned()))
}

fn description(
    database: &str,
    table: &str,
    metadata: &Location,
    location: Option<&str>,
    columns: &[Column],
) -> Result<Table> {
    let field = |column: &Column| FieldSchema {
        name: Some(text(&column.name)),
        r#type: Some(hive_type(&column.kind)),
        comment: None,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let parameters = [
        ("EXTERNAL", "TRUE".to_owned()),
        ("table_type", "ICEBERG".to_owned()),
        ("metadata_location", text_of(metadata)?),
    ];
    Ok(Table {
        table_name: Some(text(table)),
        db_name: Some(text(database)),
        table_type: Some(text("EXTERNAL_TABLE")),
        owner: Some(text(OWNER)),
        create_time: i32::try_from(now).ok(),
        sd: Some(StorageDescriptor {
            location: location.map(text),
            cols: Some(columns.iter().map(field).collect()),
            // As other clients write them for Iceberg tables; Hive itself would need more.
            input_format: Some(text("org.apache.hadoop.mapred.FileInputFormat")),
            output_format: Some(text("org.apache.hadoop.mapred.FileOutputFormat")),
            serde_info: Some(SerDeInfo {
                serialization_lib: Some(text("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe")),
                ..SerDeInfo::default()
            }),
            ..StorageDescriptor::default()
        }),
        parameters: Some(parameters.map(|(key, value)| (text(key), FastStr::from_string(value))).into_iter().collect()),
        ..Table::default()
    })
}

/// What Hive calls a type of Iceberg.
fn hive_type(kind: &str) -> FastStr {
    let name = match kind {
        "long" => "bigint",
        "timestamptz" => "timestamp",
        "time" | "uuid" => "string",
        other if other.starts_with("fixed") => "binary",
        other => other,
    };
    FastStr::from_string(name.replace(' ', ""))
}

fn address(uri: &str) -> Result<SocketAddr> {
    let host = uri.strip_prefix("thrift://").with_context(|| {
        format!("'{uri}' is no address of a Hive Metastore: write HIVE_METASTORE_URI=thrift://host:9083")
    })?;
    let host = host.trim_end_matches('/');
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:9083") };
    let hint = "start one with cargo xtask services up hive, or mend HIVE_METASTORE_URI";
    let addresses = host.to_socket_addrs().with_context(|| format!("no Hive Metastore at {uri}: {hint}"))?;
    let mut why = "the name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECTING) {
            Ok(_) => return Ok(address),
            Err(refused) => why = refused.to_string(),
        }
    }
    bail!("no Hive Metastore answers at {uri} ({why}): {hint}")
}

fn text(text: &str) -> FastStr {
    FastStr::from_string(text.to_owned())
}

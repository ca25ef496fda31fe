//! The Hive Metastore over Thrift: where a table's metadata are, and making a table known.
//!
//! The crate's own catalog can neither register a table that exists nor change one, so the metastore's client is used as it is.

use std::fmt::Debug;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};
use hive_metastore::{
    Database, FieldSchema, PrincipalType, SerDeInfo, StorageDescriptor, Table, ThriftHiveMetastoreClient,
    ThriftHiveMetastoreClientBuilder, ThriftHiveMetastoreCreateDatabaseException,
    ThriftHiveMetastoreCreateTableException, ThriftHiveMetastoreGetTableException,
};
use pilota::{AHashMap, FastStr};
use volo_thrift::MaybeException;

use super::{local, location_of};
use crate::protocol::iceberg::Column;

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
    /// When there is no such table: says which there are. When it is no Iceberg table, or not on this machine.
    pub(super) async fn metadata(&self, database: &str, table: &str) -> Result<PathBuf> {
        let asked = self.client.get_table(text(database), text(table));
        let found = match self.within(asked).await? {
            MaybeException::Ok(found) => found,
            MaybeException::Exception(ThriftHiveMetastoreGetTableException::O2(_)) => {
                bail!(self.missing(database, table).await)
            }
            MaybeException::Exception(other) => bail!(self.refused(&other)),
        };
        let parameters = found.parameters.unwrap_or_default();
        let is_iceberg = parameters.get("table_type").is_some_and(|kind| kind.eq_ignore_ascii_case("iceberg"));
        let metadata = parameters.get("metadata_location").filter(|_| is_iceberg);
        local(metadata.with_context(|| format!("{database}.{table} is no Iceberg table"))?)
    }

    /// Makes the table known, in place of an earlier one of ours; its database too.
    ///
    /// # Errors
    /// When the metastore does not want it, or somebody else's table has its name.
    pub(super) async fn register(
        &self,
        database: &str,
        table: &str,
        metadata: &Path,
        columns: &[Column],
    ) -> Result<()> {
        let mut ours = false;
        match self.within(self.client.get_table(text(database), text(table))).await? {
            MaybeException::Ok(known) if known.owner.as_deref() != Some(OWNER) => bail!(
                "the Hive Metastore has a table {database}.{table} that is not ours: drop or rename it, or use another metastore"
            ),
            MaybeException::Ok(known) => {
                let parameters = known.parameters.unwrap_or_default();
                if parameters.get("metadata_location").map(ToString::to_string) == Some(location_of(metadata)?) {
                    return Ok(());
                }
                ours = true;
            }
            MaybeException::Exception(ThriftHiveMetastoreGetTableException::O2(_)) => {}
            MaybeException::Exception(other) => bail!(self.refused(&other)),
        }
        let location =
            metadata.parent().and_then(Path::parent).context("a metadata file lies in its table's folder")?;
        let space = Database {
            name: Some(text(database)),
            owner_name: Some(text(OWNER)),
            owner_type: Some(PrincipalType::USER),
            location_uri: location.parent().map(location_of).transpose()?.map(FastStr::from_string),
            ..Database::default()
        };
        match self.within(self.client.create_database(space)).await? {
            // It may be there from before.
            MaybeException::Ok(()) | MaybeException::Exception(ThriftHiveMetastoreCreateDatabaseException::O1(_)) => {}
            MaybeException::Exception(other) => bail!(self.refused(&other)),
        }
        if ours {
            // Its files stay. Whoever was faster has dropped it already.
            let _ = self.within(self.client.drop_table(text(database), text(table), false)).await?;
        }
        match self.within(self.client.create_table(description(database, table, metadata, location, columns)?)).await? {
            MaybeException::Ok(()) => Ok(()),
            MaybeException::Exception(ThriftHiveMetastoreCreateTableException::O1(_))
                if self.metadata(database, table).await? == metadata =>
            {
                Ok(())
            }
            MaybeException::Exception(ThriftHiveMetastoreCreateTableException::O1(_)) => bail!(
                "another process registered a {database}.{table} of its own just now: give each of them a metastore, or the same data folder"
            ),
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
        let tables = match self.within(self.client.get_all_tables(text(database))).await {
            Ok(MaybeException::Ok(tables)) => tables,
            _ => Vec::new(),
        };
        if !tables.is_empty() {
            return format!("the Hive Metastore has no table {table} in {database}; there are: {}", tables.join(", "));
        }
        let databases = match self.within(self.client.get_all_databases()).await {
            Ok(MaybeException::Ok(databases)) => databases,
            _ => Vec::new(),
        };
        format!("the Hive Metastore has no table {database}.{table}; its databases are: {}", databases.join(", "))
    }
}

fn description(database: &str, table: &str, metadata: &Path, location: &Path, columns: &[Column]) -> Result<Table> {
    let field = |column: &Column| FieldSchema {
        name: Some(text(&column.name)),
        r#type: Some(hive_type(&column.kind)),
        comment: None,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let parameters = [
        ("EXTERNAL", "TRUE".to_owned()),
        ("table_type", "ICEBERG".to_owned()),
        ("metadata_location", location_of(metadata)?),
    ];
    Ok(Table {
        table_name: Some(text(table)),
        db_name: Some(text(database)),
        table_type: Some(text("EXTERNAL_TABLE")),
        owner: Some(text(OWNER)),
        create_time: i32::try_from(now).ok(),
        sd: Some(StorageDescriptor {
            location: Some(FastStr::from_string(location_of(location)?)),
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
        parameters: Some(
            parameters
                .into_iter()
                .map(|(key, value)| (text(key), FastStr::from_string(value)))
                .collect::<AHashMap<_, _>>(),
        ),
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
    let mut error = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECTING) {
            Ok(_) => return Ok(address),
            Err(refused) => error = Some(refused),
        }
    }
    let why = error.map_or_else(|| "the name has no address".to_owned(), |error| error.to_string());
    bail!("no Hive Metastore answers at {uri} ({why}): {hint}")
}

fn text(text: &str) -> FastStr {
    FastStr::from_string(text.to_owned())
}

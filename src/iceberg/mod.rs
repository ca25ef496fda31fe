//! The program `querydyno-iceberg`: the loop over [requests](crate::protocol::iceberg), and what they have in common.
//!
//! `echo '{"do":"plan","table":{"file":"/data/t/metadata/v2.metadata.json"}}' | querydyno-iceberg` plans a table.

mod make;
mod metastore;
mod plan;

use std::future::Future;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::protocol::iceberg::{Reply, Request};
use crate::protocol::location::{Location, TableRef};

/// The whole `main` of the program.
pub fn main() -> ExitCode {
    match converse() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("querydyno-iceberg: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn converse() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut replies = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let request = serde_json::from_str(&line).with_context(|| format!("no request: {line}"))?;
        let reply = runtime.block_on(answer(request));
        let reply = reply.unwrap_or_else(|error| Reply::Fail { message: format!("{error:#}") });
        serde_json::to_writer(&mut replies, &reply)?;
        replies.write_all(b"\n")?;
        replies.flush()?;
    }
    Ok(())
}

async fn answer(request: Request) -> Result<Reply> {
    match request {
        Request::Make { location, columns, partition_by_month, files } => {
            let metadata = make::table(location.local()?, &columns, partition_by_month.as_deref(), &files).await?;
            Ok(Reply::Make { metadata: metadata.into() })
        }
        Request::Register { metastore, database, table, metadata } => {
            let schema = plan::schema_of(metadata.local()?).await?;
            metastore::Metastore::connect(&metastore)?.register(&database, &table, metadata.local()?, &schema).await?;
            Ok(Reply::Register {})
        }
        Request::Plan { table, snapshot_id } => {
            let found = async {
                match table {
                    TableRef::File(metadata) => Ok(metadata.local()?.to_owned()),
                    TableRef::Metastore { uri, database, table } => {
                        metastore::Metastore::connect(&uri)?.metadata(&database, &table).await
                    }
                }
            };
            Ok(Reply::Plan(Box::pin(plan::plan(found, snapshot_id)).await?))
        }
    }
}

/// The absolute path that a location stands for.
///
/// # Errors
/// When it is no local file.
fn local(location: &str) -> Result<PathBuf> {
    let found: Location = location.parse().map_err(anyhow::Error::msg)?;
    let path = found.local()?;
    ensure!(path.is_absolute(), "{location} is no absolute path");
    Ok(path.to_owned())
}

/// `file:` and the path, as every client understands it.
fn location_of(path: &Path) -> Result<String> {
    let text = path.to_str().with_context(|| format!("{} is no UTF-8", path.display()))?;
    Ok(format!("file://{text}"))
}

/// What a future gives, with the time that it took in nanoseconds.
async fn timed<T>(future: impl Future<Output = Result<T>>) -> Result<(T, u64)> {
    let start = std::time::Instant::now();
    let found = future.await?;
    Ok((found, u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)))
}

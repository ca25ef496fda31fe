//! The program `querydyno-iceberg`: the loop over [requests](crate::protocol::iceberg), and what they have in common.
//!
//! `echo '{"do":"plan","table":{"file":"/data/t/metadata/v2.metadata.json"}}' | querydyno-iceberg` plans a table.

mod make;
mod metastore;
mod objects;
mod plan;

use std::error::Error as _;
use std::future::Future;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::protocol::iceberg::{Reply, Request};
use crate::protocol::location::{Location, TableRef};
use objects::Objects;

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
    let mut objects = Objects::default();
    for line in io::stdin().lock().lines() {
        // Not the line: it may hold a secret.
        let request = serde_json::from_str(&line?).context("no request, by its JSON")?;
        let reply = runtime.block_on(answer(request, &mut objects));
        let reply = reply.unwrap_or_else(|error| Reply::Fail { message: told(&error) });
        serde_json::to_writer(&mut replies, &reply)?;
        replies.write_all(b"\n")?;
        replies.flush()?;
    }
    Ok(())
}

async fn answer(request: Request, objects: &mut Objects) -> Result<Reply> {
    match request {
        Request::Connect { access } => {
            *objects = Objects::reached_by(access);
            Ok(Reply::Connect {})
        }
        Request::Make { location, columns, partition_by_month, files } => {
            let partition = partition_by_month.as_deref();
            Ok(Reply::Make { metadata: make::table(&location, &columns, partition, &files, objects).await? })
        }
        Request::Register { metastore, database, table, metadata } => {
            let schema = plan::schema_of(&metadata, objects).await?;
            metastore::Metastore::connect(&metastore)?.register(&database, &table, &metadata, &schema).await?;
            Ok(Reply::Register {})
        }
        Request::Plan { table, snapshot_id } => {
            let found = async {
                match table {
                    TableRef::File(metadata) => Ok(metadata),
                    TableRef::Metastore { uri, database, table } => {
                        metastore::Metastore::connect(&uri)?.metadata(&database, &table).await
                    }
                }
            };
            Ok(Reply::Plan(Box::pin(plan::plan(found, snapshot_id, objects)).await?))
        }
    }
}

/// What a location in metadata stands for: an absolute path, or an object on S3.
///
/// # Errors
/// When it is neither.
fn location_in(text: &str) -> Result<Location> {
    let found: Location = text.parse().map_err(anyhow::Error::msg)?;
    if let Location::Local(path) = &found {
        ensure!(path.is_absolute(), "{text} is no absolute path");
    }
    Ok(found)
}

/// A location as every client understands it: of a path with `file:` before it.
fn text_of(location: &Location) -> Result<String> {
    match location {
        Location::Local(path) => {
            let text = path.to_str().with_context(|| format!("{} is no UTF-8", path.display()))?;
            Ok(format!("file://{text}"))
        }
        Location::S3 { .. } => Ok(location.to_string()),
    }
}

/// An error with its causes; of one of the library's that says all by its message, without its kind.
fn told(error: &anyhow::Error) -> String {
    let plain = |cause: &&iceberg::Error| cause.source().is_none() && cause.kind() == iceberg::ErrorKind::Unexpected;
    let causes = error.chain().map(|cause| match cause.downcast_ref::<iceberg::Error>().filter(plain) {
        Some(known) => known.message().to_owned(),
        None => cause.to_string(),
    });
    causes.collect::<Vec<_>>().join(": ")
}

/// What a future gives, with the time that it took in nanoseconds.
async fn timed<T>(future: impl Future<Output = Result<T>>) -> Result<(T, u64)> {
    let start = std::time::Instant::now();
    let found = future.await?;
    Ok((found, u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)))
}

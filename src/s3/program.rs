//! The program `querydyno-s3`: the loop over [requests](crate::protocol::s3), with a store and a proxy behind it.
//!
//! It is a program of its own, as that for Iceberg tables is, so that the host has no runtime for asynchronous work, no TLS and no
//! client of S3. `echo '{"do":"proxy","server":"127.0.0.1:7070","network":"rtt=2ms"}' | querydyno-s3` replies with a port.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::proxy::Proxy;
use super::store::Store;
use crate::protocol::s3::{Reply, Request};

/// The whole `main` of the program.
pub fn main() -> ExitCode {
    match converse() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("querydyno-s3: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn converse() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut program = Program::default();
    for line in io::stdin().lock().lines() {
        // Not the line: it may hold a secret.
        let request = serde_json::from_str(&line?).context("no request, by its JSON")?;
        let reply = runtime.block_on(program.answer(request));
        say(&reply.unwrap_or_else(|error| Reply::Fail { message: format!("{error:#}") }))?;
    }
    Ok(())
}

fn say(reply: &Reply) -> Result<()> {
    let mut replies = io::stdout().lock();
    serde_json::to_writer(&mut replies, reply)?;
    replies.write_all(b"\n")?;
    Ok(replies.flush()?)
}

/// What was connected to.
#[derive(Default)]
struct Program {
    store: Option<Store>,
    proxy: Option<Proxy>,
}

impl Program {
    async fn answer(&mut self, request: Request) -> Result<Reply> {
        match request {
            Request::Connect { access } => {
                self.store = Some(Store::new(access));
                Ok(Reply::Connect {})
            }
            Request::List { bucket, prefix } => {
                Ok(Reply::List { objects: self.store()?.list(&bucket, &prefix).await? })
            }
            Request::Read { bucket, key } => Ok(Reply::Read { text: self.store()?.read(&bucket, &key).await? }),
            Request::Write { bucket, key, text } => {
                self.store()?.write(&bucket, &key, text).await?;
                Ok(Reply::Write {})
            }
            Request::Upload { bucket, key, file } => {
                let sent = |bytes| say(&Reply::Sent { bytes });
                Ok(Reply::Upload { etag: self.store()?.upload(&bucket, &key, &file, sent).await? })
            }
            Request::Footer { bucket, key, bytes, file } => {
                self.store()?.footer(&bucket, &key, bytes, &file).await?;
                Ok(Reply::Footer {})
            }
            Request::Proxy { server, network } => {
                let proxy = Proxy::start(server, network).await?;
                let port = proxy.port;
                self.proxy = Some(proxy);
                Ok(Reply::Proxy { port })
            }
            Request::Count {} => {
                let proxy = self.proxy.as_ref().context("nothing is counted: there is no proxy yet")?;
                Ok(Reply::Count { traffic: proxy.traffic() })
            }
        }
    }

    fn store(&self) -> Result<&Store> {
        self.store.as_ref().context("no store is connected")
    }
}

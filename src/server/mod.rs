//! The program `querydyno-server`: the history as pages that people look at, and as an API that tools call. The main type is
//! [`App`](app::App).
//!
//! `cargo xtask serve`, then <http://127.0.0.1:8000>.
//!
//! # Design
//!
//! - **One owner.** DuckDB lets one process write a file, so the server is the one that has the history open while it runs:
//!   [`Owner`](crate::history::served::Owner), with a connection for each question. It takes in the journal when a file of it appears
//!   or grows (`intake`). `cargo xtask history` finds it by a file beside the history and has it run its commands on such a connection;
//!   `optimize`, `backup`, `restore`, `check`, `import` and the like are given the file for as long as they take.
//! - **One source of truth.** What is handed over by the API is written to the journal first, and taken in from there: a kill loses nothing
//!   that was answered. Answers are rows of the history's views or what a history command prints. Pictures are the report's.
//! - **One table.** Each endpoint of the API is a row with its parameters, body and statuses (`ask::Endpoint`). The router checks requests
//!   against it, and the OpenAPI document and the page of the API are made of it (`api`).
//! - **Nobody waits.** Pages show the newest result of each cell, which is in memory (`standing`). When the history changes, a page that
//!   was made before is given while the new one is made beside, in one thread of low priority (`cached`, `renew`). A page says when it was
//!   made, and is never given when it has been old for half a minute; the API always answers with what is there now.
//! - **Everything has a limit.** Connections, headers, bodies, time, requests of an address (`listen`, `guard`, `router`), rows and time of
//!   SQL. SQL of anybody's is read by DuckDB's own parser first and runs in a transaction that can only read, with files out of reach.
//! - **Loopback unless told.** On another address writes need a token, which is in the environment, never in a flag or a log. Pages of other
//!   origins may change nothing, and on loopback a `Host` that is not this machine is refused.
//! - **Files where there is no server.** `--export` writes the same pages as files that link each other (`export`).
//! - What it is not: it measures nothing (`POST /api/v1/runs` starts a bench as somebody at a shell would), and it draws nothing by itself.
//!
//! A request goes `listen` -> `guard` -> `router` -> a handler of `api` or `pages`, in a thread that may wait for DuckDB.

mod api;
mod app;
mod ask;
mod cached;
mod counters;
mod export;
mod facts;
mod guard;
mod intake;
mod keys;
mod latest;
mod listen;
mod options;
mod page;
mod pages;
mod problem;
mod renew;
mod request;
mod router;
mod runs;
mod standing;
mod turns;

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::history::served;
use crate::host::interrupt;
use crate::host::paths;
use crate::host::report::Known;
use crate::host::settings::Settings;
use crate::host::terminal::output;
use crate::host::terminal::show_notes;
use crate::protocol::units::Bytes;
use app::App;
use options::Options;

/// Threads that wait for DuckDB, at most: as many requests are worked on at a time.
const BLOCKING: usize = 64;

/// The whole `main` of the program: 0 after an orderly end, 1 where it cannot serve, 2 for what could not be meant.
pub fn main() -> ExitCode {
    show_notes();
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let token = match options.token() {
        Ok(token) => token,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    let ran = match options.export.clone() {
        Some(folder) => written(options, &folder),
        None => run(options, token),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if interrupt::requested() => ExitCode::from(interrupt::EXIT_CODE),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The history with the newest results of the journal.
fn opened(options: Options, token: Option<String>) -> Result<Arc<App>> {
    let (path, home) = match &options.database {
        Some(file) => (file.clone(), None),
        None => (paths::history(), Some(paths::home())),
    };
    let owner = Arc::new(served::Owner::new(&path, home.as_deref())?);
    App::new(owner, options, token, Known::read(&Settings::read()?)?)
}

/// Writes the pages as files.
fn written(options: Options, folder: &Path) -> Result<()> {
    interrupt::install()?;
    let path = options.database.clone().unwrap_or_else(paths::history);
    if let Some(process) = served::at_work(&path) {
        bail!(
            "the server that is process {process} has this history open: export a copy of it, `cargo xtask history backup copy.duckdb` and then --database copy.duckdb, or end it first"
        );
    }
    let most = options.export_pages as usize;
    let app = opened(options, None)?;
    let written = export::export(&app, folder, most);
    app.owner.close();
    let export::Written { pages, rows, bytes, left_out } = written?;
    output::line(format_args!("{}: {pages} pages and {rows} files of rows, {}", folder.display(), Bytes(bytes)))?;
    if left_out > 0 {
        log::info!(
            "{left_out} more pages and files of rows are left out: --export-pages has room for more than {most} of each kind"
        );
    }
    Ok(())
}

fn run(options: Options, token: Option<String>) -> Result<()> {
    let most = listen::connections(options.connections);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING)
        .build()
        .context("no threads to serve with")?;
    let address = SocketAddr::new(options.host, options.port);
    // First, so that nobody waits for the history only to hear that the port is taken.
    let listener = runtime.block_on(async { listen::bind(address) }).with_context(|| {
        format!("cannot listen on {address}: another program may have the port, then give another --port, or 0 for any")
    })?;
    let address = listener.local_addr()?;
    let app = opened(options, token)?;
    // A history that is not the journal's own is nobody's to ask by commands.
    let beside = app.owner.home().is_some().then(|| served::listen(&app.owner)).transpose()?;
    let router = router::router(&app)?;
    intake::watch(&app);
    renew::start(&app);
    output::line(format_args!("http://{address}  {}, process {}", app.owner.path().display(), std::process::id()))?;
    let stopping = Arc::clone(&app);
    runtime.block_on(async move {
        let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = async {
            tokio::select! { _ = terminated.recv() => {}, _ = interrupted.recv() => {} }
            stopping.stop();
        };
        listen::serve(Arc::clone(&stopping), listener, router, most, stop).await;
        anyhow::Ok(())
    })?;
    // While the history is still open: a run's last results are taken in.
    app.runs.finish();
    drop(beside);
    app.owner.close();
    Ok(())
}

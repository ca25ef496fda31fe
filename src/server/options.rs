//! How a server is called: [`Options`].

use std::env;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;

/// The variable that has the token. It is no flag: everybody on a machine sees those.
const TOKEN: &str = "QUERYDYNO_TOKEN";
/// A token that can be guessed is none.
const SHORTEST: usize = 16;

/// Serve the history as pages and as an API: `http://127.0.0.1:8000`
///
/// While it runs it owns the history: it takes in what benches write to the journal, and `cargo xtask history` commands ask it. It listens
/// on this machine only unless told. On any other address each write needs the token of `QUERYDYNO_TOKEN`, as `Authorization: Bearer TOKEN`;
/// without that variable it does not start. Anybody who reaches it can read.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask serve",
    version,
    after_help = "Examples:
  cargo xtask serve                                         on this machine, at http://127.0.0.1:8000
  QUERYDYNO_TOKEN=$(openssl rand -hex 16) cargo xtask serve --host 0.0.0.0 --port 80
  cargo xtask serve --cors https://dash.example.org         a page of that origin may ask the API
  cargo xtask serve --allow-runs                            the API may start runs on this machine
  cargo xtask serve --database demo.duckdb                  another history, which `history demo` or `history backup` has made
  cargo xtask serve --export site                           no server: the pages as files, for GitHub Pages or any other place
The API is described at /api, and for programs at /openapi.json."
)]
pub(super) struct Options {
    /// The address to listen on: 0.0.0.0 is every network that this machine is in
    #[arg(long, default_value = "127.0.0.1")]
    pub(super) host: IpAddr,
    /// The port; 0 is any that is free
    #[arg(long, default_value_t = 8000)]
    pub(super) port: u16,
    /// Let the API start runs on this machine: `POST /api/v1/runs`
    #[arg(long)]
    pub(super) allow_runs: bool,
    /// An origin whose pages may ask the API, or that of a proxy before this server; give it again for each
    #[arg(long, value_name = "ORIGIN")]
    pub(super) cors: Vec<String>,
    /// Another history, such as a demo or a backup; it takes in nothing from the journal
    #[arg(long, value_name = "FILE")]
    pub(super) database: Option<PathBuf>,
    /// Where `cargo xtask ablation` has written what the page of ablations shows [default: target/querydyno/ablation, as there]
    #[arg(long, value_name = "FOLDER")]
    pub(super) ablations: Option<PathBuf>,
    /// Serve nothing: write the pages into this folder, as files that link each other, and end. It is replaced as a whole; one that
    /// `--export` did not write has to be empty
    #[arg(long, value_name = "FOLDER")]
    pub(super) export: Option<PathBuf>,
    /// Pages of each kind that an export has at most: queries, series, results, and a tenth of it comparisons; the nearest to the overview
    #[arg(long, value_name = "PAGES", default_value_t = 1000, requires = "export", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) export_pages: u32,
    /// The largest body of a request, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) max_body: u32,
    /// How long a request may take, from its first byte to its answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(super) max_time: u32,
    /// Requests of one address in a second; it may save up two seconds of them
    #[arg(long, value_name = "REQUESTS", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) rate: u32,
    /// Connections at a time, as far as the system's limit of open files allows
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) connections: u32,
    /// Rows that a statement of the API's SQL gives at most
    #[arg(long, value_name = "ROWS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) sql_rows: u32,
    /// How long a statement of the API's SQL may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(super) sql_time: u32,
}

impl Options {
    /// The token that writes need; none where everybody who gets here is this machine's user.
    ///
    /// # Errors
    /// When one is needed and there is none, or it can be guessed.
    pub(super) fn token(&self) -> Result<Option<String>> {
        let token = env::var(TOKEN).ok().filter(|token| !token.is_empty());
        ensure!(
            token.is_some() || self.is_local(),
            "--host {} lets others write: set {TOKEN} to a secret of at least {SHORTEST} characters, such as `openssl rand -hex 16` makes",
            self.host
        );
        let long_enough = token.as_ref().is_none_or(|token| token.len() >= SHORTEST);
        ensure!(long_enough, "the token in {TOKEN} can be guessed: give it at least {SHORTEST} characters");
        Ok(token)
    }

    /// Whether only this machine gets here.
    pub(super) fn is_local(&self) -> bool {
        self.host.is_loopback()
    }

    pub(super) fn body_bytes(&self) -> usize {
        self.max_body as usize * (1 << 20)
    }

    pub(super) fn time(&self) -> Duration {
        Duration::from_secs(self.max_time.into())
    }
}

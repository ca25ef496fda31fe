//! `cargo xtask docs`: builds the pages of the documentation and opens them.

use std::env;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Args;
use querydyno::host::catalog::cargo;
use querydyno::host::paths;
use querydyno::host::terminal::output;

/// Programs that open a page in a browser.
const OPENERS: [&str; 2] = ["xdg-open", "open"];

/// Build the pages of the documentation and open them
///
/// The pages are rustdoc's, of the library without engines. Where no browser can be opened, the path of the first page is printed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask docs               builds them in seconds, and opens the list of pages
  cargo xtask docs --no-open     only prints where they are
  cargo xtask docs --code        the modules of the tool too; the first time compiles what they need, in some minutes

The same pages as files: src/docs in the repository.")]
pub(crate) struct Docs {
    /// Only print where they are
    #[arg(long)]
    no_open: bool,
    /// Document the modules of the tool (`querydyno::host`) too
    #[arg(long)]
    code: bool,
}

impl Docs {
    pub(crate) fn run(self) -> Result<()> {
        let mut doc = cargo();
        doc.args(["doc", "--release", "--package", "querydyno", "--lib", "--no-deps"]);
        if !self.code {
            // What the pages need, which is next to nothing.
            doc.arg("--no-default-features");
        }
        let status = doc.stdout(Stdio::null()).status().context("cannot start cargo doc")?;
        ensure!(status.success(), "cargo doc failed: see above; the same pages are files in src/docs");
        let page = paths::target().join("doc/querydyno/docs/index.html");
        ensure!(page.is_file(), "cargo doc made no {}: read src/docs instead", page.display());
        let opened = !self.no_open && has_screen() && OPENERS.iter().any(|opener| opens(opener, &page));
        let done = if opened { "opened" } else { "documentation" };
        output::line(format_args!("{done}: file://{}", page.display()))
    }
}

/// Whether a browser has a screen to be seen on. On a Mac it always has.
fn has_screen() -> bool {
    cfg!(target_os = "macos") || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| env::var_os(name).is_some())
}

fn opens(opener: &str, page: &std::path::Path) -> bool {
    let mut command = Command::new(opener);
    command.arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

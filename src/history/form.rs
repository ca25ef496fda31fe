//! How rows are shown, and where: [`Form`].

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use super::caller::reads_on_terminal;
use super::format::Format;

// How rows are shown, and where. No doc comment: clap would take it for what the command does.
#[derive(Debug, Args)]
pub(super) struct Form {
    /// How to show the rows
    #[arg(long, value_enum, default_value = "table")]
    pub(super) format: Format,
    /// The file to write [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

impl Form {
    /// Before anything is opened: whether it can be shown so.
    pub(super) fn check(&self) -> Result<()> {
        let shown =
            !matches!(self.format, Format::Parquet | Format::Arrow) || self.output.is_some() || !reads_on_terminal();
        ensure!(shown, "Parquet and Arrow are nothing for a terminal: add --output FILE");
        Ok(())
    }
}

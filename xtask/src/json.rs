//! The option `--json`, which means the same in every command: JSON instead of text, on stdout or in a file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use querydyno::host::files::write_whole;
use querydyno::host::terminal::output::print;

use crate::report::tell;

/// The file's name that means stdout.
pub(crate) const STDOUT: &str = "-";

// No doc comment: clap would take it for what the command does.
#[derive(Debug, Args)]
pub(crate) struct Json {
    /// Print JSON; with a file's name, write it there instead, whole or not at all: `--json results.json`
    #[arg(long, value_name = "FILE.json", num_args = 0..=1, default_missing_value = STDOUT, value_parser = file)]
    json: Option<PathBuf>,
}

impl Json {
    /// Whether JSON is asked for, here or in a file.
    pub(crate) fn is_wanted(&self) -> bool {
        self.json.is_some()
    }

    /// Where it goes; [`STDOUT`] is stdout.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.json.as_deref()
    }

    /// Before anything is measured that could not be written.
    pub(crate) fn check(&self) -> Result<()> {
        let Some(file) = self.file().filter(|file| !is_stdout(file)) else { return Ok(()) };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        ensure!(
            folder.is_dir() && !file.is_dir(),
            "cannot write JSON to {}: name a file in a folder that is there",
            file.display()
        );
        Ok(())
    }

    /// Writes it where it goes; nothing where it is not asked for.
    pub(crate) fn write(&self, text: &str) -> Result<()> {
        let text = format!("{}\n", text.trim_end());
        match self.file() {
            None => Ok(()),
            Some(file) if is_stdout(file) => print(&text),
            Some(file) => {
                write_whole(file, text.as_bytes()).with_context(|| format!("cannot write {}", file.display()))?;
                tell!("written: {}", file.display());
                Ok(())
            }
        }
    }
}

/// Whether a file's name means stdout.
pub(crate) fn is_stdout(file: &Path) -> bool {
    file == Path::new(STDOUT)
}

/// A filter behind `--json` would be taken for the file, so that only names of JSON are taken.
fn file(text: &str) -> Result<PathBuf, String> {
    let is_json = text == STDOUT || Path::new(text).extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
    if is_json {
        return Ok(PathBuf::from(text));
    }
    Err(format!("'{text}' does not end in .json: name such a file, or give a filter before --json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_takes_names_of_json_and_no_filter() {
        assert_eq!(file("a/b.json").unwrap(), Path::new("a/b.json"));
        assert!(is_stdout(&file("-").unwrap()));
        for other in ["q1", "duckdb/q1", "a.jsonl", ""] {
            assert!(file(other).unwrap_err().contains("before --json"), "{other}");
        }
    }
}

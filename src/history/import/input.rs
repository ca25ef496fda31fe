//! What the paths of a command line are: files, and below a folder Criterion's cells and every file that may have results.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// How files end that a folder is looked through for.
const ENDS: [&str; 4] = ["json", "jsonl", "csv", "tsv"];

/// What is read as one.
#[derive(Debug)]
pub(super) enum Input {
    /// A file.
    File(PathBuf),
    /// A folder with cells of Criterion's below it.
    Tree(PathBuf, Vec<PathBuf>),
}

/// What a path is.
///
/// # Errors
/// When it is not there, cannot be read, or is a folder with nothing in it that could be a result.
pub(super) fn inputs(path: &Path) -> Result<Vec<Input>> {
    let about = fs::metadata(path).with_context(|| {
        format!(
            "cannot read {}: name files with results, or a folder of them; `history import --help` lists their kinds",
            path.display()
        )
    })?;
    if !about.is_dir() {
        return Ok(vec![Input::File(path.to_owned())]);
    }
    let (mut cells, mut files) = (Vec::new(), Vec::new());
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let is_cell = folder.join("benchmark.json").is_file();
        if is_cell {
            // Beside `new` lie baselines and `change`, which is Criterion's own comparison.
            if folder == path || folder.file_name().is_some_and(|name| name == "new") {
                cells.push(folder);
            }
            continue;
        }
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
            // A link to a folder could lead around in a circle.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let entry = entry.path();
            let is_change = entry.file_name().is_some_and(|name| name == "change" || name == "report");
            if is_folder && !is_change {
                folders.push(entry);
            } else if entry.is_file() && entry.extension().is_some_and(|end| ENDS.iter().any(|known| end == *known)) {
                files.push(entry);
            }
        }
    }
    cells.sort();
    files.sort();
    let mut inputs: Vec<Input> = files.into_iter().map(Input::File).collect();
    if !cells.is_empty() {
        inputs.push(Input::Tree(path.to_owned(), cells));
    }
    ensure!(
        !inputs.is_empty(),
        "nothing in {} can be a result: it has no .json, .jsonl or .csv file and no cell of Criterion's",
        path.display()
    );
    Ok(inputs)
}

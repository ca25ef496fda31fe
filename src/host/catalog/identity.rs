//! What a program is: by what it holds, so that two builds of the same are the same, and by its file, so that one which was built
//! anew is noticed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use super::Entry;
use crate::host::checksum::{sha256, sha256_of_file};
use crate::host::session::Program;

/// A file that an argument or a variable names is data, and no part of the program, if it is larger.
const LARGEST: u64 = 64 << 20;
/// Files beside a script that are looked at, and folders in each other: somebody's script may lie in the home folder.
const MOST_FILES: usize = 1000;
const DEEPEST: usize = 2;

/// The checksum of all that an engine's program is: its file, its arguments and variables, and the contents of files that these name. A program of the user's own is known by its path too: it may be a launcher of something beside it.
///
/// # Errors
/// When the program cannot be read.
pub(crate) fn checksum(engine: &Entry, program: &Program) -> Result<String> {
    let of_file = sha256_of_file(&program.path);
    let mut all = vec![of_file.with_context(|| format!("cannot read {}", program.path.display()))?];
    // Two paths to the same text are the same.
    let is_text = |path: &Path| fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() <= LARGEST);
    let text = |value: &String| Some(Path::new(value)).filter(|path| is_text(path)).and_then(contents);
    all.extend(program.args.iter().map(|value| text(value).unwrap_or_else(|| value.clone())));
    all.extend(program.env.iter().map(|(name, value)| {
        // The protocol's module, which lies in the source tree.
        let module = (name == "PYTHONPATH").then(|| contents(Path::new(value))).flatten();
        format!("{name}={}", module.or_else(|| text(value)).unwrap_or_else(|| value.clone()))
    }));
    match engine.script() {
        Some(script) => {
            // What it imports lies beside it.
            all.extend(script.file.parent().and_then(contents));
            let environment = program.path.ancestors().nth(2).map(|folder| folder.join("querydyno-requirements.txt"));
            all.extend(environment.as_deref().and_then(contents));
        }
        None if engine.recipe().is_none() => {
            all.extend(program.path.canonicalize().map(|path| path.display().to_string()));
        }
        None => {}
    }
    Ok(sha256(all.join(" ")))
}

/// A file's checksum, or the names and checksums of the Python files in a folder and in those in it.
fn contents(path: &Path) -> Option<String> {
    if !path.is_dir() {
        return sha256_of_file(path).ok();
    }
    let mut files = Vec::new();
    python_files(path, DEEPEST, &mut files);
    let named = |file: &PathBuf| Some(format!("{}={}", file.strip_prefix(path).ok()?.display(), contents(file)?));
    Some(files.iter().filter_map(named).collect::<Vec<_>>().join(","))
}

fn python_files(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|one| one.path()).collect();
    entries.sort();
    for path in entries {
        if found.len() == MOST_FILES {
            return;
        }
        if path.extension().is_some_and(|end| end == "py") && path.is_file() {
            found.push(path);
        } else if depth > 1 && path.is_dir() {
            python_files(&path, depth - 1, found);
        }
    }
}

/// Which file it is, and as of when; `None` where it is gone.
pub(crate) fn stamp(program: &Program) -> Option<(u64, SystemTime, u64)> {
    let found = fs::metadata(&program.path).ok()?;
    Some((found.ino(), found.modified().ok()?, found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::catalog::Catalog;
    use crate::host::settings::{OwnEngine, Settings};

    #[test]
    fn a_script_is_all_that_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (file, plans) = (folder.path().join("engine.py"), folder.path().join("deep/plans.py"));
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(&file, "import deep.plans").unwrap();
        fs::write(&plans, "q1 = 1").unwrap();
        let mut settings = Settings::read().unwrap();
        settings.engines.insert("mine".to_owned(), OwnEngine { script: Some(file.clone()), ..OwnEngine::default() });
        let engine = Catalog::read(&settings).unwrap().entry("mine").unwrap();
        let program = Program { path: "/bin/sh".into(), args: vec![file.display().to_string()], ..Program::default() };
        let before = checksum(&engine, &program).unwrap();
        assert_eq!(checksum(&engine, &program).unwrap(), before);
        fs::write(&plans, "q1 = 2").unwrap();
        assert_ne!(checksum(&engine, &program).unwrap(), before);
    }

    #[test]
    fn two_launchers_of_the_same_text_are_two_programs_of_the_users() {
        let folder = tempfile::tempdir().unwrap();
        let program = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, "exec $(dirname $0)/$0.real").unwrap();
            Program { path, ..Program::default() }
        };
        let (one, other) = (program("one"), program("other"));
        let mut settings = Settings::read().unwrap();
        settings
            .engines
            .insert("mine".to_owned(), OwnEngine { program: Some(one.path.clone()), ..OwnEngine::default() });
        let catalog = Catalog::read(&settings).unwrap();
        let (own, built) = (catalog.entry("mine").unwrap(), catalog.entry("null").unwrap());
        assert_ne!(checksum(&own, &one).unwrap(), checksum(&own, &other).unwrap());
        // What is built here is what it holds, wherever it lies.
        assert_eq!(checksum(&built, &one).unwrap(), checksum(&built, &other).unwrap());
        let before = stamp(&one);
        assert!(before.is_some() && before == stamp(&one));
        fs::remove_file(&one.path).unwrap();
        assert_eq!(stamp(&one), None);
    }
}

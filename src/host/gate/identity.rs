//! What a program is: by what it holds, so that two builds of the same are the same, and by its file, so that one which was built
//! anew is noticed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::host::catalog::Entry;
use crate::host::checksum::sha256;
use crate::host::session::Program;

/// The checksum of all that an engine's program is: its file, its arguments and variables, and the contents of files that these name. A program of the user's own is known by its path too: it may be a launcher of something beside it.
pub(super) fn checksum(engine: &Entry, program: &Program) -> Result<String> {
    let bytes = fs::read(&program.path).with_context(|| format!("cannot read {}", program.path.display()))?;
    let mut all = vec![sha256(bytes)];
    // Two paths to the same text are the same.
    let text = |value: &String| contents(Path::new(value)).filter(|_| Path::new(value).is_file());
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

/// A file, or all files of a folder and those below it, by name and checksum.
fn contents(path: &Path) -> Option<String> {
    if !path.is_dir() {
        return fs::read(path).ok().map(sha256);
    }
    let mut files: Vec<PathBuf> = fs::read_dir(path).ok()?.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.file_name().is_some_and(|name| name != "__pycache__"));
    files.sort();
    let named = |file: &PathBuf| Some(format!("{}={}", file.file_name()?.display(), contents(file)?));
    Some(files.iter().filter_map(named).collect::<Vec<_>>().join(","))
}

/// Which file it is, and as of when; `None` where it is gone.
pub(super) fn stamp(program: &Program) -> Option<(u64, SystemTime, u64)> {
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

//! Which files a table of Parquet files consists of: [`Files::of`] a path, a folder or a pattern.
//!
//! A file that is named by its path is always taken. Of a folder, the files that end in `.parquet`, `.parq` or `.pq` are; of a
//! pattern, those and any that begin as Parquet files do. What is left out though it is not marked as hidden is told.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use super::foreign::Formats;
use super::steps::Steps;
use super::walk::{Found, USUAL, target, walk};
use crate::host::interrupt;

/// How many names a caution gives.
const NAMED: usize = 3;

/// The files of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Files {
    /// In the order of their paths; never empty.
    pub(super) paths: Vec<PathBuf>,
    /// What to know about the choice, a sentence each.
    pub(super) cautions: Vec<String>,
}

impl Files {
    /// Those of an absolute path, be it a file, a folder or a pattern.
    ///
    /// # Errors
    /// When there are none, or it cannot be told which files are part of the table.
    pub(super) fn of(path: &Path) -> Result<Self> {
        if path.is_file() {
            let paths = vec![path.to_owned()];
            let caution = folder_caution(path.parent().unwrap_or(path), &paths);
            return Ok(Self { paths, cautions: caution.into_iter().collect() });
        }
        if path.is_dir() {
            return of_folder(path);
        }
        if path.is_symlink() {
            target(path)?;
        }
        ensure!(!path.exists(), "{} is neither a file nor a folder", path.display());
        of_pattern(path)
    }
}

fn of_folder(folder: &Path) -> Result<Files> {
    let mut formats = Formats::default();
    // Before the walk, which may stumble over what such a table is made of.
    formats.refuse(folder)?;
    formats.refuse(&fs::canonicalize(folder)?)?;
    let (_, steps) = Steps::of(Path::new("**"))?;
    let found = walk(folder, &steps, USUAL)?;
    for (shown, real) in &found.folders {
        formats.refuse(shown)?;
        formats.refuse(real)?;
    }
    chosen(folder, folder, found, Ending::Counts)
}

fn of_pattern(pattern: &Path) -> Result<Files> {
    let (base, steps) = Steps::of(pattern)?;
    ensure!(
        base.is_dir() && base != pattern,
        "there are no Parquet files at {}: give a path, a folder or a pattern such as 'data/*.parquet'",
        pattern.display()
    );
    let found = walk(&base, &steps, USUAL)?;
    let parents: BTreeSet<&Path> = found.files.iter().filter_map(|file| file.path.parent()).collect();
    let mut formats = Formats::default();
    for (shown, real) in found.folders.iter().filter(|(shown, _)| parents.contains(shown.as_path())) {
        formats.refuse(shown)?;
        formats.refuse(real)?;
    }
    chosen(pattern, &base, found, Ending::IsFree)
}

/// What a file's ending means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It says whether the file is part of the table.
    Counts,
    /// The pattern said it.
    IsFree,
}

/// The files of the table among those that were found.
fn chosen(given: &Path, base: &Path, found: Found, ending: Ending) -> Result<Files> {
    let mut paths = Vec::new();
    let mut others = Vec::new();
    for file in found.files {
        interrupt::check()?;
        let named = is_named_parquet(&file.path);
        ensure!(file.is_regular || !named, "{} is not a regular file: remove it", file.path.display());
        if named || (ending == Ending::IsFree && file.is_regular && begins_as_parquet(&file.path)?) {
            paths.push(file.path);
        } else if file.is_regular && begins_as_parquet(&file.path)? {
            bail!(
                "{} is a Parquet file, and its name does not end in .parquet, .parq or .pq: rename it, or say which files \
                 are part of the table by a pattern such as '{}'",
                file.path.display(),
                base.join("*").display()
            );
        } else {
            others.push(file.path);
        }
    }
    if paths.is_empty() {
        let what = if !others.is_empty() {
            format!(
                "there are only other files, {}: give a Parquet file, a folder of them, or a pattern",
                named(base, &others)
            )
        } else if let Some(folder) = found.matched_folders.first() {
            format!("{} is a folder: write '/*.parquet' behind the pattern", folder.display())
        } else {
            "give a path, a folder or a pattern such as 'data/*.parquet'; names that begin with '.' or '_' are left out"
                .to_owned()
        };
        bail!("there are no Parquet files at {}: {what}", given.display());
    }
    let mut cautions = Vec::new();
    let mut caution = |what: &str, paths: &[PathBuf]| {
        if !paths.is_empty() {
            cautions.push(format!("{what}: {}", named(base, paths)));
        }
    };
    let listed = |paths: BTreeSet<PathBuf>| paths.into_iter().collect::<Vec<_>>();
    caution("these are not Parquet files, and not part of the table", &others);
    caution("these folders match the pattern, which asks for files, and were not read", &listed(found.matched_folders));
    caution("these links lead to files that are part of the table already, and were not read", &listed(found.repeated));
    caution("these links lead to a folder that holds them, and were not followed", &listed(found.outward));
    cautions.extend(folder_caution(base, &paths));
    Ok(Files { paths, cautions })
}

/// Some of these paths, from `base` on.
fn named(base: &Path, paths: &[PathBuf]) -> String {
    let first: Vec<String> =
        paths.iter().take(NAMED).map(|path| path.strip_prefix(base).unwrap_or(path).display().to_string()).collect();
    let more = paths.len().saturating_sub(NAMED);
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

pub(super) fn is_named_parquet(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default();
    ["parquet", "parq", "pq"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Whether a file begins as Parquet files do, those with an encrypted footer included.
fn begins_as_parquet(path: &Path) -> Result<bool> {
    let within = || format!("cannot read {}", path.display());
    let mut first = Vec::new();
    File::open(path).with_context(within)?.take(4).read_to_end(&mut first).with_context(within)?;
    Ok(first == b"PAR1" || first == b"PARE")
}

/// Says that what folders are called (`year=2024`) is no column: no engine here takes it from there. A folder above `base`
/// is not meant.
pub(super) fn folder_caution(base: &Path, files: &[PathBuf]) -> Option<String> {
    let within = base.parent().unwrap_or(base);
    let folder = files.iter().find_map(|file| {
        let mut folders = file.strip_prefix(within).ok()?.parent()?.iter().map(|name| name.to_string_lossy());
        folders.find(|name| name.contains('='))
    })?;
    Some(format!("a table's columns are those in its files: what a folder's name says, {folder}, is none of them"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder with these files, `name` or `name:content`; without a content they begin as Parquet files do.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let (name, content) = file.split_once(':').unwrap_or((file, "PAR1"));
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    /// The names of the files, and the cautions.
    fn of(folder: &Path, text: &str) -> Result<(Vec<String>, Vec<String>)> {
        let files = Files::of(&folder.join(text))?;
        let name = |path: &PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
        Ok((files.paths.iter().map(name).collect(), files.cautions))
    }

    fn names(folder: &Path, text: &str) -> Vec<String> {
        of(folder, text).unwrap().0
    }

    fn error(folder: &Path, text: &str) -> String {
        format!("{:#}", of(folder, text).unwrap_err())
    }

    #[test]
    fn files_of_a_folder_leave_out_what_writers_leave_behind() {
        let at = folder(&[
            "b.parquet",
            "a.parquet",
            "_SUCCESS:",
            "_metadata",
            ".a.parquet.crc:crc",
            "_temporary/0/_temporary/attempt_1/b.parquet",
            ".ipynb_checkpoints/a-checkpoint.parquet",
            "_year=2024/c.parquet",
        ]);
        let wanted = ["_year=2024/c.parquet", "a.parquet", "b.parquet"];
        assert_eq!(names(at.path(), ""), wanted);
        assert_eq!(names(at.path(), "**/*.parquet"), wanted);
        assert_eq!(names(at.path(), "_temporary/0/_temporary/*/*.parquet").len(), 1);
        // What is given is taken, whatever it is called.
        assert_eq!(names(at.path(), ".ipynb_checkpoints").len(), 1);
        assert_eq!(names(at.path(), "_metadata"), ["_metadata"]);
    }

    #[test]
    fn files_of_a_folder_end_as_parquet_files_do() {
        let at = folder(&["a.parquet", "b.PARQUET", "c.parq", "d.Pq"]);
        assert_eq!(
            of(at.path(), "").unwrap(),
            (vec!["a.parquet", "b.PARQUET", "c.parq", "d.Pq"].into_iter().map(str::to_owned).collect(), vec![])
        );
        for (name, magic) in [("000000_0", "PAR1..."), ("e.parquet.tmp", "PARE...")] {
            fs::write(at.path().join(name), magic).unwrap();
            let error = error(at.path(), "");
            assert!(error.contains(name) && error.contains("rename it") && error.contains("/*'"), "{error}");
            assert_eq!(names(at.path(), "*").len(), 5);
            fs::remove_file(at.path().join(name)).unwrap();
        }
    }

    #[test]
    fn files_that_are_not_parquet_are_reported() {
        let at = folder(&["t/a.parquet", "t/b.csv:1", "t/x/c.txt:2", "t/d:PAR", "t/e.json:{}"]);
        for text in ["t", "t/**"] {
            let (files, cautions) = of(at.path(), text).unwrap();
            assert_eq!(files, ["t/a.parquet"]);
            let [caution] = cautions.as_slice() else { panic!("{cautions:?}") };
            assert!(caution.ends_with("not part of the table: b.csv, d, e.json and 1 more"), "{caution}");
        }
        fs::remove_file(at.path().join("t/a.parquet")).unwrap();
        let error = error(at.path(), "t");
        assert!(error.contains("there are no Parquet files") && error.contains("b.csv"), "{error}");
    }

    #[test]
    fn files_with_an_ending_of_parquet_are_taken_without_a_look() {
        let at = folder(&["a.parquet:not so"]);
        // Its footer is read later, and the error names it.
        assert_eq!(names(at.path(), ""), ["a.parquet"]);
        fs::create_dir(at.path().join("b.parquet")).unwrap();
        assert_eq!(names(at.path(), ""), ["a.parquet"]);
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at.path().join("pipe.parquet"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(error(at.path(), "").contains("pipe.parquet is not a regular file"));
        assert!(error(at.path(), "pipe.parquet").contains("neither a file nor a folder"));
    }

    #[test]
    fn files_of_a_pattern_may_be_none_and_the_error_says_what_to_write() {
        let at = folder(&["year=2024/a.parquet", "top.parquet"]);
        assert!(error(at.path(), "x*.parquet").contains("there are no Parquet files"));
        assert!(error(at.path(), "none").contains("there are no Parquet files"));
        assert!(error(at.path(), "year=*").contains("year=2024 is a folder: write '/*.parquet' behind the pattern"));
        assert!(error(at.path(), "[").contains("is no pattern"));
        let (files, cautions) = of(at.path(), "*").unwrap();
        assert_eq!(files, ["top.parquet"]);
        assert!(cautions[0].ends_with("were not read: year=2024"), "{cautions:?}");
    }

    #[test]
    fn files_below_named_folders_come_with_a_caution() {
        let at = folder(&["t/year=2024/a.parquet", "plain=no/t/a.parquet"]);
        for text in ["t", "t/year=2024", "t/year=2024/a.parquet", "t/*/*.parquet", "t/year=2024/*"] {
            let (_, cautions) = of(at.path(), text).unwrap();
            assert!(cautions.len() == 1 && cautions[0].contains("year=2024, is none of them"), "{text} {cautions:?}");
        }
        assert_eq!(of(at.path(), "plain=no/t").unwrap().1, Vec::<String>::new());
    }

    #[test]
    fn files_of_a_table_with_a_log_are_refused_unless_one_is_named() {
        for log in ["_delta_log", ".hoodie", "metadata"] {
            let at = folder(&["lake/t/data/year=2024/a.parquet", "other/b.parquet"]);
            let log = at.path().join("lake/t").join(log);
            fs::create_dir(&log).unwrap();
            fs::write(log.join("v1.metadata.json"), "").unwrap();
            symlink(at.path().join("lake/t/data"), at.path().join("other/linked")).unwrap();
            for text in
                ["lake", "lake/t/data", "lake/t/data/year=2024", "lake/t/data/**/*.parquet", "lake/*/*/*/a*", "other"]
            {
                assert!(error(at.path(), text).contains(" table, whose "), "{text}");
            }
            assert_eq!(names(at.path(), "lake/t/data/year=2024/a.parquet").len(), 1);
            assert_eq!(names(at.path(), "other/*.parquet"), ["other/b.parquet"]);
        }
    }

    #[test]
    fn files_by_a_link_that_leads_nowhere_are_an_error() {
        let at = folder(&["a.parquet"]);
        symlink("/nowhere/b.parquet", at.path().join("b.parquet")).unwrap();
        for text in ["", "*.parquet", "b.parquet"] {
            let error = error(at.path(), text);
            assert!(error.contains("/b.parquet leads to /nowhere/b.parquet, which is not there"), "{error}");
        }
        assert_eq!(names(at.path(), "a*.parquet"), ["a.parquet"]);
    }
}

//! The files below a folder whose paths match a pattern: [`walk`]. A walk of our own, because the `glob` crate follows links
//! in circles, cannot be interrupted, and leaves out names that are not UTF-8 without a word.
//!
//! A name that begins with `.` is left out with all that is below it, and so is one that begins with `_` unless it contains
//! `=`: that is how writers mark what is not data (`_temporary`, `_SUCCESS`, `.part.crc`). A pattern takes such a name when it
//! spells the first character itself. Links are followed, each real folder and file counts once.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, FileType};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::steps::Steps;
use crate::host::interrupt;

/// Where a walk gives up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Names read over all folders.
    pub(super) entries: usize,
    /// Folders below one another.
    pub(super) depth: usize,
}

pub(super) const USUAL: Limits = Limits { entries: 1_000_000, depth: 100 };

/// What a walk came across.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The files that match, in the order of their paths.
    pub(super) files: Vec<FoundFile>,
    /// The folders that were read: as they are called, and without links.
    pub(super) folders: Vec<(PathBuf, PathBuf)>,
    /// Folders that match where a file is wanted; they were not read.
    pub(super) matched_folders: BTreeSet<PathBuf>,
    /// Links to files that were found under another name too.
    pub(super) repeated: BTreeSet<PathBuf>,
    /// Links to a folder that holds the walked one, or the link itself. They were not followed: what is beside a table is not
    /// part of it.
    pub(super) outward: BTreeSet<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FoundFile {
    pub(super) path: PathBuf,
    /// Whether it can be opened without waiting: a named pipe cannot.
    pub(super) is_regular: bool,
}

/// Finds the files below `base` whose paths match.
///
/// # Errors
/// For a folder that cannot be read, a link that leads nowhere, a name that is not UTF-8, or beyond the limits.
pub(super) fn walk(base: &Path, steps: &Steps, limits: Limits) -> Result<Found> {
    let root = fs::canonicalize(base).with_context(|| format!("cannot read {}", base.display()))?;
    let first = Visit { shown: base.to_owned(), real: root.clone(), states: steps.start(), depth: 0 };
    let mut walk = Walk {
        steps,
        limits,
        root,
        entries: 0,
        open: vec![first],
        links: BTreeMap::new(),
        seen: BTreeSet::new(),
        files: BTreeMap::new(),
        found: Found::default(),
    };
    loop {
        // Links last, so that a file goes by its own name where it has one here.
        if let Some(folder) = walk.open.pop() {
            walk.read(folder)?;
        } else if let Some((_, link)) = walk.links.pop_first() {
            walk.follow(link)?;
        } else {
            break;
        }
    }
    let mut found = walk.found;
    found.files = walk.files.into_values().collect();
    found.files.sort();
    Ok(found)
}

struct Visit {
    /// As it is called.
    shown: PathBuf,
    /// Without links; a link's own place until it is followed.
    real: PathBuf,
    /// The steps that what is in it may match next.
    states: Vec<usize>,
    depth: usize,
}

struct Walk<'a> {
    steps: &'a Steps,
    limits: Limits,
    root: PathBuf,
    entries: usize,
    open: Vec<Visit>,
    links: BTreeMap<PathBuf, Visit>,
    /// Folders that were read, each with the states it was read in.
    seen: BTreeSet<(PathBuf, Vec<usize>)>,
    /// By their real paths. Not by inode: two hard links are two files of a table.
    files: BTreeMap<PathBuf, FoundFile>,
    found: Found,
}

impl Walk<'_> {
    fn read(&mut self, folder: Visit) -> Result<()> {
        let open = folder.states.iter().copied().filter(|state| self.steps.has_more(&[*state])).collect();
        if !self.seen.insert((folder.real.clone(), open)) {
            return Ok(());
        }
        ensure!(
            folder.depth <= self.limits.depth,
            "{} is more than {} folders deep: give a folder further down",
            folder.shown.display(),
            self.limits.depth
        );
        let within = || format!("cannot read {}", folder.shown.display());
        for entry in fs::read_dir(&folder.shown).with_context(within)? {
            interrupt::check()?;
            let entry = entry.with_context(within)?;
            self.entries += 1;
            ensure!(
                self.entries <= self.limits.entries,
                "there are more than {} files and folders on the way to {}: give a folder further down, or a pattern with fewer '*'",
                self.limits.entries,
                folder.shown.display()
            );
            let name = entry.file_name();
            let states = self.steps.after(&folder.states, &name.to_string_lossy());
            if states.is_empty() {
                continue;
            }
            let shown = folder.shown.join(&name);
            ensure!(name.to_str().is_some(), "the name of {} is not UTF-8: rename it", shown.display());
            let kind = entry.file_type().with_context(|| format!("cannot read {}", shown.display()))?;
            let place = Visit { real: folder.real.join(&name), shown, states, depth: folder.depth + 1 };
            if kind.is_symlink() {
                self.links.insert(place.shown.clone(), place);
            } else {
                self.take(place, kind);
            }
        }
        self.found.folders.push((folder.shown, folder.real));
        Ok(())
    }

    fn follow(&mut self, link: Visit) -> Result<()> {
        interrupt::check()?;
        let real = target(&link.shown)?;
        let metadata = fs::metadata(&real).with_context(|| format!("cannot read {}", link.shown.display()))?;
        let is_around = |folder: &Path| folder.starts_with(&real) && !real.starts_with(&self.root);
        if metadata.is_dir() && (is_around(&self.root) || is_around(&link.real)) {
            self.found.outward.insert(link.shown);
            return Ok(());
        }
        self.take(Visit { real, ..link }, metadata.file_type());
        Ok(())
    }

    fn take(&mut self, place: Visit, kind: FileType) {
        if kind.is_dir() {
            if self.steps.has_more(&place.states) {
                self.open.push(place);
            } else {
                self.found.matched_folders.insert(place.shown);
            }
        } else if self.steps.is_end(&place.states) {
            let file = FoundFile { path: place.shown, is_regular: kind.is_file() };
            match self.files.entry(place.real) {
                Entry::Vacant(entry) => {
                    entry.insert(file);
                }
                Entry::Occupied(_) => {
                    self.found.repeated.insert(file.path);
                }
            }
        }
    }
}

/// Where a link leads to in the end.
///
/// # Errors
/// When that is nowhere; names the link and its target.
pub(super) fn target(link: &Path) -> Result<PathBuf> {
    fs::canonicalize(link).or_else(|error| {
        let next = fs::read_link(link).unwrap_or_default();
        let why = match error.kind() {
            ErrorKind::NotFound => "which is not there".to_owned(),
            _ => format!("which cannot be followed ({error})"),
        };
        bail!(
            "the link {} leads to {}, {why}: restore what it leads to, or remove the link",
            link.display(),
            next.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn found(base: &Path, pattern: &str) -> Result<Found> {
        let (base, steps) = Steps::of(&base.join(pattern)).unwrap();
        walk(&base, &steps, Limits { entries: 50, depth: 5 })
    }

    fn names(base: &Path, pattern: &str) -> Vec<String> {
        let name = |file: &FoundFile| file.path.strip_prefix(base).unwrap().display().to_string();
        found(base, pattern).unwrap().files.iter().map(name).collect()
    }

    #[test]
    fn walk_counts_each_real_file_once() {
        let at = tree(&["t/a.parquet", "t/x/b.parquet", "elsewhere/c.parquet"]);
        symlink("a.parquet", at.path().join("t/0-first.parquet")).unwrap();
        symlink("../elsewhere", at.path().join("t/cold")).unwrap();
        symlink("../elsewhere", at.path().join("t/colder")).unwrap();
        symlink("../elsewhere/c.parquet", at.path().join("t/z.parquet")).unwrap();
        fs::hard_link(at.path().join("t/a.parquet"), at.path().join("t/twin.parquet")).unwrap();
        let wanted = ["t/a.parquet", "t/cold/c.parquet", "t/twin.parquet", "t/x/b.parquet"];
        assert_eq!(names(at.path(), "t/**"), wanted);
        let repeated = found(at.path(), "t/**").unwrap().repeated;
        assert_eq!(
            repeated.into_iter().collect::<Vec<_>>(),
            ["t/0-first.parquet", "t/z.parquet"].map(|name| at.path().join(name))
        );
    }

    #[test]
    fn walk_ends_where_links_go_round() {
        let at = tree(&["t/x/y/a.parquet", "beside.parquet"]);
        for (target, link) in
            [("..", "t/x/up"), (".", "t/x/y/here"), ("../..", "t/x/y/top"), ("..", "t/out"), ("/", "t/root")]
        {
            symlink(target, at.path().join(link)).unwrap();
        }
        for pattern in ["t/**", "t/**/*.parquet", "t/**/**/*"] {
            assert_eq!(names(at.path(), pattern), ["t/x/y/a.parquet"], "{pattern}");
        }
        let outward: Vec<_> = found(at.path(), "t/**").unwrap().outward.into_iter().collect();
        assert_eq!(outward, [at.path().join("t/out"), at.path().join("t/root")]);
        let far = tree(&["x/b.parquet", "beside.parquet"]);
        symlink("..", far.path().join("x/up")).unwrap();
        symlink(far.path().join("x"), at.path().join("t/z")).unwrap();
        assert_eq!(names(at.path(), "t/**"), ["t/x/y/a.parquet", "t/z/b.parquet"]);
        symlink("loop", at.path().join("t/loop")).unwrap();
        let error = found(at.path(), "t/**").unwrap_err().to_string();
        assert!(error.contains("t/loop leads to loop, which cannot be followed"), "{error}");
    }

    #[test]
    fn walk_refuses_a_name_that_is_not_utf8() {
        let at = tree(&["a.parquet"]);
        fs::write(at.path().join(OsStr::from_bytes(b"caf\xe9.parquet")), "").unwrap();
        for pattern in ["**", "*.parquet"] {
            let error = found(at.path(), pattern).unwrap_err().to_string();
            assert!(error.contains("caf\u{fffd}.parquet is not UTF-8: rename it"), "{error}");
        }
        assert_eq!(names(at.path(), "a*"), ["a.parquet"]);
        fs::create_dir(at.path().join(OsStr::from_bytes(b"_\xe9"))).unwrap();
        fs::remove_file(at.path().join(OsStr::from_bytes(b"caf\xe9.parquet"))).unwrap();
        assert_eq!(names(at.path(), "**"), ["a.parquet"]);
    }

    #[test]
    fn walk_gives_up_beyond_its_limits() {
        let many: Vec<String> = (0..51).map(|number| format!("many/{number}")).collect();
        let mut files: Vec<&str> = many.iter().map(String::as_str).collect();
        files.push("1/2/3/4/5/6/7/deep");
        files.push("a/b/c/d/e/flat");
        let at = tree(&files);
        let error = found(at.path(), "many/**").unwrap_err().to_string();
        assert!(error.contains("more than 50 files and folders"), "{error}");
        let error = found(at.path(), "1/**").unwrap_err().to_string();
        assert!(error.contains("1/2/3/4/5/6/7 is more than 5 folders deep"), "{error}");
        assert_eq!(names(at.path(), "a/**"), ["a/b/c/d/e/flat"]);
    }

    #[test]
    fn walk_tells_folders_where_a_file_is_wanted() {
        let at = tree(&["t/x/a.parquet", "t/b.parquet"]);
        let found = found(at.path(), "t/*").unwrap();
        assert_eq!(found.matched_folders.into_iter().collect::<Vec<_>>(), [at.path().join("t/x")]);
        assert_eq!((found.files.len(), found.folders.len()), (1, 1));
    }
}

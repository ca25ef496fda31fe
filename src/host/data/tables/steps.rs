//! A pattern taken apart into [`Steps`], one for each name of a path: `year=*/**/*.parquet`.
//!
//! What a single step means is the `glob` crate's business: `*`, `?`, `[a-z]`; `**` stands for any number of folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use glob::Pattern;

/// What the names of a path must match, in turn. A state is the number of the step that the next name may match.
#[derive(Debug)]
pub(super) struct Steps(Vec<Step>);

#[derive(Debug)]
enum Step {
    /// `**`
    AnyFolders,
    Name(Pattern),
}

impl Steps {
    /// The folder in which a pattern begins, and the steps from there.
    ///
    /// # Errors
    /// When it is no pattern.
    pub(super) fn of(pattern: &Path) -> Result<(PathBuf, Self)> {
        let is_plain = |name: &str| !name.contains(['*', '?', '[']);
        let mut base = PathBuf::new();
        let mut steps = Vec::new();
        for name in pattern {
            let name = name.to_str().with_context(|| format!("the name of {} is not UTF-8", pattern.display()))?;
            if steps.is_empty() && is_plain(name) {
                base.push(name);
            } else if name == "**" {
                steps.push(Step::AnyFolders);
            } else if name == ".." {
                bail!("{} is no pattern: '..' cannot stand behind a '*'", pattern.display());
            } else {
                let step = Pattern::new(name).with_context(|| format!("{} is no pattern", pattern.display()))?;
                steps.push(Step::Name(step));
            }
        }
        if matches!(steps.last(), Some(Step::AnyFolders)) {
            steps.push(Step::Name(Pattern::new("*")?));
        }
        Ok((base, Self(steps)))
    }

    /// The states in the folder where the pattern begins.
    pub(super) fn start(&self) -> Vec<usize> {
        self.and_beyond(0).collect()
    }

    /// The states behind a name, in order; none when no path with this name at this place can match.
    pub(super) fn after(&self, states: &[usize], name: &str) -> Vec<usize> {
        let hidden = is_hidden(name);
        let next: BTreeSet<usize> = states
            .iter()
            .filter_map(|&state| match self.0.get(state)? {
                Step::AnyFolders => (!hidden).then_some(state),
                Step::Name(pattern) => {
                    let takes = !hidden || pattern.as_str().starts_with(['.', '_']);
                    (takes && pattern.matches(name)).then_some(state + 1)
                }
            })
            .flat_map(|state| self.and_beyond(state))
            .collect();
        next.into_iter().collect()
    }

    /// Whether what is in a folder of these states may match.
    pub(super) fn has_more(&self, states: &[usize]) -> bool {
        states.iter().any(|state| *state < self.0.len())
    }

    /// Whether a file of these states matches.
    pub(super) fn is_end(&self, states: &[usize]) -> bool {
        states.contains(&self.0.len())
    }

    /// Whether a file with this path, relative to the folder where the pattern begins, matches.
    pub(super) fn matches(&self, path: &Path) -> bool {
        let names = path.iter().map(|name| name.to_string_lossy());
        self.is_end(&names.fold(self.start(), |states, name| self.after(&states, &name)))
    }

    /// A `**` stands for no folder too.
    fn and_beyond(&self, state: usize) -> impl Iterator<Item = usize> {
        let skipped = self.0[state..].iter().take_while(|step| matches!(step, Step::AnyFolders)).count();
        state..=state + skipped
    }
}

/// Whether writers mark what is called so as no data. `_year=2024` is a partition.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || (name.starts_with('_') && !name.contains('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a file of this path below `/base` matches.
    fn matches(pattern: &str, path: &str) -> bool {
        let (base, steps) = Steps::of(&Path::new("/base").join(pattern)).unwrap();
        assert_eq!(base, Path::new("/base"), "{pattern}");
        steps.matches(Path::new(path))
    }

    #[test]
    fn steps_match_names_and_any_number_of_folders() {
        for (pattern, path, wanted) in [
            ("*.parquet", "a.parquet", true),
            ("*.parquet", "x/a.parquet", false),
            ("**/*.parquet", "a.parquet", true),
            ("**/*.parquet", "x/y/a.parquet", true),
            ("**/y/**/*", "x/y/z/a", true),
            ("**/y/**/*", "x/z/a", false),
            ("**", "x/a", true),
            ("x[12]/?.parquet", "x2/a.parquet", true),
            ("x[12]/?.parquet", "x3/a.parquet", false),
            ("*/x/a.parquet", "1/x/a.parquet", true),
        ] {
            assert_eq!(matches(pattern, path), wanted, "{pattern} {path}");
        }
    }

    #[test]
    fn steps_take_hidden_names_only_where_they_are_spelt() {
        for (pattern, path, wanted) in [
            ("**/*", ".x/a", false),
            ("**/*", "_temporary/a", false),
            ("*", "_SUCCESS", false),
            ("**/*", "_year=2024/a", true),
            ("**/*", ".a=b", false),
            ("*/_staging/*", "x/_staging/a", true),
            ("_*", "_a", true),
        ] {
            let known = pattern.replace('x', "?");
            assert_eq!(matches(&known, path), wanted, "{pattern} {path}");
        }
    }

    #[test]
    fn steps_begin_at_the_first_name_that_is_a_pattern() {
        let (base, steps) = Steps::of(Path::new("/data/year=2024/*/a.parquet")).unwrap();
        assert_eq!((base, steps.0.len()), (PathBuf::from("/data/year=2024"), 2));
        for wrong in ["/data/*/../a", "/data/a**", "/data/[a"] {
            let error = Steps::of(Path::new(wrong)).unwrap_err().to_string();
            assert!(error.contains("is no pattern"), "{error}");
        }
    }
}

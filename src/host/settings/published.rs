//! Settings that suites declare: the folder in which somebody has the answers that are published for a suite's queries.
//!
//! What this is not: the reading of such answers, see [`crate::host::verify::reference`].

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use anyhow::{Result, ensure};
use serde::Deserialize;

use super::key::{Key, PREFIX, one};
use crate::host::paths;

/// A suite that has some.
pub(super) struct Declared {
    published: Published,
    pub(super) key: Key,
    /// The files of its first and last query.
    files: [String; 2],
}

/// Of a `suite.toml` what says which settings there are; the rest is for suites to read.
#[derive(Deserialize)]
struct Suite {
    published: Option<Published>,
    #[serde(rename = "query")]
    queries: Vec<Query>,
}

/// Of [`crate::host::suite::Published`] what makes a setting.
#[derive(Deserialize)]
struct Published {
    by: String,
    setting: String,
    ending: String,
}

#[derive(Deserialize)]
struct Query {
    name: String,
}

/// Those of our suites, in the order of their names. What is wrong in a file is an error of those who read the suite.
pub(super) fn declared() -> &'static [Declared] {
    static DECLARED: LazyLock<Vec<Declared>> = LazyLock::new(|| {
        let folders = fs::read_dir(paths::root().join("fixtures")).into_iter().flatten().flatten();
        let files = folders.filter_map(|folder| paths::suite_file(&folder.path()).ok().flatten());
        let texts = files.filter_map(|file| fs::read_to_string(file).ok());
        let mut declared: Vec<_> = texts.filter_map(|text| Declared::of(toml::from_str(&text).ok()?)).collect();
        declared.sort_by_key(|one| one.key.variable);
        declared
    });
    &DECLARED
}

impl Declared {
    fn of(suite: Suite) -> Option<Self> {
        let published = suite.published?;
        let file = |query: &Query| format!("{}{}", query.name, published.ending);
        let files = [file(suite.queries.first()?), file(suite.queries.last()?)];
        let what = format!("folder of {}'s published {} to {}", published.by, files[0], files[1]);
        // Keys are made once in a process and live as long as it does.
        let [toml, variable, what]: [&'static str; 3] =
            [published.setting.clone(), format!("{PREFIX}{}", published.setting.to_uppercase()), what]
                .map(|text| &*text.leak());
        let key = one(toml, variable, "none: the repository's references", what);
        Some(Self { published, key, files })
    }
}

/// The folders that were named, by setting; `named` has what was said of a key.
///
/// # Errors
/// When one holds no such answers.
pub(super) fn folders(named: impl Fn(&Key) -> Option<PathBuf>) -> Result<BTreeMap<String, PathBuf>> {
    let mut folders = BTreeMap::new();
    for Declared { published, key, files: [first, last] } in declared() {
        let Some(folder) = named(key) else { continue };
        ensure!(
            folder.join(first).is_file(),
            "{}: {} holds no {first}; name the folder with {}'s {first} to {last}",
            key.variable,
            folder.display(),
            published.by
        );
        folders.insert(published.setting.clone(), folder);
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::super::KEYS;
    use super::*;

    #[test]
    fn folders_takes_one_with_answers_and_no_other() {
        let key = KEYS.iter().find(|key| key.toml == Some("tpch_answers")).unwrap();
        assert_eq!(key.variable, "QUERYDYNO_TPCH_ANSWERS");
        assert_eq!(key.what, "folder of TPC's published q1.out to q22.out");
        let folder = tempfile::tempdir().unwrap();
        let named = |asked: &Key| (asked == key).then(|| folder.path().to_owned());
        let error = folders(named).unwrap_err().to_string();
        assert!(error.ends_with("holds no q1.out; name the folder with TPC's q1.out to q22.out"), "{error}");
        fs::write(folder.path().join("q1.out"), "").unwrap();
        assert_eq!(folders(named).unwrap()["tpch_answers"], folder.path());
        assert!(folders(|_| None).unwrap().is_empty());
    }
}

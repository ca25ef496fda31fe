//! Which suites there are: ours in `fixtures`, the user's folders, and the user's own query.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Suite;
use super::source::{is_on_s3, is_parquet};
use crate::host::paths;
use crate::host::settings::Settings;
use crate::host::variant::{FORMATS, ICEBERG, ICEBERG_S3, PARQUET, S3, USUAL_FORMATS};
use crate::protocol::id::Scale;

impl Suite {
    /// All that there are. An invalid own query is left out: `TABLE_NAME` and `QUERY` are
    /// names that other programs use too.
    ///
    /// # Errors
    /// When one of them is wrong, or two have a query of the same name.
    pub fn all(settings: &Settings) -> Result<Vec<Self>> {
        Self::all_in(paths::root(), settings)
    }

    /// The same with the suites of another source tree instead of ours.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub fn all_in(root: &Path, settings: &Settings) -> Result<Vec<Self>> {
        let fixtures = root.join("fixtures");
        let names = names(&fixtures)?;
        let mut suites = names.iter().map(|name| Self::read_from(&fixtures.join(name))).collect::<Result<Vec<_>>>()?;
        for folder in &settings.suites {
            suites.push(Self::read_from(folder)?);
        }
        check_unlike(&suites)?;
        suites.extend(settings.adhoc.as_ref().and_then(|_| Self::adhoc_of(settings).ok()));
        Ok(suites)
    }

    /// Whether its tables are there already: they are as they are, at one scale and in one format, and they may be others
    /// tomorrow under the same name.
    pub fn is_external(&self) -> bool {
        self.tables.iter().any(|table| table.source.is_some())
    }

    /// The scales that its cells have.
    pub(crate) fn scales(&self, settings: &Settings) -> Vec<Scale> {
        if self.is_external() { vec![Scale::ONE] } else { settings.scales.clone() }
    }

    /// The formats that its cells can have.
    pub(crate) fn formats(&self) -> Vec<&'static str> {
        if !self.is_external() {
            let Some(declared) = &self.formats else { return USUAL_FORMATS.to_vec() };
            return FORMATS.into_iter().filter(|format| declared.iter().any(|name| name == format)).collect();
        }
        let mut sources = self.tables.iter().filter_map(|table| table.source.as_deref());
        let on_s3 = sources.clone().any(is_on_s3);
        vec![match (sources.all(is_parquet), on_s3) {
            (true, false) => PARQUET,
            (false, false) => ICEBERG,
            (true, true) => S3,
            (false, true) => ICEBERG_S3,
        }]
    }
}

/// The folders of a source tree's suites, sorted.
pub(super) fn names(fixtures: &Path) -> Result<Vec<String>> {
    let folders = fs::read_dir(fixtures).with_context(|| format!("cannot read {}", fixtures.display()))?;
    let mut names: Vec<String> = folders
        .flatten()
        .filter(|folder| !matches!(paths::suite_file(&folder.path()), Ok(None)))
        .filter_map(|folder| folder.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// Cells and baselines go by the names of queries.
fn check_unlike(suites: &[Suite]) -> Result<()> {
    for (place, suite) in suites.iter().enumerate() {
        for other in &suites[..place] {
            if other.name == suite.name {
                bail!(
                    "two suites are called '{}': {} and {}; change `name` in one suite.toml",
                    suite.name,
                    other.folder.display(),
                    suite.folder.display()
                );
            }
            let twin = suite.queries.iter().find(|query| other.queries.iter().any(|theirs| theirs.name == query.name));
            if let Some(query) = twin {
                bail!(
                    "two suites have a query '{0}': {1} and {2}; begin the names of one with the suite's, such as {2}-{0}",
                    query.name,
                    other.name,
                    suite.name
                );
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(folder: &str) -> Result<Vec<Suite>> {
        let settings = Settings { suites: vec![folder.into()], ..Settings::read()? };
        Suite::all(&settings)
    }

    #[test]
    fn the_names_of_suites_and_queries_are_unique() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir(at.join("queries")).unwrap();
        fs::write(at.join("queries/q1.sql"), "SELECT 1 FROM {table}").unwrap();
        let write = |name: &str| {
            let text = format!(
                "name = '{name}'\ntitle = ''\n[[table]]\nname = 'a'\nsource = 'a.parquet'\n[[query]]\nname = 'q1'\ntitle = ''\ntables = ['a']\n"
            );
            fs::write(at.join("suite.toml"), text).unwrap();
            format!("{:#}", with(&at.display().to_string()).unwrap_err())
        };
        assert!(write("tpch").contains("two suites are called 'tpch'"));
        let error = write("shop");
        assert!(error.contains("'q1': tpch and shop") && error.contains("shop-q1"), "{error}");
    }
}

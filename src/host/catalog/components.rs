//! What engines are built on: [`Components`]. Engines that share a component may share its faults, so they are one vote.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

use crate::host::paths;

/// The components of every listed engine, by the engine's name.
#[derive(Debug, Clone, Default)]
pub struct Components(BTreeMap<String, Vec<String>>);

/// What engines with undeclared components are built on.
pub(crate) const UNDECLARED: &str = "undeclared";

impl Components {
    /// As `fixtures/engines.toml` has them; of packages too, by the package's name. What is wrong in that file is an error of
    /// whoever reads all of it.
    pub fn listed() -> &'static Self {
        static LISTED: LazyLock<Components> = LazyLock::new(Components::read);
        &LISTED
    }

    fn read() -> Self {
        let text = fs::read_to_string(paths::root().join("fixtures/engines.toml")).unwrap_or_default();
        let mut all = BTreeMap::new();
        for (name, engine) in toml::from_str::<toml::Table>(&text).unwrap_or_default() {
            let listed = engine.get("components").and_then(toml::Value::as_array).into_iter().flatten();
            let components: Vec<String> = listed.filter_map(|one| one.as_str().map(str::to_owned)).collect();
            if let Some(package) = engine.get("package").and_then(toml::Value::as_str) {
                all.entry(package.to_owned()).or_insert_with(|| components.clone());
            }
            all.insert(name, components);
        }
        Self(all)
    }

    /// What an engine is built on: what its entry declares, else what is known of an engine of that name. All others are one
    /// vote together, since nobody says that they share nothing: two builds of one engine would vouch for each other.
    pub(crate) fn of(&self, declared: &[String], engine: &str) -> Vec<String> {
        if !declared.is_empty() {
            return declared.to_vec();
        }
        self.known(engine).unwrap_or_else(|| vec![UNDECLARED.to_owned()])
    }

    fn known(&self, engine: &str) -> Option<Vec<String>> {
        self.0.get(engine).filter(|components| !components.is_empty()).cloned()
    }

    /// What a script with these requirements, `polars==2.1.0`, is built on as far as these are known.
    pub(crate) fn of_requirements(&self, requirements: &[String]) -> Vec<String> {
        let package = |text: &String| {
            let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(text.len());
            text[..end].to_lowercase()
        };
        let built_on = |package: String| {
            if package == "pyarrow" { vec![package] } else { self.0.get(&package).cloned().unwrap_or_default() }
        };
        let found: BTreeSet<String> = requirements.iter().map(package).flat_map(built_on).collect();
        found.into_iter().collect()
    }

    /// The independent votes of engines that are written with their versions: `duckdb 2.0.0`.
    pub(crate) fn of_engines(&self, engines: &[String]) -> Vec<String> {
        let of = |engine: &String| {
            let name = engine.split(' ').next().unwrap_or(engine);
            self.known(name).unwrap_or_else(|| vec![name.to_owned()])
        };
        let components: Vec<Vec<String>> = engines.iter().map(of).collect();
        independent(components.iter().map(Vec::as_slice))
    }
}

/// How many independent votes engines with these components have, and what each of them rests on: engines that share a
/// component, be it through a third one, are one vote.
pub(crate) fn independent<'a>(engines: impl IntoIterator<Item = &'a [String]>) -> Vec<String> {
    let mut votes: Vec<BTreeSet<&str>> = Vec::new();
    for components in engines.into_iter().filter(|components| !components.is_empty()) {
        let mut joined: BTreeSet<&str> = components.iter().map(String::as_str).collect();
        for same in votes.extract_if(.., |vote| !vote.is_disjoint(&joined)).collect::<Vec<_>>() {
            joined.extend(same);
        }
        votes.push(joined);
    }
    let mut names: Vec<String> = votes.into_iter().map(|vote| Vec::from_iter(vote).join("+")).collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_listed_make_four_votes_of_tpch_engines() {
        let engines =
            ["arrow 60.1.0", "daft 0.7.26", "datafusion 55.2.0", "duckdb 2.0.0", "pandas 3.1.1", "polars 0.55.2"];
        let votes = Components::listed().of_engines(&engines.map(str::to_owned));
        assert_eq!(votes, ["arrow-rs", "duckdb", "polars", "pyarrow"]);
        assert_eq!(Components::listed().of_engines(&["mariadb 1".to_owned(), "x 2".to_owned()]).len(), 2);
        let own = ["mine", "mine-too"].map(|name| Components::listed().of(&[], name));
        assert_eq!(independent(own.iter().map(Vec::as_slice)), ["undeclared"]);
    }

    #[test]
    fn components_of_a_script_are_those_of_its_packages() {
        let of = |text: &str| Components::listed().of_requirements(&[text.to_owned()]);
        assert_eq!(of("polars==2.1.0"), ["polars"]);
        assert_eq!(of("polars[all]>=2"), ["polars"]);
        assert_eq!(of("pyarrow==26.0.1"), ["pyarrow"]);
        assert_eq!(of("datafusion==55.0.0"), ["arrow-rs"]);
        assert!(of("requests").is_empty());
    }
}

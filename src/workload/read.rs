//! Reading a workload from its folder, and a query's text for an engine and a scale.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use super::{Query, QuerySpec, Workload};
use crate::id::{Scale, check_name};
use crate::paths;

impl Workload {
    /// All that there are, by the folders in `fixtures`.
    ///
    /// # Errors
    /// When one of them is wrong.
    pub fn all() -> Result<Vec<Self>> {
        let fixtures = paths::root().join("fixtures");
        let folders = fs::read_dir(&fixtures).with_context(|| format!("cannot read {}", fixtures.display()))?;
        let mut names: Vec<String> = folders
            .flatten()
            .filter(|folder| folder.path().join("workload.toml").exists())
            .filter_map(|folder| folder.file_name().into_string().ok())
            .collect();
        names.sort();
        names.iter().map(|name| Self::read(name)).collect()
    }

    /// Reads `fixtures/<name>/workload.toml`.
    ///
    /// # Errors
    /// When there is none, or a query names a table or a column that is not declared.
    pub fn read(name: &str) -> Result<Self> {
        let path = paths::workload(name).join("workload.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read the workload {}", path.display()))?;
        let workload: Self = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        workload.check().with_context(|| format!("in {}", path.display()))?;
        Ok(workload)
    }

    /// The query of that name.
    ///
    /// # Errors
    /// Says which queries there are.
    pub fn query(&self, name: &str) -> Result<&QuerySpec> {
        let found = self.queries.iter().find(|query| query.name == name);
        found.with_context(|| {
            let names: Vec<&str> = self.queries.iter().map(|query| query.name.as_str()).collect();
            format!("{} has no query '{name}'; it has: {}", self.title, names.join(", "))
        })
    }

    /// The query's text in a dialect, with the parameters of a scale filled in.
    ///
    /// # Errors
    /// When the file cannot be read or a placeholder stays open.
    pub fn text(&self, query: &QuerySpec, dialect: &str, scale: Scale) -> Result<Query> {
        let folder = paths::workload(&self.name).join("queries");
        let file = format!("{}.sql", query.name);
        let own = folder.join(dialect).join(&file);
        let path = if own.exists() { own } else { folder.join(&file) };
        let mut sql = fs::read_to_string(&path).with_context(|| format!("cannot read the query {}", path.display()))?;
        for (name, formula) in &query.parameters {
            let value = parameter(formula, scale).with_context(|| format!("parameter {name} of {}", query.name))?;
            sql = sql.replace(&format!("{{{name}}}"), &value);
        }
        ensure!(
            !sql.contains('{'),
            "{} has a placeholder that workload.toml declares no parameter for",
            path.display()
        );
        Ok(Query { workload: self.name.clone(), name: query.name.clone(), sql })
    }

    fn check(&self) -> Result<()> {
        for query in &self.queries {
            let name = &query.name;
            if check_name(name).is_err() {
                bail!("'{name}' cannot name a query: use letters, digits, '-', '_' and '.'");
            }
            for table in &query.tables {
                ensure!(
                    self.tables.iter().any(|known| known.name == *table),
                    "{name} reads '{table}', which is no table"
                );
            }
            for key in &query.order {
                let known = query.columns.iter().any(|column| column.name == key.column);
                ensure!(known, "{name} is ordered by '{}', which is no column", key.column);
            }
        }
        Ok(())
    }
}

/// Computes `"0.0001 / sf"`, or takes a plain number as it stands; never in exponent notation, which SQL reads as a float.
fn parameter(formula: &str, scale: Scale) -> Result<String> {
    let wrong = || format!("'{formula}' is neither a number nor 'number / sf'");
    let (number, divided) = match formula.split_once('/') {
        None => (formula, false),
        Some((number, divisor)) if divisor.trim() == "sf" => (number, true),
        Some(_) => bail!(wrong()),
    };
    let number: f64 = number.trim().parse().with_context(wrong)?;
    let value = if divided { number / scale.factor() } else { number };
    let digits = format!("{value:.12}");
    Ok(digits.trim_end_matches('0').trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_of_q11_shrinks_as_the_scale_grows() {
        for (scale, text) in
            [("1", "0.0001"), ("0.01", "0.01"), ("0.001", "0.1"), ("1000", "0.0000001"), ("3", "0.000033333333")]
        {
            assert_eq!(parameter("0.0001 / sf", scale.parse().unwrap()).unwrap(), text);
        }
        assert_eq!(parameter("300", Scale::ONE).unwrap(), "300");
        assert!(parameter("1 / rows", Scale::ONE).is_err());
    }
}

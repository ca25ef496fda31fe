//! Reading a workload from its folder, and a query's text for an engine and a scale.

use std::fs;
use std::path::{Path, absolute};

use anyhow::{Context, Result, bail};

use super::source::resolved;
use super::{Query, QuerySpec, Workload};
use crate::id::Scale;
use crate::paths;

impl Workload {
    /// Reads `fixtures/<name>/workload.toml`.
    ///
    /// # Errors
    /// As [`read_from`](Self::read_from).
    pub fn read(name: &str) -> Result<Self> {
        Self::read_from(&paths::workload(name))
    }

    /// Reads the `workload.toml` of a folder; the paths of its tables are relative to that folder.
    ///
    /// # Errors
    /// When there is none, or it cannot be as it says: names the file and what to write instead.
    pub fn read_from(folder: &Path) -> Result<Self> {
        let path = folder.join("workload.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read the workload {}", path.display()))?;
        let mut workload: Self = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        workload.folder = absolute(folder).with_context(|| format!("cannot make {} absolute", folder.display()))?;
        for table in &mut workload.tables {
            table.source = table.source.take().map(|source| resolved(&source, &workload.folder));
        }
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

    /// The column by whose months the table of that name is partitioned, where it declares one.
    pub(crate) fn partition(&self, table: &str) -> Option<&str> {
        self.tables.iter().find(|spec| spec.name == table)?.partition.as_deref()
    }

    /// The query's text in a dialect, with its tables and the parameters of a scale filled in.
    ///
    /// # Errors
    /// When the file cannot be read or a placeholder stays open.
    pub fn text(&self, query: &QuerySpec, dialect: &str, scale: Scale) -> Result<Query> {
        let (mut sql, place) = self.written(query, dialect)?;
        for (name, formula) in &query.parameters {
            let value = parameter(formula, scale).with_context(|| format!("parameter {name} of {}", query.name))?;
            sql = sql.replace(&format!("{{{name}}}"), &value);
        }
        // Whole names first: beside a table `orders`, one that we called `t_orders` has no short name.
        let whole = self.tables.iter().map(|table| (table.name.as_str(), &table.name));
        let short = self.tables.iter().filter_map(|table| Some((table.name.strip_prefix("t_")?, &table.name)));
        for (name, table) in whole.chain(short) {
            sql = sql.replace(&format!("{{{name}}}"), table);
        }
        if let [only] = self.tables.as_slice() {
            sql = sql.replace("{table}", &only.name);
        }
        if let Some(open) = placeholder(&sql) {
            let tables: Vec<String> = self.tables.iter().map(|table| format!("{{{}}}", table.name)).collect();
            bail!(
                "{place} has {{{open}}}, which is neither a table ({}) nor a parameter of {}",
                tables.join(", "),
                query.name
            );
        }
        Ok(Query { workload: self.name.clone(), name: query.name.clone(), sql })
    }

    /// The text as it is written, and where.
    fn written(&self, query: &QuerySpec, dialect: &str) -> Result<(String, String)> {
        if let Some(text) = self.texts.get(&query.name) {
            return Ok((text.clone(), "the query".to_owned()));
        }
        let folder = self.folder.join("queries");
        let file = format!("{}.sql", query.name);
        let own = folder.join(dialect).join(&file);
        let path = if own.exists() { own } else { folder.join(&file) };
        let sql = fs::read_to_string(&path).with_context(|| format!("cannot read the query {}", path.display()))?;
        Ok((sql, path.display().to_string()))
    }
}

/// The first `{name}`; a struct or a repetition in a pattern, `{2,3}`, is none.
fn placeholder(sql: &str) -> Option<&str> {
    let mut names = sql.match_indices('{').filter_map(|(at, _)| Some(sql[at + 1..].split_once('}')?.0));
    let is_word = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    names.find(is_word)
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

    #[test]
    fn a_whole_name_wins_over_a_short_one() {
        let tables = ["/my/orders.parquet", "/my/items.parquet", "orders=/your/orders.parquet"].map(str::to_owned);
        let sql = "SELECT 1 FROM {orders} JOIN {t_orders} USING (k) JOIN {items} USING (k)";
        let workload = Workload::own(&tables, sql, None, Path::new("/my")).unwrap();
        let text = workload.text(&workload.queries[0], "duckdb", Scale::ONE).unwrap().sql;
        assert_eq!(text, "SELECT 1 FROM orders JOIN t_orders USING (k) JOIN t_items USING (k)");
    }

    #[test]
    fn only_a_name_in_braces_is_a_placeholder() {
        assert_eq!(placeholder("SELECT {'a': 1}, '^x{2}$', {orders}"), Some("orders"));
        assert_eq!(placeholder("SELECT {a: 1}, '{}', '{1}'"), None);
    }
}

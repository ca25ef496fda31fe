//! Reading a suite from its folder, and a query's text for an engine and a scale.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};

use super::all::names;
use super::ranges::in_ranges;
use super::source::resolved;
use super::{GENERATORS, QuerySpec, Suite, TableSpec};
use crate::host::paths;
use crate::host::sql::{Class, Quoting, Text, lacks_null_order, without_null_order};
use crate::protocol::dataset::Keys;
use crate::protocol::id::Scale;
use crate::protocol::task::Task;

impl Suite {
    /// Reads `fixtures/<name>/suite.toml`.
    ///
    /// # Errors
    /// When there is none of that name, says which there are; else as [`read_from`](Self::read_from).
    pub fn read(name: &str) -> Result<Self> {
        let folder = paths::suite(name);
        if paths::suite_file(&folder)?.is_none() {
            let known = names(&paths::root().join("fixtures"))?;
            bail!("there is no suite '{name}'; there are: {}", known.join(", "));
        }
        Self::read_from(&folder)
    }

    /// Reads the `suite.toml` of a folder, or its `workload.toml`, as it was called before; the paths of its tables are relative to that folder.
    ///
    /// # Errors
    /// When there is none, or it cannot be as it says: names the file and what to write instead.
    pub fn read_from(folder: &Path) -> Result<Self> {
        let path = paths::suite_file(folder)?.with_context(|| {
            let what = if folder.is_dir() { "holds no suite.toml" } else { "is no folder" };
            format!(
                "{} {what}: name a folder with a suite.toml, such as tests/workload, which is an example",
                folder.display()
            )
        })?;
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read the suite {}", path.display()))?;
        let mut suite: Self = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        suite.folder = absolute(folder).with_context(|| format!("cannot make {} absolute", folder.display()))?;
        for table in &mut suite.tables {
            table.source = table.source.take().map(|source| resolved(&source, &suite.folder));
        }
        for query in suite.queries.iter_mut().filter(|query| query.nulls.is_none()) {
            query.nulls = suite.nulls;
        }
        if path.ends_with(paths::FORMER_SUITE_FILE) {
            suite.bring_up_to_date()?;
        }
        suite.check().with_context(|| format!("in {}", path.display()))?;
        Ok(suite)
    }

    /// Of a file with the former name: what revisions of ours that are compared with did not declare is what is declared
    /// today. A user is told the file's new name.
    fn bring_up_to_date(&mut self) -> Result<()> {
        static TOLD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
        let by_name = || GENERATORS.contains(&self.name.as_str()).then(|| self.name.clone());
        self.generator = self.generator.take().or_else(by_name);
        if self.generator.is_none() {
            if TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(self.folder.clone()) {
                log::info!("note: in {}, workload.toml is called suite.toml now: rename it", self.folder.display());
            }
        } else if paths::suite(&self.name).join("suite.toml").is_file() {
            let today = Self::read(&self.name)?;
            self.published = self.published.take().or_else(|| today.published.clone());
            for table in self.tables.iter_mut().filter(|table| table.keys.is_empty() && table.source.is_none()) {
                table.keys = today.keys(&table.name);
            }
        }
        Ok(())
    }

    /// The query of that name.
    ///
    /// # Errors
    /// Says which queries there are.
    pub fn query(&self, name: &str) -> Result<&QuerySpec> {
        let found = self.queries.iter().find(|query| query.name == name);
        found.with_context(|| {
            let names = in_ranges(self.queries.iter().map(|query| query.name.as_str()));
            format!("{} has no query '{name}'; it has: {names}", self.title)
        })
    }

    /// Whether one of these words means this suite or some of its queries: the suite's name, a query's, or one that begins as the
    /// names of all its queries do, as in `^duckdb/ds[1-9]/`.
    pub(crate) fn is_named_by(&self, words: &[&str]) -> bool {
        let mut names = self.queries.iter().map(|query| query.name.as_str());
        let first = names.next().unwrap_or_default();
        let common = names.fold(first, |common, name| {
            let same = common.chars().zip(name.chars()).take_while(|(a, b)| a == b);
            &common[..same.map(|(c, _)| c.len_utf8()).sum()]
        });
        let is_query = |word: &str| self.queries.iter().any(|query| query.name == word);
        // `sf1` begins as `s1` and `s2` do, and is the beginning of neither.
        let begins = |word: &str| {
            let word = word.trim_end_matches('.');
            !common.is_empty()
                && word.len() >= common.len()
                && self.queries.iter().any(|query| query.name.starts_with(word))
        };
        words.iter().any(|word| *word == self.name || is_query(word) || begins(word))
    }

    /// The column by whose months the table of that name is partitioned, where it declares one.
    pub(crate) fn partition(&self, table: &str) -> Option<&str> {
        self.table(table)?.partition.as_deref()
    }

    /// The column by whose values the table of that name has folders, where it declares one.
    pub(crate) fn category(&self, table: &str) -> Option<&str> {
        self.table(table)?.category.as_deref()
    }

    /// The keys that the table of that name declares.
    pub(crate) fn keys(&self, table: &str) -> Keys {
        self.table(table).map(|spec| spec.keys.clone()).unwrap_or_default()
    }

    fn table(&self, name: &str) -> Option<&TableSpec> {
        self.tables.iter().find(|spec| spec.name == name)
    }

    /// The query's text in a dialect, with its tables and the parameters of a scale filled in.
    ///
    /// Literals, comments and quoted identifiers stay as they are written: a `{name}` in them is no placeholder.
    ///
    /// # Errors
    /// When the file cannot be read or a placeholder stays open.
    pub fn text(&self, query: &QuerySpec, dialect: &str, scale: Scale) -> Result<Task> {
        let (written, place) = self.written(query, dialect)?;
        let text = Text::read_as(&written, Quoting::of(dialect));
        let mut sql = String::with_capacity(text.sql.len());
        for token in text.tokens() {
            let said = text.of(token);
            if token.class != Class::Placeholder {
                sql += said;
                continue;
            }
            let name = said.trim_matches(['{', '}']);
            if let Some(formula) = query.parameters.get(name) {
                sql += &parameter(formula, scale).with_context(|| format!("parameter {name} of {}", query.name))?;
            } else if let Some(table) = self.table_called(name) {
                sql += table;
            } else {
                let tables: Vec<String> = match self.tables.as_slice() {
                    [_] => vec!["{table}".to_owned()],
                    all => all.iter().map(|table| format!("{{{}}}", table.name)).collect(),
                };
                bail!(
                    "{place} has {said}, which is neither a table nor a parameter of {1}: write its tables as {0}",
                    tables.join(", "),
                    query.name
                );
            }
        }
        if lacks_null_order(dialect) {
            sql = without_null_order(&sql, Quoting::of(dialect));
        }
        Ok(Task::select(&self.name, &query.name, sql))
    }

    /// The table that a placeholder means: by its name, by that without our `t_` before it, or the only one as `table`.
    fn table_called(&self, name: &str) -> Option<&str> {
        let mut names = self.tables.iter().map(|table| table.name.as_str());
        // Whole names first: beside a table `orders`, one that we called `t_orders` has no short name.
        let whole = names.clone().find(|table| *table == name);
        let short = || names.find(|table| table.strip_prefix("t_") == Some(name));
        let only = || match self.tables.as_slice() {
            [only] if name == "table" => Some(only.name.as_str()),
            _ => None,
        };
        whole.or_else(short).or_else(only)
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
    fn read_from_brings_a_former_suite_up_to_date() {
        let today = Suite::read("tpch").unwrap();
        let text = fs::read_to_string(paths::suite("tpch").join("suite.toml")).unwrap();
        let published = text.find("[published]").unwrap()..text.find("[[table]]").unwrap();
        let lines = [&text[..published.start], &text[published.end..]].concat();
        let lines =
            lines.lines().filter(|line| !["generator", "bytes", "keys"].iter().any(|key| line.starts_with(key)));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("workload.toml"), lines.collect::<Vec<_>>().join("\n")).unwrap();
        let former = Suite::read_from(folder.path()).unwrap();
        assert_eq!((&former.generator, &former.published), (&today.generator, &today.published));
        assert!(former.tables.iter().all(|table| !table.keys.is_empty() && table.keys == today.keys(&table.name)));
        fs::write(folder.path().join("suite.toml"), text).unwrap();
        let error = Suite::read_from(folder.path()).unwrap_err().to_string();
        assert!(error.contains("holds suite.toml and workload.toml"), "{error}");
    }

    #[test]
    fn read_from_takes_suites_of_before_they_named_a_generator_and_no_unknown_one() {
        let text = fs::read_to_string(paths::suite("tpch").join("suite.toml")).unwrap();
        let read = |generator: &str| {
            let folder = tempfile::tempdir().unwrap();
            let text = text.replace("generator = \"tpch\"\n", generator);
            fs::write(folder.path().join("workload.toml"), text).unwrap();
            Suite::read_from(folder.path()).map(|suite| suite.generator)
        };
        assert_eq!(read("").unwrap().as_deref(), Some("tpch"));
        let error = format!("{:#}", read("generator = \"tpcc\"\n").unwrap_err());
        assert!(error.contains("no generator 'tpcc': there is tpch"), "{error}");
    }

    #[test]
    fn is_named_by_takes_the_suite_its_queries_and_how_they_begin() {
        let query = |name: &&str| QuerySpec { name: (*name).to_owned(), ..QuerySpec::default() };
        let suite = |names: &[&str]| Suite {
            name: "shop".to_owned(),
            queries: names.iter().map(query).collect(),
            ..Suite::default()
        };
        let shop = suite(&["sh1", "sh2", "sh10"]);
        for word in ["shop", "sh2", "sh", "sh1."] {
            assert!(shop.is_named_by(&["duckdb", word]), "{word}");
        }
        assert!(!shop.is_named_by(&["duckdb", "s", "1", "parquet", ""]));
        // A scale begins as these do, and is none of them.
        assert!(!suite(&["s1", "s2"]).is_named_by(&["duckdb", "sf1"]));
        // Without a beginning that all have, each is named by itself.
        let mixed = suite(&["sh1", "orders"]);
        assert!(mixed.is_named_by(&["orders"]) && !mixed.is_named_by(&["sh", "duckdb"]));
    }

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
        let suite = Suite::adhoc(&tables, sql, None, Path::new("/my")).unwrap();
        let text = suite.text(&suite.queries[0], "duckdb", Scale::ONE).unwrap().text();
        assert_eq!(text, "SELECT 1 FROM orders JOIN t_orders USING (k) JOIN t_items USING (k)");
    }

    #[test]
    fn text_fills_nothing_in_where_braces_are_not_ours() {
        let tables = ["/my/orders.parquet".to_owned()];
        let filled = |sql: &str, dialect: &str| {
            let suite = Suite::adhoc(&tables, sql, None, Path::new("/my")).unwrap();
            suite.text(&suite.queries[0], dialect, Scale::ONE).unwrap().text()
        };
        let untouched =
            "'{user}', '{table}', \"{table}\", `{x}`, $${table}$$, {'n': 1}, {n: 1}, 'x{2,3}', '{\"a\": 1}'";
        let sql = format!("SELECT {untouched} -- {{todo}} {{table}}\n/* {{table}} */ FROM {{table}} JOIN {{orders}}");
        let wanted = format!("SELECT {untouched} -- {{todo}} {{table}}\n/* {{table}} */ FROM t_orders JOIN t_orders");
        assert_eq!(filled(&sql, "duckdb"), wanted);
        assert_eq!(filled("\u{feff}SELECT 1\r\nFROM {table}", "duckdb"), "SELECT 1\r\nFROM t_orders");
    }

    #[test]
    fn text_reads_literals_as_the_dialect_does() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir_all(at.join("queries/starrocks")).unwrap();
        fs::write(at.join("queries/m1.sql"), "SELECT 'it''s' FROM {a}").unwrap();
        fs::write(at.join("queries/starrocks/m1.sql"), r"SELECT 'it\'s {a}' FROM {a}").unwrap();
        let spec = "name = 'm'\ntitle = ''\n[[table]]\nname = 'a'\nsource = 'a.parquet'\n[[query]]\nname = 'm1'\ntitle = ''\ntables = ['a']\n";
        // A user's folder by the former name is read, too.
        fs::write(at.join(paths::FORMER_SUITE_FILE), spec).unwrap();
        let suite = Suite::read_from(at).unwrap();
        let text = |dialect| suite.text(&suite.queries[0], dialect, Scale::ONE).unwrap().text();
        assert_eq!(text("duckdb"), "SELECT 'it''s' FROM a");
        assert_eq!(text("starrocks"), r"SELECT 'it\'s {a}' FROM a");
    }
}

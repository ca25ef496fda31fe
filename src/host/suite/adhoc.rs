//! A single query of the user's own as a suite: [`Suite::adhoc`]. Its cells are named after the text, so that unlike
//! queries never share a baseline. `TABLE_NAME=prices.parquet QUERY='SELECT count(*) FROM {table}' cargo bench -- own`

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::source::{bad_name, is_whole_path, resolved, table_name};
use super::statement;
use super::{OrderKey, QuerySpec, Suite, TableSpec};
use crate::host::checksum::sha256;
use crate::host::settings::{Settings, called_in};
use crate::host::sql::Text;
use crate::protocol::id::{Scale, check_name};

/// The suite's name; its query's begins with it.
const OWN: &str = "own";
/// Characters of a title.
const TITLE: usize = 80;
/// Characters of a name that somebody gives: Criterion cuts `engine_query_scale` to 64 for a folder's name, and cells whose
/// names are alike until there would share one.
const LONGEST: usize = 20;

/// How the answer is sorted, as far as the text tells by the answer's own columns.
fn order_of(sql: &str) -> Vec<OrderKey> {
    let keys = Text::read(sql).order_by().into_iter();
    keys.map(|(column, descending)| OrderKey { column, descending }).collect()
}

/// Whether a word of a filter, or a name, means the user's own query.
pub(crate) fn is_adhoc(word: &str) -> bool {
    word.strip_prefix(OWN).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

impl Suite {
    /// The query of `TABLE_NAME` and `QUERY`, a relative path in it being relative to where the command was typed.
    ///
    /// # Errors
    /// What to set, or why these are invalid.
    pub(crate) fn adhoc_of(settings: &Settings) -> Result<Self> {
        let own = settings.adhoc_query()?;
        Self::adhoc(std::slice::from_ref(&own.table), &own.sql, None, &called_in()?)
    }

    /// One query over these tables. A table is written as in [`TableSpec::source`], or with the name that the text has for
    /// it before that: `orders=/my/orders/*.parquet`. Relative paths are relative to `folder`.
    ///
    /// The query is called `own-` and `name`, of at most 20 characters, and eight digits that depend on text and tables.
    ///
    /// ```
    /// use querydyno::host::suite::Suite;
    /// let tables = ["warehouse.sales.transactions".to_owned()];
    /// let own = Suite::adhoc(&tables, "SELECT count(*) FROM {table}", Some("count"), "/my".as_ref())?;
    /// assert!(own.queries[0].name.starts_with("own-count-"));
    /// let query = own.text(&own.queries[0], "duckdb", "sf1".parse()?)?;
    /// assert_eq!(query.text(), "SELECT count(*) FROM t_transactions");
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    ///
    /// # Errors
    /// Without a table or a text, for a name that cannot be one, or a text that does not name all of its tables.
    pub fn adhoc(tables: &[String], sql: &str, name: Option<&str>, folder: &Path) -> Result<Self> {
        let sql = statement::alone(sql)?;
        ensure!(!sql.is_empty(), "the query is empty: give a text such as 'SELECT count(*) FROM {{table}}'");
        ensure!(!tables.is_empty(), "the query has no table: give one with --table, or TABLE_NAME");
        let tables = tables.iter().map(|table| table_of(table, folder)).collect::<Result<Vec<_>>>()?;
        check_unlike(&tables)?;
        let query = QuerySpec {
            name: query_name(sql, &tables, name)?,
            title: sql.lines().next().unwrap_or_default().trim().chars().take(TITLE).collect(),
            tables: tables.iter().map(|table| table.name.clone()).collect(),
            columns: Vec::new(),
            order: order_of(sql),
            ..QuerySpec::default()
        };
        let suite = Self {
            name: OWN.to_owned(),
            title: "your own query".to_owned(),
            tables,
            texts: BTreeMap::from([(query.name.clone(), sql.to_owned())]),
            queries: vec![query],
            folder: folder.to_owned(),
            ..Self::default()
        };
        let filled = suite.text(&suite.queries[0], "canonical", Scale::ONE)?.text();
        let filled = Text::read(&filled);
        statement::check(&filled)?;
        let names = filled.names();
        let Some(unread) = suite.tables.iter().find(|table| !names.contains(&table.name)) else {
            return Ok(suite);
        };
        let short =
            unread.name.strip_prefix("t_").filter(|short| suite.tables.iter().all(|other| other.name != *short));
        let placeholder = if suite.tables.len() == 1 { "table" } else { short.unwrap_or(&unread.name) };
        bail!(
            "the query does not read {}: write {{{placeholder}}} where the text names that table, as in FROM {{{placeholder}}}",
            unread.source.as_deref().unwrap_or(&unread.name)
        )
    }
}

/// `orders=/my/orders/*.parquet`, or the source alone.
fn table_of(text: &str, folder: &Path) -> Result<TableSpec> {
    // A name is a word; what has one but is there as it is written is a path: `day=1/a.parquet`, `day=1/*.parquet`.
    let is_word = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let named = text.split_once('=').filter(|(name, _)| is_word(name) && !is_whole_path(text, folder));
    let source = named.map_or(text, |(_, source)| source).trim();
    ensure!(!source.is_empty(), "'{text}' is no table: write its files, its Iceberg folder or db.table");
    let source = resolved(source, folder);
    let name = match named {
        Some((name, _)) => {
            if let Some(why) = bad_name(name) {
                bail!("'{name}' cannot name the table {source}: {why}");
            }
            name.to_owned()
        }
        None => table_name(&source),
    };
    Ok(TableSpec { name, source: Some(source), ..TableSpec::default() })
}

fn check_unlike(tables: &[TableSpec]) -> Result<()> {
    for (place, table) in tables.iter().enumerate() {
        let twin = tables[..place].iter().find(|other| other.name == table.name);
        ensure!(
            twin.is_none(),
            "two tables are called {0}: name them as the text does, --table a=... --table b=...",
            table.name
        );
    }
    Ok(())
}

fn query_name(sql: &str, tables: &[TableSpec], name: Option<&str>) -> Result<String> {
    let sources = tables.iter().map(|table| format!("{}={}", table.name, table.source.as_deref().unwrap_or("")));
    let all = [sql.to_owned()].into_iter().chain(sources).collect::<Vec<_>>().join("\n");
    // Also behind a name: the same one may be given to another text tomorrow.
    let digits = &sha256(all)[..8];
    let Some(name) = name else { return Ok(format!("{OWN}-{digits}")) };
    let name = name.strip_prefix("own-").unwrap_or(name);
    check_name(name)
        .map_err(|name| anyhow::anyhow!("'{name}' cannot name a query: use letters, digits, '-', '_' and '.'"))
        .context("--name")?;
    let length = name.len();
    ensure!(
        length <= LONGEST,
        "--name: '{name}' has {length} characters; give at most {LONGEST}, since it is part of folders' names, which are cut"
    );
    Ok(format!("{OWN}-{name}-{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(tables: &[&str], sql: &str) -> Result<Suite> {
        let tables: Vec<String> = tables.iter().map(|table| (*table).to_owned()).collect();
        Suite::adhoc(&tables, sql, None, Path::new("/my"))
    }

    fn text(suite: &Suite) -> String {
        suite.text(&suite.queries[0], "duckdb", Scale::ONE).unwrap().text()
    }

    #[test]
    fn unlike_queries_have_unlike_names_and_like_ones_the_same() {
        let name = |table: &str, sql: &str| own(&[table], sql).unwrap().queries[0].name.clone();
        let one = name("a.parquet", "SELECT 1 FROM {table};\n");
        assert_eq!(one.len(), "own-".len() + 8);
        assert_eq!(one, name("./a.parquet", "SELECT 1 FROM {table}"));
        assert_ne!(one, name("b.parquet", "SELECT 1 FROM {table}"));
        assert_ne!(one, name("a.parquet", "SELECT 2 FROM {table}"));
        assert!(is_adhoc(&one) && is_adhoc("own") && !is_adhoc("owner") && !is_adhoc("q1"));
    }

    #[test]
    fn tables_are_named_in_the_text() {
        let joined = own(&["orders=o/*.parquet", "lake.items"], "SELECT 1 FROM {orders} JOIN {items} USING (k)");
        let joined = joined.unwrap();
        assert_eq!(text(&joined), "SELECT 1 FROM orders JOIN t_items USING (k)");
        assert_eq!(joined.tables[0].source.as_deref(), Some("/my/o/*.parquet"));
        // A struct is no placeholder.
        assert!(text(&own(&["a.parquet"], "SELECT {'n': 1} FROM {table}").unwrap()).contains("{'n': 1}"));
    }

    #[test]
    fn table_of_takes_what_is_there_for_a_path() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("year=2024")).unwrap();
        std::fs::write(folder.path().join("year=2024/a.parquet"), "").unwrap();
        for (text, name, source) in [
            ("year=2024", "t_year_2024", "year=2024"),
            ("year=2024/*.parquet", "t_year_2024", "year=2024/*.parquet"),
            ("orders=year=2024/*.parquet", "orders", "year=2024/*.parquet"),
            ("year=elsewhere/*.parquet", "year", "elsewhere/*.parquet"),
        ] {
            let table = table_of(text, folder.path()).unwrap();
            let source = folder.path().join(source).display().to_string();
            assert_eq!((table.name.as_str(), table.source), (name, Some(source)), "{text}");
        }
        let table = table_of("orders=/my/year=2024/*.parquet", folder.path()).unwrap();
        assert_eq!((table.name.as_str(), table.source.as_deref()), ("orders", Some("/my/year=2024/*.parquet")));
    }

    #[test]
    fn a_name_is_as_long_as_a_folder_can_carry() {
        let name = |name: &str| {
            let tables = ["a.parquet".to_owned()];
            Suite::adhoc(&tables, "SELECT 1 FROM {table}", Some(name), Path::new("/my"))
                .map(|own| own.queries[0].name.clone())
        };
        let longest = "x".repeat(LONGEST);
        assert!(name(&format!("own-{longest}")).unwrap().starts_with(&format!("own-{longest}-")));
        let error = format!("{:#}", name(&format!("{longest}x")).unwrap_err());
        assert!(error.starts_with("--name: ") && error.contains("21 characters; give at most 20"), "{error}");
        assert!(name("two words").is_err());
    }

    #[test]
    fn what_cannot_be_meant_says_what_to_write() {
        for (tables, sql, told) in [
            (vec!["a.parquet"], " ; ", "empty"),
            (vec![], "SELECT 1", "--table"),
            (vec!["a.parquet"], "SELECT count(*) FROM a", "FROM {table}"),
            (vec!["a.parquet"], "SELECT {tabel} FROM {table}", "{tabel}"),
            (vec!["a.parquet", "x/a.parquet"], "SELECT 1", "two tables"),
            (vec!["a.parquet", "b.parquet"], "SELECT 1 FROM {a}", "{b}"),
            (vec!["order=a.parquet"], "SELECT 1 FROM {order}", "keyword"),
            (vec!["orders=a.parquet", "orders.parquet"], "SELECT 1 FROM {orders}", "write {t_orders}"),
        ] {
            let error = format!("{:#}", own(&tables, sql).unwrap_err());
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn own_reads_names_and_no_literals_or_comments() {
        for sql in [
            r#"SELECT "a;b", "x--y", "what's up" FROM {table}"#,
            "SELECT `it's` FROM \"T_A\"",
            "SELECT $$; '$$ FROM {table} WHERE s = '{user}' -- {todo}; limit",
            "\u{feff}-- first\r\nSELECT 1\r\nFROM {table};\r\n-- done; really\r\n",
        ] {
            let suite = own(&["a.parquet"], sql).unwrap_or_else(|error| panic!("{sql}: {error:#}"));
            assert!(!text(&suite).starts_with('\u{feff}') && !suite.queries[0].title.contains('\u{feff}'));
        }
        for (sql, told) in [
            (
                "WITH a AS (SELECT * FROM {table}) SELECT k AS \"it's\" FROM a; COPY (SELECT 1) TO 'x.csv'",
                "more than one",
            ),
            ("WITH a AS (SELECT * FROM {table}) COPY a TO 'x.csv'", "'copy' does not begin a query"),
            ("SELECT 't_a', \"{table}\" -- FROM {table}", "does not read"),
            ("SELECT 1 FROM {table} WHERE s = 'it's'", "a literal has no end"),
        ] {
            let error = format!("{:#}", own(&["a.parquet"], sql).unwrap_err());
            assert!(error.contains(told), "{sql}: {error}");
        }
    }
}

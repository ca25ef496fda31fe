//! Tables as they were at a snapshot, under the names that a query has for them: as table expressions before its text.
//!
//! Not as views: StarRocks forgets which snapshot a view was made of and reads the current one, or refuses to make it
//! (its pull request 72060). An expression that is read once is planned as the table would be; of one that is read more
//! often StarRocks decides whether to keep its rows.

use crate::engine::mysql::sql::named;

/// A table at a snapshot.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// What the query calls it.
    pub(super) name: String,
    /// Catalog, database and table.
    pub(super) path: [String; 3],
    /// The snapshot's number.
    pub(super) id: i64,
}

/// The text with the tables known in it.
pub(super) fn with(tables: &[Snapshot], sql: &str) -> String {
    if tables.is_empty() {
        return sql.to_owned();
    }
    let expressions: Vec<String> = tables
        .iter()
        .map(|Snapshot { name, path, id }| {
            let path = path.each_ref().map(|part| named(part)).join(".");
            format!("{} AS (SELECT * FROM {path} FOR VERSION AS OF {id})", named(name))
        })
        .collect();
    let ours = expressions.join(", ");
    let Some(own) = after_word(after_comments(sql), "with") else { return format!("WITH {ours}\n{sql}") };
    match after_word(after_comments(own), "recursive") {
        Some(own) => format!("WITH RECURSIVE {ours},{own}"),
        None => format!("WITH {ours},{own}"),
    }
}

/// What is left of a text that begins with this word.
fn after_word<'a>(sql: &'a str, word: &str) -> Option<&'a str> {
    let (first, rest) = sql.split_at_checked(word.len())?;
    let ends = !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    (first.eq_ignore_ascii_case(word) && ends).then_some(rest)
}

/// The text from its first word on.
fn after_comments(sql: &str) -> &str {
    let mut sql = sql.trim_start();
    loop {
        let rest = if let Some(line) = sql.strip_prefix("--") {
            line.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(block) = sql.strip_prefix("/*") {
            block.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            return sql;
        };
        sql = rest.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_reads_the_snapshots_that_are_asked_for() {
        let path = || ["hive".to_owned(), "sales".to_owned(), "orders".to_owned()];
        let tables = [Snapshot { name: "t_orders".to_owned(), path: path(), id: 42 }];
        let ours = "`t_orders` AS (SELECT * FROM `hive`.`sales`.`orders` FOR VERSION AS OF 42)";
        for (sql, wanted) in [
            ("SELECT 1", format!("WITH {ours}\nSELECT 1")),
            ("-- with care\nSELECT 1", format!("WITH {ours}\n-- with care\nSELECT 1")),
            ("(SELECT 1)", format!("WITH {ours}\n(SELECT 1)")),
            ("within", format!("WITH {ours}\nwithin")),
            ("-- so\n /* and */ With a AS (SELECT 2) SELECT 1", format!("WITH {ours}, a AS (SELECT 2) SELECT 1")),
            ("WITH recursive a AS (SELECT 2) SELECT 1", format!("WITH RECURSIVE {ours}, a AS (SELECT 2) SELECT 1")),
        ] {
            assert_eq!(with(&tables, sql), wanted);
        }
        assert_eq!(with(&[], "SELECT 1"), "SELECT 1");
        let twice = [
            Snapshot { name: "a".to_owned(), path: path(), id: 1 },
            Snapshot { name: "b".to_owned(), path: path(), id: 2 },
        ];
        assert!(with(&twice, "SELECT 1").contains("AS OF 1), `b` AS ("));
    }
}

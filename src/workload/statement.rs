//! Whether a text is one query: what writes, drops or sets something is no measurement, and may do damage.
//!
//! This is no parser: it knows where comments and literals end, the first word, and whether there is a second statement.

use anyhow::{Result, ensure};

/// Words that begin what is no query. Any other is for the engines to judge.
const WRITES: [&str; 27] = [
    "alter", "analyze", "attach", "call", "copy", "create", "delete", "describe", "detach", "drop", "execute",
    "explain", "export", "grant", "import", "insert", "install", "load", "merge", "pragma", "replace", "set", "show",
    "truncate", "update", "use", "vacuum",
];

/// The text without its comments, and with empty literals.
pub(super) fn bare(sql: &str) -> String {
    let mut left = sql;
    let mut bare = String::new();
    while let Some(c) = left.chars().next() {
        let (skipped, shown) = if left.starts_with("--") {
            (left.find('\n').unwrap_or(left.len()), " ")
        } else if left.starts_with("/*") {
            (left.find("*/").map_or(left.len(), |end| end + 2), " ")
        } else if c == '\'' {
            // A doubled quote within ends one literal and begins the next, which comes to the same.
            (left[1..].find('\'').map_or(left.len(), |end| end + 2), "''")
        } else {
            bare.push(c);
            left = &left[c.len_utf8()..];
            continue;
        };
        bare.push_str(shown);
        left = &left[skipped..];
    }
    bare
}

/// Refuses whatever is no single query; the text is a [`bare`] one.
///
/// # Errors
/// Says what it is instead.
pub(super) fn check(bare: &str) -> Result<()> {
    let words = bare.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let first: String = words.chars().take_while(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    ensure!(
        !WRITES.contains(&first.as_str()),
        "'{first}' begins no query: only what reads is measured, such as SELECT ... or WITH ... SELECT ..."
    );
    let rest = bare.split_once(';').map_or("", |(_, rest)| rest);
    ensure!(rest.trim().is_empty(), "there is more than one statement: give one query, without what follows its ';'");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_not_read() {
        assert_eq!(bare("SELECT 'it''s; --' -- t\nFROM /* u */ v"), "SELECT ''''  \nFROM   v");
        assert_eq!(bare("SELECT 1 /* open"), "SELECT 1  ");
    }

    #[test]
    fn one_query_passes_and_nothing_else() {
        let queries = [
            "SELECT 1",
            "  (select 1)",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "FROM t",
            "SELECT ';' FROM t;",
            "SELEC 1",
        ];
        for sql in queries {
            assert!(check(&bare(sql)).is_ok(), "{sql}");
        }
        for sql in ["DELETE FROM t", "-- x\nCOPY t TO 'a'", "drop table t", "SELECT 1; SELECT 2", "SHOW TABLES"] {
            assert!(check(&bare(sql)).is_err(), "{sql}");
        }
    }
}

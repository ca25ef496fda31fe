//! Whether a text is one query: what writes, drops or sets something is no measurement, and may do damage.
//!
//! This is no parser. It looks at the words of a [`Text`] that begin a statement, and at what stands behind a `;`.

use anyhow::{Result, bail};

use crate::host::sql::{Class, Text, Token};

/// Words that begin what is no query. Any other is for the engines to judge.
const WRITES: &str = "\
    alter analyze attach begin call checkpoint commit copy create delete desc describe detach do drop execute \
    explain export grant import insert install kill load lock merge optimize pragma prepare refresh replace reset \
    revoke rollback set show start truncate update use vacuum";
/// Words that a query begins with, also behind its WITH.
const READS: [&str; 5] = ["from", "pivot", "select", "table", "values"];
/// Words that write within a table expression, `WITH a AS (DELETE ...)`.
const WRITES_INSIDE: [&str; 5] = ["copy", "delete", "insert", "merge", "update"];

/// The text without blanks around it, without the `;` that ends it, and without what is blank or comment behind that.
///
/// # Errors
/// When the text ends within something, or there is another statement behind the `;`.
pub(super) fn alone(sql: &str) -> Result<&str> {
    let text = Text::read(sql);
    text.check_ends()?;
    one(&text)?;
    if text.meant().all(|token| text.of(token) == ";") {
        return Ok("");
    }
    let end = text.meant().find(|token| text.of(token) == ";").map_or(text.sql.len(), |token| token.range.start);
    Ok(text.sql[..end].trim())
}

/// Refuses whatever is no single query.
///
/// # Errors
/// Says what it is instead, and where.
pub(super) fn check(text: &Text<'_>) -> Result<()> {
    text.check_ends()?;
    one(text)?;
    // MySQL and MariaDB run what such a comment says.
    let runs = |token: &&Token| ["/*!", "/*M!"].iter().any(|mark| text.of(token).starts_with(mark));
    if let Some(comment) = text.tokens().iter().find(runs) {
        bail!(
            "some engines run what others take for a comment, {}: write a comment without '!', or the text itself",
            text.place(comment.range.start)
        );
    }
    let tokens: Vec<&Token> = text.meant().collect();
    let words: Vec<String> = tokens.iter().map(|token| said(text, token)).collect();
    if let Some(place) = first_writing(&words).or_else(|| main_writing(&words)).or_else(|| inner_writing(&words)) {
        bail!(
            "'{}' does not begin a query ({}): only what reads is measured, so give SELECT ... or WITH ... SELECT ...",
            words[place],
            text.place(tokens[place].range.start)
        );
    }
    if let Some(place) = into(&words) {
        bail!(
            "INTO makes a table or a file ({}): only what reads is measured, so leave it out",
            text.place(tokens[place].range.start)
        );
    }
    Ok(())
}

/// A word in lower case or a sign; what is quoted, a literal or a number says nothing here.
fn said(text: &Text<'_>, token: &Token) -> String {
    match token.class {
        Class::Word => text.of(token).to_lowercase(),
        Class::Punctuation => text.of(token).to_owned(),
        _ => String::new(),
    }
}

fn one(text: &Text<'_>) -> Result<()> {
    let mut behind = text.meant().skip_while(|token| text.of(token) != ";").skip_while(|token| text.of(token) == ";");
    let Some(second) = behind.next() else { return Ok(()) };
    bail!(
        "there is more than one statement: give one query, without what follows its ';' ({})",
        text.place(second.range.start)
    )
}

fn writes(word: &str) -> bool {
    WRITES.split(' ').any(|known| known == word)
}

/// The first word of the text, within whatever parentheses, if it writes.
fn first_writing(words: &[String]) -> Option<usize> {
    let first = words.iter().position(|word| word != "(")?;
    writes(&words[first]).then_some(first)
}

/// The first word behind the table expressions of a WITH that the text begins with, if it writes.
fn main_writing(words: &[String]) -> Option<usize> {
    let with = words.iter().position(|word| word != "(")?;
    if words[with] != "with" {
        return None;
    }
    let mut depth = 0_usize;
    for place in with + 1..words.len() {
        let word = words[place].as_str();
        match word {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            _ if READS.contains(&word) => return None,
            // The only place where a statement can begin; a name may be a word like these.
            _ if words[place - 1] == ")" && writes(word) => return Some(place),
            _ => {}
        }
    }
    None
}

/// The first word of a table expression that writes.
fn inner_writing(words: &[String]) -> Option<usize> {
    (2..words.len()).find(|&place| {
        let opens = words[place - 1] == "(" && ["as", "materialized"].contains(&words[place - 2].as_str());
        opens && WRITES_INSIDE.contains(&words[place].as_str())
    })
}

/// An INTO that is no name: `SELECT ... INTO newtable`, `INTO OUTFILE`, `FROM t INSERT INTO u`. DuckDB's UNPIVOT has one
/// that reads.
fn into(words: &[String]) -> Option<usize> {
    let before = |place: usize| place.checked_sub(1).map_or("", |before| words[before].as_str());
    let after = |place: usize| words.get(place + 1).map_or("", String::as_str);
    (0..words.len()).find(|&place| match words[place].as_str() {
        "into" => ![".", "as"].contains(&before(place)) && after(place) != "name",
        "insert" => before(place) != "." && after(place) == "overwrite",
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(sql: &str) -> Option<String> {
        check(&Text::read(sql)).err().map(|error| error.to_string())
    }

    #[test]
    fn check_passes_queries() {
        for sql in [
            "SELECT 1",
            "  (select 1)",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "WITH RECURSIVE a(x) AS NOT MATERIALIZED (SELECT 1), b AS (TABLE a) (SELECT * FROM a)",
            "WITH a AS (SELECT 1) SELECT (x) update, delete, copy FROM a",
            "WITH delete AS (SELECT 1), a AS (SELECT replace(set, 'a', 'b') FROM t) FROM a",
            "FROM t",
            "SELECT ';' FROM t;",
            "SELECT 1;; -- done; really\r\n/* ; DROP TABLE t */ ;",
            "SELEC 1",
            "\u{feff}SELECT 1",
            r#"SELECT "a;b" FROM t"#,
            r#"SELECT "x--y", "what's up", "a/*b" FROM t"#,
            "SELECT `it's; so` FROM t",
            "SELECT $$; DROP TABLE t$$, $a$ $$ ; ' $a$, E'it\\'s; so'",
            "SELECT 'a''; b' -- it's; so\r\nFROM t",
            "SELECT 1 /* a /* nested; */ ; */",
            "UNPIVOT t ON a, b INTO NAME month VALUE sales",
            "SELECT t.into, 1 AS into FROM t",
            "SELECT update, \"insert\" overwrite, sum(insert) FROM t",
            "",
        ] {
            assert_eq!(error(sql), None, "{sql}");
        }
    }

    #[test]
    fn check_refuses_what_writes_wherever_it_stands() {
        for sql in [
            "DELETE FROM t",
            "-- x\nCOPY t TO 'a'",
            "drop table t",
            "SHOW TABLES",
            "\u{feff}DROP TABLE t",
            "/* a /* b */ c */ (( -- d\r\n DELETE FROM t))",
            "EXPLAIN ANALYZE SELECT 1",
            "Explain SELECT 1",
            "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
            "WITH a(x, y) AS (SELECT 1, 2), b AS (SELECT ')') -- c\n UPDATE t SET x = 1",
            "WITH a AS (SELECT 1) DELETE FROM t",
            "with a as materialized (select 1) merge into t using a on true when matched then delete",
            "(WITH a AS (SELECT 1) COPY a TO 'x.csv')",
            "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
            "WITH a AS NOT MATERIALIZED (/* so */ INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM a",
        ] {
            let told = error(sql).unwrap_or_else(|| panic!("{sql} passes"));
            assert!(told.contains("does not begin a query") && told.contains("in line "), "{sql}: {told}");
        }
        for sql in ["SELECT * INTO u FROM t", "SELECT 1 INTO OUTFILE 'x'", "FROM t INSERT OVERWRITE TABLE u SELECT 1"] {
            assert!(error(sql).is_some_and(|told| told.contains("INTO makes")), "{sql}");
        }
        assert!(error("SELECT 1 /*! ; DROP TABLE t */").is_some_and(|told| told.contains("comment")));
    }

    #[test]
    fn check_refuses_a_second_statement_wherever_it_hides() {
        for sql in [
            "SELECT 1; SELECT 2",
            "SELECT 1;; SELECT 2",
            "; SELECT 2",
            "WITH a AS (SELECT * FROM t) SELECT k AS \"it's\" FROM a; COPY (SELECT 1) TO 'x.csv'",
            "SELECT `it's` FROM a; COPY (SELECT 1) TO 'x.csv'",
            "SELECT $$it's$$; COPY (SELECT 1) TO 'x.csv'",
            "SELECT 'a\\'; COPY (SELECT 1) TO 'x.csv'",
            "SELECT E'a\\\\'; COPY (SELECT 1) TO 'x.csv'",
            "SELECT 1 -- it's\r\n; COPY (SELECT 1) TO 'x.csv'",
            "SELECT 1 /* \" ' ` $$ */ ; COPY (SELECT 1) TO 'x.csv'",
            "SELECT \"a\"\"; b\" ; ATTACH 'x'",
        ] {
            let told = error(sql).unwrap_or_else(|| panic!("{sql} passes"));
            assert!(told.contains("more than one statement"), "{sql}: {told}");
        }
    }

    #[test]
    fn check_says_where_something_without_an_end_begins() {
        for (sql, told) in [
            ("SELECT 1,\n 'open FROM t", "a literal has no end: it begins in line 2, at: 'open FROM t"),
            ("SELECT \"open", "a name in double quotes has no end"),
            ("SELECT `open", "a name in backticks has no end"),
            ("SELECT 1 /* open /* */", "a comment has no end"),
            ("SELECT $a$ open $$", "a literal in dollar signs has no end"),
        ] {
            assert!(error(sql).is_some_and(|error| error.contains(told)), "{sql}: {:?}", error(sql));
        }
    }

    #[test]
    fn alone_leaves_the_statement_without_its_end() {
        for (sql, wanted) in [
            (" SELECT 1 ;\r\n", "SELECT 1"),
            ("\u{feff}SELECT ';';; -- done", "SELECT ';'"),
            ("SELECT 1 -- so", "SELECT 1 -- so"),
            ("-- only this\n ;", ""),
            (" ", ""),
        ] {
            assert_eq!(alone(sql).unwrap(), wanted, "{sql}");
        }
        assert!(alone("SELECT 1; SELECT 2").is_err());
    }
}

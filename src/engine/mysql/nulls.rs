//! NULLS FIRST and NULLS LAST, which neither MariaDB nor `MySQL` knows: [`without`] leaves them out of a text where they say what these
//! servers do anyway.
//!
//! To them NULL is the smallest value: first where a key ascends, last where it descends. What asks for the other end stays in the
//! text, and the server refuses it.

use std::ops::Range;

/// The text without the words that change nothing.
pub(super) fn without(sql: &str) -> String {
    let tokens = tokens(sql);
    let word = |place: usize| tokens.get(place).map_or("", |range: &Range<usize>| &sql[range.clone()]);
    let is = |place: usize, wanted: &str| word(place).eq_ignore_ascii_case(wanted);
    let (mut kept, mut from, mut sorts) = (String::with_capacity(sql.len()), 0, false);
    for place in 0..tokens.len() {
        sorts |= is(place, "order") && is(place + 1, "by");
        let descends = place > 0 && is(place - 1, "desc");
        let end = if descends { "last" } else { "first" };
        // Before an ORDER BY they can only be names.
        if sorts && is(place, "nulls") && is(place + 1, end) {
            kept += sql[from..tokens[place].start].trim_end_matches(' ');
            from = tokens[place + 1].end;
        }
    }
    kept + &sql[from..]
}

/// Words, signs and whatever is quoted, as these servers read it; no blanks and no comments.
fn tokens(sql: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let length = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if rest.starts_with("--") || first == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
            continue;
        } else if "'\"`".contains(first) {
            quoted(rest, first)
        } else {
            let is_word = |c: char| c.is_alphanumeric() || "_$".contains(c);
            rest.find(|c| !is_word(c)).unwrap_or(rest.len()).max(first.len_utf8())
        };
        found.push(at..at + length);
        at += length;
    }
    found
}

/// The bytes of something in quotes: a doubled one stands for itself, and so does one behind a backslash, but in names.
fn quoted(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((place, c)) = chars.next() {
        if c == '\\' && quote != '`' {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return place + c.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn without_leaves_out_what_the_server_does_anyway() {
        for (sql, wanted) in [
            ("select a from t order by a nulls first", "select a from t order by a"),
            (
                "select a from t order by a desc nulls last, b NULLS  FIRST limit 3",
                "select a from t order by a desc, b limit 3",
            ),
            ("select rank() over (order by a desc nulls last) from t", "select rank() over (order by a desc) from t"),
            ("select a from t order by\n    a asc nulls first,\n    b", "select a from t order by\n    a asc,\n    b"),
            (
                "select a from t order by f(a) nulls first -- nulls first",
                "select a from t order by f(a) -- nulls first",
            ),
        ] {
            assert_eq!(without(sql), wanted);
        }
    }

    #[test]
    fn without_keeps_what_asks_for_the_other_end_and_what_is_no_order() {
        for sql in [
            "select a from t order by a nulls last",
            "select a from t order by a desc nulls first",
            "select nulls first from t",
            "select a from t where b = 'x order by nulls first' order by a",
            r"select 'it\'s', 'it''s; order by' from t order by ' nulls first'",
            "select `order by`, `a nulls first` from t # order by a nulls first",
            "select 'ä', \"open",
            "",
        ] {
            assert_eq!(without(sql), sql);
        }
    }
}

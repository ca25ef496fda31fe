//! NULLS FIRST and NULLS LAST, for dialects that do not have them: [`without_null_order`] leaves them out of a text where they say
//! what an engine does anyway to which NULL is the smallest value.

use super::{Class, Quoting, Text, Token};

/// Whether a dialect, as `engines.toml` names them, has no words for the order of NULLs and sorts them as the smallest value. Neither
/// MariaDB nor `MySQL` has them.
pub(crate) fn lacks_null_order(dialect: &str) -> bool {
    dialect == "mysql"
}

/// The text without the words that change nothing: NULLS FIRST where a key ascends, NULLS LAST where it descends. What asks for the
/// other end stays, and the server refuses it.
pub(crate) fn without_null_order(sql: &str, quoting: Quoting) -> String {
    let text = Text::read_as(sql, quoting);
    let tokens: Vec<&Token> = text.meant().collect();
    let is = |place: usize, wanted: &str| {
        let token = tokens.get(place).filter(|token| token.class == Class::Word);
        token.is_some_and(|token| text.of(token).eq_ignore_ascii_case(wanted))
    };
    let (mut kept, mut from, mut sorts) = (String::with_capacity(sql.len()), 0, false);
    for place in 0..tokens.len() {
        sorts |= is(place, "order") && is(place + 1, "by");
        let descends = place > 0 && is(place - 1, "desc");
        let end = if descends { "last" } else { "first" };
        // Before an ORDER BY they can only be names.
        if sorts && is(place, "nulls") && is(place + 1, end) {
            kept += text.sql[from..tokens[place].range.start].trim_end_matches(' ');
            from = tokens[place + 1].range.end;
        }
    }
    kept + &text.sql[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(sql: &str) -> String {
        without_null_order(sql, Quoting::of("mysql"))
    }

    #[test]
    fn without_null_order_leaves_out_what_the_server_does_anyway() {
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
    fn without_null_order_keeps_what_asks_for_the_other_end_and_what_is_no_order() {
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

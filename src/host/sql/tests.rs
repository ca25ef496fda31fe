//! Texts with every mark that opens or closes something: what is found in them, and that sqlparser finds the same.

use proptest::prelude::*;

use super::*;

fn classes(sql: &str) -> Vec<(Class, &str)> {
    let text = Text::read(sql);
    let tokens = text.tokens().iter().filter(|token| token.class != Class::Space);
    tokens.map(|token| (token.class, text.of(token))).collect()
}

#[test]
fn read_knows_every_class() {
    use Class::{Comment, Literal, Number, Placeholder, Punctuation, Quoted, Word};
    for (sql, wanted) in [
        ("a_1$b Über", vec![(Word, "a_1$b"), (Word, "Über")]),
        (r#""a;""b" `c``;`"#, vec![(Quoted, r#""a;""b""#), (Quoted, "`c``;`")]),
        ("'a''b' E'c\\'d' e'\\\\' x'ff' N''", {
            vec![(Literal, "'a''b'"), (Literal, "E'c\\'d'"), (Literal, "e'\\\\'"), (Literal, "x'ff'"), (Literal, "N''")]
        }),
        ("'a\\' b", vec![(Literal, "'a\\'"), (Word, "b")]),
        ("$$a'b$c$$ $t$ $$ $t$", vec![(Literal, "$$a'b$c$$"), (Literal, "$t$ $$ $t$")]),
        ("a$$b $1 $name", vec![(Word, "a$$b"), (Punctuation, "$1"), (Punctuation, "$name")]),
        ("-- it's\r\n1", vec![(Comment, "-- it's\r\n"), (Number, "1")]),
        ("/* a /* ' */ \" */2", vec![(Comment, "/* a /* ' */ \" */"), (Number, "2")]),
        ("1.5e-3 .5 0xff 1e", vec![(Number, "1.5e-3"), (Number, ".5"), (Number, "0xff"), (Number, "1"), (Word, "e")]),
        ("#a", vec![(Punctuation, "#"), (Word, "a")]),
        ("{a_1}", vec![(Placeholder, "{a_1}")]),
        ("{a: 1}", vec![(Punctuation, "{"), (Word, "a"), (Punctuation, ":"), (Number, "1"), (Punctuation, "}")]),
        ("[1]", vec![(Punctuation, "["), (Number, "1"), (Punctuation, "]")]),
        ("\u{feff}a\r\n", vec![(Word, "a")]),
    ] {
        assert_eq!(classes(sql), wanted, "{sql}");
    }
}

#[test]
fn read_as_mysql_knows_its_escapes_and_comments() {
    let sql = r#"'it\'s' "a\"b" # it's
/* a /* */ b"#;
    let text = Text::read_as(sql, Quoting::of("starrocks"));
    let said: Vec<&str> = text.tokens().iter().map(|token| text.of(token)).filter(|said| *said != " ").collect();
    assert_eq!(said, [r"'it\'s'", r#""a\"b""#, "# it's\n", "/* a /* */", "b"]);
    assert!(text.check_ends().is_ok());
    assert_eq!(Quoting::of("duckdb"), Quoting::Standard);
}

#[test]
fn names_are_words_and_quoted_identifiers() {
    let text =
        Text::read("SELECT L_Tax, \"What's \"\"Up\"\"\", `x--y` -- l_comment\nFROM t WHERE d = 'l_date' /* {todo} */");
    let names = text.names();
    for name in ["l_tax", "what's \"up\"", "x--y", "t", "select"] {
        assert!(names.contains(name), "{name}: {names:?}");
    }
    for name in ["l_comment", "l_date", "todo", "'l_date'"] {
        assert!(!names.contains(name), "{name}: {names:?}");
    }
}

#[test]
fn has_word_reads_no_comment_literal_or_quoted_identifier() {
    let words = ["limit", "fetch"];
    for sql in ["SELECT 1 Limit 1", "select 1 fetch first row only", "SELECT 1 LIMIT{n}", "\u{feff}LIMIT 1"] {
        assert!(has_word(sql, &words), "{sql}");
    }
    for sql in [
        "SELECT limits, a_limit, limit_1",
        "SELECT 1 -- no limit\n",
        "SELECT /* limit */ 'limit', \"limit\", `limit`, $$ limit $$, E'\\' limit'",
        "",
    ] {
        assert!(!has_word(sql, &words), "{sql}");
    }
}

#[test]
fn check_ends_refuses_what_is_open_or_read_in_two_ways() {
    let error = |sql: &str| Text::read(sql).check_ends().err().map(|error| error.to_string());
    assert_eq!(error("SELECT 'a' /* b */ \"c\" $$d$$"), None);
    let open = error("SELECT 1\n, 'open and so on and so on and so on").unwrap();
    assert!(
        open.contains("a literal has no end") && open.contains("line 2, at: 'open") && open.ends_with("..."),
        "{open}"
    );
    // To sqlparser `|/` is an operator, and it escapes in x'...'; to DuckDB a carriage return ends a comment.
    for sql in ["SELECT 1 |/* 2 */", "SELECT x'\\' -- '\n", "SELECT 1 -- a\r, 2\n, 3"] {
        assert!(error(sql).is_some_and(|told| told.contains("differently")), "{sql}: {:?}", error(sql));
    }
    // What sqlparser does not take at all is read by us alone.
    assert!(ends::ends("SELECT 1 ._a, 'b;'").is_none());
    assert_eq!(error("SELECT 1 ._a, 'b;'"), None);
}

/// Texts with every mark that opens or closes something.
fn nasty() -> impl Strategy<Value = String> {
    const PIECES: [&str; 20] = [
        "'", "\"", "`", "$$", "$t$", "--", "/*", "*/", "\\", ";", "{table}", "{", "}", "\r\n", "\n", "é", "a", " ",
        "limit", "E'",
    ];
    prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..12).prop_map(|pieces| pieces.concat())
}

/// Whole tokens with nasty contents, each with the class that it has to get.
fn whole() -> impl Strategy<Value = (Class, String)> {
    let double = |quote: &'static str| {
        move |text: String| format!("{quote}{}{quote}", text.replace(quote, &format!("{quote}{quote}")))
    };
    let escaped = |text: String| format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let comment = |text: String| format!("/*{}*/", text.replace(['*', '/'], "."));
    let nested = |text: String| format!("/* a /*{}*/ b */", text.replace(['*', '/'], "."));
    prop_oneof![
        nasty().prop_map(double("'")).prop_map(|text| (Class::Literal, text)),
        nasty().prop_map(escaped).prop_map(|text| (Class::Literal, text)),
        nasty().prop_map(|text| (Class::Literal, format!("$${}$$", text.replace('$', ".")))),
        nasty().prop_map(|text| (Class::Literal, format!("$tag${}$tag$", text.replace('$', "$$")))),
        nasty().prop_map(double("\"")).prop_map(|text| (Class::Quoted, text)),
        nasty().prop_map(double("`")).prop_map(|text| (Class::Quoted, text)),
        nasty().prop_map(|text| (Class::Comment, format!("--{}\r\n", text.replace('\n', ".")))),
        nasty().prop_map(comment).prop_map(|text| (Class::Comment, text)),
        nasty().prop_map(nested).prop_map(|text| (Class::Comment, text)),
        "[a-zA-Z_ü][a-z0-9_$]{1,5}".prop_map(|text| (Class::Word, text)),
        "[0-9]{1,3}(\\.[0-9]{1,3})?(e-?[0-9])?".prop_map(|text| (Class::Number, text)),
        "\\{[a-z]{1,5}\\}".prop_map(|text| (Class::Placeholder, text)),
        "[-+*/%(),;<>=.:|!&^~?@\\[\\]]".prop_map(|text| (Class::Punctuation, text)),
    ]
}

fn covers(text: &Text<'_>) -> bool {
    let mut at = 0;
    let mut fits = |token: &Token| {
        let fits = token.range.start == at && token.range.end > at;
        at = token.range.end;
        fits
    };
    text.tokens().iter().all(&mut fits) && at == text.sql.len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn read_covers_every_byte_of_any_text(any in any::<String>(), nasty in nasty()) {
        for sql in [&any, &nasty] {
            for quoting in [Quoting::Standard, Quoting::MySql] {
                let text = Text::read_as(sql, quoting);
                prop_assert!(covers(&text), "{sql:?}: {text:?}");
                let _ = (text.check_ends(), text.names(), has_word(sql, &["limit"]));
            }
        }
    }

    #[test]
    fn read_finds_whole_tokens_again(tokens in prop::collection::vec(whole(), 0..12)) {
        let sql = tokens.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
        let text = Text::read(&sql);
        prop_assert!(covers(&text), "{sql:?}");
        let found = text.tokens().iter().filter(|token| token.class != Class::Space);
        let found: Vec<(Class, String)> = found.map(|token| (token.class, text.of(token).to_owned())).collect();
        prop_assert_eq!(&found, &tokens);
        prop_assert!(text.open.is_none());
    }

    #[test]
    fn read_agrees_with_sqlparser(tokens in prop::collection::vec(whole(), 0..12)) {
        let sql = tokens.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
        let ours = Text::read(&sql);
        let ours = ours.tokens().iter().filter(|token| {
            matches!(token.class, Class::Comment | Class::Quoted | Class::Literal)
        });
        let ours: Vec<(Class, usize)> = ours.map(|token| (token.class, token.range.end)).collect();
        if let Some(theirs) = ends::ends(&sql) {
            prop_assert_eq!(theirs, ours, "{:?}", sql);
        }
    }

    #[test]
    fn check_ends_is_open_only_where_sqlparser_takes_nothing(sql in nasty()) {
        let text = Text::read(&sql);
        if text.open.is_some() {
            prop_assert!(ends::ends(&sql).is_none(), "{sql:?}");
        }
    }
}

#[test]
fn order_by_is_the_outermost_and_ends_where_a_key_is_no_column() {
    let keys = |sql: &str| -> Vec<String> {
        let keys = Text::read(sql).order_by().into_iter();
        keys.map(|(name, descending)| name + if descending { " desc" } else { "" }).collect()
    };
    for (sql, wanted) in [
        ("SELECT a FROM t", &[] as &[&str]),
        ("SELECT a, b FROM t ORDER BY b DESC NULLS LAST, 1 LIMIT 3", &["b desc", "#1"]),
        ("SELECT a FROM (SELECT a FROM t ORDER BY b) x", &[]),
        ("WITH x AS (SELECT a FROM t ORDER BY b) SELECT a FROM x order /* so */ by \"A b\" asc;", &["A b"]),
        ("SELECT sum(a) OVER (ORDER BY b) FROM t", &[]),
        ("SELECT a, b, c FROM t ORDER BY a, b + 1, c", &["a"]),
        ("SELECT a, b FROM t ORDER BY a, lower(b), b", &["a"]),
        ("SELECT a FROM t ORDER BY t.a", &[]),
        ("SELECT a FROM t ORDER BY ALL", &[]),
        ("SELECT a FROM t ORDER BY a COLLATE nocase", &[]),
        ("(SELECT a FROM t) UNION ALL (SELECT a FROM u) ORDER BY 1", &["#1"]),
        ("SELECT 'ORDER BY b' FROM t -- ORDER BY c", &[]),
    ] {
        assert_eq!(keys(sql), wanted, "{sql}");
    }
}

#[test]
fn a_text_selects_all_columns_by_a_star_that_multiplies_nothing() {
    for (sql, all) in [
        ("SELECT * FROM t", true),
        ("SELECT DISTINCT * FROM t", true),
        ("SELECT a, t.* FROM t", true),
        ("SELECT COLUMNS(*) FROM t", true),
        ("FROM t", true),
        ("SELECT count(*), a * b FROM t", false),
    ] {
        assert_eq!(Text::read(sql).selects_all(), all, "{sql}");
    }
}

//! The second reader: where sqlparser ends literals, comments and quoted identifiers, held against our [`scan`](super::scan).

use sqlparser::dialect::Dialect;
use sqlparser::tokenizer::{Location, Token as Theirs, Tokenizer, Whitespace};

use super::scan::{begins_word, continues_word};
use super::{Class, Token};

/// Where sqlparser and we part; `None` where we agree, or where its tokenizer refuses the text, as it does with SQL that it
/// does not know.
pub(super) fn unlike(sql: &str, tokens: &[Token]) -> Option<usize> {
    let theirs = ends(sql)?;
    let ours = tokens.iter().filter(|token| is_closed(token.class)).map(|token| (token.class, token.range.end));
    let mut ours = ours.fuse();
    let mut theirs = theirs.into_iter().fuse();
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return None,
            (one, other) if one == other => {}
            (one, other) => {
                let first = [one, other].into_iter().flatten().map(|(_, end)| end).min();
                // The token that ends there, by our reading.
                return tokens.iter().map(|token| token.range.start).take_while(|start| Some(*start) < first).last();
            }
        }
    }
}

fn is_closed(class: Class) -> bool {
    matches!(class, Class::Comment | Class::Quoted | Class::Literal)
}

/// What sqlparser finds, and the byte after each.
pub(super) fn ends(sql: &str) -> Option<Vec<(Class, usize)>> {
    let tokens = Tokenizer::new(&Ours, sql).with_unescape(false).tokenize_with_location().ok()?;
    let mut places = Places { sql, at: 0, line: 1, column: 1 };
    let mut ends = Vec::new();
    for token in tokens {
        let start = places.byte(token.span.start);
        let end = places.byte(token.span.end);
        let class = match token.token {
            Theirs::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)) => {
                Class::Comment
            }
            Theirs::Word(word) if word.quote_style.is_some() => Class::Quoted,
            Theirs::SingleQuotedString(_)
            | Theirs::EscapedStringLiteral(_)
            | Theirs::NationalStringLiteral(_)
            | Theirs::DollarQuotedString(_) => Class::Literal,
            // 0xff is of the same kind as x'ff'.
            Theirs::HexStringLiteral(_) if sql[start..end].ends_with('\'') => Class::Literal,
            _ => continue,
        };
        ends.push((class, end));
    }
    Some(ends)
}

/// What all engines have in common, as far as sqlparser has a switch for it: its ready-made dialects take more.
#[derive(Debug)]
struct Ours;

impl Dialect for Ours {
    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '"' || c == '`'
    }

    fn is_identifier_start(&self, c: char) -> bool {
        begins_word(c)
    }

    fn is_identifier_part(&self, c: char) -> bool {
        continues_word(c)
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }
}

/// Turns lines and columns, asked for in order, into bytes.
struct Places<'a> {
    sql: &'a str,
    at: usize,
    line: u64,
    column: u64,
}

impl Places<'_> {
    fn byte(&mut self, place: Location) -> usize {
        for c in self.sql[self.at..].chars() {
            if (self.line, self.column) >= (place.line, place.column) {
                break;
            }
            self.at += c.len_utf8();
            (self.line, self.column) = if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.at
    }
}

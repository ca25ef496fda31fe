//! SQL texts as tokens: a [`Text`] knows where literals, comments and quoted identifiers begin and end.
//!
//! Every rule that looks at a query's text asks here: whether it is one statement, which names it has, where a placeholder
//! stands. It is no parser and does no I/O. Our own scanner reads any text, also a wrong one. [`Text::check_ends`] holds it
//! against sqlparser, which DataFusion, Polars and Daft read SQL with: a text that the two end differently is refused, since
//! engines may find another statement in it than we do.

mod ends;
mod nulls;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::Range;

use anyhow::{Result, bail};

pub(crate) use nulls::{lacks_null_order, without_null_order};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Blanks and line ends.
    Space,
    /// `-- to the end of the line`, which is part of it, or `/* nested */`.
    Comment,
    /// A keyword or an identifier without quotes.
    Word,
    /// `"an identifier"`, or one in backticks.
    Quoted,
    /// `'text'`, `E'text'`, `$$text$$`, `$tag$text$tag$`.
    Literal,
    /// `1`, `0.5`, `1e-3`.
    Number,
    /// `{name}`, which is ours and no SQL.
    Placeholder,
    /// Any other character, alone; `$1`, which stands for a value, as a whole.
    Punctuation,
}

/// A piece of a text, and where its bytes are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) class: Class,
    pub(crate) range: Range<usize>,
}

/// How an engine writes SQL, as far as it moves the ends of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// A quote ends a literal unless it is doubled.
    Standard,
    /// A backslash escapes a quote, `#` begins a comment, comments do not nest.
    MySql,
}

impl Quoting {
    /// Of a dialect, as `engines.toml` names them.
    pub(crate) fn of(dialect: &str) -> Self {
        if ["mysql", "starrocks"].contains(&dialect) { Self::MySql } else { Self::Standard }
    }
}

/// A text and its tokens, which cover every byte of it once and in order.
#[derive(Debug, Clone)]
pub(crate) struct Text<'a> {
    /// The text without the byte order mark that it may begin with.
    pub(crate) sql: &'a str,
    tokens: Vec<Token>,
    /// The token that the text ends within.
    open: Option<Open>,
    quoting: Quoting,
}

/// A token without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    at: usize,
    /// As a message calls it, and what would end it.
    what: &'static str,
}

impl<'a> Text<'a> {
    /// Reads a text that every engine gets.
    pub(crate) fn read(sql: &'a str) -> Self {
        Self::read_as(sql, Quoting::Standard)
    }

    /// Reads a text that was written for engines of this kind.
    pub(crate) fn read_as(sql: &'a str, quoting: Quoting) -> Self {
        let sql = sql.strip_prefix('\u{feff}').unwrap_or(sql);
        let (tokens, open) = scan::scan(sql, quoting);
        Self { sql, tokens, open, quoting }
    }

    /// All tokens in order.
    pub(crate) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The tokens that mean something: neither blanks nor comments.
    pub(crate) fn meant(&self) -> impl Iterator<Item = &Token> {
        self.tokens.iter().filter(|token| !matches!(token.class, Class::Space | Class::Comment))
    }

    /// What a token says, as it is written.
    pub(crate) fn of(&self, token: &Token) -> &'a str {
        &self.sql[token.range.clone()]
    }

    /// What the text may name tables and columns with: its words, and its quoted identifiers without their quotes; all in
    /// lower case, as most engines compare them.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.tokens
            .iter()
            .filter_map(|token| match token.class {
                Class::Word => Some(self.of(token).to_lowercase()),
                Class::Quoted => Some(unquoted(self.of(token)).to_lowercase()),
                _ => None,
            })
            .collect()
    }

    /// The keys of the last ORDER BY that stands in no brackets, with whether each descends: names of columns, or `#2` for the
    /// second one. They end where one is anything else.
    pub(crate) fn order_by(&self) -> Vec<(String, bool)> {
        let mut depth = 0_i32;
        let mut outer: Vec<&Token> = Vec::new();
        for token in self.meant() {
            let said = self.of(token);
            if matches!(said, ")" | "]") {
                depth -= 1;
                continue;
            }
            // A bracket too: it makes its item an expression, which is no name.
            if depth == 0 {
                outer.push(token);
            }
            depth += i32::from(matches!(said, "(" | "["));
        }
        let is = |token: &Token, word: &str| token.class == Class::Word && self.of(token).eq_ignore_ascii_case(word);
        let by = outer.windows(2).rposition(|pair| is(pair[0], "order") && is(pair[1], "by"));
        let Some(begin) = by.map(|by| by + 2) else { return Vec::new() };
        let ends = ["limit", "offset", "fetch", "for", "union", "intersect", "except"];
        let rest = &outer[begin..];
        let end = rest.iter().position(|token| ends.iter().any(|word| is(token, word)) || self.of(token) == ";");
        let items = rest[..end.unwrap_or(rest.len())].split(|token| self.of(token) == ",");
        let key = |item: &[&Token]| {
            let (first, rest) = item.split_first()?;
            let name = match first.class {
                Class::Word if !is(first, "all") => self.of(first).to_owned(),
                Class::Quoted => unquoted(self.of(first)),
                Class::Number => format!("#{}", self.of(first)),
                _ => return None,
            };
            let words: Vec<String> = rest.iter().map(|token| self.of(token).to_lowercase()).collect();
            match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                [] | ["asc"] | ["nulls", "first" | "last"] | ["asc", "nulls", "first" | "last"] => Some((name, false)),
                ["desc"] | ["desc", "nulls", "first" | "last"] => Some((name, true)),
                _ => None,
            }
        };
        items.map_while(key).collect()
    }

    /// Whether it may read one of these columns of a table: it names it, or reads all.
    pub(crate) fn may_read<'c>(&self, columns: impl IntoIterator<Item = &'c str>) -> bool {
        let names = self.names();
        let mut columns = columns.into_iter().peekable();
        columns.peek().is_some() && (self.selects_all() || columns.any(|column| names.contains(&column.to_lowercase())))
    }

    /// Whether it may read every column of a table without naming one: `SELECT *`, `t.*`, `COLUMNS(*)`, or a text without SELECT.
    fn selects_all(&self) -> bool {
        let meant: Vec<&str> = self.meant().map(|token| self.of(token)).collect();
        let is = |text: &str, words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        let before_star = meant.windows(2).filter(|pair| pair[1] == "*").map(|pair| pair[0]);
        let all = |before: &str| is(before, &["select", "distinct", "all", ".", ","]);
        let columns = || meant.windows(3).any(|three| is(three[0], &["columns"]) && three[1] == "(" && three[2] == "*");
        before_star.into_iter().any(all) || columns() || !meant.iter().any(|word| is(word, &["select"]))
    }

    /// Refuses a text that ends within a literal, a comment or a quoted identifier, or that engines may end elsewhere.
    ///
    /// # Errors
    /// Says what is open and where it begins.
    pub(crate) fn check_ends(&self) -> Result<()> {
        if let Some(Open { at, what }) = self.open {
            bail!("{what} has no end: it begins {}", self.place(at));
        }
        if self.quoting == Quoting::Standard
            && let Some(at) = self.returns().or_else(|| ends::unlike(self.sql, &self.tokens))
        {
            bail!(
                "engines may read the text differently: {} some find the end of a literal, a comment or a quoted name where \
                 others do not; write it in standard SQL, with '' for a quote in a literal and blanks around comments",
                self.place(at)
            );
        }
        Ok(())
    }

    /// Where a comment to the end of the line has a carriage return within: it ends there for DuckDB, and for others not.
    fn returns(&self) -> Option<usize> {
        let parts = |token: &&Token| {
            let said = self.of(token);
            said.starts_with("--") && said.trim_end_matches(['\r', '\n']).contains('\r')
        };
        Some(self.tokens.iter().find(parts)?.range.start)
    }

    /// `in line 3, at: SELECT ...`
    pub(crate) fn place(&self, at: usize) -> String {
        const SHOWN: usize = 30;
        let line = 1 + self.sql[..at].matches('\n').count();
        let mut rest = self.sql[at..].lines().next().unwrap_or_default().chars();
        let shown: String = rest.by_ref().take(SHOWN).collect();
        format!("in line {line}, at: {shown}{}", if rest.next().is_some() { "..." } else { "" })
    }
}

/// Whether one of these words, in lower case, stands in the text: outside comments, literals and quoted identifiers.
pub(crate) fn has_word(sql: &str, words: &[&str]) -> bool {
    let text = Text::read(sql);
    let mut found = text.tokens().iter().filter(|token| token.class == Class::Word);
    found.any(|token| words.iter().any(|word| word.eq_ignore_ascii_case(text.of(token))))
}

/// The name within quotes, where a doubled quote is one.
fn unquoted(identifier: &str) -> String {
    let Some(quote) = identifier.chars().next() else { return String::new() };
    let inner = &identifier[quote.len_utf8()..];
    let inner = inner.strip_suffix(quote).unwrap_or(inner);
    inner.replace(&format!("{quote}{quote}"), &quote.to_string())
}

//! Our own scanner: any text, right or wrong, becomes tokens that cover it.
//!
//! It follows the rules of `PostgreSQL`, which DuckDB has too, and knows what backticks are. Square brackets quote nothing, since
//! they are lists in DuckDB.

use super::{Class, Open, Quoting, Token};

/// The tokens of a text, and the one that it ends within.
pub(super) fn scan(sql: &str, quoting: Quoting) -> (Vec<Token>, Option<Open>) {
    let mut scanner = Scanner { sql, at: 0, quoting, open: None };
    let mut tokens = Vec::new();
    while scanner.at < sql.len() {
        let start = scanner.at;
        let class = scanner.next();
        tokens.push(Token { class, range: start..scanner.at });
    }
    (tokens, scanner.open)
}

/// Whether a word can begin with it.
pub(super) fn begins_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Whether it can stand within a word.
pub(super) fn continues_word(c: char) -> bool {
    begins_word(c) || c.is_ascii_digit() || c == '$'
}

struct Scanner<'a> {
    sql: &'a str,
    at: usize,
    quoting: Quoting,
    open: Option<Open>,
}

impl Scanner<'_> {
    /// Steps over one token.
    fn next(&mut self) -> Class {
        let mysql = self.quoting == Quoting::MySql;
        let rest = self.rest();
        let mut chars = rest.chars();
        let (first, second) = (chars.next().unwrap_or_default(), chars.next());
        match (first, second) {
            (c, _) if c.is_whitespace() => {
                self.take_while(char::is_whitespace);
                Class::Space
            }
            ('-', Some('-')) => self.line_comment(),
            ('#', _) if mysql => self.line_comment(),
            ('/', Some('*')) => self.block_comment(!mysql),
            ('\'', _) => self.literal(mysql),
            ('"', _) => {
                self.quoted('"', mysql, "a name in double quotes");
                Class::Quoted
            }
            ('`', _) => {
                self.quoted('`', false, "a name in backticks");
                Class::Quoted
            }
            ('$', _) => self.dollar(),
            ('{', _) => {
                let length = placeholder(rest);
                self.at += length.unwrap_or(1);
                if length.is_some() { Class::Placeholder } else { Class::Punctuation }
            }
            // A prefix is part of its literal; only that of E'...' changes what ends it.
            (c, Some('\'')) if "eEnNxXbB".contains(c) => {
                self.at += 1;
                self.literal(mysql || c.eq_ignore_ascii_case(&'e'))
            }
            (c, _) if begins_word(c) => {
                self.take_while(continues_word);
                Class::Word
            }
            (c, next) if c.is_ascii_digit() || (c == '.' && next.is_some_and(|next| next.is_ascii_digit())) => {
                self.number()
            }
            (c, _) => {
                self.at += c.len_utf8();
                Class::Punctuation
            }
        }
    }

    fn rest(&self) -> &str {
        &self.sql[self.at..]
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c: char| !wanted(c)).unwrap_or(rest.len());
    }

    /// To the end of the text, which is no end of the token that began at `at`.
    fn run_out(&mut self, at: usize, what: &'static str) {
        self.open = Some(Open { at, what });
        self.at = self.sql.len();
    }

    fn line_comment(&mut self) -> Class {
        let rest = self.rest();
        self.at += rest.find('\n').map_or(rest.len(), |end| end + 1);
        Class::Comment
    }

    fn block_comment(&mut self, nests: bool) -> Class {
        let start = self.at;
        self.at += 2;
        let mut depth = 1;
        while depth > 0 {
            let rest = self.rest();
            let Some(found) = rest.find(['*', '/']) else {
                self.run_out(start, "a comment");
                break;
            };
            let (step, deeper) = match &rest[found..] {
                mark if mark.starts_with("*/") => (2, -1),
                mark if mark.starts_with("/*") && nests => (2, 1),
                _ => (1, 0),
            };
            self.at += found + step;
            depth += deeper;
        }
        Class::Comment
    }

    fn literal(&mut self, backslash: bool) -> Class {
        self.quoted('\'', backslash, "a literal");
        Class::Literal
    }

    /// From a quote to the same one, where a doubled one ends nothing.
    fn quoted(&mut self, quote: char, backslash: bool, what: &'static str) {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = self.rest();
            let Some(found) = rest.find(|c| c == quote || (backslash && c == '\\')) else {
                return self.run_out(start, what);
            };
            let mut marks = rest[found..].chars();
            let (mark, next) = (marks.next().unwrap_or_default(), marks.next());
            self.at += found + 1;
            match next {
                // Whatever is escaped, a multi-byte character among it.
                Some(escaped) if mark == '\\' => self.at += escaped.len_utf8(),
                Some(doubled) if doubled == quote => self.at += 1,
                _ if mark == quote => return,
                _ => {}
            }
        }
    }

    /// `$$text$$`, `$tag$text$tag$`, else `$1` or a lonely `$`.
    fn dollar(&mut self) -> Class {
        let start = self.at;
        let rest = self.rest();
        let word = |c: char| begins_word(c) || c.is_ascii_digit();
        let end = 1 + rest[1..].find(|c: char| !word(c)).unwrap_or(rest.len() - 1);
        let is_tag = !rest[1..].starts_with(|c: char| c.is_ascii_digit());
        if self.quoting == Quoting::Standard && rest[end..].starts_with('$') && is_tag {
            let tag = &rest[..=end];
            match rest[tag.len()..].find(tag) {
                Some(found) => self.at += found + 2 * tag.len(),
                None => self.run_out(start, "a literal in dollar signs"),
            }
            return Class::Literal;
        }
        self.at += end;
        Class::Punctuation
    }

    fn number(&mut self) -> Class {
        if self.rest().starts_with("0x") {
            self.at += 2;
            self.take_while(|c| c.is_ascii_hexdigit());
            return Class::Number;
        }
        self.take_while(|c| c.is_ascii_digit());
        if self.rest().starts_with('.') {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
        }
        let exponent = self.rest().strip_prefix(['e', 'E']).unwrap_or_default();
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.starts_with(|c: char| c.is_ascii_digit()) {
            self.at += 1 + exponent.len() - digits.len();
            self.take_while(|c| c.is_ascii_digit());
        }
        Class::Number
    }
}

/// The length of a `{name}` that the text begins with; a struct, or a repetition such as `{2,3}`, is none.
fn placeholder(text: &str) -> Option<usize> {
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_word.then_some(name.len() + 2)
}

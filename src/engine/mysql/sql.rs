//! Pieces of SQL that every server of this protocol takes: names and values.

/// A name of a table, column or database. Backticks, since double quotes are strings to some servers.
pub fn named(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// What a setting is set to: a number stays one, since servers refuse `'4'` where they want 4.
pub fn setting(value: &str) -> String {
    let number = value.parse::<i64>().is_ok() || value.parse::<f64>().is_ok_and(f64::is_finite);
    if number { value.to_owned() } else { quoted(value) }
}

#[cfg(test)]
mod tests {
    use super::{named, quoted, setting};

    #[test]
    fn quotes_do_not_end_early() {
        assert_eq!(named("a`b"), "`a``b`");
        assert_eq!(quoted(r"it's \n"), r"'it''s \\n'");
    }

    #[test]
    fn numbers_are_set_as_numbers() {
        for (value, sql) in [("4", "4"), ("0.5", "0.5"), ("on", "'on'"), ("inf", "'inf'"), ("1M", "'1M'")] {
            assert_eq!(setting(value), sql);
        }
    }
}

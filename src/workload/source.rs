//! How the source of a table that is there already is written: Parquet files (a path, a folder, a pattern), the folder of an
//! Iceberg table, or a name in the metastore (`sales.transactions`), the last two with `@snapshot` behind them if need be. Its
//! path is made absolute, and the table gets a name in engines.
//!
//! Pure but for a look at which paths exist. What the source holds is [`crate::tables`]' business, when a cell runs.

use std::path::{Path, PathBuf};

/// The source without its snapshot, and the snapshot. A path may have `file://` before it.
pub(crate) fn split(source: &str) -> (&str, Option<i64>) {
    let source = source.strip_prefix("file://").unwrap_or(source);
    match source.rsplit_once('@') {
        Some((place, snapshot)) if snapshot.parse::<i64>().is_ok() => (place, snapshot.parse().ok()),
        _ => (source, None),
    }
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Whether it is no name in the metastore.
pub(crate) fn is_path(place: &str, folder: &Path) -> bool {
    let there = || folder.join(place).exists();
    let ends = [".parquet", ".metadata.json"].iter().any(|end| place.ends_with(end));
    place.contains('/') || place.starts_with('.') || is_pattern(place) || ends || there()
}

/// With its path made absolute, where it is one: a relative path is relative to `folder`.
pub(super) fn resolved(source: &str, folder: &Path) -> String {
    let (place, snapshot) = split(source);
    if place.contains("://") || !is_path(place, folder) {
        return source.to_owned();
    }
    // So that `./a` and `a` are the same source.
    let path = folder.join(place).components().collect::<PathBuf>().to_string_lossy().into_owned();
    snapshot.map_or_else(|| path.clone(), |snapshot| format!("{path}@{snapshot}"))
}

/// Whether a resolved source is Parquet files, as far as can be told without asking a metastore.
pub(super) fn is_parquet(source: &str) -> bool {
    let (place, _) = split(source);
    let is_table = place.ends_with(".metadata.json") || Path::new(place).join("metadata").is_dir();
    is_path(place, Path::new("")) && !is_table
}

/// A name for the table in engines: `t_transactions` for `sales.transactions`, `t_prices` for `/my/prices/*.parquet`. No SQL
/// has a keyword of that form.
pub(super) fn table_name(source: &str) -> String {
    let (place, _) = split(source);
    let last = place.rsplit('/').find(|part| !is_pattern(part) && part.chars().any(char::is_alphanumeric));
    let last = last.unwrap_or_default();
    let word = match last.strip_suffix(".parquet") {
        Some(stem) => stem,
        None if place.contains('/') => last,
        None => last.rsplit('.').next().unwrap_or(last),
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let word: String = word.chars().map(plain).collect();
    format!("t_{}", word.trim_matches('_'))
}

/// Words that engines read as SQL, or some of them do, where a table's name would stand.
const KEYWORDS: [&str; 44] = [
    "all",
    "and",
    "any",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "cast",
    "column",
    "create",
    "cross",
    "delete",
    "desc",
    "distinct",
    "else",
    "end",
    "except",
    "exists",
    "from",
    "full",
    "group",
    "having",
    "in",
    "index",
    "insert",
    "intersect",
    "is",
    "join",
    "key",
    "left",
    "like",
    "limit",
    "not",
    "null",
    "on",
    "or",
    "order",
    "right",
    "select",
    "table",
    "union",
    "user",
    "where",
];

/// Why this cannot be the name of a table; `None` when it can.
pub(super) fn bad_name(name: &str) -> Option<String> {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    if !first || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        return Some(
            "use lower-case letters, digits and '_', a letter first, so that every engine takes it".to_owned(),
        );
    }
    KEYWORDS.contains(&name).then(|| format!("it is a keyword of SQL; t_{name} is none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_relative_to_the_folder_and_a_name_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::create_dir(at.join("plain")).unwrap();
        let shown = |name: &str| at.join(name).display().to_string();
        for (source, wanted) in [
            ("prices.parquet", shown("prices.parquet")),
            ("./prices/*.parquet", shown("prices/*.parquet")),
            ("plain", shown("plain")),
            ("plain@42", shown("plain@42")),
            ("/my/prices", "/my/prices".to_owned()),
            ("file:///my/prices@7", "/my/prices@7".to_owned()),
            ("sales.transactions", "sales.transactions".to_owned()),
            ("lake.sales.transactions@7", "lake.sales.transactions@7".to_owned()),
        ] {
            assert_eq!(resolved(source, at), wanted, "{source}");
        }
        std::fs::create_dir(at.join("plain/metadata")).unwrap();
        for (source, parquet) in
            [(shown("p.parquet"), true), (shown("plain"), false), ("sales.orders".to_owned(), false)]
        {
            assert_eq!(is_parquet(&source), parquet, "{source}");
        }
    }

    #[test]
    fn a_table_has_a_plain_name_that_is_no_keyword() {
        for (source, name) in [
            ("warehouse.sales.transactions", "t_transactions"),
            ("sales.Order@12", "t_order"),
            ("/my/prices/*.parquet", "t_prices"),
            ("/my/prices/part-*.parquet", "t_prices"),
            ("prices-2026.parquet", "t_prices_2026"),
            ("/my/lake/order/", "t_order"),
        ] {
            assert_eq!(table_name(source), name, "{source}");
            assert_eq!(bad_name(name), None);
        }
        for name in ["order", "Orders", "1st", "", "two words"] {
            assert!(bad_name(name).is_some(), "{name}");
        }
    }
}

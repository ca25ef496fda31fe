//! How the source of a table that is there already is written: Parquet files (a path, a folder, a pattern), the folder of an
//! Iceberg table, or a name in the metastore (`sales.transactions`), the last two with `@snapshot` behind them if need be. Its
//! path is made absolute, and the table gets a name in engines.
//!
//! Pure but for a look at which paths exist. What the source holds is [`crate::host::data::tables`]' business, when a cell runs.

use std::path::{Path, PathBuf};

use crate::protocol::location::Location;

/// The source without its snapshot, and the snapshot. A path may have `file://` before it; one that is there as it is written
/// has no snapshot: `export@20240101`. A relative path is relative to `folder`.
pub(crate) fn split<'a>(source: &'a str, folder: &Path) -> (&'a str, Option<i64>) {
    let source = source.strip_prefix("file://").unwrap_or(source);
    let Some((place, Ok(snapshot))) = source.rsplit_once('@').map(|(place, text)| (place, text.parse())) else {
        return (source, None);
    };
    if is_there(source, folder) { (source, None) } else { (place, Some(snapshot)) }
}

/// Whether a source is a path as it is written, with or without a snapshot behind it: `year=2024` is one when there is such
/// a folder, and the table `year` otherwise.
pub(super) fn is_whole_path(source: &str, folder: &Path) -> bool {
    is_there(split(source, folder).0, folder)
}

/// Whether there is such a file or folder, or anything that matches the pattern.
fn is_there(place: &str, folder: &Path) -> bool {
    if folder.join(place).exists() {
        return true;
    }
    if !is_pattern(place) {
        return false;
    }
    let pattern = pattern_within(place, folder);
    // Not all that is below a folder is searched for what tells a name from a path.
    let pattern = pattern.split("/**").next().unwrap_or_default();
    glob::glob(pattern).is_ok_and(|mut found| found.any(|path| path.is_ok()))
}

/// A pattern that is relative to `folder`, whose own name is none.
fn pattern_within(pattern: &str, folder: &Path) -> String {
    let folder = if Path::new(pattern).is_absolute() { String::new() } else { folder.to_string_lossy().into_owned() };
    Path::new(&glob::Pattern::escape(&folder)).join(pattern).to_string_lossy().into_owned()
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Whether it is no name in the metastore.
pub(crate) fn is_path(place: &str, folder: &Path) -> bool {
    let there = || folder.join(place).exists();
    let ends = place.ends_with(".metadata.json") || stem(place).is_some();
    place.contains('/') || place.starts_with('.') || is_pattern(place) || ends || there()
}

/// With its path made absolute, where it is one: a relative path is relative to `folder`.
pub(super) fn resolved(source: &str, folder: &Path) -> String {
    let (place, snapshot) = split(source, folder);
    if place.contains("://") || !is_path(place, folder) {
        return source.to_owned();
    }
    // So that `./a` and `a` are the same source.
    let whole = folder.join(place);
    let path = if is_pattern(place) && !whole.exists() { pattern_within(place, folder).into() } else { whole };
    let path = path.components().collect::<PathBuf>().to_string_lossy().into_owned();
    snapshot.map_or_else(|| path.clone(), |snapshot| format!("{path}@{snapshot}"))
}

/// Whether a resolved source is Parquet files, as far as can be told without asking a metastore.
pub(super) fn is_parquet(source: &str) -> bool {
    let (place, _) = split(source, Path::new(""));
    let is_table = place.ends_with(".metadata.json") || Path::new(place).join("metadata").is_dir();
    is_path(place, Path::new("")) && !is_table
}

/// Whether a source is on S3.
pub(super) fn is_on_s3(source: &str) -> bool {
    source.parse::<Location>().is_ok_and(|place| place.is_on_s3())
}

/// A name for the table in engines: `t_transactions` for `sales.transactions`, `t_prices` for `/my/prices/*.parquet`. No SQL
/// has a keyword of that form.
pub(super) fn table_name(source: &str) -> String {
    let (place, _) = split(source, Path::new(""));
    let last = place.rsplit('/').find(|part| !is_pattern(part) && part.chars().any(char::is_alphanumeric));
    let last = last.unwrap_or_default();
    let word = match stem(last) {
        Some(stem) => stem,
        None if place.contains('/') => last,
        None => last.rsplit('.').next().unwrap_or(last),
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let word: String = word.chars().map(plain).collect();
    format!("t_{}", word.trim_matches('_'))
}

/// The name of a file without the ending that Parquet files have; `None` without one.
fn stem(name: &str) -> Option<&str> {
    let (stem, ending) = name.rsplit_once('.')?;
    ["parquet", "parq", "pq"].iter().any(|known| ending.eq_ignore_ascii_case(known)).then_some(stem)
}

/// Words that engines read as SQL, or some of them do, where a table's name would stand.
const KEYWORDS: &str = "\
    all and any as asc between by case cast column create cross delete desc distinct else end except exists from \
    full group having in index insert intersect is join key left like limit not null on or order right select table \
    union user where";

/// Why this cannot be the name of a table; `None` when it can.
pub(super) fn bad_name(name: &str) -> Option<String> {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    if !first || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        return Some(
            "use lower-case letters, digits and '_', a letter first, so that every engine takes it".to_owned(),
        );
    }
    KEYWORDS.split(' ').any(|word| word == name).then(|| format!("it is a keyword of SQL; t_{name} is none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolved_makes_paths_relative_to_the_folder_and_keeps_names() {
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
    fn a_path_that_is_there_is_taken_as_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("[our] data");
        for name in ["export@20240101", "year=2024", "a@1/b@2", "[x]@3"] {
            std::fs::create_dir_all(at.join(name)).unwrap();
            std::fs::write(at.join(name).join("a.parquet"), "").unwrap();
        }
        for (source, place, snapshot) in [
            ("export@20240101", "export@20240101", None),
            ("export@20240101@7", "export@20240101", Some(7)),
            ("export@2024", "export", Some(2024)),
            ("*@20240101", "*@20240101", None),
            ("*@2024", "*", Some(2024)),
            ("a@1/**/b@2", "a@1/**/b@2", None),
            ("[x]@3", "[x]@3", None),
            ("sales.orders@5", "sales.orders", Some(5)),
        ] {
            assert_eq!(split(source, &at), (place, snapshot), "{source}");
        }
        for (source, whole) in [
            ("year=2024", true),
            ("year=2024@8", true),
            ("year=2024/*.parquet", true),
            ("year=*/*.parquet", true),
            ("year=2024/**/*.parquet", true),
            ("year=2023", false),
            ("year=2023/*.parquet", false),
            ("year=*.parquet", false),
            ("orders=/my/year=2024/*.parquet", false),
        ] {
            assert_eq!(is_whole_path(source, &at), whole, "{source}");
        }
        let pattern = resolved("year=2024/*.parquet", &at);
        assert_eq!(glob::glob(&pattern).unwrap().flatten().count(), 1, "{pattern}");
        assert_eq!(resolved("[x]@3", &at), at.join("[x]@3").display().to_string());
        assert_eq!(table_name(&resolved("export@20240101", &at)), "t_export_20240101");
    }

    #[test]
    fn a_table_has_a_plain_name_that_is_no_keyword() {
        for (source, name) in [
            ("warehouse.sales.transactions", "t_transactions"),
            ("sales.Order@12", "t_order"),
            ("/my/prices/*.parquet", "t_prices"),
            ("/my/prices/part-*.parquet", "t_prices"),
            ("prices-2026.parquet", "t_prices_2026"),
            ("Prices.PARQUET", "t_prices"),
            ("prices.pq", "t_prices"),
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

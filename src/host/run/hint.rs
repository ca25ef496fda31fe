//! What to tell somebody whose filter means nothing: the names that there are, and the one that may have been meant.

use std::collections::BTreeSet;

use crate::host::suite::in_ranges;
use crate::host::variant::FORMATS;
use crate::protocol::id::{BenchId, Scale};

/// A cell that there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) id: &'a BenchId,
    pub(super) suite: &'a str,
}

/// What to tell somebody whose filter means nothing.
pub(super) fn hint(cells: &[Known<'_>], filter: &str) -> String {
    let kinds = [
        ("engines", unique(cells, |cell| cell.id.engine.clone())),
        ("queries", unique(cells, |cell| cell.id.query.clone())),
        ("suites", unique(cells, |cell| cell.suite.to_owned())),
        ("scales", unique(cells, |cell| cell.id.scale.to_string())),
        ("variants", unique(cells, |cell| cell.id.variant.clone())),
    ];
    let known: Vec<&String> = kinds.iter().flat_map(|(_, names)| names).collect();
    let mut text = format!("no cell matches '{filter}'");
    // What was named, and what was meant by a name that there is not.
    let mut parts: Vec<&str> = filter.split('/').collect();
    for segment in filter.split('/').filter(|segment| !known.iter().any(|name| name == segment)) {
        let likeness = |name: &str| strsim::jaro_winkler(name, &segment.to_lowercase());
        let likely = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let likely = likely.filter(|name| likeness(name) > 0.75);
        if segment.parse::<Scale>().is_ok() && segment.starts_with("sf") {
            text += &format!(
                "; scale {segment} is not part of this run, add it with QUERYDYNO_SCALE={0} (or --scale {0} where a command has that)",
                &segment[2..]
            );
        } else if FORMATS.iter().any(|format| segment.starts_with(format)) && !FORMATS.contains(&segment) {
            text += &format!(
                "; variant {segment} is not part of this run: thread counts are added with QUERYDYNO_THREADS, memory limits with QUERYDYNO_MEMORY"
            );
        } else if let Some(name) = likely {
            text += &format!("; '{segment}' is not known, did you mean '{name}'?");
            parts.push(name);
        } else {
            text += &format!("; '{segment}' is not known");
        }
    }
    // Options multiply: of variants only those that what was named has.
    let names_it = |name: &str| parts.contains(&name);
    let engine_is_named = cells.iter().any(|cell| names_it(&cell.id.engine));
    let query_is_named = cells.iter().any(|cell| names_it(&cell.id.query));
    let narrowed = |cell: &&Known<'_>| {
        (!engine_is_named || names_it(&cell.id.engine)) && (!query_is_named || names_it(&cell.id.query))
    };
    for (kind, names) in &kinds {
        let names = if *kind == "variants" {
            unique(cells.iter().filter(narrowed), |cell| cell.id.variant.clone())
        } else {
            names.clone()
        };
        let most = if *kind == "variants" { VARIANTS } else { SHOWN };
        text += &format!("\n  {kind}: {}", listed(&names, most));
    }
    text + "\nA cell is engine/query/scale/variant; a filter is any run of these, such as duckdb/q1 or q6, or a regular expression. \
            `cargo bench -- --list FILTER` lists the cells that a filter means"
}

/// Names of a kind that are shown, ranges of them as one.
const SHOWN: usize = 20;
/// The same of variants, of which there are many that are alike.
const VARIANTS: usize = 10;

/// Names that are read at a glance; of more the first ones, and how many there are besides.
fn listed(names: &[String], most: usize) -> String {
    let shown = in_ranges(names.iter().map(String::as_str));
    let shown: Vec<&str> = shown.split(", ").collect();
    let more = shown.len().saturating_sub(most);
    let first = shown[..shown.len() - more].join(", ");
    if more == 0 { first } else { format!("{first}, and {more} more") }
}

/// Each name once, in order of appearance.
pub(super) fn unique<'a, T: 'a>(cells: impl IntoIterator<Item = &'a T>, part: impl Fn(&T) -> String) -> Vec<String> {
    let mut seen = BTreeSet::new();
    cells.into_iter().map(part).filter(|name| seen.insert(name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_has_the_variants_of_what_was_named_alone() {
        let ids: Vec<BenchId> =
            ["duckdb/q1/sf1/parquet", "polars/q1/sf1/parquet-eager", "pipeline/pods-daily/sf1/parquet-copy"]
                .map(|id| id.parse().unwrap())
                .to_vec();
        let known: Vec<Known<'_>> = ids.iter().map(|id| Known { id, suite: "tpch" }).collect();
        let variants = |filter: &str| {
            let told = hint(&known, filter);
            told.lines().find_map(|line| line.strip_prefix("  variants: ")).unwrap().to_owned()
        };
        assert_eq!(variants("polars/q1/sf1/parquet-egaer"), "parquet-eager");
        assert_eq!(variants("q1/nothing"), "parquet, parquet-eager");
        assert_eq!(variants("nothing"), "parquet, parquet-eager, parquet-copy");
        // A name that was misspelt is taken for the one that was meant.
        assert_eq!(variants("polrs/q1"), "parquet-eager");
    }

    #[test]
    fn listed_shows_what_is_read_at_a_glance() {
        let names = |count: usize| (0..count).map(|number| format!("n{}", 2 * number)).collect::<Vec<_>>();
        assert_eq!(listed(&names(2), 20), "n0, n2");
        assert!(listed(&names(20), 20).ends_with(", n38"));
        assert!(listed(&names(23), 20).ends_with(", n38, and 3 more"));
        assert_eq!(listed(&["a-b", "q1", "q2", "q3", "q4"].map(str::to_owned), 2), "a-b, q1 to q4");
    }
}

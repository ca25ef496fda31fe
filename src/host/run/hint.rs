//! What to tell somebody whose filter means nothing: the names that there are, and the one that may have been meant.

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
        } else {
            text += &format!("; '{segment}' is not known");
        }
    }
    // Options multiply: of variants only those that what was named has.
    let parts: Vec<&str> = filter.split('/').collect();
    let names_it = |name: &str| parts.contains(&name);
    let narrowed = |cell: &&Known<'_>| {
        let all = |part: fn(&BenchId) -> &str| cells.iter().any(|cell| names_it(part(cell.id)));
        (!all(|id| &id.engine) || names_it(&cell.id.engine)) && (!all(|id| &id.query) || names_it(&cell.id.query))
    };
    for (kind, names) in kinds {
        let names = if kind == "variants" {
            unique(cells.iter().filter(narrowed), |cell| cell.id.variant.clone())
        } else {
            names
        };
        text += &format!("\n  {kind}: {}", listed(&names));
    }
    text + "\nA cell is engine/query/scale/variant; a filter is any run of these, such as duckdb/q1 or q6, or a regular expression"
}

/// Names of a kind that are shown.
const SHOWN: usize = 150;

/// Names that are read at a glance; of more the first ones, and how many there are besides.
fn listed(names: &[String]) -> String {
    let shown = &names[..names.len().min(SHOWN)];
    let more = names.len() - shown.len();
    if more == 0 { shown.join(", ") } else { format!("{}, and {more} more", shown.join(", ")) }
}

/// Each name once, in order of appearance.
pub(super) fn unique<'a, T: 'a>(cells: impl IntoIterator<Item = &'a T>, part: impl Fn(&T) -> String) -> Vec<String> {
    let mut names = Vec::new();
    for name in cells.into_iter().map(part) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
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
    }

    #[test]
    fn listed_shows_what_is_read_at_a_glance() {
        let names = |count: usize| (0..count).map(|number| format!("n{number}")).collect::<Vec<_>>();
        assert_eq!(listed(&names(2)), "n0, n1");
        assert!(listed(&names(SHOWN)).ends_with(", n149"));
        assert!(listed(&names(SHOWN + 3)).ends_with(", n149, and 3 more"));
    }
}

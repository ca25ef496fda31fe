//! How much of a report is shown at once, and in which order: [`View`]. A suite of a hundred queries is read from where its engines
//! differ most; what is not shown is folded where there is a way to, and said in a terminal.

use std::cmp::Reverse;

use super::group::Group;

/// More queries than these are not all shown at once, unless somebody asks for them.
pub(super) const MANY: usize = 40;
/// How many are shown of so many.
const TOP: usize = 20;

/// What of a report is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct View {
    /// Whether pictures are drawn.
    pub pictures: bool,
    /// So many queries of a group: those in which engines differ most. None: all up to 40, else 20.
    pub top: Option<usize>,
    /// The order of the queries; none: their own where all are shown, else by ratio.
    pub sort: Option<Sort>,
}

/// An order of queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Their own: q2 before q10.
    Query,
    /// The query first in which the slowest engine takes the most times what the fastest does.
    Ratio,
}

impl View {
    /// The queries of a group that are shown, in their order.
    pub(super) fn queries(self, group: &Group<'_>) -> Vec<usize> {
        let all = group.queries.len();
        let most = self.top.unwrap_or(if all > MANY { TOP } else { all });
        let mut shown: Vec<usize> = (0..all).collect();
        // Thousandths: what differs by less is sorted by name.
        let ratio = |query: &usize| Reverse(group.widest(*query).map(thousandths));
        if most < all || self.sort == Some(Sort::Ratio) {
            shown.sort_by_key(ratio);
            shown.truncate(most);
        }
        if self.sort == Some(Sort::Query) {
            shown.sort_unstable();
        }
        shown
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates, and only sorts")]
fn thousandths(ratio: f64) -> u64 {
    (ratio * 1000.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::record::{Record, metric};
    use crate::host::report::{Block, Document, Found, Gathered, Known, Report, Table, terminal};

    /// Two engines on so many queries; the second takes as many times longer as the query's number says.
    fn found(queries: u32) -> Vec<Found> {
        let one = |engine: &str, query: u32, milliseconds: f64| {
            let mut record: Record =
                serde_json::from_str(include_str!("../../../tests/records/measured.json")).unwrap();
            record.id = format!("{engine}/s{query}/sf1/parquet").parse().unwrap();
            record.metrics.set(metric::TIME, (0..10).map(|sample| milliseconds * 1e6 + f64::from(sample)));
            Found { record_id: String::new(), record }
        };
        (1..=queries).flat_map(|query| [one("a", query, 10.0), one("b", query, 10.0 * f64::from(query))]).collect()
    }

    fn shown(queries: u32, view: View) -> Vec<String> {
        let found = found(queries);
        let groups = Group::all(&found, &Known::default());
        view.queries(&groups[0]).into_iter().map(|query| groups[0].queries[query].to_owned()).collect()
    }

    #[test]
    fn queries_shows_all_of_few_and_of_many_those_that_differ_most() {
        let plain = View::default();
        assert_eq!(shown(22, plain), (1..=22).map(|query| format!("s{query}")).collect::<Vec<_>>());
        let many = shown(103, plain);
        assert_eq!((many.len(), many[0].as_str(), many[19].as_str()), (20, "s103", "s84"));
        let top = View { top: Some(3), ..plain };
        assert_eq!(shown(22, top), ["s22", "s21", "s20"]);
        assert_eq!(shown(22, View { sort: Some(Sort::Query), ..top }), ["s20", "s21", "s22"]);
        let all = View { top: Some(103), ..plain };
        assert_eq!(shown(103, all).len(), 103);
        assert_eq!(shown(103, View { sort: Some(Sort::Ratio), ..all })[0], "s103");
    }

    fn tables(blocks: &[Block]) -> Vec<&Table> {
        blocks.iter().filter_map(|block| if let Block::Table(table) = block { Some(table) } else { None }).collect()
    }

    #[test]
    fn document_of_many_queries_counts_them_and_folds_the_rest() {
        let gathered = Gathered { found: found(103), ..Gathered::default() };
        let report = Report::new(&gathered, &Known::default(), &[]);
        let Document { blocks, .. } = report.document(false).unwrap();
        let tables = tables(&blocks);
        let spread = tables.iter().find(|table| table.caption.starts_with("How many queries")).unwrap();
        let counts: Vec<Vec<&str>> =
            spread.rows.iter().map(|row| row.iter().map(|cell| cell.text.as_str()).collect()).collect();
        assert_eq!(spread.header[1..], ["up to 1.1", "up to 2", "up to 5", "up to 20", "above 20", "no time"]);
        assert_eq!(counts[0][1..], ["103", "", "", "", "", ""]);
        assert_eq!(counts[1][1..], ["1", "1", "3", "15", "83", ""]);
        let results = tables.iter().find(|table| table.caption.starts_with("Median time of each query")).unwrap();
        assert_eq!(results.rows.len(), 20);
        let folded = blocks.iter().find_map(|block| match block {
            Block::More(title, inner) if title == "All 103 queries" => Some(inner),
            _ => None,
        });
        let [Block::Table(whole)] = folded.unwrap().as_slice() else { panic!() };
        assert_eq!((whole.rows.len(), whole.rows[1][0].text.as_str()), (103, "s2"));
        let text = terminal::render(&report.document(false).unwrap(), false);
        assert!(text.contains("These are 20 of 103 queries") && text.lines().count() < 70, "{}", text.lines().count());
    }
}

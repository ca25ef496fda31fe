//! What the run cost, and what a query costs by engine: dollars for 1,000 runs, the price of an hour times the median time.
//!
//! Only verified answers have a price, and a suite only where all engines of the table have answered its queries.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use comfy_table::Table;
use querydyno::host::record::Record;
use querydyno::host::report::natural;
use querydyno::host::terminal::output::plain_table;

/// Nanoseconds of an hour.
const HOUR: f64 = 3.6e12;
const RUNS: f64 = 1000.0;

/// Dollars for 1,000 runs, by suite and query, then by engine.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Costs {
    pub(super) engines: Vec<String>,
    /// In the order of the suite's queries as far as names tell it.
    pub(super) rows: Vec<Row>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) suite: String,
    /// None: the whole suite, those queries that all have answered.
    pub(super) query: Option<String>,
    pub(super) dollars: Vec<Option<f64>>,
}

/// A suite, and a query of it: as it is sorted, and its name.
type Place<'a> = (&'a str, (&'a str, u64, &'a str), &'a str);

impl Costs {
    /// Of the newest ranked record of each cell, at a price an hour.
    pub(super) fn of(records: &[&Record], per_hour: f64) -> Self {
        let mut cells: BTreeMap<Place<'_>, BTreeMap<String, f64>> = BTreeMap::new();
        let mut engines = BTreeSet::new();
        for record in records.iter().filter(|record| record.ranks()) {
            let Some(median) = record.median_ns() else { continue };
            engines.insert(record.id.engine.clone());
            let query = record.id.query.as_str();
            let row = (record.dataset.suite.as_str(), natural(query), query);
            cells.entry(row).or_default().insert(record.id.engine.clone(), median / HOUR * per_hour * RUNS);
        }
        let engines: Vec<String> = engines.into_iter().collect();
        let (mut rows, mut sums): (Vec<Row>, BTreeMap<String, Vec<Option<f64>>>) = (Vec::new(), BTreeMap::new());
        for ((suite, _, query), found) in cells {
            let dollars: Vec<Option<f64>> = engines.iter().map(|engine| found.get(engine).copied()).collect();
            if dollars.iter().all(Option::is_some) {
                let sum = sums.entry(suite.to_owned()).or_insert_with(|| vec![Some(0.0); engines.len()]);
                for (sum, one) in sum.iter_mut().zip(&dollars) {
                    *sum = sum.zip(*one).map(|(sum, one)| sum + one);
                }
            }
            rows.push(Row { suite: suite.to_owned(), query: Some(query.to_owned()), dollars });
        }
        let sums = sums.into_iter().map(|(suite, dollars)| Row { suite, query: None, dollars });
        let rows = sums.chain(rows).collect();
        Self { engines, rows }
    }

    pub(super) fn table(&self) -> Table {
        let header = ["suite", "query"].map(str::to_owned).into_iter().chain(self.engines.iter().cloned());
        let mut table = plain_table(header, 2..2 + self.engines.len());
        for row in &self.rows {
            table.add_row(row.cells());
        }
        table
    }

    /// A section for the page of a report.
    pub(super) fn html(&self, instance_type: &str, per_hour: f64) -> String {
        let mut text = format!(
            "<section id=\"cost\"><h2>Cost</h2><p>Dollars for 1,000 runs: {per_hour} $ an hour of a machine ({}), times the median time.</p><table><thead><tr>",
            escaped(instance_type)
        );
        for head in ["suite", "query"].into_iter().chain(self.engines.iter().map(String::as_str)) {
            let _ = write!(text, "<th>{}</th>", escaped(head));
        }
        text += "</tr></thead><tbody>";
        for row in &self.rows {
            text += "<tr>";
            for cell in row.cells() {
                let _ = write!(text, "<td>{}</td>", escaped(&cell));
            }
            text += "</tr>";
        }
        text + "</tbody></table></section>"
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let query = self.query.clone().unwrap_or_else(|| "all that all answered".to_owned());
        let dollars = self.dollars.iter().map(|dollars| dollars.map_or_else(|| "-".to_owned(), told));
        [self.suite.clone(), query].into_iter().chain(dollars).collect()
    }
}

/// Three digits that count, for amounts from cents down to millionths.
pub(super) fn told(dollars: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few digits")]
    let decimals = if dollars > 0.0 { (2.0 - dollars.log10().floor()).clamp(2.0, 8.0) as usize } else { 2 };
    format!("{dollars:.decimals$}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use querydyno::host::record::metric;

    use super::*;

    fn record(cell: &str, seconds: f64) -> Record {
        let mut record: Record = serde_json::from_str(include_str!("../../../tests/records/measured.json")).unwrap();
        record.metrics.set(metric::TIME, [seconds * 1e9]);
        record.id = cell.parse().unwrap();
        record
    }

    #[test]
    fn a_second_at_36_dollars_an_hour_is_10_dollars_for_1000_runs() {
        let records =
            [record("a/q10/sf1/parquet", 1.0), record("a/q2/sf1/parquet", 2.0), record("b/q2/sf1/parquet", 0.5)];
        let costs = Costs::of(&records.iter().collect::<Vec<_>>(), 36.0);
        let told: Vec<Vec<String>> = costs.rows.iter().map(Row::cells).collect();
        let suite = records[0].dataset.suite.as_str();
        assert_eq!(told[0], [suite, "all that all answered", "20.00", "5.00"]);
        assert_eq!(told[1], [suite, "q2", "20.00", "5.00"]);
        assert_eq!(told[2], [suite, "q10", "10.00", "-"]);
        assert!(costs.html("c6i.large", 36.0).contains("<td>20.00</td>"));
    }

    #[test]
    fn told_has_three_digits_that_count() {
        assert_eq!(
            [told(12.345), told(0.123_45), told(0.000_123_4), told(0.0)],
            ["12.35", "0.123", "0.000123", "0.00"].map(str::to_owned)
        );
    }
}

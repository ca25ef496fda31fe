//! What a query takes and what it costs, by engine: [`Grid`], a table of median times, or of dollars for 1,000 runs, the price of an hour
//! times the median time.
//!
//! Only verified answers are in it, and in the line of a suite only queries that all engines of the table have answered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use querydyno::host::record::Record;
use querydyno::host::report::natural;
use querydyno::host::terminal::output::plain_table;
use querydyno::protocol::units::Nanos;

use super::plan::REPORT_TAKES;

/// Nanoseconds of an hour.
const HOUR: f64 = 3.6e12;
const RUNS: f64 = 1000.0;

/// Values by suite and query, then by engine.
#[derive(Debug)]
pub(super) struct Grid {
    /// As an attribute of HTML, and as people read it.
    name: [&'static str; 2],
    about: String,
    engines: Vec<String>,
    /// In the order of the suite's queries as far as names tell it.
    rows: Vec<Row>,
    shown: fn(f64) -> String,
}

#[derive(Debug)]
struct Row {
    suite: String,
    /// None: the whole suite, those queries that all have answered.
    query: Option<String>,
    values: Vec<Option<f64>>,
}

/// A suite, and a query of it: as it is sorted, and its name.
type Place<'a> = (&'a str, (&'a str, u64, &'a str), &'a str);

impl Grid {
    /// Dollars for 1,000 runs on a machine of this type, at its price an hour.
    pub(super) fn of_costs(records: &[&Record], instance_type: &str, per_hour: f64) -> Self {
        let about = format!(
            "Dollars for 1,000 runs: {per_hour} $ an hour of a machine ({instance_type}), times the median time."
        );
        Self::new(["cost", "Cost"], about, records, told, |median| median / HOUR * per_hour * RUNS)
    }

    /// Medians of a few runs each, of which a report would not tell.
    pub(super) fn of_times(records: &[&Record], runs: usize) -> Self {
        let about = format!(
            "Medians of {runs} runs. A report takes {REPORT_TAKES}, for an interval: these are not ranked, and close ones tell no winner."
        );
        Self::new(["time", "Time"], about, records, |median| Nanos(median).to_string(), |median| median)
    }

    /// Of the newest ranked record of each cell, by its median in nanoseconds.
    fn new(
        name: [&'static str; 2],
        about: String,
        records: &[&Record],
        shown: fn(f64) -> String,
        value: impl Fn(f64) -> f64,
    ) -> Self {
        let mut cells: BTreeMap<Place<'_>, BTreeMap<String, f64>> = BTreeMap::new();
        let mut engines = BTreeSet::new();
        for record in records.iter().filter(|record| record.ranks()) {
            let Some(median) = record.median_ns() else { continue };
            engines.insert(record.id.engine.clone());
            let query = record.id.query.as_str();
            let row = (record.dataset.suite.as_str(), natural(query), query);
            cells.entry(row).or_default().insert(record.id.engine.clone(), value(median));
        }
        let engines: Vec<String> = engines.into_iter().collect();
        let (mut rows, mut sums): (Vec<Row>, BTreeMap<String, Vec<Option<f64>>>) = (Vec::new(), BTreeMap::new());
        for ((suite, _, query), found) in cells {
            let values: Vec<Option<f64>> = engines.iter().map(|engine| found.get(engine).copied()).collect();
            if values.iter().all(Option::is_some) {
                let sum = sums.entry(suite.to_owned()).or_insert_with(|| vec![Some(0.0); engines.len()]);
                for (sum, one) in sum.iter_mut().zip(&values) {
                    *sum = sum.zip(*one).map(|(sum, one)| sum + one);
                }
            }
            rows.push(Row { suite: suite.to_owned(), query: Some(query.to_owned()), values });
        }
        let sums = sums.into_iter().map(|(suite, values)| Row { suite, query: None, values });
        let rows = sums.chain(rows).collect();
        Self { name, about, engines, rows, shown }
    }

    /// For a terminal.
    pub(super) fn text(&self) -> String {
        let header = ["suite", "query"].map(str::to_owned).into_iter().chain(self.engines.iter().cloned());
        let mut table = plain_table(header, 2..2 + self.engines.len());
        for row in &self.rows {
            table.add_row(self.cells(row));
        }
        format!("{}\n\n{table}\n", self.about)
    }

    /// A section for the page of a report.
    pub(super) fn html(&self) -> String {
        let [id, title] = self.name;
        let mut text =
            format!("<section id=\"{id}\"><h2>{title}</h2><p>{}</p><table><thead><tr>", escaped(&self.about));
        for head in ["suite", "query"].into_iter().chain(self.engines.iter().map(String::as_str)) {
            let _ = write!(text, "<th>{}</th>", escaped(head));
        }
        text += "</tr></thead><tbody>";
        for row in &self.rows {
            text += "<tr>";
            for cell in self.cells(row) {
                let _ = write!(text, "<td>{}</td>", escaped(&cell));
            }
            text += "</tr>";
        }
        text + "</tbody></table></section>"
    }

    fn cells(&self, row: &Row) -> Vec<String> {
        let query = row.query.clone().unwrap_or_else(|| "all that all answered".to_owned());
        let values = row.values.iter().map(|value| value.map_or_else(|| "-".to_owned(), self.shown));
        [row.suite.clone(), query].into_iter().chain(values).collect()
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
        let records: Vec<&Record> = records.iter().collect();
        let costs = Grid::of_costs(&records, "c6i.large", 36.0);
        let told: Vec<Vec<String>> = costs.rows.iter().map(|row| costs.cells(row)).collect();
        let suite = records[0].dataset.suite.as_str();
        assert_eq!(told[0], [suite, "all that all answered", "20.00", "5.00"]);
        assert_eq!(told[1], [suite, "q2", "20.00", "5.00"]);
        assert_eq!(told[2], [suite, "q10", "10.00", "-"]);
        assert!(costs.html().contains("<td>20.00</td>") && costs.text().starts_with("Dollars for 1,000 runs: 36 $"));
        let times = Grid::of_times(&records, 5);
        assert_eq!(times.cells(&times.rows[1]), [suite, "q2", "2.00 s", "500 ms"]);
    }

    #[test]
    fn told_has_three_digits_that_count() {
        assert_eq!(
            [told(12.345), told(0.123_45), told(0.000_123_4), told(0.0)],
            ["12.35", "0.123", "0.000123", "0.00"].map(str::to_owned)
        );
    }
}

//! CSV as pandas and spreadsheets write it, with a [`Mapping`]. Rows that differ in nothing but figures are samples of one result.

use std::collections::HashMap;

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord};

use super::mapping::Mapping;
use super::times;
use super::told::{End, Found, Told};
use super::units::amount;
use crate::host::record::{Metric, Metrics, metric};
use crate::protocol::id::Scale;

/// The rule by which names are made, as people read it.
pub(super) const RULE: &str =
    "the mapping names the columns; rows that differ in nothing but figures are samples of one result";

/// What stands for nothing in a cell, besides nothing itself.
const MISSING: [&str; 8] = ["nan", "na", "n/a", "none", "null", "<na>", "nat", "-"];

/// What stands in a column of errors where there was none, in whatever case.
const NO_ERROR: [&str; 4] = ["false", "0", "0.0", "no"];

/// What is in a file.
///
/// # Errors
/// When the mapping cannot be used, which is no matter of the file.
pub(super) fn read(bytes: &[u8], mapping: &Mapping) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let separator = u8::try_from(mapping.separator).unwrap_or(b',');
    let mut reader = ReaderBuilder::new().delimiter(separator).from_reader(bytes);
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return Ok(Found::nothing("line 1", error.to_string())),
    };
    let rows = Rows { mapping, header, time_unit: mapping.time_unit()?, memory_unit: mapping.memory_unit()? };
    if let Some(reason) = rows.lacks() {
        return Ok(Found::nothing("line 1", reason));
    }
    let (mut results, mut places) = (Vec::<(Told, Vec<Metric>)>::new(), HashMap::new());
    let mut failed = 0;
    let mut lines = Lines::new(bytes);
    for row in reader.records() {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                let line = error.position().map_or_else(|| "a line".to_owned(), |at| lines.name(at));
                found.misfit(&line, reason(&error));
                continue;
            }
        };
        let place = row.position().map_or_else(|| "a line".to_owned(), |at| lines.name(at));
        match rows.read(&row) {
            Ok((facts, told)) => {
                failed += usize::from(told.end != End::Measured);
                let known = *places.entry(facts).or_insert(results.len());
                if known == results.len() {
                    results.push((Told { place, ..Told::default() }, Vec::new()));
                }
                merge(&mut results[known], told);
            }
            Err(reason) => found.misfit(&place, reason),
        }
    }
    if failed > 0 {
        found.note(format!("rows with an error: {failed}; their results have failed, whatever other rows of them say"));
    }
    for (mut told, figures) in results {
        if told.end == End::Measured {
            told.metrics.extend(figures);
        }
        found.told.push(told);
    }
    Ok(found)
}

/// Why a row cannot be read; in the reader's own words the line may be another one.
fn reason(error: &csv::Error) -> String {
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} columns where the first line has {expected_len}")
        }
        ErrorKind::Utf8 { err, .. } => format!("is no text in UTF-8: {err}"),
        _ => error.to_string(),
    }
}

/// Numbers of lines. The reader's own count is one line behind where lines end in CR and LF, and where empty ones are left out.
struct Lines<'a> {
    bytes: &'a [u8],
    /// Up to here they are counted.
    at: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, line: 1 }
    }

    /// The line in which a row begins that the reader began to read here; rows are asked for in their order.
    fn name(&mut self, position: &Position) -> String {
        let start = usize::try_from(position.byte()).unwrap_or(usize::MAX).min(self.bytes.len());
        let blank = self.bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let start = (start + blank).max(self.at);
        let passed = &self.bytes[self.at..start];
        let next = passed.iter().skip(1).chain(self.bytes.get(start));
        // A CR before an LF is a part of it.
        let is_end = |(byte, next): &(&u8, &u8)| **byte == b'\n' || (**byte == b'\r' && **next != b'\n');
        self.line += passed.iter().zip(next).filter(is_end).count();
        self.at = start;
        format!("line {}", self.line)
    }
}

/// Adds a row to its result.
fn merge((result, figures): &mut (Told, Vec<Metric>), row: Told) {
    for metric in row.metrics.clone() {
        match figures.iter_mut().find(|other| other.name == metric.name) {
            Some(known) => known.values.extend(metric.values),
            None => figures.push(metric),
        }
    }
    let (place, rows, failed) = (result.place.clone(), result.rows + 1, result.end.clone());
    *result = Told { place, rows, metrics: Metrics::default(), ..row };
    if failed != End::Measured {
        result.end = failed;
    }
}

/// Reads rows of one file.
struct Rows<'a> {
    mapping: &'a Mapping,
    header: StringRecord,
    time_unit: f64,
    memory_unit: Option<f64>,
}

impl Rows<'_> {
    /// The first column that the mapping names and the file does not have.
    fn lacks(&self) -> Option<String> {
        let mut named = self.mapping.columns.values().chain(self.mapping.figures.values().map(|figure| &figure.column));
        let lacking = named.find(|column| !self.header.iter().any(|other| other == column.as_str()))?;
        let has: Vec<&str> = self.header.iter().collect();
        Some(format!("there is no column '{lacking}', which the mapping names; there are: {}", has.join(", ")))
    }

    fn column<'r>(&self, row: &'r StringRecord, column: &str) -> Option<&'r str> {
        let place = self.header.iter().position(|other| other == column)?;
        row.get(place).map(str::trim)
    }

    /// What a row has of a field that is not a figure.
    fn fact(&self, row: &StringRecord, field: &str) -> Option<String> {
        let told = self.mapping.columns.get(field).and_then(|column| self.column(row, column));
        let told = told.filter(|text| !text.is_empty() && !MISSING.contains(&text.to_lowercase().as_str()));
        told.map(str::to_owned).or_else(|| self.mapping.constants.get(field).cloned())
    }

    /// A figure of a row: none where the cell is empty.
    fn figure(&self, row: &StringRecord, what: &str, column: &str, factor: f64) -> Result<Option<f64>, String> {
        let Some(text) = self.column(row, column).filter(|text| !text.is_empty()) else { return Ok(None) };
        let value: f64 = text.parse().map_err(|_| format!("{what} is '{text}', which is no number"))?;
        amount(what, value, factor).map(Some)
    }

    /// All that tells a row from others of its file, and what it is.
    fn read(&self, row: &StringRecord) -> Result<(Vec<Option<String>>, Told), String> {
        let facts =
            ["engine", "query", "variant", "suite", "scale", "threads", "version", "machine", "started_at", "commit"]
                .map(|field| self.fact(row, field));
        let [engine, query, variant, suite, scale, threads, version, machine, started_at, commit] = facts.clone();
        let mut told = Told {
            text: Some(format!("{} {}", engine.as_deref().unwrap_or_default(), query.as_deref().unwrap_or_default())),
            engine: engine.ok_or("has no engine")?,
            query: query.ok_or("has no query")?,
            axes: variant.into_iter().collect(),
            suite,
            scale: scale.map(|scale| scale.parse::<Scale>()).transpose().map_err(|error| error.to_string())?,
            threads: threads.map(|threads| whole(&threads)).transpose()?,
            version,
            started_at: started_at.map(|date| self.date(&date)).transpose()?,
            // Whether its source was changed is not told, so it is no commit as records have them.
            settings: commit.map(|commit| ("commit".to_owned(), commit)).into_iter().collect(),
            ..Told::default()
        };
        told.host.name = machine;
        let columns = &self.mapping.columns;
        let time = columns.get("time").map(|column| self.figure(row, "time", column, self.time_unit));
        let time = time.transpose().map(Option::flatten);
        let error = self.fact(row, "error").filter(|text| !NO_ERROR.contains(&text.to_lowercase().as_str()));
        if let Some(error) = error {
            told.end = End::Failed(error);
            return Ok((facts.into(), told));
        }
        told.metrics.set(metric::TIME, [time?.ok_or("has no time")?]);
        if let (Some(column), Some(unit)) = (columns.get("peak_memory"), self.memory_unit) {
            told.metrics.set(metric::PEAK_MEMORY, self.figure(row, "peak_memory", column, unit)?);
        }
        for (name, figure) in &self.mapping.figures {
            if let Some(value) = self.figure(row, name, &figure.column, 1.0)? {
                told.metrics.put(metric::imported(name, &figure.unit, [value]));
            }
        }
        Ok((facts.into(), told))
    }

    fn date(&self, text: &str) -> Result<String, String> {
        let read = match &self.mapping.date_format {
            Some(format) => times::date_in(text, format),
            None => times::date(text).map(|date| date.utc).or_else(|| times::epoch(text.parse().ok()?)),
        };
        read.ok_or_else(|| {
            format!("started_at is '{text}', which is no date; date_format in the mapping says how it is written")
        })
    }
}

/// A count, which pandas writes as `4.0` where others are missing.
fn whole(text: &str) -> Result<u64, String> {
    let value: f64 = text.parse().map_err(|_| format!("threads is '{text}', which is no number"))?;
    let is_whole = value.is_finite() && value >= 1.0 && value.fract() == 0.0;
    if is_whole { Ok(metric::whole(value)) } else { Err(format!("threads is '{text}', which is no number of threads")) }
}

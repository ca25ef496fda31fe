//! A record that somebody hands over: read as the journal's own, and looked at more closely than those, since nobody here has written it.

use anyhow::{Result, ensure};
use serde::de::IgnoredAny;

use crate::host::record::{Record, metric, parse};
use crate::server::problem::Problem;

/// A name in a record: of a run, an engine, a figure.
const LONGEST: usize = 300;
/// Figures of a record, and values of one of them.
const FIGURES: usize = 500;
const VALUES: usize = 100_000;

/// The texts of a JSON list's elements. They are not read as values first, which would cost the last digit of some figures.
///
/// # Errors
/// When it is no list.
pub(super) fn elements(text: &[u8]) -> Result<Vec<&[u8]>, Problem> {
    let wrong = |why: String| Problem::new("invalid-record", format!("the body is no list of records: {why}"));
    let mut rest = text.trim_ascii().strip_prefix(b"[").ok_or_else(|| wrong("it does not begin with [".to_owned()))?;
    let mut all = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        if all.is_empty() && rest == b"]" {
            return Ok(all);
        }
        let mut elements = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
        let element = elements.next().unwrap_or(Ok(IgnoredAny));
        element.map_err(|error| wrong(format!("element {}: {error}", all.len())))?;
        let (element, behind) = rest.split_at(elements.byte_offset());
        all.push(element);
        match behind.trim_ascii_start() {
            b"]" => return Ok(all),
            [b',', more @ ..] => rest = more,
            _ => return Err(wrong(format!("it does not go on with , or ] behind element {}", all.len() - 1))),
        }
    }
}

/// The record in a text; `what` is which of the request's it is.
///
/// # Errors
/// Why it is none that can be kept.
pub(super) fn read(text: &[u8], what: &str) -> Result<Record, Problem> {
    let wrong = |why: String| Problem::new("invalid-record", format!("{what} cannot be kept: {why}"));
    let record = parse(text, None).map_err(|error| wrong(format!("{:#}", anyhow::Error::from(error))))?;
    check(&record).map_err(|error| wrong(format!("{error:#}")))?;
    Ok(record)
}

fn check(record: &Record) -> Result<()> {
    let run = record.run_id.as_deref().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    ensure!(
        !run.is_empty() && run.len() <= LONGEST && run.chars().all(is_plain) && !run.contains(".."),
        "run_id is missing, or has other characters than letters, digits, '-', '_', ':' and '.'"
    );
    ensure!(
        chrono::DateTime::parse_from_rfc3339(&record.started_at).is_ok(),
        "started_at is no time such as 2026-11-20T12:00:00.000Z"
    );
    let names =
        [&record.id.engine, &record.id.query, &record.id.variant, &record.dataset.suite, &record.dataset.format];
    for name in names.into_iter().chain([&record.engine.name, &record.query.id]) {
        ensure!(
            name.len() <= LONGEST && !name.chars().any(char::is_control),
            "a name is too long, or has control characters"
        );
    }
    ensure!(!record.dataset.suite.is_empty(), "dataset.suite is missing");
    let figures: Vec<_> = record.metrics.clone().into_iter().collect();
    ensure!(figures.len() <= FIGURES, "it has more than {FIGURES} figures");
    for figure in figures {
        let name = &figure.name;
        ensure!(name.len() <= LONGEST && !name.chars().any(char::is_control), "the name of a figure is too long");
        ensure!(figure.values.len() <= VALUES, "'{name}' has more than {VALUES} values");
        let least = if name == metric::TIME.name { f64::MIN_POSITIVE } else { 0.0 };
        let is_right = |value: &f64| value.is_finite() && (*value >= least || name.starts_with("imported:"));
        ensure!(figure.values.iter().all(is_right), "'{name}' has a value that is none");
    }
    Ok(())
}

//! The page: what a reader asks first comes first.

mod beyond;
mod changes;
mod details;
mod inspected;
mod origins;
mod pictures;
mod results;
mod standing;

use anyhow::Result;

use super::Report;
use super::document::{Block, Document};
use super::left_out::told;

/// Lays a report out.
pub(super) fn document(report: &Report<'_>, pictures: bool) -> Result<Document> {
    let mut blocks = vec![Block::Text(intro(report))];
    if let Some(changes) = &report.changes {
        blocks.extend(changes::blocks(changes));
    }
    for (index, group) in report.groups.iter().enumerate() {
        let main = report.groups.first().filter(|_| index > 0);
        blocks.extend(standing::blocks(group, main, report.audits));
        blocks.extend(results::blocks(group));
        if pictures {
            blocks.extend(pictures::blocks(group, index)?);
        }
        blocks.push(Block::More("Every cell of these, with its record".to_owned(), vec![details::table(group)]));
    }
    blocks.extend(beyond::blocks(report, pictures)?);
    blocks.extend(inspected::blocks(report.inspected));
    if !report.left_out.is_empty() {
        blocks.push(Block::Heading(2, "Left out".to_owned()));
        blocks.push(Block::List(told(&report.left_out)));
    }
    blocks.extend(origins::blocks(report));
    Ok(Document { title: "QueryDyno report".to_owned(), blocks })
}

fn intro(report: &Report<'_>) -> String {
    let records = || report.groups.iter().flat_map(super::Group::cells).map(super::group::Cell::record);
    let cells = records().count();
    if cells == 0 {
        return "No cell has a time here; a bench takes some: `cargo bench -- q6`.".to_owned();
    }
    let right = records().filter(|record| record.ranks()).count();
    let day = |time: &str| time.split('T').next().unwrap_or_default().to_owned();
    let first = records().map(|record| day(&record.started_at)).min().unwrap_or_default();
    let last = records().map(|record| day(&record.started_at)).max().unwrap_or_default();
    let when = if first == last { format!("on {first}") } else { format!("from {first} to {last}") };
    let mut text = format!("{}, {right} of them measured with a verified answer, {when}.", counted(cells, "cell"));
    if report.groups.len() > 1 {
        text += &format!(
            " They were taken under {} sets of conditions, which are never ranked with each other.",
            report.groups.len()
        );
    }
    if !report.left_out.is_empty() {
        text += &format!(" Left out: {}, named at the end.", counted(report.left_out.len(), "result"));
    }
    text
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

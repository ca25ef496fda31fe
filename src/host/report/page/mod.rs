//! The page, [`Report::document`]: what a reader asks first comes first.

mod beyond;
mod changes;
mod details;
mod inspected;
mod origins;
mod pictures;
mod results;
mod standing;
mod support;
mod warm_up;

use anyhow::Result;

use super::Report;
use super::conditions::counted;
use super::document::{Block, Document};
use super::group::{Cell, Group};
use super::left_out::told;
use super::view::View;

impl Report<'_> {
    /// Lays it out; pictures are drawn only where they are wanted.
    ///
    /// # Errors
    /// When a picture cannot be drawn.
    pub fn document(&self, pictures: bool) -> Result<Document> {
        self.document_as(View { pictures, ..View::default() })
    }

    /// The same as far as a view shows it.
    ///
    /// # Errors
    /// As [`document`](Self::document).
    pub fn document_as(&self, view: View) -> Result<Document> {
        let pictures = view.pictures;
        let mut blocks = vec![Block::Text(intro(self))];
        blocks.extend(self.changes.iter().flat_map(changes::blocks));
        for (index, group) in self.groups.iter().enumerate() {
            let main = self.groups.first().filter(|_| index > 0);
            blocks.extend(standing::blocks(group, main, self.audits));
            blocks.extend(results::blocks(group, view));
            if pictures {
                blocks.extend(pictures::blocks(group, index)?);
            }
            blocks.push(Block::More("Every cell of these, with its record".to_owned(), vec![details::table(group)]));
        }
        blocks.extend(beyond::blocks(self, pictures)?);
        blocks.extend(inspected::blocks(self.inspected));
        if !self.left_out.is_empty() {
            blocks.extend([Block::Heading(2, "Left out".to_owned()), Block::List(told(&self.left_out))]);
        }
        blocks.push(origins::block(self));
        Ok(Document { title: "QueryDyno report".to_owned(), blocks })
    }
}

fn intro(report: &Report<'_>) -> String {
    let records = || report.groups.iter().flat_map(Group::cells).map(Cell::record);
    let cells = records().count();
    if cells == 0 {
        return "No cell has a time here; a bench takes some: `cargo bench -- q6`.".to_owned();
    }
    let right = records().filter(|record| record.ranks()).count();
    let days = || records().filter_map(|record| record.started_at.split('T').next());
    let (first, last) = (days().min().unwrap_or_default(), days().max().unwrap_or_default());
    let when = if first == last { format!("on {first}") } else { format!("from {first} to {last}") };
    let mut text = format!("{}, {right} of them measured with a verified answer, {when}.", counted(cells, "cell"));
    let groups = report.groups.len();
    if groups > 1 {
        text += &format!(" They were taken under {groups} sets of conditions, which are never ranked with each other.");
    }
    if !report.left_out.is_empty() {
        text += &format!(" Left out: {}, named at the end.", counted(report.left_out.len(), "result"));
    }
    text
}

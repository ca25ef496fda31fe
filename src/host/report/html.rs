//! A report as one HTML file: no script, no network, light and dark, and fit for paper.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::document::{Block, Document, Table, TableCell, Tone};
use super::picture::{self, Picture};

/// The style of tables and pictures; belongs behind that of the pictures.
pub(crate) const STYLE: &str = include_str!("html.css");

/// The document as a page.
pub fn render(document: &Document) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (document.title) }
                style { (PreEscaped(picture::STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                header { h1 { (document.title) } }
                main { (blocks(&document.blocks)) }
            }
        }
    }
    .into_string()
}

fn blocks(blocks: &[Block]) -> Markup {
    html! {
        @for block in blocks {
            @match block {
                Block::Heading(2, text) => h2 { (text) },
                Block::Heading(_, text) => h3 { (text) },
                Block::Text(text) => p { (text) },
                Block::List(points) => ul { @for point in points { li { (point) } } },
                Block::Lines(lines) => div.wide tabindex="0" { pre { (lines.join("\n")) } },
                Block::Table(table) => (self::table(table)),
                Block::Pictures(pictures) => div class=(shape(pictures)) {
                    @for picture in pictures { figure { (PreEscaped(picture.inline())) } }
                },
                Block::More(title, inner) => details { summary { (title) } (self::blocks(inner)) },
            }
        }
    }
}

/// How pictures stand: small ones in a narrow grid, others in a wide one.
fn shape(pictures: &[Picture]) -> &'static str {
    match pictures {
        // Drawn smaller, its numbers could not be read: it is scrolled.
        [one] if one.width > 800 => "pictures whole",
        [_] => "pictures",
        [first, ..] if first.width < 400 => "pictures small",
        _ => "pictures large",
    }
}

fn table(table: &Table) -> Markup {
    html! {
        // Focusable, so that a keyboard can scroll what is wider than the page.
        div.wide tabindex="0" role="region" aria-label=(table.caption) {
            table {
                caption { (table.caption) }
                thead { tr {
                    @for (column, title) in table.header.iter().enumerate() {
                        th scope="col" class=[(column < table.keys).then_some("key")] { (title) }
                    }
                } }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (column, cell) in row.iter().enumerate() {
                                @if column == 0 && table.keys > 0 {
                                    th scope="row" class="key" { (content(cell)) }
                                } @else {
                                    td class=[class(cell, column < table.keys)] title=[(!cell.note.is_empty()).then_some(&cell.note)] {
                                        (content(cell))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn content(cell: &TableCell) -> Markup {
    html! {
        (cell.text)
        @if !cell.aside.is_empty() { " " small { (cell.aside) } }
    }
}

fn class(cell: &TableCell, key: bool) -> Option<&'static str> {
    match cell.tone {
        _ if key => Some("key"),
        Tone::Plain => None,
        Tone::Strong => Some("strong"),
        Tone::Soft => Some("soft"),
        Tone::Bad => Some("bad"),
    }
}

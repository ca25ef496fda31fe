//! A report as Markdown, for a pull request or a job's summary; pictures are links to files beside it.

use super::document::{Block, Document, Table, TableCell, Tone};
use super::picture::Picture;

/// The document as Markdown; `pictures` is the folder of its pictures as a link has it, if they were written.
pub fn render(document: &Document, pictures: Option<&str>) -> String {
    format!("# {}\n{}", escape(&document.title), blocks(&document.blocks, pictures))
}

fn blocks(blocks: &[Block], pictures: Option<&str>) -> String {
    let block = |block: &Block| match block {
        Block::Heading(level, heading) => format!("\n{} {}\n", "#".repeat(usize::from(*level)), escape(heading)),
        Block::Text(paragraph) => format!("\n{}\n", escape(paragraph)),
        Block::List(points) => {
            let lines: Vec<String> = points.iter().map(|point| format!("- {}", escape(point))).collect();
            format!("\n{}\n", lines.join("\n"))
        }
        // Tildes, since a plan may hold backticks; no line of a difference begins with one.
        Block::Lines(lines) => format!("\n~~~~diff\n{}\n~~~~\n", lines.join("\n")),
        Block::Table(shown) => table(shown),
        Block::Pictures(shown) => pictures.map_or_else(String::new, |folder| {
            let file = |picture: &Picture| address(&format!("{folder}/{}.svg", picture.name));
            let link = |picture: &Picture| format!("![{}](<{}>)", escape(&picture.alt), file(picture));
            format!("\n{}\n", shown.iter().map(link).collect::<Vec<_>>().join("\n"))
        }),
        Block::More(title, inner) => {
            let inner = self::blocks(inner, pictures);
            format!("\n<details><summary>{}</summary>\n{inner}\n</details>\n", escape(title))
        }
    };
    blocks.iter().map(block).collect()
}

fn table(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let rule = (0..table.header.len()).map(|column| if column < table.keys { "---" } else { "---:" }.to_owned());
    let mut text = format!("\n{}\n\n", escape(&table.caption));
    text += &line(table.header.iter().map(|title| escape(title)).collect());
    text += &line(rule.collect());
    for row in &table.rows {
        text += &line(row.iter().map(cell).collect());
    }
    text
}

fn cell(cell: &TableCell) -> String {
    let text = escape(&cell.text);
    let text = if cell.tone == Tone::Strong && !text.is_empty() { format!("**{text}**") } else { text };
    if cell.aside.is_empty() { text } else { format!("{text} ({})", escape(&cell.aside)) }
}

/// A file's path as a link's address, which stands between angle brackets: they hold spaces and round brackets.
fn address(path: &str) -> String {
    let escaped = |c: char| match c {
        '<' | '>' | '\\' | '%' | '#' | '?' | '\n' | '\r' => format!("%{:02X}", u32::from(c)),
        _ => c.to_string(),
    };
    path.chars().map(escaped).collect()
}

/// The text with what Markdown would read as its own taken back.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '_' | '`' | '[' | ']' | '#' | '\\' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\n' => escaped.push(' '),
            _ => escaped.push(c),
        }
    }
    escaped
}

//! A report for a terminal: at most 100 columns, colours only where they are wanted.

use console::{Alignment, Style, measure_text_width, pad_str};

use super::document::{Block, Document, Table, TableCell, Tone};

/// Columns of text.
const WIDTH: usize = 100;
/// Columns for what names a row, where something stands beside it.
const NAMING: usize = 60;
/// Between two columns of a table.
const GAP: &str = "  ";

/// The document as text; `colors` says whether the reader's terminal takes them.
pub fn render(document: &Document, colors: bool) -> String {
    let painter = Painter { colors };
    let strong = |text: &str| painter.lines(Tone::Strong, text, WIDTH).join("\n");
    let mut text = format!("{}\n", strong(&document.title));
    for block in &document.blocks {
        let rendered = match block {
            Block::Heading(_, heading) => format!("\n{}", strong(heading)),
            Block::Text(paragraph) => wrap(paragraph, ""),
            Block::List(points) => points.iter().map(|point| wrap(point, "  ")).collect::<Vec<_>>().join("\n"),
            Block::Lines(lines) => lines.iter().flat_map(|line| pieces(line, WIDTH)).collect::<Vec<_>>().join("\n"),
            Block::Table(table) => painter.table(table),
            Block::Pictures(_) | Block::More(..) => continue,
        };
        text += &format!("{rendered}\n");
    }
    text
}

struct Painter {
    colors: bool,
}

impl Painter {
    fn paint(&self, tone: Tone, text: &str) -> String {
        let style = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Strong => Style::new().bold(),
            Tone::Soft => Style::new().dim(),
            Tone::Bad => Style::new().red(),
        };
        style.force_styling(self.colors).apply_to(text).to_string()
    }

    fn lines(&self, tone: Tone, text: &str, width: usize) -> Vec<String> {
        fold(text, width).iter().map(|line| self.paint(tone, line)).collect()
    }

    /// The cell in lines; what belongs to its text stands behind it where both fit, else below.
    fn cell(&self, cell: &TableCell, width: usize) -> Vec<String> {
        if cell.aside.is_empty() {
            self.lines(cell.tone, &cell.text, width)
        } else if natural(cell) <= width {
            vec![format!("{} {}", self.paint(cell.tone, &cell.text), self.paint(Tone::Soft, &cell.aside))]
        } else {
            [self.lines(cell.tone, &cell.text, width), self.lines(Tone::Soft, &cell.aside, width)].concat()
        }
    }

    /// The table, in as many parts below each other as its width takes; the naming columns are in each.
    fn table(&self, table: &Table) -> String {
        let limits = limits(table);
        let cells =
            |row: &Vec<TableCell>| row.iter().zip(&limits).map(|(cell, limit)| self.cell(cell, *limit)).collect();
        let shown: Vec<Vec<Vec<String>>> = table.rows.iter().map(cells).collect();
        // A title takes as many lines as it has words.
        let words =
            |(title, limit): (&String, &usize)| title.split(' ').flat_map(|word| pieces(word, *limit)).collect();
        let header: Vec<Vec<String>> = table.header.iter().zip(&limits).map(words).collect();
        let widths: Vec<usize> = (0..header.len())
            .map(|column| {
                let lines = shown.iter().flat_map(|row| &row[column]).chain(&header[column]);
                lines.map(|line| measure_text_width(line)).max().unwrap_or_default()
            })
            .collect();
        let padded = |column: usize, text: Option<&String>, lines: usize| {
            // Figures end below each other; names and what takes several lines begin so.
            let side = if column < table.keys || lines > 1 { Alignment::Left } else { Alignment::Right };
            pad_str(text.map_or("", String::as_str), widths[column], side, None).into_owned()
        };
        let part = |columns: &Vec<usize>| {
            let tallest =
                |row: &[Vec<String>]| columns.iter().map(|column| row[*column].len()).max().unwrap_or_default();
            let line = |cell: &dyn Fn(usize) -> String| {
                let cells: Vec<String> = columns.iter().map(|column| cell(*column)).collect();
                cells.join(GAP).trim_end().to_owned()
            };
            let height = tallest(&header);
            // Titles end on the same line.
            let word = |column: usize, at: usize| header[column].get((at + header[column].len()).checked_sub(height)?);
            let mut lines: Vec<String> =
                (0..height).map(|at| line(&|column| padded(column, word(column, at), 1))).collect();
            for row in &shown {
                let cell = |column: usize, at: usize| padded(column, row[column].get(at), row[column].len());
                lines.extend((0..tallest(row)).map(|at| line(&|column| cell(column, at))));
            }
            lines.join("\n")
        };
        let parts: Vec<String> = split(&widths, table.keys).iter().map(part).collect();
        format!("\n{}\n{}", wrap(&table.caption, ""), parts.join("\n\n"))
    }
}

/// How wide a cell is in one line.
fn natural(cell: &TableCell) -> usize {
    let aside = if cell.aside.is_empty() { 0 } else { 1 + measure_text_width(&cell.aside) };
    measure_text_width(&cell.text) + aside
}

/// How wide each column may become: those that name a row leave room beside them, each other one takes all of that.
fn limits(table: &Table) -> Vec<usize> {
    let naming: Vec<usize> = (0..table.keys)
        .map(|column| {
            let cells = table.rows.iter().map(|row| natural(&row[column]));
            cells.chain(table.header[column].split(' ').map(measure_text_width)).max().unwrap_or_default()
        })
        .collect();
    let alone = table.keys == table.header.len();
    let room = if alone { WIDTH + GAP.len() } else { NAMING };
    let taken = |limit: usize| naming.iter().map(|width| (*width).min(limit) + GAP.len()).sum::<usize>();
    // Narrow names stay whole; the widest give way.
    let name = (1..=WIDTH).rev().find(|limit| taken(*limit) <= room).unwrap_or(1);
    let other = WIDTH.saturating_sub(taken(name)).max(1);
    (0..table.header.len()).map(|column| if column < table.keys { name } else { other }).collect()
}

/// Which columns stand beside each other, so that each part fits the width; the naming columns are in every part.
fn split(widths: &[usize], keys: usize) -> Vec<Vec<usize>> {
    let naming: Vec<usize> = (0..keys).collect();
    let named: usize = naming.iter().map(|column| widths[*column] + GAP.len()).sum();
    let mut parts = vec![naming.clone()];
    let mut used = named;
    for (column, width) in widths.iter().enumerate().skip(keys) {
        if used + width > WIDTH && used > named {
            parts.push(naming.clone());
            used = named;
        }
        used += width + GAP.len();
        parts.last_mut().into_iter().for_each(|part| part.push(column));
    }
    parts
}

/// The paragraph in lines; `indent` is before each but the first, which has it with a dash when it is one of a list.
fn wrap(paragraph: &str, indent: &str) -> String {
    let first = if indent.is_empty() { "" } else { "- " };
    format!("{first}{}", fold(paragraph, WIDTH - indent.len()).join(&format!("\n{indent}")))
}

/// The text in lines of at most `width` columns, at least one: broken between words, and within a word that is longer.
fn fold(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in text.split_whitespace().flat_map(|word| pieces(word, width)) {
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = piece,
            Some(line) if measure_text_width(line) + 1 + measure_text_width(&piece) <= width => {
                *line += &format!(" {piece}");
            }
            _ => lines.push(piece),
        }
    }
    lines
}

/// The word in pieces of at most `width` columns: one piece for nearly every word.
fn pieces(word: &str, width: usize) -> Vec<String> {
    if measure_text_width(word) <= width {
        return vec![word.to_owned()];
    }
    let mut pieces = vec![String::new()];
    for c in word.chars() {
        match pieces.last_mut() {
            Some(piece) if piece.is_empty() || measure_text_width(&format!("{piece}{c}")) <= width => piece.push(c),
            _ => pieces.push(c.to_string()),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(blocks: Vec<Block>) -> String {
        let text = render(&Document { title: "t".repeat(120), blocks }, false);
        for line in text.lines() {
            assert!(measure_text_width(line) <= WIDTH, "{line}\nin\n{text}");
        }
        text
    }

    fn table(keys: usize, rows: Vec<Vec<TableCell>>) -> Block {
        let header = ["query", "engine", "time"].map(str::to_owned).into();
        Block::Table(Table { caption: String::new(), keys, header, rows })
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken() {
        let long = format!("before {} after", "x".repeat(250));
        let text = rendered(vec![Block::Text(long.clone()), Block::List(vec![long])]);
        assert_eq!(text.matches('x').count(), 500);
        assert!(text.contains("before\nxxx") && text.contains("- before\n  xxx"), "{text}");
    }

    #[test]
    fn a_wide_cell_takes_several_lines_wherever_it_is() {
        let long = "x".repeat(300);
        let words = "word ".repeat(60);
        for keys in 0..=3 {
            for column in 0..3 {
                for (wide, letter, count) in [(&long, 'x', 300), (&words, 'w', 60)] {
                    let mut row = ["q1", "duckdb", "1 ms"].map(TableCell::from);
                    row[column] = TableCell { aside: "z".repeat(150), ..TableCell::from(wide.as_str()) };
                    let text = rendered(vec![table(keys, vec![row.into()])]);
                    // A naming column stands in every part.
                    let parts = text.matches('z').count() / 150;
                    assert!(parts > 0 && text.matches('z').count() == parts * 150, "{text}");
                    assert_eq!(text.matches(letter).count(), parts * count, "{text}");
                }
            }
        }
    }

    #[test]
    fn what_fits_stays_on_its_line() {
        let row = |name: &str, time: &str| ["q1", name, time].map(TableCell::from).into();
        let text = rendered(vec![table(2, vec![row("duckdb", "9 ms"), row("x", "10 ms")])]);
        assert!(text.ends_with("query  engine   time\nq1     duckdb   9 ms\nq1     x       10 ms\n"), "{text}");
    }
}

//! A report as headings, tables and pictures, before anyone has decided whether it is seen in a terminal or a browser.

use super::picture::Picture;

/// A whole report.
#[derive(Debug, Default)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// What it says, in order.
    pub blocks: Vec<Block>,
}

/// A part of a document.
#[derive(Debug)]
pub enum Block {
    /// A heading; 2 is the highest level below the title.
    Heading(u8, String),
    /// A paragraph.
    Text(String),
    /// Points of equal weight.
    List(Vec<String>),
    /// Lines as they are, such as a difference: blanks at their beginning count.
    Lines(Vec<String>),
    /// A table.
    Table(Table),
    /// Pictures that belong together.
    Pictures(Vec<Picture>),
    /// What most readers do not need: folded where there is a way to, and left out of a terminal.
    More(String, Vec<Block>),
}

/// A table; its first columns name a row.
#[derive(Debug, Default)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// How many columns at the left name a row.
    pub keys: usize,
    /// The titles of the columns.
    pub header: Vec<String>,
    /// The rows, each with a cell for every column.
    pub rows: Vec<Vec<TableCell>>,
}

/// A cell of a table.
#[derive(Debug, Clone, Default)]
pub struct TableCell {
    /// What it says.
    pub text: String,
    /// What belongs to it and weighs less: a ratio beside a time.
    pub aside: String,
    /// How much it weighs.
    pub tone: Tone,
    /// What there is to say about it where a pointer can rest on it.
    pub note: String,
}

/// How a cell is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tone {
    /// As usual.
    #[default]
    Plain,
    /// The best of its row.
    Strong,
    /// Of little weight.
    Soft,
    /// Something went wrong.
    Bad,
}

impl Table {
    /// A table whose first `keys` columns name a row.
    pub fn new(
        caption: impl Into<String>,
        keys: usize,
        header: impl IntoIterator<Item = impl Into<String>>,
        rows: impl IntoIterator<Item = Vec<TableCell>>,
    ) -> Self {
        let header = header.into_iter().map(Into::into).collect();
        Self { caption: caption.into(), keys, header, rows: rows.into_iter().collect() }
    }
}

impl<T: Into<String>> From<T> for TableCell {
    fn from(text: T) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

impl Document {
    /// Every picture in it.
    pub fn pictures(&self) -> Vec<&Picture> {
        fn of(blocks: &[Block]) -> Vec<&Picture> {
            let all = blocks.iter().flat_map(|block| match block {
                Block::Pictures(pictures) => pictures.iter().collect(),
                Block::More(_, blocks) => of(blocks),
                _ => Vec::new(),
            });
            all.collect()
        }
        of(&self.blocks)
    }
}

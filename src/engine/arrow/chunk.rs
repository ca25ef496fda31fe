//! A column chunk: its pages, decompressed by the `parquet` crate, and the values of wanted rows out of them.
//!
//! Late materialisation is why the plans do not use the crate's reader for arrow: a predicate is computed once for each
//! value of the dictionary, rows are told apart by their codes alone, and no other row's value is ever made. A chunk
//! with other encodings than PLAIN and dictionary codes, or that can hold NULL, the crate decodes as a whole.

use std::borrow::Cow;
use std::cell::Cell;
use std::iter::repeat_n;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::column::reader::get_column_reader;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;

use super::physical::Physical;
use super::rows::Rows;
use super::runs::{BLOCK, BLOCK_ROWS, Run, code_at, cut, unpack};
use crate::engine::Result;
use crate::engine::stored::Chunks;

/// The pages of a column chunk that hold wanted rows.
#[derive(Debug)]
pub struct Chunk<P> {
    column: &'static str,
    dictionary: Option<Page>,
    pages: Vec<Page>,
    /// Rising, and none empty.
    stretches: Vec<Stretch>,
    physical: PhantomData<P>,
}

/// Rows that lie in one page in one way.
#[derive(Debug)]
struct Stretch {
    rows: Range<u32>,
    page: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Codes(Run),
    /// The page's values, one for each of the rows.
    Plain,
}

/// What [`Chunk::blocks`] gives of a few rows.
enum Block<'a, 'b, P: Physical> {
    /// A code for each of the rows.
    Codes(&'b [u32], Rows<'b>),
    /// One code for all of the rows.
    Same(u32, Rows<'b>),
    /// The slot of row r is at position r less this number.
    Plain(&'b [P::Slot<'a>], u32, Rows<'b>),
}

impl<P: Physical> Chunk<P> {
    /// Reads a column chunk of `total` rows; its pages without a wanted row stay compressed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(
        column: &'static str,
        file: &Chunks,
        metadata: &ColumnChunkMetaData,
        total: u32,
        wanted: &Rows<'_>,
    ) -> Result<Self> {
        let mut chunk =
            Self { column, dictionary: None, pages: Vec::new(), stretches: Vec::new(), physical: PhantomData };
        if wanted.is_empty() {
            return Ok(chunk);
        }
        let (start, length) = metadata.byte_range();
        // One read, where the crate's reader over a file would make two seeks and two reads for each page. The bytes
        // are the chunk alone, so the places in it are moved to its beginning.
        let bytes = Arc::new(file.get_bytes(start, usize::try_from(length)?)?);
        let moved = |offset: i64| Ok::<_, anyhow::Error>(offset - i64::try_from(start)?);
        let metadata = metadata
            .clone()
            .into_builder()
            .set_data_page_offset(moved(metadata.data_page_offset())?)
            .set_dictionary_page_offset(metadata.dictionary_page_offset().map(moved).transpose()?)
            .build()?;
        let reader = || SerializedPageReader::new(Arc::clone(&bytes), &metadata, total as usize, None);
        let descriptor = metadata.column_descr_ptr();
        let flat = descriptor.max_def_level() == 0 && descriptor.max_rep_level() == 0;
        if !flat || !chunk.add_pages(reader()?, total, wanted.clone())? {
            let plain = P::decode(get_column_reader(descriptor, Box::new(reader()?)), total as usize)?;
            // Plain values, as the page of a dictionary has them.
            let (buf, encoding) = (plain.into(), Encoding::PLAIN);
            chunk.pages = vec![Page::DictionaryPage { buf, num_values: total, encoding, is_sorted: false }];
            chunk.stretches = vec![Stretch { rows: 0..total, page: 0, kind: Kind::Plain }];
        }
        Ok(chunk)
    }

    /// Whether every page could be taken as it is.
    fn add_pages(&mut self, mut reader: impl PageReader, total: u32, mut wanted: Rows<'_>) -> Result<bool> {
        let mut row = 0_u32;
        while let Some(next) = reader.peek_next_page()? {
            if next.is_dict {
                self.dictionary = reader.get_next_page()?;
                if !matches!(
                    self.dictionary,
                    Some(Page::DictionaryPage { encoding: Encoding::PLAIN | Encoding::PLAIN_DICTIONARY, .. })
                ) {
                    return Ok(false);
                }
                continue;
            }
            let Some(count) = next.num_levels else { return Ok(false) };
            let end = u32::try_from(count).ok().and_then(|count| row.checked_add(count));
            let end = end.filter(|end| *end <= total).context("a page has more rows than its row group")?;
            if wanted.take_before(end).is_empty() {
                reader.skip_next_page()?;
            } else {
                let page = reader.get_next_page()?.context("a page is missing")?;
                if !self.add_page(page, row..end) {
                    return Ok(false);
                }
            }
            row = end;
        }
        ensure!(row == total, "the column has {row} of its row group's {total} rows");
        Ok(true)
    }

    /// Whether the page could be taken as it is.
    fn add_page(&mut self, data: Page, rows: Range<u32>) -> bool {
        if let Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } = data
            && (def_levels_byte_len, rep_levels_byte_len) != (0, 0)
        {
            return false;
        }
        let Ok(page) = u32::try_from(self.pages.len()) else { return false };
        match data.encoding() {
            Encoding::PLAIN => self.stretches.push(Stretch { rows, page, kind: Kind::Plain }),
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                let mut start = rows.start;
                let cut = cut(data.buffer(), rows.end - rows.start, |count, run| {
                    self.stretches.push(Stretch { rows: start..start + count, page, kind: Kind::Codes(run) });
                    start += count;
                });
                if cut.is_none() {
                    return false;
                }
            }
            _ => return false,
        }
        self.pages.push(data);
        true
    }

    /// What `f` makes of the values of these rows, which must be among those that were wanted.
    ///
    /// # Errors
    /// When the chunk is not what the format says.
    pub fn map<'a, T: Copy + Default>(&'a self, rows: &Rows<'_>, f: impl Fn(P::Value<'a>) -> T) -> Result<Vec<T>> {
        let dictionary = self.dictionary()?;
        let dictionary = &dictionary[..];
        let f = |slot| f(P::value(slot));
        let mut mapped = Vec::with_capacity(rows.len());
        // Where the dictionary is shorter than the rows, fewer values are made and looked at.
        if dictionary.len() <= rows.len() {
            let table: Vec<T> = dictionary.iter().map(|slot| f(*slot)).collect();
            self.map_slots(rows, &table, |value| value, f, &mut mapped)?;
        } else {
            self.map_slots(rows, dictionary, f, f, &mut mapped)?;
        }
        Ok(mapped)
    }

    fn map_slots<'a, S: Copy, T: Copy + Default>(
        &'a self,
        rows: &Rows<'_>,
        table: &[S],
        of_table: impl Fn(S) -> T + Copy,
        of_slot: impl Fn(P::Slot<'a>) -> T + Copy,
        mapped: &mut Vec<T>,
    ) -> Result<()> {
        let unknown = Unknown::default();
        self.blocks(rows, |block| {
            // Copies of its own, or the compiler loads them again for each row, behind each value that it stores.
            let (table, of_table, of_slot) = (table, of_table, of_slot);
            let of_code = |code: u32| table.get(code as usize).map_or_else(|| unknown.note(code), |s| of_table(*s));
            let of_row = |slots: &[_], row: u32, first| {
                slots.get((row - first) as usize).map_or_else(|| unknown.note(row), |slot| of_slot(*slot))
            };
            match block {
                Block::Codes(codes, _) => mapped.extend(codes.iter().map(|&code| of_code(code))),
                Block::Same(code, rows) => mapped.extend(repeat_n(of_code(code), rows.len())),
                Block::Plain(slots, first, Rows::Range(rows)) => {
                    mapped.extend(rows.map(|row| of_row(slots, row, first)));
                }
                Block::Plain(slots, first, Rows::Some(rows)) => {
                    mapped.extend(rows.iter().map(|&row| of_row(slots, row, first)));
                }
            }
        })?;
        unknown.check().with_context(|| self.column)
    }

    /// Those of the rows whose values `f` lets through; they must be among those that were wanted.
    ///
    /// # Errors
    /// As [`map`](Self::map).
    pub fn filter<'a>(&'a self, rows: &Rows<'_>, f: impl Fn(P::Value<'a>) -> bool) -> Result<Vec<u32>> {
        let dictionary = self.dictionary()?;
        let dictionary = &dictionary[..];
        let f = |slot| f(P::value(slot));
        let mut kept = Vec::with_capacity(rows.len());
        if dictionary.len() <= rows.len() {
            let table: Vec<bool> = dictionary.iter().map(|slot| f(*slot)).collect();
            self.filter_slots(rows, &table, |passes| passes, f, &mut kept)?;
        } else {
            self.filter_slots(rows, dictionary, f, f, &mut kept)?;
        }
        Ok(kept)
    }

    fn filter_slots<'a, S: Copy>(
        &'a self,
        rows: &Rows<'_>,
        table: &[S],
        of_table: impl Fn(S) -> bool + Copy,
        of_slot: impl Fn(P::Slot<'a>) -> bool + Copy,
        kept: &mut Vec<u32>,
    ) -> Result<()> {
        let unknown = Unknown::default();
        let mut block_kept = [0; BLOCK];
        self.blocks(rows, |block| {
            let (table, of_table, of_slot) = (table, of_table, of_slot);
            let of_code = |code: u32| table.get(code as usize).map_or_else(|| unknown.note(code), |s| of_table(*s));
            let of_row = |slots: &[_], row: u32, first| {
                slots.get((row - first) as usize).map_or_else(|| unknown.note(row), |slot| of_slot(*slot))
            };
            match block {
                Block::Codes(codes, Rows::Range(rows)) => {
                    let passes = codes.iter().map(|&code| of_code(code));
                    kept.extend_from_slice(compact(&mut block_kept, rows.zip(passes)));
                }
                Block::Codes(codes, Rows::Some(rows)) => {
                    let passes = codes.iter().map(|&code| of_code(code));
                    kept.extend_from_slice(compact(&mut block_kept, rows.iter().copied().zip(passes)));
                }
                Block::Same(code, rows) => {
                    if of_code(code) {
                        kept.extend(rows.iter());
                    }
                }
                Block::Plain(slots, first, rows) => {
                    kept.extend(rows.iter().filter(|&row| of_row(slots, row, first)));
                }
            }
        })?;
        unknown.check().with_context(|| self.column)
    }

    /// The dictionary's values; none where there is no dictionary.
    fn dictionary(&self) -> Result<Cow<'_, [P::Slot<'_>]>> {
        match &self.dictionary {
            Some(Page::DictionaryPage { buf, num_values, .. }) => P::slots(buf, *num_values as usize),
            _ => P::slots(&[], 0),
        }
    }

    /// Gives `each` the rows in their order, some at a time.
    fn blocks<'a>(&'a self, rows: &Rows<'_>, mut each: impl FnMut(Block<'a, '_, P>)) -> Result<()> {
        let mut left = rows.clone();
        let mut codes = [0; BLOCK];
        let mut some = [0; BLOCK];
        let from = left.first().unwrap_or_default();
        for stretch in &self.stretches[self.stretches.partition_point(|stretch| stretch.rows.end <= from)..] {
            let Some(row) = left.first() else { break };
            let first = stretch.rows.start;
            ensure!(row >= first, "row {row} of {} was not read", self.column);
            let mut wanted = left.take_before(stretch.rows.end);
            if wanted.is_empty() {
                continue;
            }
            let page = self.pages[stretch.page as usize].buffer();
            match stretch.kind {
                Kind::Plain => each(Block::Plain(&P::slots(page, stretch.rows.len())?, first, wanted)),
                Kind::Codes(Run::Same(code)) => each(Block::Same(code, wanted)),
                Kind::Codes(Run::Packed { at, width }) => {
                    let packed = &page[at as usize..];
                    while !wanted.is_empty() {
                        let block = wanted.take(BLOCK_ROWS);
                        let codes = match &block {
                            Rows::Range(rows) => {
                                let positions = (rows.start - first) as usize..(rows.end - first) as usize;
                                unpack(packed, width, positions, &mut codes)
                            }
                            Rows::Some(rows) => pick(packed, width, first, rows, &mut codes, &mut some),
                        };
                        each(Block::Codes(codes, block));
                    }
                }
            }
        }
        ensure!(left.is_empty(), "row {:?} of {} was not read", left.first(), self.column);
        Ok(())
    }
}

/// Whether a code was met that no value belongs to. Told at the end, so that no row pays for it.
#[derive(Default)]
struct Unknown(Cell<Option<u32>>);

impl Unknown {
    /// Anything to go on with.
    #[cold]
    fn note<T: Default>(&self, code: u32) -> T {
        self.0.set(Some(code));
        T::default()
    }

    fn check(&self) -> Result<()> {
        match self.0.get() {
            None => Ok(()),
            Some(code) => bail!("no value belongs to {code}, a dictionary's code or a row"),
        }
    }
}

/// The codes of single rows of a packed run that begins with row `first`.
fn pick<'a>(
    packed: &[u8],
    width: u8,
    first: u32,
    rows: &[u32],
    codes: &mut [u32; BLOCK],
    some: &'a mut [u32; BLOCK],
) -> &'a [u32] {
    let some = &mut some[..rows.len()];
    let (Some(&from), Some(&to)) = (rows.first(), rows.last()) else { return some };
    let span = (from - first) as usize..(to - first) as usize + 1;
    // Unpacking them all is cheaper by the row than picking one out.
    if span.len() <= BLOCK_ROWS && span.len() <= 3 * rows.len() {
        let codes = unpack(packed, width, span, codes);
        for (code, row) in some.iter_mut().zip(rows) {
            *code = codes[(row - from) as usize];
        }
    } else {
        for (code, row) in some.iter_mut().zip(rows) {
            *code = code_at(packed, width, (row - first) as usize);
        }
    }
    some
}

/// The rows that pass, without a branch on whether they do.
fn compact(kept: &mut [u32; BLOCK], rows: impl Iterator<Item = (u32, bool)>) -> &[u32] {
    let mut count = 0;
    for (row, passes) in rows {
        kept[count] = row;
        count += usize::from(passes);
    }
    &kept[..count]
}

#[cfg(test)]
mod tests;

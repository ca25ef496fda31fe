//! The three ways in which Parquet stores what the plans read, as types; and a column's name with how it is stored.
//!
//! Nothing here reads a file. Every other type of Parquet is an error that names the column.

use std::borrow::Cow;
use std::fmt::Debug;
use std::marker::PhantomData;

use anyhow::{Context, ensure};
use parquet::basic::{ConvertedType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::schema::types::ColumnDescriptor;

use crate::engine::Result;

/// A physical type of Parquet.
pub trait Physical: Debug + Copy + Send + Sync {
    /// A value in memory.
    type Value<'a>: Copy;
    /// A value among others in Parquet's encoding PLAIN.
    type Slot<'a>: Copy;

    /// Finds so many values.
    ///
    /// # Errors
    /// When the bytes hold fewer.
    fn slots(plain: &[u8], count: usize) -> Result<Cow<'_, [Self::Slot<'_>]>>;

    /// The value.
    fn value(slot: Self::Slot<'_>) -> Self::Value<'_>;

    /// Has the crate decode so many values, whatever their encoding, and gives them in the encoding PLAIN.
    ///
    /// # Errors
    /// When it cannot, or one is NULL.
    fn decode(reader: ColumnReader, rows: usize) -> Result<Vec<u8>>;
}

/// INT64: numbers and decimals.
#[derive(Debug, Clone, Copy)]
pub struct Long;

/// INT32: numbers and days.
#[derive(Debug, Clone, Copy)]
pub struct Short;

/// `BYTE_ARRAY`: text.
#[derive(Debug, Clone, Copy)]
pub struct Text;

impl Physical for Long {
    type Value<'a> = i64;
    type Slot<'a> = [u8; 8];

    fn slots(plain: &[u8], count: usize) -> Result<Cow<'_, [[u8; 8]]>> {
        Ok(Cow::Borrowed(plain.as_chunks().0.get(..count).context(SHORT)?))
    }

    fn value(slot: Self::Slot<'_>) -> Self::Value<'_> {
        i64::from_le_bytes(slot)
    }

    fn decode(reader: ColumnReader, rows: usize) -> Result<Vec<u8>> {
        let values = records(get_typed_column_reader::<Int64Type>(reader), rows)?;
        Ok(values.into_iter().flat_map(i64::to_le_bytes).collect())
    }
}

impl Physical for Short {
    type Value<'a> = i32;
    type Slot<'a> = [u8; 4];

    fn slots(plain: &[u8], count: usize) -> Result<Cow<'_, [[u8; 4]]>> {
        Ok(Cow::Borrowed(plain.as_chunks().0.get(..count).context(SHORT)?))
    }

    fn value(slot: Self::Slot<'_>) -> Self::Value<'_> {
        i32::from_le_bytes(slot)
    }

    fn decode(reader: ColumnReader, rows: usize) -> Result<Vec<u8>> {
        let values = records(get_typed_column_reader::<Int32Type>(reader), rows)?;
        Ok(values.into_iter().flat_map(i32::to_le_bytes).collect())
    }
}

impl Physical for Text {
    type Value<'a> = &'a [u8];
    type Slot<'a> = &'a [u8];

    fn slots(mut plain: &[u8], count: usize) -> Result<Cow<'_, [&[u8]]>> {
        // Not room for `count` at once: it is a file's claim. A text takes four bytes at least.
        let mut texts = Vec::with_capacity(count.min(plain.len() / 4));
        for _ in 0..count {
            let (length, rest) = plain.split_first_chunk().context(SHORT)?;
            let length = usize::try_from(u32::from_le_bytes(*length))?;
            let (text, rest) = rest.split_at_checked(length).context(SHORT)?;
            texts.push(text);
            plain = rest;
        }
        Ok(Cow::Owned(texts))
    }

    fn value(slot: Self::Slot<'_>) -> Self::Value<'_> {
        slot
    }

    fn decode(reader: ColumnReader, rows: usize) -> Result<Vec<u8>> {
        let mut plain = Vec::new();
        for text in records::<ByteArrayType>(get_typed_column_reader(reader), rows)? {
            let text: &ByteArray = &text;
            plain.extend(u32::try_from(text.len())?.to_le_bytes());
            plain.extend(text.data());
        }
        Ok(plain)
    }
}

const SHORT: &str = "a page holds fewer values than it says";

fn records<T: DataType>(mut reader: ColumnReaderImpl<T>, rows: usize) -> Result<Vec<T::T>> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let (records, ..) = reader.read_records(rows - read, Some(&mut levels), None, &mut values)?;
        ensure!(records > 0, "the column ends after {read} of {rows} rows");
        read += records;
    }
    ensure!(values.len() == rows, "the column has a NULL, and the plan is for columns without");
    Ok(values)
}

/// A column that a plan reads.
#[derive(Debug, Clone, Copy)]
pub struct Column<P> {
    name: &'static str,
    stored: Stored,
    physical: PhantomData<P>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Key,
    Money,
    Day,
    Number,
    Text,
}

impl Column<Long> {
    /// A column of INT64 without further meaning.
    pub const fn key(name: &'static str) -> Self {
        Self { name, stored: Stored::Key, physical: PhantomData }
    }

    /// A column of DECIMAL(15,2), in hundredths.
    pub const fn money(name: &'static str) -> Self {
        Self { name, stored: Stored::Money, physical: PhantomData }
    }
}

impl Column<Short> {
    /// A column of DATE, in days since 1970-01-01.
    pub const fn day(name: &'static str) -> Self {
        Self { name, stored: Stored::Day, physical: PhantomData }
    }

    /// A column of INT32 without further meaning.
    pub const fn number(name: &'static str) -> Self {
        Self { name, stored: Stored::Number, physical: PhantomData }
    }
}

impl Column<Text> {
    /// A column of UTF-8 text.
    pub const fn text(name: &'static str) -> Self {
        Self { name, stored: Stored::Text, physical: PhantomData }
    }
}

/// A column of any type, by its name.
pub trait Named: Sync {
    /// The column's name.
    fn name(&self) -> &'static str;
}

impl<P: Physical> Named for Column<P> {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl<P> Column<P> {
    /// Whether a file stores the column as the plan reads it.
    ///
    /// # Errors
    /// Tells both when not.
    pub fn check(&self, found: &ColumnDescriptor) -> Result<()> {
        let (physical, meaning) = (found.physical_type(), found.converted_type());
        let fits = match self.stored {
            Stored::Key => physical == Type::INT64 && matches!(meaning, ConvertedType::NONE | ConvertedType::INT_64),
            // Any other scale would be taken for hundredths.
            Stored::Money => {
                (physical, meaning) == (Type::INT64, ConvertedType::DECIMAL)
                    && (found.type_precision(), found.type_scale()) == (15, 2)
            }
            Stored::Day => (physical, meaning) == (Type::INT32, ConvertedType::DATE),
            Stored::Number => physical == Type::INT32 && matches!(meaning, ConvertedType::NONE | ConvertedType::INT_32),
            Stored::Text => (physical, meaning) == (Type::BYTE_ARRAY, ConvertedType::UTF8),
        };
        ensure!(
            fits && found.max_rep_level() == 0,
            "column {} is {meaning} of {physical}, precision {}, scale {}; the plan is for {:?}",
            self.name,
            found.type_precision(),
            found.type_scale(),
            self.stored
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_are_found() {
        let longs = [1_i64, -2].map(i64::to_le_bytes).concat();
        assert_eq!(Long::slots(&longs, 2).unwrap().iter().map(|slot| Long::value(*slot)).collect::<Vec<_>>(), [1, -2]);
        let shorts = [1_i32, -2].map(i32::to_le_bytes).concat();
        assert_eq!(Short::slots(&shorts, 1).unwrap().iter().map(|slot| Short::value(*slot)).collect::<Vec<_>>(), [1]);
        let texts = b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0c";
        assert_eq!(Text::slots(texts, 3).unwrap(), [&b"ab"[..], b"", b"c"].as_slice());
    }

    #[test]
    fn bytes_that_end_early_are_an_error() {
        assert!(Long::slots(&[0; 15], 2).is_err());
        assert!(Short::slots(&[0; 7], 2).is_err());
        assert!(Text::slots(b"\x02\0\0\0a", 1).is_err());
        assert!(Text::slots(b"\x02\0\0\0ab", usize::MAX).is_err());
    }
}

//! Whether a query's sums and products may exceed an engine's integers: [`caution`].
//!
//! Most engines add whole numbers in 64 bits and multiply them in their columns' width, and wrap beyond that without a word. Two of
//! these agree on a wrong number. Footers tell how large the values are, so that such an agreement is not taken for the truth.

use std::collections::BTreeMap;

use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::Type;

use crate::host::sql::{Text, has_word};
use crate::protocol::dataset::{Integers, OVERFLOW_CAUTION, Table};

/// The largest values of the integer columns of a file, by column; nested ones are left out.
pub(super) fn integers(footer: &ParquetMetaData) -> BTreeMap<String, Integers> {
    let fields = footer.file_metadata().schema_descr().columns().iter().enumerate();
    let integers = fields.filter(|(_, column)| column.path().parts().len() == 1);
    let integers = integers.filter_map(|(place, column)| {
        let width = width(column.self_type())?;
        let chunks = footer.row_groups().iter().map(|group| group.column(place));
        let largest = chunks.map(|chunk| largest(chunk.statistics(), width)).max().unwrap_or(0);
        Some((column.name().to_owned(), Integers { bits: width.bits, largest }))
    });
    integers.collect()
}

/// Takes in what another file of the table has.
pub(super) fn widen(known: &mut BTreeMap<String, Integers>, other: BTreeMap<String, Integers>) {
    for (name, found) in other {
        let known = known.entry(name).or_insert(found);
        known.largest = known.largest.max(found.largest);
        known.bits = known.bits.max(found.bits);
    }
}

/// What to know of a query over these tables whose sums or products may be too large for an engine's integers.
pub(crate) fn caution(tables: &[Table], sql: &str) -> Option<String> {
    let text = Text::read(sql);
    let names = text.names();
    let columns = tables.iter().flat_map(|table| {
        let rows = u128::from(table.rows);
        table.integers.iter().map(move |(name, integers)| (name, integers, rows))
    });
    let read: Vec<_> = columns.filter(|(name, ..)| names.contains(&name.to_lowercase())).collect();
    let meant: Vec<&str> = text.meant().map(|token| text.of(token)).collect();
    let multiplies = meant.windows(2).any(|pair| pair[1] == "*" && !is_all(pair[0]));
    let sums = has_word(sql, &["sum"]);
    let bits = read.iter().map(|(_, integers, _)| integers.bits).max()?;
    let mut largest: Vec<u128> = read.iter().map(|(_, integers, _)| integers.largest).collect();
    largest.sort_unstable();
    let most = largest.pop()?;
    let product = most.saturating_mul(largest.pop().unwrap_or(most));
    let rows = read.iter().map(|(.., rows)| *rows).max().unwrap_or(0);
    let term = if multiplies { product } else { most };
    let too_large = (multiplies && product >> (bits - 1) > 0) || (sums && term.saturating_mul(rows) >> 63 > 0);
    let columns: Vec<&str> = read.iter().map(|(name, ..)| name.as_str()).collect();
    too_large.then(|| format!("what is computed from {} {OVERFLOW_CAUTION}", columns.join(", ")))
}

/// Whether a star after this means all columns or rows.
fn is_all(before: &str) -> bool {
    ["select", "distinct", "all", ".", ",", "("].iter().any(|word| word.eq_ignore_ascii_case(before))
}

/// How the values of an integer column are stored.
#[derive(Clone, Copy)]
struct Width {
    bits: u32,
    unsigned: bool,
}

fn width(field: &Type) -> Option<Width> {
    let bits = match field.get_physical_type() {
        Physical::INT32 => 32,
        Physical::INT64 => 64,
        _ => return None,
    };
    let info = field.get_basic_info();
    let unsigned = match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::Integer(int)), _) => !int.is_signed,
        (None, ConvertedType::UINT_32 | ConvertedType::UINT_64) => true,
        (None, ConvertedType::NONE | ConvertedType::INT_32 | ConvertedType::INT_64) => false,
        // Dates, times, decimals; and numbers too small for their sums to matter.
        _ => return None,
    };
    Some(Width { bits, unsigned })
}

/// The largest value of a chunk without its sign: that of the type, where the footer tells no range.
fn largest(statistics: Option<&Statistics>, Width { bits, unsigned }: Width) -> u128 {
    let range = match statistics {
        Some(Statistics::Int32(found)) => {
            found.min_opt().zip(found.max_opt()).map(|(min, max)| (i64::from(*min), i64::from(*max)))
        }
        Some(Statistics::Int64(found)) => found.min_opt().copied().zip(found.max_opt().copied()),
        _ => None,
    };
    match range {
        None => 1 << (bits - 1),
        Some((_, max)) if unsigned && bits == 32 => u128::from(max.cast_unsigned() & u64::from(u32::MAX)),
        Some((_, max)) if unsigned => u128::from(max.cast_unsigned()),
        Some((min, max)) => u128::from(min.unsigned_abs().max(max.unsigned_abs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(columns: &[(&str, u32, u128)], rows: u64, sql: &str) -> Option<String> {
        let integers = columns.iter().map(|(name, bits, largest)| {
            let integers = Integers { bits: *bits, largest: *largest };
            ((*name).to_owned(), integers)
        });
        caution(&[Table { rows, integers: integers.collect(), ..Table::default() }], sql)
    }

    #[test]
    fn caution_is_told_of_sums_that_may_exceed_64_bits() {
        let ids = [("id", 64, 1 << 60), ("k", 32, 50)];
        assert!(told(&ids, 1000, "SELECT sum(id) FROM t").is_some_and(|text| text.contains("from id ")));
        assert_eq!(told(&ids, 7, "SELECT sum(id) FROM t"), None);
        assert_eq!(told(&ids, 1000, "SELECT sum(k), count(*) FROM t"), None);
        assert_eq!(told(&ids, 1000, "SELECT max(id) FROM t"), None);
        assert_eq!(told(&ids, 1000, "SELECT id, 'sum' FROM t -- sum"), None);
    }

    #[test]
    fn caution_is_told_of_products_that_may_exceed_their_width() {
        let columns = [("price", 32, 1 << 20), ("qty", 32, 1 << 12), ("one", 32, 1)];
        assert!(told(&columns, 1, "SELECT price * qty FROM t").is_some());
        assert!(told(&columns, 1, "SELECT price * price FROM t").is_some());
        assert_eq!(told(&columns, 1, "SELECT price * one FROM t"), None);
        assert_eq!(told(&columns, 1, "SELECT price, qty, count(*), t.* FROM t"), None);
    }
}

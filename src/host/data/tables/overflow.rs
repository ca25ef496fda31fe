//! Whether a query's sums and products may exceed an engine's integers: [`caution`].
//!
//! Most engines add whole numbers in 64 bits and multiply them in their columns' width, and wrap beyond that without a word. Two of
//! these agree on a wrong number. Footers tell how large the values are, so that such an agreement is not taken for the truth.

use std::collections::BTreeMap;
use std::iter;

use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::statistics::Statistics;
use parquet::schema::types::Type;

use crate::host::sql::Text;
use crate::protocol::dataset::{Integers, OVERFLOW_CAUTION, Table};

/// The largest whole numbers of each column of a file, by its name or, within another, by the name of its part; 0 in a column of
/// anything else.
pub(super) fn integers(footer: &ParquetMetaData) -> BTreeMap<String, Integers> {
    let mut known = BTreeMap::new();
    for (place, column) in footer.file_metadata().schema_descr().columns().iter().enumerate() {
        let found = width(column.self_type()).map_or(NONE, |width| {
            let chunks = footer.row_groups().iter().map(|group| group.column(place));
            Integers { bits: width.bits, largest: chunks.map(|chunk| largest(chunk, width)).max().unwrap_or(0) }
        });
        // Parts of two columns may have one name.
        widen(&mut known, [(column.name().to_owned(), found)].into());
    }
    known
}

/// A column without whole numbers.
const NONE: Integers = Integers { bits: 128, largest: 0 };

/// Takes in what another file of the table has.
pub(super) fn widen(known: &mut BTreeMap<String, Integers>, other: BTreeMap<String, Integers>) {
    for (name, found) in other {
        let known = known.entry(name).or_insert(found);
        known.largest = known.largest.max(found.largest);
        known.bits = known.bits.max(found.bits);
    }
}

/// What to know of a query over these tables whose sums or products may be too large for an engine's integers.
///
/// Each part of the text between commas, keywords and comparisons is a term of its own: every `*` in it multiplies the largest
/// columns and numbers that it names, every `+` or `-` doubles that, and `sum` adds up as many as the largest table has rows. What
/// sums up no column of a table, but one that the text itself names, may be any of them. A join that gives more rows than the
/// largest table is not foreseen.
pub(crate) fn caution(tables: &[Table], sql: &str) -> Option<String> {
    let text = Text::read(sql);
    let rows = tables.iter().map(|table| u128::from(table.rows)).max()?;
    let meant: Vec<&str> = text.meant().map(|token| text.of(token)).collect();
    let all = || tables.iter().flat_map(|table| &table.integers).map(|(name, integers)| (name.as_str(), *integers));
    let ends = |word: &&str| ENDS.iter().any(|end| end.eq_ignore_ascii_case(word));
    meant.split(ends).find_map(|term| {
        let named = |name: &str| term.iter().any(|word| word.trim_matches(['"', '`']).eq_ignore_ascii_case(name));
        let named: Vec<_> = all().filter(|(name, _)| named(name)).collect();
        let columns = if named.is_empty() && sums(term) { all().collect() } else { named };
        exceeds(term, &columns, rows).then(|| {
            let terms = columns.iter().filter(|(_, found)| found.largest > 0).map(|(name, _)| *name);
            format!("what is computed from {} {OVERFLOW_CAUTION}", terms.collect::<Vec<_>>().join(", "))
        })
    })
}

/// What a term ends before.
const ENDS: [&str; 28] = [
    ",", "=", "<", ">", "!", ";", "select", "from", "where", "and", "or", "on", "using", "group", "by", "having",
    "order", "as", "case", "when", "then", "else", "end", "between", "limit", "union", "over", "filter",
];

fn sums(term: &[&str]) -> bool {
    term.iter().any(|word| word.eq_ignore_ascii_case("sum"))
}

fn exceeds(term: &[&str], columns: &[(&str, Integers)], rows: u128) -> bool {
    let Some(bits) = columns.iter().map(|(_, integers)| integers.bits).min() else { return false };
    let before = |operator: &str| term.windows(2).filter(|pair| pair[1] == operator && !is_all(pair[0])).count();
    let (products, additions) = (before("*"), before("+") + before("-"));
    let numbers = term.iter().filter_map(|word| word.parse::<u128>().ok());
    let mut factors: Vec<u128> = columns.iter().map(|(_, integers)| integers.largest).chain(numbers).collect();
    factors.sort_unstable_by(|a, b| b.cmp(a));
    let most = factors.first().copied().unwrap_or(0);
    let factors = factors.into_iter().chain(iter::repeat(most)).take(products + 1);
    let whole = factors.fold(1_u128, u128::saturating_mul);
    let whole = (0..additions).fold(whole, |sum, _| sum.saturating_mul(2));
    ((products + additions > 0) && whole >> (bits - 1) > 0) || (sums(term) && whole.saturating_mul(rows) >> 63 > 0)
}

/// Whether a star after this means all columns or rows.
fn is_all(before: &str) -> bool {
    ["distinct", "all", ".", "("].iter().any(|word| word.eq_ignore_ascii_case(before))
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
    let (bits, unsigned) = match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::Integer(int)), _) => (u32::try_from(int.bit_width).ok()?, !int.is_signed),
        (None, ConvertedType::UINT_32 | ConvertedType::UINT_64) => (bits, true),
        (None, ConvertedType::NONE | ConvertedType::INT_32 | ConvertedType::INT_64) => (bits, false),
        // Dates, times and decimals.
        _ => return None,
    };
    Some(Width { bits, unsigned })
}

/// The largest value of a chunk without its sign: that of the type, where the footer tells no range.
fn largest(chunk: &ColumnChunkMetaData, Width { bits, unsigned }: Width) -> u128 {
    let range: Option<(i64, i64)> = match chunk.statistics() {
        Some(Statistics::Int32(found)) => {
            found.min_opt().zip(found.max_opt()).map(|(min, max)| ((*min).into(), (*max).into()))
        }
        Some(Statistics::Int64(found)) => found.min_opt().copied().zip(found.max_opt().copied()),
        _ => None,
    };
    let nulls = chunk.statistics().and_then(Statistics::null_count_opt).unwrap_or(0);
    match range {
        None if i128::from(nulls) == i128::from(chunk.num_values()) => 0,
        None => 1 << if unsigned { bits } else { bits - 1 },
        Some((_, max)) if unsigned && bits <= 32 => u128::from(max.cast_unsigned() & u64::from(u32::MAX)),
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
        assert_eq!(told(&columns, 1, "SELECT price, qty, count(*), t.*, * FROM t"), None);
        assert!(told(&columns, 1, "SELECT price * 5000 FROM t").is_some());
        assert!(told(&columns, 1, "SELECT qty * qty * qty FROM t").is_some());
        assert!(told(&[("a", 32, 1 << 30)], 1, "SELECT a + a FROM t").is_some());
        assert!(told(&[("tiny", 8, 100)], 1, "SELECT tiny * tiny FROM t").is_some());
    }

    #[test]
    fn caution_looks_at_the_columns_of_the_term_alone() {
        let columns = [("price", 32, 1 << 20), ("qty", 32, 1 << 12), ("id", 64, 1 << 60)];
        assert!(told(&columns, 1, "SELECT price * qty FROM t WHERE id > 5").is_some());
        assert_eq!(told(&columns, 1000, "SELECT id, sum(qty) FROM t GROUP BY id"), None);
        assert!(told(&columns, 1000, "SELECT sum(x) FROM (SELECT * FROM t) q(x)").is_some());
        assert!(told(&columns, 1000, "SELECT sum(CAST(9223372036854775807 AS BIGINT)) FROM t").is_some());
        assert_eq!(told(&[("money", 128, 0), ("id", 64, 1 << 60)], 1000, "SELECT sum(money) FROM t"), None);
    }
}

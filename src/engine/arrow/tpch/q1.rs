//! TPC-H q1: sums and averages for each pair of flags. One pass; a group is an index into an array.

mod totals;

use std::cell::Cell;
use std::collections::HashMap;

use anyhow::Context;
use arrow::array::RecordBatch;

use self::totals::{Groups, Key, Totals, answer};
use super::columns::{L_DISCOUNT, L_EXTENDEDPRICE, L_LINESTATUS, L_QUANTITY, L_RETURNFLAG, L_SHIPDATE, L_TAX};
use super::{Names, Result, RowGroup, Tables};

/// 1998-12-01 less 90 days is 1998-09-02, in days since 1970-01-01.
const LAST_DAY: i32 = 10_471;

/// Rows that are summed up at a time, so that their columns stay in a core's second-level cache. The proof that the
/// sums fit 64 bits rests on it.
const BATCH_ROWS: usize = 1 << 14;

pub fn run(tables: &Tables, threads: usize) -> Result<RecordBatch> {
    let lineitem = tables.get("lineitem")?;
    let (flags, states) = (Names::default(), Names::default());
    let days = (L_SHIPDATE, i32::MIN..=LAST_DAY);
    let found = lineitem.fold(
        threads,
        &[&L_QUANTITY, &L_EXTENDEDPRICE, &L_DISCOUNT, &L_TAX, &L_RETURNFLAG, &L_LINESTATUS, &L_SHIPDATE],
        Some(&days),
        |groups: &mut Groups, row_group| add_row_group(groups, row_group, &flags, &states),
    )?;
    let mut all = Groups::new();
    for (key, totals) in found.into_iter().flatten() {
        all.entry(key).or_default().add(&totals)?;
    }
    answer(&all, &flags.texts(), &states.texts())
}

fn add_row_group(groups: &mut Groups, row_group: &RowGroup<'_>, flags: &Names, states: &Names) -> Result<()> {
    let rows = row_group.rows();
    let quantity = row_group.read(&L_QUANTITY, &rows)?;
    let price = row_group.read(&L_EXTENDEDPRICE, &rows)?;
    let discount = row_group.read(&L_DISCOUNT, &rows)?;
    let tax = row_group.read(&L_TAX, &rows)?;
    let returnflag = row_group.read(&L_RETURNFLAG, &rows)?;
    let linestatus = row_group.read(&L_LINESTATUS, &rows)?;
    let shipdate = row_group.read(&L_SHIPDATE, &rows)?;
    let mut left = rows;
    while !left.is_empty() {
        let rows = left.take(BATCH_ROWS);
        let flags = returnflag.map(&rows, |text| flags.number(text))?;
        let states = linestatus.map(&rows, |text| states.number(text))?;
        let wanted = shipdate.map(&rows, |day| day <= LAST_DAY)?;
        let numbered = Numbered::new(&flags, &states, &wanted);
        // Every bit of any quantity or price, of any discount or tax. Seen by the way, as values are made.
        let (amounts, rates) = (Cell::new(0), Cell::new(0));
        let seen = |bits: &Cell<i64>, value| {
            bits.set(bits.get() | value);
            value
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not used where bits are lost")]
        let batch = Batch::<u32, u8> {
            quantity: quantity.map(&rows, |value| seen(&amounts, value) as u32)?,
            price: price.map(&rows, |value| seen(&amounts, value) as u32)?,
            discount: discount.map(&rows, |value| seen(&rates, value) as u8)?,
            tax: tax.map(&rows, |value| seen(&rates, value) as u8)?,
        };
        // TPC-H's prices have 24 bits, its rates 4. A negative value has every bit above.
        if amounts.get() >> 31 == 0 && rates.get() >> 7 == 0 {
            numbered.add_to(groups, &batch.sum_narrow(&numbered))?;
        } else {
            let batch = Batch::<i64, i64> {
                quantity: quantity.map(&rows, |value| value)?,
                price: price.map(&rows, |value| value)?,
                discount: discount.map(&rows, |value| value)?,
                tax: tax.map(&rows, |value| value)?,
            };
            numbered.add_to(groups, &batch.sum_wide(&numbered)?)?;
        }
    }
    Ok(())
}

/// A batch's groups: a number for each row, and the flags for each number; rows of later days have one number more.
struct Numbered {
    numbers: Vec<u32>,
    keys: Vec<Key>,
}

/// Pairs of flags with numbers of so few bits are all numbered, whether or not they are there.
const FEW_BITS: u32 = 3;

impl Numbered {
    fn new(flags: &[u32], states: &[u32], wanted: &[bool]) -> Self {
        let pairs = flags.iter().zip(states);
        // All their bits together, as OR vectorises where a maximum does not.
        if pairs.clone().fold(0, |bits, (flag, state)| bits | flag | state) >> FEW_BITS == 0 {
            let all = 1 << FEW_BITS;
            let keys: Vec<_> = (0..all).flat_map(|flag| (0..all).map(move |state| (flag, state))).collect();
            let pairs = pairs.map(|(flag, state)| flag << FEW_BITS | state);
            return Self { numbers: without_later_days(pairs, wanted, all * all), keys };
        }
        let (mut numbers, mut keys) = (HashMap::new(), Vec::new());
        let number = |(flag, state): (&u32, &u32)| {
            *numbers.entry((*flag, *state)).or_insert_with(|| {
                keys.push((*flag, *state));
                // Not more than the rows of a batch.
                u32::try_from(keys.len() - 1).unwrap_or(u32::MAX)
            })
        };
        let pairs: Vec<u32> = pairs.map(number).collect();
        let later = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        Self { numbers: without_later_days(pairs.into_iter(), wanted, later), keys }
    }

    /// Adds what one of the batch's sums gave for each number.
    fn add_to(&self, groups: &mut Groups, sums: &[Totals<i128>]) -> Result<()> {
        for (key, totals) in self.keys.iter().zip(sums).filter(|(_, totals)| totals.rows > 0) {
            groups.entry(*key).or_default().add(totals)?;
        }
        Ok(())
    }
}

fn without_later_days(pairs: impl Iterator<Item = u32>, wanted: &[bool], later: u32) -> Vec<u32> {
    // A choice between two numbers, not a branch: no day is worth a wrong guess.
    pairs.zip(wanted).map(|(pair, wanted)| if *wanted { pair } else { later }).collect()
}

/// So many rows: columns of equal length. `A` is for amounts, `R` for rates, both in hundredths.
struct Batch<A, R> {
    quantity: Vec<A>,
    price: Vec<A>,
    discount: Vec<R>,
    tax: Vec<R>,
}

impl<A: Copy, R: Copy> Batch<A, R>
where
    i64: From<A> + From<R>,
{
    /// Number of the group, quantity, price, discount and tax of each row.
    fn rows(&self, numbered: &Numbered) -> impl Iterator<Item = (usize, [i64; 4])> {
        let values = self.quantity.iter().zip(&self.price).zip(&self.discount).zip(&self.tax);
        let values = values.map(|(((&quantity, &price), &discount), &tax)| {
            [i64::from(quantity), i64::from(price), i64::from(discount), i64::from(tax)]
        });
        numbered.numbers.iter().map(|number| *number as usize).zip(values)
    }
}

impl Batch<u32, u8> {
    /// Totals for each number; those of the last are of no use.
    ///
    /// With a discount and a tax of 0 to 127 and a price below 2^31, a discounted price is within 2^31 * 100 < 2^38
    /// either side of 0, a charge within 2^38 * 227 < 2^46. A batch has at most 2^16 rows, so every sum is below 2^62.
    fn sum_narrow(&self, numbered: &Numbered) -> Vec<Totals<i128>> {
        let mut sums = vec![Totals::<i64>::default(); numbered.keys.len() + 1];
        for (group, [quantity, price, discount, tax]) in self.rows(numbered) {
            let disc_price = price * (100 - discount);
            let sum = &mut sums[group];
            sum.rows += 1;
            sum.quantity += quantity;
            sum.price += price;
            sum.discount += discount;
            sum.disc_price += disc_price;
            sum.charge += disc_price * (100 + tax);
        }
        sums.into_iter().map(Totals::widen).collect()
    }
}

impl Batch<i64, i64> {
    /// The same for any values at all; what does not even fit an `i128` is an error.
    fn sum_wide(&self, numbered: &Numbered) -> Result<Vec<Totals<i128>>> {
        let mut sums = vec![Totals::<i128>::default(); numbered.keys.len() + 1];
        for (group, [quantity, price, discount, tax]) in self.rows(numbered) {
            let discount = i128::from(discount);
            let price = i128::from(price);
            // Below 2^63 * (2^63 + 100) < 2^127.
            let disc_price = price * (100 - discount);
            sums[group].add(&Totals {
                rows: 1,
                quantity: i128::from(quantity),
                price,
                disc_price,
                charge: disc_price.checked_mul(100 + i128::from(tax)).context("sum_charge overflows 128 bits")?,
                discount,
            })?;
        }
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    type Row = (i64, i64, i64, i64, &'static str, &'static str, i32);

    const ROWS: [Row; 5] = [
        (100, 10_000, 5, 8, "R", "F", 0),
        (200, 30_000, 10, 0, "A", "F", LAST_DAY),
        (300, 20_000, 0, 1, "R", "F", 1),
        (400, 40_000, 0, 0, "R", "F", LAST_DAY + 1),
        (500, 50_000, 0, 0, "N", "O", LAST_DAY + 1),
    ];

    /// Flags by their numbers.
    const TEXTS: [&str; 5] = ["R", "A", "N", "F", "O"];

    fn numbered(rows: &[Row]) -> Numbered {
        let number = |text| u32::try_from(TEXTS.iter().position(|known| *known == text).unwrap()).unwrap();
        let numbers = |text: fn(&Row) -> &'static str| rows.iter().map(|row| number(text(row))).collect::<Vec<_>>();
        let wanted: Vec<bool> = rows.iter().map(|row| row.6 <= LAST_DAY).collect();
        Numbered::new(&numbers(|row| row.4), &numbers(|row| row.5), &wanted)
    }

    fn batch<A: TryFrom<i64, Error: Debug>, R: TryFrom<i64, Error: Debug>>(rows: &[Row]) -> Batch<A, R> {
        Batch {
            quantity: rows.iter().map(|row| row.0.try_into().unwrap()).collect(),
            price: rows.iter().map(|row| row.1.try_into().unwrap()).collect(),
            discount: rows.iter().map(|row| row.2.try_into().unwrap()).collect(),
            tax: rows.iter().map(|row| row.3.try_into().unwrap()).collect(),
        }
    }

    fn wide(rows: &[Row]) -> Result<Groups> {
        let (mut groups, numbered) = (Groups::new(), numbered(rows));
        numbered.add_to(&mut groups, &batch::<i64, i64>(rows).sum_wide(&numbered)?)?;
        Ok(groups)
    }

    fn narrow(rows: &[Row]) -> Groups {
        let (mut groups, numbered) = (Groups::new(), numbered(rows));
        numbered.add_to(&mut groups, &batch::<u32, u8>(rows).sum_narrow(&numbered)).unwrap();
        groups
    }

    fn shown(groups: &Groups) -> Vec<String> {
        use arrow::util::display::array_value_to_string;

        let texts = TEXTS.map(|text| text.as_bytes().to_vec());
        let answer = answer(groups, &texts, &texts).unwrap();
        let row = |row| {
            let values = answer.columns().iter();
            let values = values.map(|column| array_value_to_string(column, row).unwrap());
            values.collect::<Vec<_>>().join(" ")
        };
        (0..answer.num_rows()).map(row).collect()
    }

    #[test]
    fn groups_are_summed_and_ordered() {
        let expected = [
            "A F 2.00 300.00 270.0000 270.000000 2.0 300.0 0.1 1",
            "R F 4.00 300.00 295.0000 304.600000 2.0 150.0 0.025 2",
        ];
        assert_eq!(shown(&narrow(&ROWS)), expected);
        assert_eq!(shown(&wide(&ROWS).unwrap()), expected);
    }

    #[test]
    fn values_of_many_bits_are_summed_as_well() {
        let mut rows = ROWS.to_vec();
        rows.push((-100, 1 << 50, -5, 8, "R", "F", 0));
        let price = 30_000 + (1_i128 << 50);
        let totals = wide(&rows).unwrap()[&(0, 3)];
        assert_eq!(totals.rows, 3);
        assert_eq!(totals.quantity, 300);
        assert_eq!(totals.price, price);
        assert_eq!(totals.disc_price, 2_950_000 + (1_i128 << 50) * 105);
        assert_eq!(totals.charge, 304_600_000 + (1_i128 << 50) * 105 * 108);
    }

    #[test]
    fn the_largest_narrow_batch_does_not_overflow() {
        let largest = (i64::from(i32::MAX), i64::from(i32::MAX), 0, 127, "A", "F", 0);
        let totals = narrow(&vec![largest; BATCH_ROWS])[&(1, 3)];
        let price = i128::try_from(BATCH_ROWS).unwrap() * i128::from(i32::MAX);
        assert_eq!(totals.charge, price * 100 * 227);
    }

    #[test]
    fn more_than_128_bits_is_an_error() {
        let row = (1, i64::MAX, i64::MIN, i64::MAX, "A", "F", 0);
        assert!(wide(&[row]).unwrap_err().to_string().contains("sum_charge"));
    }

    #[test]
    fn many_pairs_are_numbered_as_they_come() {
        let flags = [9_000, 9_000, 1, 9_000, 5];
        let states = [9_000, 1, 1, 9_000, 5];
        let groups = Numbered::new(&flags, &states, &[true, true, true, true, false]);
        assert_eq!(groups.numbers, [0, 1, 2, 0, 4]);
        assert_eq!(groups.keys, [(9_000, 9_000), (9_000, 1), (1, 1), (5, 5)]);
    }

    #[test]
    fn the_last_day_is_90_before_december_1998() {
        use arrow::array::Date32Array;
        use arrow::util::display::array_value_to_string;

        let day = Date32Array::from(vec![LAST_DAY]);
        assert_eq!(array_value_to_string(&day, 0).unwrap(), "1998-09-02");
    }
}

//! TPC-H q1: sums and averages for each pair of flags. One pass; a group is an index into an array.

mod totals;

use anyhow::Context;
use arrow::array::RecordBatch;

use self::totals::{Groups, Totals, answer};
use super::Plan;
use super::columns::{Flags, Stored, days, flags, money, width};
use super::row_group::BATCH_ROWS;
use super::scan::{Scan, Table};
use crate::engine::Result;

/// The plan, with TPC-H's validation parameters.
pub const PLAN: Plan = Plan { table: "lineitem", run };

/// 1998-12-01 less 90 days is 1998-09-02, in days since 1970-01-01.
const LAST_DAY: i32 = 10_471;

const SCAN: Scan = Scan {
    columns: &[
        ("l_quantity", Stored::Money),
        ("l_extendedprice", Stored::Money),
        ("l_discount", Stored::Money),
        ("l_tax", Stored::Money),
        ("l_returnflag", Stored::Flag),
        ("l_linestatus", Stored::Flag),
        ("l_shipdate", Stored::Day),
    ],
    days: ("l_shipdate", i32::MIN..=LAST_DAY),
};

fn run(table: &Table, threads: usize) -> Result<RecordBatch> {
    let mut all = Groups::new();
    for groups in SCAN.fold(table, threads, add_batch)? {
        for (key, totals) in groups {
            all.entry(key).or_default().add(&totals)?;
        }
    }
    answer(&all)
}

fn add_batch(groups: &mut Groups, batch: &RecordBatch) -> Result<()> {
    let columns = Columns {
        quantity: money(batch, "l_quantity")?,
        price: money(batch, "l_extendedprice")?,
        discount: money(batch, "l_discount")?,
        tax: money(batch, "l_tax")?,
        returnflag: flags(batch, "l_returnflag")?,
        linestatus: flags(batch, "l_linestatus")?,
        shipdate: days(batch, "l_shipdate")?,
    };
    let sums = if columns.narrow() { columns.sum_narrow() } else { columns.sum_wide()? };
    let flags = &columns.returnflag.texts;
    let states = &columns.linestatus.texts;
    let keys = flags.iter().flat_map(|flag| states.iter().map(move |state| (flag, state)));
    for ((flag, state), totals) in keys.zip(&sums) {
        if totals.rows > 0 {
            let key = ((*flag).to_owned(), (*state).to_owned());
            groups.entry(key).or_default().add(totals)?;
        }
    }
    Ok(())
}

/// One batch: slices of equal length.
struct Columns<'a> {
    quantity: &'a [i64],
    price: &'a [i64],
    discount: &'a [i64],
    tax: &'a [i64],
    returnflag: Flags<'a>,
    linestatus: Flags<'a>,
    shipdate: &'a [i32],
}

impl Columns<'_> {
    /// Whether [`sum_narrow`](Self::sum_narrow) is exact for this batch. TPC-H's prices have 24 bits, its rates 4.
    fn narrow(&self) -> bool {
        width(self.quantity) <= 31
            && width(self.price) <= 31
            && width(self.discount) <= 7
            && width(self.tax) <= 7
            && self.price.len() <= BATCH_ROWS
    }

    /// Each row's group: the codes of both flags as one number; rows of later days share one more group.
    fn groups(&self) -> impl Iterator<Item = usize> {
        let states = self.linestatus.texts.len();
        let filtered_out = self.returnflag.texts.len() * states;
        let codes = self.returnflag.codes.iter().zip(self.linestatus.codes);
        codes.zip(self.shipdate).map(move |((&flag, &state), &day)| {
            let group = usize::from(flag) * states + usize::from(state);
            // A choice between two numbers, not a branch: no day is worth a wrong guess.
            if day <= LAST_DAY { group } else { filtered_out }
        })
    }

    /// One element for each group, the one for rows that are filtered out not among them.
    ///
    /// With a discount and a tax of 0 to 127 and a price below 2^31, a discounted price is within 2^31 * 100 < 2^38
    /// either side of 0, a charge within 2^38 * 227 < 2^46. A batch has at most 2^16 rows, so every sum is below 2^62.
    fn sum_narrow(&self) -> Vec<Totals<i128>> {
        let groups = self.returnflag.texts.len() * self.linestatus.texts.len();
        let mut sums = vec![Totals::<i64>::default(); groups + 1];
        let values = self.quantity.iter().zip(self.price).zip(self.discount).zip(self.tax);
        for (group, (((&quantity, &price), &discount), &tax)) in self.groups().zip(values) {
            let disc_price = price * (100 - discount);
            let sum = &mut sums[group];
            sum.rows += 1;
            sum.quantity += quantity;
            sum.price += price;
            sum.discount += discount;
            sum.disc_price += disc_price;
            sum.charge += disc_price * (100 + tax);
        }
        sums.truncate(groups);
        sums.into_iter().map(Totals::widen).collect()
    }

    /// The same for any values at all; what does not even fit an `i128` is an error.
    fn sum_wide(&self) -> Result<Vec<Totals<i128>>> {
        let groups = self.returnflag.texts.len() * self.linestatus.texts.len();
        let mut sums = vec![Totals::<i128>::default(); groups + 1];
        let values = self.quantity.iter().zip(self.price).zip(self.discount).zip(self.tax);
        for (group, (((&quantity, &price), &discount), &tax)) in self.groups().zip(values) {
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
        sums.truncate(groups);
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns::lineitem;
    use super::*;

    type Row = (i64, i64, i64, i64, &'static str, &'static str, i32);

    const ROWS: [Row; 5] = [
        (100, 10_000, 5, 8, "R", "F", 0),
        (200, 30_000, 10, 0, "A", "F", LAST_DAY),
        (300, 20_000, 0, 1, "R", "F", 1),
        (400, 40_000, 0, 0, "R", "F", LAST_DAY + 1),
        (500, 50_000, 0, 0, "N", "O", LAST_DAY + 1),
    ];

    fn groups(rows: &[Row]) -> Result<Groups> {
        let mut groups = Groups::new();
        add_batch(&mut groups, &lineitem(rows))?;
        Ok(groups)
    }

    fn shown(groups: &Groups) -> Vec<String> {
        use arrow::util::display::array_value_to_string;

        let answer = answer(groups).unwrap();
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
        assert_eq!(shown(&groups(&ROWS).unwrap()), expected);
    }

    #[test]
    fn values_of_many_bits_are_summed_as_well() {
        let mut rows = ROWS.to_vec();
        rows.push((-100, 1 << 50, -5, 8, "R", "F", 0));
        let price = 30_000 + (1_i128 << 50);
        let totals = groups(&rows).unwrap()[&("R".to_owned(), "F".to_owned())];
        assert_eq!(totals.rows, 3);
        assert_eq!(totals.quantity, 300);
        assert_eq!(totals.price, price);
        assert_eq!(totals.disc_price, 2_950_000 + (1_i128 << 50) * 105);
        assert_eq!(totals.charge, 304_600_000 + (1_i128 << 50) * 105 * 108);
    }

    #[test]
    fn the_largest_narrow_batch_does_not_overflow() {
        let largest = (i64::from(i32::MAX), i64::from(i32::MAX), 0, 127, "A", "F", 0);
        let totals = groups(&vec![largest; BATCH_ROWS]).unwrap()[&("A".to_owned(), "F".to_owned())];
        let price = i128::try_from(BATCH_ROWS).unwrap() * i128::from(i32::MAX);
        assert_eq!(totals.charge, price * 100 * 227);
    }

    #[test]
    fn more_than_128_bits_is_an_error() {
        let row = (1, i64::MAX, i64::MIN, i64::MAX, "A", "F", 0);
        assert!(groups(&[row]).unwrap_err().to_string().contains("sum_charge"));
    }

    #[test]
    fn no_rows_make_no_groups() {
        assert_eq!(run(&Table::open(&[]).unwrap(), 1).unwrap().num_rows(), 0);
    }

    #[test]
    fn the_last_day_is_90_before_december_1998() {
        use arrow::array::Date32Array;
        use arrow::util::display::array_value_to_string;

        let day = Date32Array::from(vec![LAST_DAY]);
        assert_eq!(array_value_to_string(&day, 0).unwrap(), "1998-09-02");
    }
}

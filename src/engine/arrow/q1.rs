//! TPC-H q1: sums and averages for each pair of flags. One pass; a group is an index into an array.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};

use super::Plan;
use super::columns::{Flags, Stored, days, flags, money, width};
use super::scan::{BATCH_ROWS, Scan, Table};
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

/// Totals for each pair of flags, in the order of the answer.
type Groups = BTreeMap<(String, String), Totals<i128>>;

/// A group's sums as whole numbers; `T` is `i64` within a batch whose values are small.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Totals<T> {
    rows: T,
    /// Scale 2.
    quantity: T,
    /// Scale 2.
    price: T,
    /// Scale 4.
    disc_price: T,
    /// Scale 6.
    charge: T,
    /// Scale 2.
    discount: T,
}

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

impl Totals<i64> {
    fn widen(self) -> Totals<i128> {
        Totals {
            rows: self.rows.into(),
            quantity: self.quantity.into(),
            price: self.price.into(),
            disc_price: self.disc_price.into(),
            charge: self.charge.into(),
            discount: self.discount.into(),
        }
    }
}

impl Totals<i128> {
    fn add(&mut self, other: &Self) -> Result<()> {
        let sum = |a: i128, b| a.checked_add(b).context("a sum of q1 overflows 128 bits");
        *self = Self {
            rows: sum(self.rows, other.rows)?,
            quantity: sum(self.quantity, other.quantity)?,
            price: sum(self.price, other.price)?,
            disc_price: sum(self.disc_price, other.disc_price)?,
            charge: sum(self.charge, other.charge)?,
            discount: sum(self.discount, other.discount)?,
        };
        Ok(())
    }
}

fn answer(groups: &Groups) -> Result<RecordBatch> {
    let decimal = |scale, value: fn(&Totals<i128>) -> i128| -> Result<ArrayRef> {
        let array = groups.values().map(value).collect::<Decimal128Array>();
        let array = array.with_precision_and_scale(38, scale)?;
        array.validate_decimal_precision(38)?;
        Ok(Arc::new(array))
    };
    #[expect(clippy::cast_precision_loss, reason = "an average is a Float64 by definition")]
    let average = |value: fn(&Totals<i128>) -> i128| -> ArrayRef {
        let average = |totals| value(totals) as f64 / (totals.rows as f64 * 100.0);
        Arc::new(groups.values().map(average).collect::<Float64Array>())
    };
    let count = |totals: &Totals<i128>| Ok(i64::try_from(totals.rows)?);
    let counts = groups.values().map(count).collect::<Result<Vec<_>>>()?;
    let flags = groups.keys().map(|(flag, _)| Some(flag));
    let states = groups.keys().map(|(_, state)| Some(state));
    Ok(RecordBatch::try_from_iter([
        ("l_returnflag", Arc::new(flags.collect::<StringArray>()) as _),
        ("l_linestatus", Arc::new(states.collect::<StringArray>()) as _),
        ("sum_qty", decimal(2, |totals| totals.quantity)?),
        ("sum_base_price", decimal(2, |totals| totals.price)?),
        ("sum_disc_price", decimal(4, |totals| totals.disc_price)?),
        ("sum_charge", decimal(6, |totals| totals.charge)?),
        ("avg_qty", average(|totals| totals.quantity)),
        ("avg_price", average(|totals| totals.price)),
        ("avg_disc", average(|totals| totals.discount)),
        ("count_order", Arc::new(Int64Array::from(counts)) as _),
    ])?)
}

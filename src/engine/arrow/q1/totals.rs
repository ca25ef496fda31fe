//! What q1 sums up for each group, and the answer made of it; nothing here knows of files or columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};

use crate::engine::Result;

/// Totals for each pair of flags, in the order of the answer.
pub type Groups = BTreeMap<(String, String), Totals<i128>>;

/// A group's sums as whole numbers; `T` is `i64` within a batch whose values are small.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals<T> {
    /// Rows.
    pub rows: T,
    /// Scale 2.
    pub quantity: T,
    /// Scale 2.
    pub price: T,
    /// Scale 4.
    pub disc_price: T,
    /// Scale 6.
    pub charge: T,
    /// Scale 2.
    pub discount: T,
}

impl Totals<i64> {
    /// The same numbers.
    pub fn widen(self) -> Totals<i128> {
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
    /// Adds another group's sums to these.
    ///
    /// # Errors
    /// When one needs more than 128 bits.
    pub fn add(&mut self, other: &Self) -> Result<()> {
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

/// The answer's one batch, a row for each group.
///
/// # Errors
/// When a sum has more than 38 digits.
pub fn answer(groups: &Groups) -> Result<RecordBatch> {
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

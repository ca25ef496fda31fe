//! What q1 sums up for each group, and the answer made of it; nothing here knows of files or columns.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};

use super::super::{Result, decimals, texts};

/// The numbers of a return flag and of a line status.
pub type Key = (u32, u32);

/// Totals for each pair of flags.
pub type Groups = HashMap<Key, Totals<i128>>;

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

/// The answer's one batch, a row for each group, given the texts of the flags.
///
/// # Errors
/// When a sum has more than 38 digits, or a flag is not UTF-8.
pub fn answer(groups: &Groups, flags: &[Vec<u8>], states: &[Vec<u8>]) -> Result<RecordBatch> {
    let mut rows: Vec<(&[u8], &[u8], &Totals<i128>)> = groups
        .iter()
        .map(|(&(flag, state), totals)| (&*flags[flag as usize], &*states[state as usize], totals))
        .collect();
    rows.sort_unstable_by_key(|(flag, state, _)| (*flag, *state));
    let decimal = |scale, value: fn(&Totals<i128>) -> i128| decimals(rows.iter().map(|row| Some(value(row.2))), scale);
    #[expect(clippy::cast_precision_loss, reason = "an average is a Float64 by definition")]
    let average = |value: fn(&Totals<i128>) -> i128| -> ArrayRef {
        let average = |totals: &Totals<i128>| value(totals) as f64 / (totals.rows as f64 * 100.0);
        Arc::new(rows.iter().map(|row| average(row.2)).collect::<Float64Array>())
    };
    let counts = rows.iter().map(|row| Ok(i64::try_from(row.2.rows)?)).collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_from_iter([
        ("l_returnflag", texts(rows.iter().map(|row| row.0))?),
        ("l_linestatus", texts(rows.iter().map(|row| row.1))?),
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

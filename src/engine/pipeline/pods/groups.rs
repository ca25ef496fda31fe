//! The answer in the making: [`Groups`] of line items with their sums.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{ArrayRef, Date32Array, Int64Array, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;

use crate::engine::Result;

/// Rows of a batch of the answer.
const BATCH: usize = 65_536;

/// What line items of a group have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Since 1970-01-01.
    pub(super) day: i32,
    pub(super) namespace: String,
    pub(super) node: String,
    pub(super) labels: Arc<str>,
}

/// The number of line items, and the sums of what they have.
pub(super) type Sums = [i64; 5];

/// Groups by what their line items have in common.
#[derive(Debug, Default)]
pub(super) struct Groups(HashMap<Key, Sums>);

impl Groups {
    /// Adds to a group.
    ///
    /// # Errors
    /// When a sum is beyond 64 bits.
    pub(super) fn add(&mut self, key: Key, sums: Sums) -> Result<()> {
        match self.0.entry(key) {
            Entry::Occupied(mut known) => add(known.get_mut(), sums),
            Entry::Vacant(new) => {
                new.insert(sums);
                Ok(())
            }
        }
    }

    /// Those of several workers as one.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub(super) fn together(parts: Vec<Self>) -> Result<Self> {
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_default();
        for (key, sums) in parts.flat_map(|part| part.0) {
            all.add(key, sums)?;
        }
        Ok(all)
    }

    /// The rows of the answer; one batch at least.
    ///
    /// # Errors
    /// None that columns of equal length can have.
    pub(super) fn into_batches(self) -> Result<Vec<RecordBatch>> {
        let number = |name: &str| Field::new(name, DataType::Int64, false);
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        let schema = Arc::new(Schema::new(vec![
            Field::new("usage_date", DataType::Date32, false),
            text("namespace"),
            text("node"),
            text("labels"),
            number("line_items"),
            number("cpu_usage_ms"),
            number("cpu_request_ms"),
            number("memory_usage_kib_hours"),
            number("memory_request_kib_hours"),
        ]));
        let (mut batches, mut left) = (Vec::new(), self.0.into_iter());
        loop {
            let rows: Vec<(Key, Sums)> = left.by_ref().take(BATCH).collect();
            if rows.is_empty() && !batches.is_empty() {
                return Ok(batches);
            }
            let texts = |of: fn(&Key) -> &str| {
                let mut builder = StringBuilder::new();
                for (key, _) in &rows {
                    builder.append_value(of(key));
                }
                Arc::new(builder.finish()) as ArrayRef
            };
            let mut columns: Vec<ArrayRef> = vec![
                Arc::new(Date32Array::from_iter_values(rows.iter().map(|(key, _)| key.day))),
                texts(|key| &key.namespace),
                texts(|key| &key.node),
                texts(|key| &key.labels),
            ];
            let sums = |place: usize| Int64Array::from_iter_values(rows.iter().map(|(_, sums)| sums[place]));
            columns.extend((0..5).map(|place| Arc::new(sums(place)) as ArrayRef));
            batches.push(RecordBatch::try_new(schema.clone(), columns)?);
        }
    }
}

/// Adds sums to others.
///
/// # Errors
/// When one is beyond 64 bits.
pub(super) fn add(to: &mut Sums, more: Sums) -> Result<()> {
    for (sum, more) in to.iter_mut().zip(more) {
        *sum = sum.checked_add(more).context("overflow: a sum is beyond 64 bits")?;
    }
    Ok(())
}

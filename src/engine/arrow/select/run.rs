//! Reading a table's row groups, a thread each, and putting together what they give.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{
    SortColumn, SortOptions, concat_batches, filter_record_batch, lexsort_to_indices, take_record_batch,
};
use arrow::datatypes::{Field, Schema};

use super::{Items, Select};
use crate::engine::Result;
use crate::engine::arrow::Tables;

impl Select {
    /// The answer, in at least one batch.
    ///
    /// # Errors
    /// When a file cannot be read or a number does not fit.
    pub fn run(&self, tables: &Tables, threads: usize) -> Result<Vec<RecordBatch>> {
        let table = tables.get(&self.table)?;
        let columns = self.columns();
        // Without rows there are types and totals still.
        let mut parts = vec![self.part(&table.no_rows(&columns)?)?];
        parts.extend(table.batches(threads, &columns, |batch| self.part(batch))?);
        let Items::Totals(items) = &self.items else { return self.sorted(parts) };
        let parts = concat_batches(&parts[0].schema(), &parts)?;
        let totals = items.iter().zip(parts.columns().chunks(2));
        let totals = totals.map(|((_, item), part)| item.whole(&part[0], &part[1])).collect::<Result<_>>()?;
        self.sorted(vec![named(&self.items.names(), totals, 1)?])
    }

    /// What a batch gives: rows of the answer, or a row with two columns for each total.
    fn part(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let passing = match &self.filter {
            None => batch.clone(),
            Some(filter) => filter_record_batch(batch, &filter.passes(batch)?)?,
        };
        match &self.items {
            Items::Rows(items) => {
                let columns = items.iter().map(|(_, value)| value.of(&passing)).collect::<Result<_>>()?;
                named(&self.items.names(), columns, passing.num_rows())
            }
            Items::Totals(items) => {
                let parts = items.iter().map(|(_, item)| item.part(&passing)).collect::<Result<Vec<_>>>()?.concat();
                named(&vec![""; parts.len()], parts, 1)
            }
        }
    }

    fn columns(&self) -> BTreeSet<&str> {
        let mut columns = BTreeSet::new();
        match &self.items {
            Items::Rows(items) => items.iter().for_each(|(_, value)| value.columns(&mut columns)),
            Items::Totals(items) => items.iter().for_each(|(_, item)| item.of.columns(&mut columns)),
        }
        if let Some(filter) = &self.filter {
            filter.columns(&mut columns);
        }
        columns
    }

    fn sorted(&self, answer: Vec<RecordBatch>) -> Result<Vec<RecordBatch>> {
        if self.order.is_empty() && self.limit.is_none() {
            return Ok(answer);
        }
        let all = concat_batches(&answer[0].schema(), &answer)?;
        let rows = self.limit.map_or(all.num_rows(), |limit| limit.min(all.num_rows()));
        if self.order.is_empty() {
            return Ok(vec![all.slice(0, rows)]);
        }
        let keys = self.order.iter().map(|key| SortColumn {
            values: Arc::clone(all.column(key.column)),
            options: Some(SortOptions { descending: key.descending, nulls_first: key.nulls_first }),
        });
        let order = lexsort_to_indices(&keys.collect::<Vec<_>>(), Some(rows))?;
        Ok(vec![take_record_batch(&all, &order)?])
    }
}

/// Columns under these names, of which two may be the same.
fn named(names: &[&str], columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let fields = names.iter().zip(&columns);
    let fields = fields.map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}

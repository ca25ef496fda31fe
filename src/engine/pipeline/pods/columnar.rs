//! By Arrow's kernels: texts become numbers, line items are grouped by these, and labels are read and merged once for each group.
//!
//! Groups whose labels turn out to be the same set, written otherwise, come together at the end.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::UInt32Type;
use arrow::record_batch::RecordBatch;

use super::super::input::{days, dictionary, numbers};
use super::super::labels::{Cache, merged};
use super::super::work::Aggregate;
use super::SUMMED;
use super::dimension::Dimension;
use super::groups::{Groups, Key};
use crate::engine::Result;

/// The number of a text that is NULL.
const NULL: u32 = u32::MAX;

/// Takes line items batch by batch.
#[derive(Debug)]
pub(super) struct Columnar<'a> {
    nodes_labels: &'a Dimension,
    namespaces_labels: &'a Dimension,
    cache: Option<Cache>,
    namespaces: Texts,
    nodes: Texts,
    pods: Texts,
    /// Places in `sums`, by day and the numbers of namespace, node and labels.
    groups: HashMap<(i32, u32, u32, u32), usize>,
    /// The number of line items of each group, and what is summed.
    sums: [Vec<i64>; 5],
}

/// Different texts, numbered.
#[derive(Debug, Default)]
struct Texts {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl Texts {
    /// The number of each row's text, by the dictionary of the batch.
    fn numbers(&mut self, column: &ArrayRef) -> Result<Vec<u32>> {
        let column = column.as_dictionary::<UInt32Type>();
        let values = column.values().as_string::<i32>();
        let of = (0..values.len()).map(|place| self.number(values.value(place))).collect::<Result<Vec<u32>>>()?;
        let keys = column.keys();
        let number = |row: usize| if keys.is_null(row) { NULL } else { of[keys.value(row) as usize] };
        Ok((0..column.len()).map(number).collect())
    }

    fn number(&mut self, text: &str) -> Result<u32> {
        if let Some(number) = self.numbers.get(text) {
            return Ok(*number);
        }
        let (number, text) = (u32::try_from(self.texts.len())?, Arc::<str>::from(text));
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        Ok(number)
    }

    fn text(&self, number: u32) -> Option<&str> {
        self.texts.get(number as usize).map(Arc::as_ref)
    }
}

impl<'a> Columnar<'a> {
    /// With a cache of so many sets of labels.
    pub(super) fn new(nodes_labels: &'a Dimension, namespaces_labels: &'a Dimension, cache: Option<usize>) -> Self {
        Self {
            nodes_labels,
            namespaces_labels,
            cache: cache.map(Cache::new),
            namespaces: Texts::default(),
            nodes: Texts::default(),
            pods: Texts::default(),
            groups: HashMap::new(),
            sums: std::array::from_fn(|_| Vec::new()),
        }
    }
}

impl Aggregate for Columnar<'_> {
    type Part = Groups;

    fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let days = days(batch, "interval_start")?;
        let namespaces = self.namespaces.numbers(&dictionary(batch, "namespace")?)?;
        let nodes = self.nodes.numbers(&dictionary(batch, "node")?)?;
        let pods = self.pods.numbers(&dictionary(batch, "pod_labels")?)?;
        let keys = days.into_iter().zip(namespaces).zip(nodes).zip(pods);
        let places: Vec<usize> = keys
            .map(|(((day, namespace), node), pod)| {
                let next = self.groups.len();
                *self.groups.entry((day, namespace, node, pod)).or_insert(next)
            })
            .collect();
        let [items, summed @ ..] = &mut self.sums;
        items.resize(self.groups.len(), 0);
        for place in &places {
            items[*place] += 1;
        }
        for (sums, name) in summed.iter_mut().zip(SUMMED) {
            sums.resize(self.groups.len(), 0);
            let values = numbers(batch, name)?;
            for (place, value) in places.iter().zip(values.values()) {
                sums[*place] = sums[*place].checked_add(*value).context("overflow: a sum is beyond 64 bits")?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Groups> {
        let mut groups = Groups::default();
        for ((day, namespace, node, pod), place) in std::mem::take(&mut self.groups) {
            // Neither is ever NULL: the files' schema says so.
            let (namespace, node) = (self.namespaces.text(namespace), self.nodes.text(node));
            let (namespace, node) = (namespace.unwrap_or_default(), node.unwrap_or_default());
            let pod = self.pods.text(pod);
            let (of_node, of_namespace) =
                (self.nodes_labels.number(day, node), self.namespaces_labels.number(day, namespace));
            let merge = || merged([self.nodes_labels.text(of_node), self.namespaces_labels.text(of_namespace), pod]);
            let labels = match &mut self.cache {
                Some(cache) => cache.get(of_node, of_namespace, pod, merge),
                None => merge().map(Arc::from),
            };
            let labels = labels.with_context(|| format!("a pod of the namespace {namespace} on the node {node}"))?;
            let key = Key { day, namespace: namespace.to_owned(), node: node.to_owned(), labels };
            groups.add(key, std::array::from_fn(|column| self.sums[column][place]))?;
        }
        Ok(groups)
    }
}

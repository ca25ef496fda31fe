//! Row by row: each line item becomes values of Rust, its labels a map, and the merged map a text by which it is grouped.

use std::sync::Arc;

use anyhow::Context;
use arrow::array::Array as _;
use arrow::record_batch::RecordBatch;

use super::super::input::{days, numbers, texts};
use super::super::labels::{Cache, canonical, parse};
use super::super::work::Aggregate;
use super::SUMMED;
use super::dimension::Parsed;
use super::groups::{Groups, Key};
use crate::engine::Result;

/// Takes line items one by one.
#[derive(Debug)]
pub(super) struct RowByRow<'a> {
    nodes: &'a Parsed<'a>,
    namespaces: &'a Parsed<'a>,
    cache: Option<Cache>,
    groups: Groups,
}

impl<'a> RowByRow<'a> {
    /// With a cache of so many sets of labels.
    pub(super) fn new(nodes: &'a Parsed<'a>, namespaces: &'a Parsed<'a>, cache: Option<usize>) -> Self {
        Self { nodes, namespaces, cache: cache.map(Cache::new), groups: Groups::default() }
    }

    fn labels(&mut self, node: u32, namespace: u32, pod: Option<&str>) -> Result<Arc<str>> {
        let merge = || {
            let mut labels = self.nodes.labels(node).clone();
            labels.extend(self.namespaces.labels(namespace).clone());
            labels.extend(parse(pod)?);
            canonical(&labels)
        };
        match &mut self.cache {
            Some(cache) => cache.get(node, namespace, pod, merge),
            None => Ok(merge()?.into()),
        }
    }
}

impl Aggregate for RowByRow<'_> {
    type Part = Groups;

    fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let days = days(batch, "interval_start")?;
        let [namespaces, nodes, pods] =
            [texts(batch, "namespace")?, texts(batch, "node")?, texts(batch, "pod_labels")?];
        let summed = SUMMED.map(|name| numbers(batch, name));
        let [cpu, cpu_asked, memory, memory_asked] = summed;
        let (cpu, cpu_asked, memory, memory_asked) = (cpu?, cpu_asked?, memory?, memory_asked?);
        for (row, day) in days.into_iter().enumerate() {
            let (namespace, node) = (namespaces.value(row), nodes.value(row));
            let pod = (!pods.is_null(row)).then(|| pods.value(row));
            let (of_node, of_namespace) = (self.nodes.number(day, node), self.namespaces.number(day, namespace));
            let labels = self.labels(of_node, of_namespace, pod);
            let labels = labels.with_context(|| format!("a pod of the namespace {namespace} on the node {node}"))?;
            let key = Key { day, namespace: namespace.to_owned(), node: node.to_owned(), labels };
            let sums = [1, cpu.value(row), cpu_asked.value(row), memory.value(row), memory_asked.value(row)];
            self.groups.add(key, sums)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Groups> {
        Ok(self.groups)
    }
}

//! Where every number is from: engines and how they were built, data, machines, commits, commands.

use std::collections::BTreeSet;

use crate::host::record::Record;
use crate::host::report::Report;
use crate::host::report::document::{Block, Cell, Table};
use crate::host::report::group::{self, Group};

/// The section, folded where that can be.
pub(super) fn blocks(report: &Report<'_>) -> Vec<Block> {
    let records: Vec<&Record> = report.groups.iter().flat_map(Group::cells).map(group::Cell::record).collect();
    let lines = |of: &dyn Fn(&Record) -> Option<String>| -> Vec<String> {
        records.iter().filter_map(|record| of(record)).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let list = |title: &str, lines: Vec<String>| [Block::Heading(3, title.to_owned()), Block::List(lines)];
    let mut inner = vec![Block::Table(engines(report))];
    inner
        .extend(list("Settings that are not the engine's defaults, and what else it says of itself", lines(&settings)));
    inner.extend(list("Data", lines(&data)));
    inner.extend(list("Machines", lines(&|record| Some(record.host.line()))));
    inner.extend(list("Source", lines(&commit)));
    inner.extend(list("Commands", lines(&command)));
    vec![Block::More("Where the numbers are from".to_owned(), inner)]
}

fn engines(report: &Report<'_>) -> Table {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut seen = BTreeSet::new();
    for contestant in report.groups.iter().flat_map(|group| &group.contestants) {
        let build = &contestant.build;
        let parts = [&build.source, &build.compiler, &build.flags, &build.allocator];
        let told: Vec<String> = [contestant.label.clone()]
            .into_iter()
            .chain(parts.map(|part| part.clone().unwrap_or_else(|| "unknown".to_owned())))
            .collect();
        if seen.insert(told.clone()) {
            rows.push(told.into_iter().map(Cell::from).collect());
        }
    }
    Table {
        caption: "How each engine was built".to_owned(),
        keys: 5,
        header: ["engine", "source", "compiler", "flags", "allocator"].map(str::to_owned).into(),
        rows,
    }
}

fn settings(record: &Record) -> Option<String> {
    let settings: Vec<String> =
        record.engine.settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    (!settings.is_empty()).then(|| format!("{}: {}", record.id.engine, settings.join(", ")))
}

fn data(record: &Record) -> Option<String> {
    let dataset = &record.dataset;
    let layout = dataset.layout.as_ref()?;
    Some(format!("{} {}: {layout}", dataset.workload, dataset.scale))
}

fn commit(record: &Record) -> Option<String> {
    let git = record.git.as_ref()?;
    let changed = if git.dirty { ", with changes that were not committed" } else { "" };
    Some(format!("commit {}{changed}", git.commit))
}

/// With its day: what was measured when.
fn command(record: &Record) -> Option<String> {
    let day = record.started_at.split('T').next()?;
    Some(format!("{day}: {}", record.called()))
}

//! Where every number is from: engines and how they were built, data, machines, commits, commands.

use std::collections::BTreeSet;

use super::details::Column;
use crate::host::record::Record;
use crate::host::report::Report;
use crate::host::report::document::{Block, Table, TableCell};
use crate::host::report::group::{self, Group};
use crate::host::report::show::commit;

/// The section, folded where that can be.
pub(super) fn block(report: &Report<'_>) -> Block {
    let records: Vec<&Record> = report.groups.iter().flat_map(Group::cells).map(group::Cell::record).collect();
    let lists: [Column; 5] = [
        ("Settings that are not the engine's defaults, and what else it says of itself", settings),
        ("Data", |Record { dataset, .. }| {
            Some(format!("{} {}: {}", dataset.suite, dataset.scale, dataset.layout.as_ref()?))
        }),
        ("Machines", |record| Some(record.host.line())),
        ("Source", |record| Some(format!("commit {}", commit(record.git.as_ref()?)))),
        // With its day: what was measured when.
        ("Commands", |record| Some(format!("{}: {}", record.started_at.split('T').next()?, record.called()))),
    ];
    let mut inner = vec![Block::Table(engines(report))];
    for (title, of) in lists {
        let lines: BTreeSet<String> = records.iter().filter_map(|record| of(record)).collect();
        inner.extend([Block::Heading(3, title.to_owned()), Block::List(lines.into_iter().collect())]);
    }
    Block::More("Where the numbers are from".to_owned(), inner)
}

fn engines(report: &Report<'_>) -> Table {
    let mut seen = BTreeSet::new();
    let engines = report.groups.iter().flat_map(|group| &group.contestants).map(|contestant| {
        let build = contestant.build_parts().map(|(_, part)| part.map_or("unknown", String::as_str));
        (contestant.label.as_str(), build)
    });
    let rows = engines.filter(|engine| seen.insert(*engine));
    let rows = rows.map(|(label, build)| [label].into_iter().chain(build).map(TableCell::from).collect());
    Table::new("How each engine was built", 5, ["engine", "source", "compiler", "flags", "allocator"], rows)
}

fn settings(record: &Record) -> Option<String> {
    let settings: Vec<String> =
        record.engine.settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    (!settings.is_empty()).then(|| format!("{}: {}", record.id.engine, settings.join(", ")))
}

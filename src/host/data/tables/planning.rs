//! Iceberg tables at one of their snapshots, as `querydyno-iceberg` plans them: what an engine program is told of one, and
//! what it took ([`Planning`]). Making tables is in `made`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::schema::Schema;
use super::stored::Footers;
use super::{footers, overflow};
use crate::host::checksum::sha256;
use crate::host::data::iceberg::client::ask;
use crate::host::data::iceberg::shape::{Shape, shape};
use crate::host::variant::PARQUET;
use crate::protocol::dataset::{Dataset, Iceberg, Table};
use crate::protocol::iceberg::{Planned, PlannedFile, Reply, Request};
use crate::protocol::location::TableRef;
use crate::protocol::s3::Access;

/// A dataset, and what it took to find out its files.
pub(crate) struct Found {
    pub(crate) dataset: Dataset,
    pub(crate) planning: Option<Planning>,
}

/// Iceberg planning: from the tables' names to their lists of files. Not part of any sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planning {
    /// Where the tables were looked up: the metastore's address, or `folder`.
    pub catalog: String,
    /// Finding the tables and reading their metadata files, over all of them, in nanoseconds.
    pub catalog_ns: u64,
    /// From the metadata to the lists of files, over all tables, in nanoseconds.
    pub planning_ns: u64,
    /// Files over all tables.
    pub files: usize,
    /// The snapshot of each table.
    pub snapshots: BTreeMap<String, i64>,
}

/// Plans these tables, each at its current snapshot or at the one that is named. Those on S3 take what that is reached by.
pub(super) fn plan(
    tables: impl IntoIterator<Item = (TableRef, Option<i64>)>,
    access: Option<&Access>,
) -> Result<Vec<Planned>> {
    let requests = tables.into_iter().map(|(table, snapshot_id)| Request::Plan { table, snapshot_id });
    let replies = ask(access, &requests.collect::<Vec<_>>())?;
    let planned = |reply| match reply {
        Reply::Plan(planned) => Ok(planned),
        other => bail!("asked for a plan, querydyno-iceberg replied {other:?}"),
    };
    replies.into_iter().map(planned).collect()
}

/// A table as an engine program is told it.
pub(super) fn of_snapshot(name: &str, planned: &Planned, place: &TableRef, access: Option<&Access>) -> Result<Table> {
    let files: Vec<_> = planned.files.iter().map(|file| file.path.clone()).collect();
    let fetched = fetched(planned, access)?;
    let (mut integers, mut schema) = (BTreeMap::new(), None);
    let columns = planned.files.iter().map(|file| {
        // One that is no Parquet is refused by its format.
        if !is_parquet(file) {
            return Ok(Vec::new());
        }
        let footer = footers::read(fetched.path(&file.path)?).with_context(|| format!("the file {}", file.path))?;
        overflow::widen(&mut integers, overflow::integers(&footer));
        // The files of a snapshot have the types of its columns.
        schema.get_or_insert_with(|| Schema::of(&footer));
        Ok(footers::columns(&footer))
    });
    let (evolved, needs_reader) = match shape(planned, &columns.collect::<Result<Vec<_>>>()?) {
        _ if files.is_empty() => {
            (false, Some("it has no data files: there is nothing to tell its columns' types".to_owned()))
        }
        Shape::Plain => (false, None),
        Shape::Evolved => (true, None),
        Shape::NeedsReader(why) => (false, Some(why)),
    };
    Ok(Table {
        name: name.to_owned(),
        rows: planned.files.iter().map(|file| file.rows).sum(),
        sha256: sha256(format!("{} {} {files:?}", planned.uuid, planned.snapshot_id)),
        files,
        iceberg: Some(Iceberg {
            metadata: planned.metadata.clone(),
            snapshot_id: planned.snapshot_id,
            name: match place {
                TableRef::File(_) => None,
                TableRef::Metastore { database, table, .. } => Some((database.clone(), table.clone())),
            },
            columns: planned.columns.iter().map(|column| column.name.clone()).collect(),
            evolved,
            needs_reader,
        }),
        single_precision: schema.iter().flat_map(Schema::single_precision).collect(),
        integers,
        cautions: schema.iter().flat_map(Schema::cautions).collect(),
        ..Table::default()
    })
}

/// Where the footers of a snapshot's files are, fetched where these are on S3.
fn fetched(planned: &Planned, access: Option<&Access>) -> Result<Footers> {
    let on_s3 = planned.files.iter().filter(|file| is_parquet(file) && file.path.is_on_s3());
    let mut on_s3 = on_s3.map(|file| (file.path.clone(), file.bytes)).peekable();
    if on_s3.peek().is_none() {
        return Ok(Footers::here());
    }
    Footers::fetch(on_s3, access.context("its files are on S3, and nobody said what that is reached by")?)
}

fn is_parquet(file: &PlannedFile) -> bool {
    file.format.eq_ignore_ascii_case(PARQUET)
}

/// Adds what it took to plan a table.
pub(super) fn count(planning: &mut Option<Planning>, place: &TableRef, name: &str, planned: &Planned) {
    let catalog = match place {
        TableRef::File(_) => "folder".to_owned(),
        TableRef::Metastore { uri, .. } => uri.clone(),
    };
    let empty = Planning { catalog, catalog_ns: 0, planning_ns: 0, files: 0, snapshots: BTreeMap::new() };
    let sum = planning.get_or_insert(empty);
    sum.catalog_ns += planned.catalog_ns;
    sum.planning_ns += planned.planning_ns;
    sum.files += planned.files.len();
    sum.snapshots.insert(name.to_owned(), planned.snapshot_id);
}

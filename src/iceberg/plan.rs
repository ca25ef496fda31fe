//! Planning by the crate `iceberg`: a snapshot's schema, and the files that it consists of.

use std::collections::BTreeSet;
use std::future::Future;

use anyhow::{Context, Result, bail};
use futures::TryStreamExt;
use iceberg::TableIdent;
use iceberg::io::FileIOBuilder;
use iceberg::scan::FileScanTask;
use iceberg::spec::{NestedFieldRef, SchemaRef, TableMetadata, Transform};
use iceberg::table::{StaticTable, Table};

use super::objects::Objects;
use super::{location_in, text_of, timed};
use crate::protocol::iceberg::{Column, Planned, PlannedFile};
use crate::protocol::location::Location;

/// Plans a snapshot of the table whose metadata file `found` gives.
///
/// # Errors
/// When there is no such table or snapshot, or a file of it is neither here nor on S3.
pub(super) async fn plan(
    found: impl Future<Output = Result<Location>>,
    snapshot_id: Option<i64>,
    objects: &Objects,
) -> Result<Planned> {
    let loading = async {
        let metadata = found.await?;
        let table = load(&metadata, objects).await?;
        Ok((metadata, table))
    };
    let ((path, table), catalog_ns) = timed(loading).await?;
    let metadata = table.metadata();
    let (snapshot_id, schema) = if let Some(wanted) = snapshot_id {
        // The schema of that time, as the specification has it for time travel.
        let Some(snapshot) = metadata.snapshot_by_id(wanted) else { bail!(no_snapshot(metadata, wanted)) };
        (wanted, snapshot.schema(metadata)?)
    } else {
        let current = metadata.current_snapshot();
        let current = current.context("the table has no snapshot: nothing was written to it so far")?;
        (current.snapshot_id(), metadata.current_schema().clone())
    };
    let scanning = async {
        let scan = table.scan().snapshot_id(snapshot_id).build()?;
        let tasks: Vec<FileScanTask> = scan.plan_files().await?.try_collect().await?;
        Ok(tasks)
    };
    let (tasks, planning_ns) = timed(scanning).await?;
    let mut files = tasks.iter().map(planned).collect::<Result<Vec<_>>>()?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Planned {
        metadata: path,
        uuid: metadata.uuid().to_string(),
        snapshot_id,
        columns: columns(&schema),
        schemas: metadata.schemas_iter().count(),
        constants: constants(metadata),
        files,
        catalog_ns,
        planning_ns,
    })
}

/// The current schema of the table with that metadata file.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn schema_of(metadata: &Location, objects: &Objects) -> Result<Vec<Column>> {
    Ok(columns(load(metadata, objects).await?.metadata().current_schema()))
}

async fn load(metadata: &Location, objects: &Objects) -> Result<Table> {
    let file_io = FileIOBuilder::new(objects.of(metadata)).build();
    let name = TableIdent::from_strs(["planned", "table"])?;
    let table = StaticTable::from_metadata_file(&text_of(metadata)?, name, file_io).await;
    Ok(table.with_context(|| format!("cannot read the metadata {metadata}"))?.into_table())
}

fn planned(task: &FileScanTask) -> Result<PlannedFile> {
    Ok(PlannedFile {
        path: location_in(&task.data_file_path)?,
        rows: task.record_count.unwrap_or_default(),
        bytes: task.file_size_in_bytes,
        format: task.data_file_format.to_string(),
        deletes: task.deletes.len(),
    })
}

/// The crate does not tell a file's own partitioning, so these are of every partitioning that the table has had.
fn constants(metadata: &TableMetadata) -> Vec<i32> {
    let fields = metadata.partition_specs_iter().flat_map(|spec| spec.fields().to_vec());
    let identities = fields.filter(|field| field.transform == Transform::Identity);
    identities.map(|field| field.source_id).collect::<BTreeSet<_>>().into_iter().collect()
}

fn columns(schema: &SchemaRef) -> Vec<Column> {
    let column = |field: &NestedFieldRef| Column {
        id: field.id,
        name: field.name.clone(),
        kind: field.field_type.to_string(),
        required: field.required,
        has_default: field.initial_default.is_some(),
    };
    schema.as_struct().fields().iter().map(column).collect()
}

fn no_snapshot(metadata: &TableMetadata, wanted: i64) -> String {
    let known = metadata.snapshots().map(|snapshot| (snapshot.timestamp_ms(), snapshot.snapshot_id()));
    let known: Vec<String> = known.collect::<BTreeSet<_>>().iter().map(|(_, id)| id.to_string()).collect();
    format!("the table has no snapshot {wanted}; it has, oldest first: {}", known.join(", "))
}

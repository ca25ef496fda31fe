//! Makes a table over Parquet files that are there: metadata and manifests only, no data is written or moved.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use iceberg::io::FileIOBuilder;
use iceberg::memory::{MEMORY_CATALOG_WAREHOUSE, MemoryCatalogBuilder};
use iceberg::spec::{
    DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum, Literal, NestedField, PrimitiveType, Schema,
    Struct, Transform, Type, UnboundPartitionSpec,
};
use iceberg::transaction::{ApplyTransactionAction, Transaction};
use iceberg::{Catalog, CatalogBuilder, NamespaceIdent, TableCreation};

use super::objects::Objects;
use super::{location_in, text_of};
use crate::protocol::iceberg::{self as messages, Bound, Column, ColumnMetrics};
use crate::protocol::location::Location;

/// Writes the metadata below `location`; gives the metadata file. On S3 those of an earlier table there are removed first.
///
/// # Errors
/// When a column's type is not known, or something cannot be written.
pub(super) async fn table(
    location: &Location,
    columns: &[Column],
    partition_by_month: Option<&str>,
    files: &[messages::DataFile],
    objects: &Objects,
) -> Result<Location> {
    let schema = schema(columns)?;
    let by_month = |name: &str| -> Result<UnboundPartitionSpec> {
        let field = schema.field_by_name(name).with_context(|| format!("there is no column {name} to partition by"))?;
        let partition = UnboundPartitionSpec::builder();
        Ok(partition.add_partition_field(field.id, format!("{name}_month"), Transform::Month)?.build())
    };
    let partition = partition_by_month.map(by_month).transpose()?;
    let data = files.iter().map(|file| data_file(file, &schema)).collect::<Result<Vec<_>>>()?;
    let (place, storage) = (text_of(location)?, objects.of(location));
    if location.is_on_s3() {
        FileIOBuilder::new(Arc::clone(&storage)).build().delete_prefix(format!("{place}/metadata")).await?;
    }
    // A catalog that forgets: what counts are the files that it writes.
    let warehouse = HashMap::from([(MEMORY_CATALOG_WAREHOUSE.to_owned(), place.clone())]);
    let catalog = MemoryCatalogBuilder::default().with_storage_factory(storage).load("folder", warehouse).await?;
    let space = NamespaceIdent::new("made".to_owned());
    catalog.create_namespace(&space, HashMap::new()).await?;
    let creation = TableCreation::builder()
        .name("table".to_owned())
        .location(place)
        .schema(schema)
        .partition_spec_opt(partition)
        .build();
    let table = catalog.create_table(&space, creation).await?;
    let transaction = Transaction::new(&table);
    let transaction = transaction.fast_append().add_data_files(data).apply(transaction)?;
    let table = transaction.commit(&catalog).await?;
    location_in(table.metadata_location_result()?)
}

fn schema(columns: &[Column]) -> Result<Schema> {
    let fields = columns.iter().map(|column| {
        // The specification's own spelling of a type is what the crate reads in JSON.
        let kind: PrimitiveType = serde_json::from_value(column.kind.clone().into())
            .with_context(|| format!("{} has the type {}, which no Iceberg table has", column.name, column.kind))?;
        let field = if column.required { NestedField::required } else { NestedField::optional };
        Ok(Arc::new(field(column.id, &column.name, Type::Primitive(kind))))
    });
    Ok(Schema::builder().with_fields(fields.collect::<Result<Vec<_>>>()?).build()?)
}

fn data_file(file: &messages::DataFile, schema: &Schema) -> Result<DataFile> {
    let metrics = |value: fn(&ColumnMetrics) -> Option<u64>| -> HashMap<i32, u64> {
        file.columns.iter().filter_map(|column| Some((column.id, value(column)?))).collect()
    };
    let (mut lower, mut upper) = (HashMap::new(), HashMap::new());
    for column in &file.columns {
        if let Some((least, most)) = &column.bounds {
            let field = schema.field_by_id(column.id).with_context(|| format!("no column {}", column.id))?;
            let kind = field.field_type.as_primitive_type().context("no primitive column")?;
            lower.insert(column.id, datum(kind, least)?);
            upper.insert(column.id, datum(kind, most)?);
        }
    }
    let partition = Struct::from_iter(file.month.map(|month| Some(Literal::int(month))));
    let mut builder = DataFileBuilder::default();
    builder
        .content(DataContentType::Data)
        .file_path(text_of(&file.path)?)
        .file_format(DataFileFormat::Parquet)
        .file_size_in_bytes(file.bytes)
        .record_count(file.rows)
        .partition(partition)
        .partition_spec_id(0)
        .column_sizes(metrics(|column| Some(column.bytes)))
        .value_counts(metrics(|column| Some(column.values)))
        .null_value_counts(metrics(|column| column.nulls))
        .lower_bounds(lower)
        .upper_bounds(upper);
    Ok(builder.build()?)
}

/// By the specification's binary form of single values, which is the crate's one way from a type and a value.
fn datum(kind: &PrimitiveType, bound: &Bound) -> Result<Datum> {
    let bytes = match (kind, bound) {
        (PrimitiveType::Int | PrimitiveType::Date, Bound::Int(value)) => i32::try_from(*value)?.to_le_bytes().to_vec(),
        (PrimitiveType::Decimal { .. }, Bound::Int(value)) => value.to_be_bytes().to_vec(),
        (_, Bound::Int(value)) => value.to_le_bytes().to_vec(),
        (PrimitiveType::String, Bound::Text(value)) => value.clone().into_bytes(),
        _ => bail!("a column of type {kind} has no such bound: {bound:?}"),
    };
    Ok(Datum::try_from_bytes(&bytes, kind.clone())?)
}

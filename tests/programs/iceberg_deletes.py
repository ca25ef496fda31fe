"""Deletes beside the data files of an Iceberg table, which pyiceberg reads but does not write: made of its parts.

What this is not: a program; iceberg_tables.py beside it uses this.
"""

import pathlib

import pyarrow as pa
import pyarrow.parquet
from pyiceberg.manifest import (
    DATA_FILE_TYPE,
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
)
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _FastAppendFiles
from pyiceberg.typedef import Record
from pyiceberg.types import IntegerType, ListType

#: The number of the field `equality_ids` in a manifest.
EQUALITY_IDS = 135

# pyiceberg writes these ids as longs; the specification has ints, and Iceberg's own reader takes nothing else.
for fields in DATA_FILE_TYPE.values():
    for field in fields.fields:
        if field.field_id == EQUALITY_IDS:
            ids = ListType(element_id=136, element_type=IntegerType(), element_required=True)
            # Types are not meant to be changed.
            object.__setattr__(field, "field_type", ids)


def delete_rows(table, pairs, scope=None):
    """Deletes rows by (data file, position); `scope` is the one data file that they are all of, if they are."""
    fields = [
        pa.field("file_path", pa.string(), nullable=False, metadata={"PARQUET:field_id": "2147483546"}),
        pa.field("pos", pa.int64(), nullable=False, metadata={"PARQUET:field_id": "2147483545"}),
    ]
    columns = [pa.array(column, field.type) for column, field in zip(zip(*pairs, strict=True), fields, strict=True)]
    bounds = {2147483546: scope.encode()} if scope else None
    deletes = pa.Table.from_arrays(columns, schema=pa.schema(fields))
    merge_on_read(table, deletes, DataFileContent.POSITION_DELETES, lower_bounds=bounds, upper_bounds=bounds)


def delete_values(table, column, value):
    """Deletes the rows of all files there are whose `column`, of text, has the value."""
    number = table.schema().find_field(column).field_id
    field = pa.field(column, pa.string(), metadata={"PARQUET:field_id": str(number)})
    deletes = pa.table({column: [value]}, schema=pa.schema([field]))
    merge_on_read(table, deletes, DataFileContent.EQUALITY_DELETES, equality_ids=[number])


def merge_on_read(table, deletes, content, **more):
    """Commits a snapshot that only adds a file of deletes."""
    location = f"{table.location()}/data/deletes-{table.current_snapshot().snapshot_id}.parquet"
    path = location.removeprefix("file://")
    pa.parquet.write_table(deletes, path)
    file = DataFile.from_args(
        content=content,
        file_path=location,
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=deletes.num_rows,
        file_size_in_bytes=pathlib.Path(path).stat().st_size,
        **more,
    )
    file.spec_id = table.spec().spec_id
    with table.transaction() as transaction:
        AddDeletes(transaction, table.io, file).commit()


class AddDeletes(_FastAppendFiles):
    """A snapshot of the one before it and of a manifest that names one file of deletes."""

    def __init__(self, transaction, io, file):
        kind = "position" if file.content == DataFileContent.POSITION_DELETES else "equality"
        summary = {"added-delete-files": "1", f"added-{kind}-deletes": str(file.record_count)}
        super().__init__(Operation.DELETE, transaction, io, snapshot_properties=summary)
        self.file = file

    def _process_manifests(self, manifests):
        metadata = self._transaction.table_metadata
        output = self.new_manifest_output()
        with DeleteManifest(metadata.spec(), metadata.schema(), output, self.snapshot_id, "gzip") as writer:
            entry = ManifestEntry.from_args(
                status=ManifestEntryStatus.ADDED, snapshot_id=self.snapshot_id, data_file=self.file
            )
            writer.add_entry(entry)
        return [*manifests, writer.to_manifest_file()]


class DeleteManifest(ManifestWriterV2):
    def content(self):
        return ManifestContent.DELETES

    @property
    def _meta(self):
        return {**super()._meta, "content": "deletes"}

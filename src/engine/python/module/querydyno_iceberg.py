"""Iceberg tables for engines whose reader is pyiceberg, or plans with it: a table as it was at one snapshot.

What this is not: a part of the protocol, which is in querydyno.py beside it and needs no package; pyiceberg is imported
only when a table is loaded. pyiceberg keeps no metadata between two reads that would be worth a word: each one opens
the metadata file, the manifest list and the manifests anew.
"""

import importlib.metadata
import os

from querydyno import Unsupported

#: What pyiceberg reads when it is imported.
THREADS = "PYICEBERG_MAX_WORKERS"


#: What pyiceberg reaches a store on S3 by, where somebody said it.
stored = {}


def settings(threads, s3=None):
    """Gives pyiceberg as many threads as the engine has and what S3 is reached by, and returns what to tell of it; nothing
    if it is not there.
    """
    stored.update(properties(s3) if s3 else {})
    told = {}
    for package in ("pyiceberg", "polars-iceberg"):
        try:
            told[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    if "pyiceberg" in told:
        os.environ[THREADS] = told[THREADS] = str(threads)
    return told


def properties(s3):
    """How a store is reached, by pyiceberg's names. Its own reader of S3 is pyarrow's, where that is installed."""
    told = {
        "s3.endpoint": s3["endpoint"],
        "s3.region": s3["region"],
        "s3.access-key-id": s3["access_key_id"],
        "s3.secret-access-key": s3["secret_access_key"],
        "s3.session-token": s3["session_token"],
        "s3.force-virtual-addressing": "false" if s3["path_style"] else "true",
    }
    return {name: value for name, value in told.items() if value}


def at_snapshot(table):
    """pyiceberg's table of an `IcebergTable`, as it was at the snapshot.

    That snapshot and its schema are the current ones of what is returned. To ask for a snapshot of a table of now is
    not the same: pyiceberg would look up the names in a condition among today's columns, and leave out files that have
    what is asked for.
    """
    from pyiceberg.table import StaticTable

    found = StaticTable.from_metadata(table.metadata, stored)
    snapshot = found.snapshot_by_id(table.snapshot_id)
    if snapshot is None:
        raise ValueError(f"{table.metadata} has no snapshot {table.snapshot_id}: it was expired, or is another table's")
    then = {"current_snapshot_id": snapshot.snapshot_id}
    if snapshot.schema_id is not None:
        then["current_schema_id"] = snapshot.schema_id
    found.metadata = found.metadata.model_copy(update=then)
    return found


def planned(table):
    """What pyiceberg would read of an `IcebergTable`: its files with their deletes. Unsupported if it cannot read it."""
    try:
        files = list(at_snapshot(table).scan().plan_files())
    except (ValueError, NotImplementedError) as error:
        # It has no type of its own for what it cannot do.
        if "not yet support" in str(error):
            raise Unsupported(f"{table.name}: {error}") from error
        raise
    for task in files:
        if task.file.file_format != "PARQUET":
            raise Unsupported(f"{table.name} has data files of format {task.file.file_format}, and only Parquet is read")
    return files

"""The Delta log of one table, as pure values: the state that its commits describe, and the next commit.

Delta Lake (https://github.com/delta-io/delta/blob/master/PROTOCOL.md) names the files of a table in a log beside them:
numbered commits, each a few JSON lines, and now and then a checkpoint that holds the state so far. Nothing here is
written by another program: the table names a writer feature that no other program has, so each must refuse to write.

A time is UTC in every column; the log calls it `timestamp`, which every engine reads, although the files, like DuckDB's
TIMESTAMP, name no zone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote
from uuid import uuid4

import pyarrow as pa

from collector._version import __version__
from collector.buddy.field_spec import ColumnType
from collector.lake.manifest import FileEntry
from collector.lake.table import Column, Table
from collector.lake.tables import SNAPSHOTS

Action = dict[str, Any]

# No other program has this feature, so each must refuse to write the table, which the manifest alone decides.
WRITER_FEATURE: Final = "promoteImageCollector"
_PROTOCOL: Final = {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": [WRITER_FEATURE]}
# For a program that removes what it believes unused without asking for the feature: it believes that of nothing.
_FOR_EVER: Final = "interval 36500 days"
_CONFIGURATION: Final = {"delta.deletedFileRetentionDuration": _FOR_EVER, "delta.logRetentionDuration": _FOR_EVER}
_TYPES: Final[dict[ColumnType, Any]] = {
    "string": "string", "int": "long", "float": "double", "bool": "boolean", "date": "date", "timestamp": "timestamp",
    "json": "string", "strings": {"type": "array", "elementType": "string", "containsNull": True},
    "ints": {"type": "array", "elementType": "long", "containsNull": True},
}  # fmt: skip
# The name under which Delta keeps how far an application has come: here the sequence of the manifest.
APPLICATION: Final = "promote-image-collector"
# A reader finds the state of a table in the last checkpoint and at most this many commits.
CHECKPOINT_EVERY: Final = 10

# The characters of a path that are not escaped, besides letters and digits.
_PLAIN: Final = "/="

_TEXTS = pa.map_(pa.string(), pa.string())
# The columns of a checkpoint: each row holds one action. Removals are not kept, because nothing is ever vacuumed.
CHECKPOINT_SCHEMA: Final = pa.schema({
    "protocol": pa.struct({
        "minReaderVersion": pa.int32(), "minWriterVersion": pa.int32(), "writerFeatures": pa.list_(pa.string()),
    }),
    "metaData": pa.struct({
        "id": pa.string(), "name": pa.string(), "description": pa.string(),
        "format": pa.struct({"provider": pa.string(), "options": _TEXTS}), "schemaString": pa.string(),
        "partitionColumns": pa.list_(pa.string()), "configuration": _TEXTS, "createdTime": pa.int64(),
    }),
    "txn": pa.struct({"appId": pa.string(), "version": pa.int64(), "lastUpdated": pa.int64()}),
    "add": pa.struct({
        "path": pa.string(), "partitionValues": _TEXTS, "size": pa.int64(), "modificationTime": pa.int64(),
        "dataChange": pa.bool_(), "stats": pa.string(), "tags": _TEXTS,
    }),
    "remove": pa.struct({"path": pa.string(), "deletionTimestamp": pa.int64(), "dataChange": pa.bool_()}),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileStatistics:
    """What a file's footer says: its rows, and by column the bounds and the number of NULLs where they are known."""

    rows: int
    bounds: Mapping[str, tuple[object, object]]
    nulls: Mapping[str, int]


@dataclass
class DeltaState:
    """What the commits of a log say so far. `version` is that of the last commit, -1 before the first."""

    version: int = -1
    metadata: Action | None = None
    adds: dict[str, Action] = field(default_factory=dict)

    def apply(self, version: int, actions: Iterable[Mapping[str, Any]]) -> None:
        """Go on to the state after the actions of one commit or checkpoint."""
        self.version = version
        for action in actions:
            if (added := action.get("add")) is not None:
                self.adds[unquote(added["path"])] = dict(added)
            if (removed := action.get("remove")) is not None:
                self.adds.pop(unquote(removed["path"]), None)
            if (metadata := action.get("metaData")) is not None:
                self.metadata = dict(metadata)


@dataclass(frozen=True)
class DeltaCommit:
    """The next commit of a log: its actions, and whether it removes files, so that earlier versions lose theirs."""

    actions: list[Action]
    removes: bool

    def lines(self) -> bytes:
        """Return the commit as the log holds it."""
        return "".join(json.dumps(action, separators=(",", ":")) + "\n" for action in self.actions).encode()


def relative_path(table: str, entry: FileEntry) -> str:
    """Return the path of a live file below the directory of its table."""
    return entry.path.removeprefix(f"tables/{table}/")


def new_files(state: DeltaState, table: str, entries: Sequence[FileEntry]) -> list[FileEntry]:
    """Return the live files that the log does not name."""
    return [entry for entry in entries if relative_path(table, entry) not in state.adds]


def next_commit(
    state: DeltaState,
    table: Table,
    entries: Sequence[FileEntry],
    statistics: Mapping[str, FileStatistics],
    *,
    sequence: int,
    run_id: str | None,
    at_ms: int,
) -> DeltaCommit | None:
    """Return the commit after which the log names exactly `entries`; None when it does already.

    `statistics` are those of the files that are new to the log, by path. `run_id` is the newest published run.
    """
    live = {relative_path(table.name, entry) for entry in entries}
    added = new_files(state, table.name, entries)
    removed = {path: add for path, add in state.adds.items() if path not in live}
    schema = schema_string(table)
    is_new = state.metadata is None
    is_altered = is_new or (state.metadata or {})["schemaString"] != schema
    if not (added or removed or is_altered):
        return None
    moved_in = {run for entry in added for run in entry.runs} if table.name not in SNAPSHOTS else set()
    moved_out = {run for add in removed.values() for run in _runs(add)} if table.name not in SNAPSHOTS else set()
    info: Action = {
        "timestamp": at_ms,
        "operation": "OPTIMIZE" if moved_in & moved_out else "DELETE" if removed and not added else "WRITE",
        "operationParameters": {},
        "run_id": run_id,
        "manifest_sequence": sequence,
        "engineInfo": f"{APPLICATION}/{__version__}",
    }
    actions: list[Action] = [
        {"commitInfo": info},
        *([{"protocol": _PROTOCOL}] if is_new else []),
        *([{"metaData": _metadata(state, table, schema, at_ms)}] if is_altered else []),
        {"txn": _transaction(sequence, at_ms)},
    ]
    for path, add in removed.items():
        changed = not moved_in.issuperset(_runs(add) or [""])
        actions.append(
            {"remove": {"path": quote(path, safe=_PLAIN), "deletionTimestamp": at_ms, "dataChange": changed}}
        )
    for entry in added:
        changed = not moved_out.issuperset(entry.runs)
        actions.append({"add": _add(table, entry, statistics[entry.path], at_ms, changed=changed)})
    return DeltaCommit(actions, removes=bool(removed))


def checkpoint(state: DeltaState, sequence: int, at_ms: int) -> pa.Table:
    """Return the rows of the checkpoint that holds this state."""
    assert state.metadata is not None
    rows: list[Action] = [{"protocol": _PROTOCOL}, {"metaData": state.metadata}, {"txn": _transaction(sequence, at_ms)}]
    # What stands in a checkpoint is no change of that version.
    rows += [{"add": {**add, "dataChange": False}} for add in state.adds.values()]
    return pa.Table.from_pylist(rows, schema=CHECKPOINT_SCHEMA)


def schema_string(table: Table) -> str:
    """Return the columns of a table as Delta writes them, with the meaning of each as its comment."""
    return json.dumps({"type": "struct", "fields": [_schema_field(column) for column in table.columns]})


def _schema_field(column: Column) -> Action:
    kind = _TYPES[column.column_type]
    return {"name": column.name, "type": kind, "nullable": True, "metadata": {"comment": column.meaning}}


def _metadata(state: DeltaState, table: Table, schema: str, at_ms: int) -> Action:
    return {
        "id": (state.metadata or {}).get("id") or str(uuid4()),
        "name": table.name,
        "description": f"One row per {table.grain}",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema,
        "partitionColumns": [],
        "configuration": _CONFIGURATION,
        "createdTime": at_ms,
    }


def _transaction(sequence: int, at_ms: int) -> Action:
    return {"appId": APPLICATION, "version": sequence, "lastUpdated": at_ms}


def _add(table: Table, entry: FileEntry, statistics: FileStatistics, at_ms: int, *, changed: bool) -> Action:
    bounds = statistics.bounds.items()
    stats = {
        "numRecords": entry.rows,
        "minValues": {name: low for name, (low, _) in bounds},
        "maxValues": {name: high for name, (_, high) in bounds},
        "nullCount": dict(statistics.nulls),
    }
    return {
        "path": quote(relative_path(table.name, entry), safe=_PLAIN),
        "partitionValues": {},
        "size": entry.bytes,
        "modificationTime": at_ms,
        "dataChange": changed,
        "stats": json.dumps(stats, default=str),
        # By these a compaction, which moves the rows of runs, is told from a new run and from one that was dropped.
        "tags": {"runs": " ".join(entry.runs)},
    }


def _runs(add: Mapping[str, Any]) -> list[str]:
    # A checkpoint that another program has written may hold no tags.
    return str(dict(add.get("tags") or {}).get("runs", "")).split()

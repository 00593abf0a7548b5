"""How large a lake is, by table and by run, and how fast it grows: from its manifest alone. Pure."""

from dataclasses import dataclass

from collector.lake.manifest import Manifest
from collector.lake.tables import SNAPSHOTS

# How many runs show how fast a lake grows: enough to even out one with many changes, few enough to notice a new pace.
_RECENT_RUNS = 7


@dataclass(frozen=True, slots=True)
class TableSize:
    """The live files, rows and bytes of a table."""

    files: int
    rows: int
    bytes: int


def table_sizes(manifest: Manifest) -> dict[str, TableSize]:
    """Return the size of every table by name."""
    return {
        table: TableSize(len(entries), sum(e.rows for e in entries), sum(e.bytes for e in entries))
        for table, entries in manifest.tables.items()
    }


def bytes_by_run(manifest: Manifest) -> dict[str, float]:
    """Return the bytes of each run by run id; a file that holds several runs is shared equally among them."""
    sizes = {run.run_id: 0.0 for run in manifest.runs}
    # One file of a snapshot stands for all runs, and the next run replaces it.
    for table in manifest.tables.keys() - SNAPSHOTS:
        for entry in manifest.tables[table]:
            for run_id in entry.runs:
                sizes[run_id] = sizes.get(run_id, 0.0) + entry.bytes / len(entry.runs)
    return sizes


def growth_per_run(manifest: Manifest) -> float | None:
    """Return the bytes that a run adds, by the most recent runs; None in an empty lake."""
    recent = [size for _, size in sorted(bytes_by_run(manifest).items())][-_RECENT_RUNS:]
    return sum(recent) / len(recent) if recent else None

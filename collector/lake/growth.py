"""How fast a lake grows, from the manifest alone."""

from collector.lake.manifest import Manifest
from collector.lake.tables import SNAPSHOTS

# Enough runs to even out one with many changes, few enough to notice a change of pace.
_RECENT_RUNS = 7


def bytes_by_run(manifest: Manifest) -> dict[str, float]:
    """Return the bytes of each run by run id; a file that holds several runs is shared equally among them."""
    sizes = {run.run_id: 0.0 for run in manifest.runs}
    for table, entries in manifest.tables.items():
        if table in SNAPSHOTS:
            continue  # one file stands for all runs, and the next run replaces it
        for entry in entries:
            for run_id in entry.runs:
                sizes[run_id] = sizes.get(run_id, 0.0) + entry.bytes / len(entry.runs)
    return sizes


def growth_per_run(manifest: Manifest) -> float | None:
    """Return the bytes that a run adds, by the most recent runs; None in an empty lake."""
    recent = [size for _, size in sorted(bytes_by_run(manifest).items())][-_RECENT_RUNS:]
    return sum(recent) / len(recent) if recent else None

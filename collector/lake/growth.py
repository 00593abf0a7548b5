"""How fast a lake grows: what each night takes, from the manifest alone."""

from collector.lake.manifest import Manifest
from collector.lake.tables import SNAPSHOTS

# Enough nights to even out one with many changes, few enough to notice a change of pace.
_NIGHTS = 7


def bytes_by_run(manifest: Manifest) -> dict[str, float]:
    """Return the bytes of each night by run id; a file that holds several nights is shared equally among them."""
    taken = {run.run_id: 0.0 for run in manifest.runs}
    for table, entries in manifest.tables.items():
        if table in SNAPSHOTS:
            continue  # one file stands for all nights, and is replaced by the next
        for entry in entries:
            for run_id in entry.runs:
                taken[run_id] = taken.get(run_id, 0.0) + entry.bytes / len(entry.runs)
    return taken


def nightly_growth(manifest: Manifest) -> float | None:
    """Return the bytes that a night adds, by the last week's nights; None in an empty lake."""
    last = [size for _, size in sorted(bytes_by_run(manifest).items())][-_NIGHTS:]
    return sum(last) / len(last) if last else None

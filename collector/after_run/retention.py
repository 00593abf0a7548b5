"""Prune and compact as part of the night, when the settings say so."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from collector.errors import LakeError
from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.prune import prune


def tidy(path: Path, *, keep_days: int | None, merge_months: bool, now: datetime) -> dict[str, int]:
    """Drop nights older than `keep_days` (None: none), then merge past months; returns what was done, in numbers.

    Raises LakeBusy, LakeError and NotPublished; the lake is whole whatever is raised.
    """
    from collector.lake.merge import merge, merge_runs
    from collector.query import catalog

    lake = Lake.open(path)
    done: dict[str, int] = {}
    with lake.writing("keeping", now):
        if keep_days is not None:
            done["nights_dropped"] = len(prune(lake, merge_runs, keep_days=keep_days, now=now).runs)
        if merge_months:
            done["files_merged"] = sum(each.files_before for each in compact(lake, merge, now=now))
        # The files have other names now; whoever opens the catalog must not read superseded ones.
        with suppress(LakeError, OSError):
            catalog.ensure(lake)
    return done

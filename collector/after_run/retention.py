"""Prune and compact the lake after a published run, as the settings say."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from collector.errors import LakeError
from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.prune import prune
from collector.query import catalog


def tidy(path: Path, *, keep_days: int | None, merge_months: bool, now: datetime) -> dict[str, int]:
    """Drop runs older than `keep_days` (None: keep all), then merge past months; return how many runs and files.

    Raises LakeBusy, LakeError and NotPublished; the lake loses nothing else whatever is raised.
    """
    lake = Lake.open(path)
    done: dict[str, int] = {}
    with lake.writing("retention", now):
        if keep_days is not None:
            done["nights_dropped"] = len(prune(lake, keep_days=keep_days, now=now).runs)
        if merge_months:
            done["files_merged"] = sum(each.files_before for each in compact(lake, now=now))
        # The catalog names files; its readers must not get superseded ones.
        with suppress(LakeError, OSError):
            catalog.ensure(lake)
    return done

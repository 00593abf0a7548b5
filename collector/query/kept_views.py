"""The rows of the views that take longest, kept with the lake: on them rest questions about releases and about runs.

Who changes the lake computes them for its newest run, by the same SQL, and writes them to files whose names say what
they hold: the view, the manifest with the program and SQL that read it, and the hash of the content. A reader takes a
file only if all three are what it would compute from, for the newest run. Otherwise the view is computed from the
tables: a file that is missing, old, damaged or not readable changes no answer. In object storage none are kept.
"""

import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import msgspec

from collector._version import __version__
from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.lake.local_files import make_directory, sha256_of
from collector.lake.manifest import GRACE
from collector.lake.sizes import table_sizes
from collector.lake.sql_text import read_parquet
from collector.lake.storage import FILE_MODE, translating
from collector.query.sql_files import SqlFile
from collector.query.views import Views, files_for, no_files, view_sources

FOLDER = ".views"
# Each after those it reads.
KEPT = (
    "configured_destinations", "written_environments", "release_attempts", "executions_known", "run_changes",
    "carried_promotions",
)  # fmt: skip
# With fewer executions the views take hardly longer than the rest of a question.
LEAST_EXECUTIONS = 5_000
# What a run of any size may have in memory; the rest is spilled.
_MEMORY_LIMIT = "250MB"
# Files that are not finished, and what is spilled meanwhile.
_NEW = "new"


def are_current(lake: Lake) -> bool:
    """Return whether the lake has the views for its manifest, or none where it has few executions."""
    if lake.storage.shared:
        return True
    if _has_few_executions(lake):
        return not os.path.lexists(lake.path / FOLDER)
    return kept_views(lake, view_sources()).keys() == set(KEPT)


def keep_views(lake: Lake) -> None:
    """Compute the views and write their rows unless they `are_current`; remove the files of manifests of long ago.

    Raises CollectorError when they cannot be computed or written; readers compute them then.
    """
    lake.require_lock()
    if lake.storage.shared:
        return
    folder = lake.path / FOLDER
    with translating(folder):
        _remove_old(folder)
        if are_current(lake):
            return
        if _has_few_executions(lake):
            shutil.rmtree(folder)  # it has rows of runs that were dropped
        else:
            _keep(lake, folder)


def _has_few_executions(lake: Lake) -> bool:
    sizes = table_sizes(lake.manifest)
    return "executions" not in sizes or sizes["executions"].rows < LEAST_EXECUTIONS


def kept_views(lake: Lake, sources: Mapping[str, SqlFile]) -> dict[str, SqlFile]:
    """Return the views whose rows are kept for the newest run of this manifest, as selects over their files."""
    found: dict[str, SqlFile] = {}
    folder = lake.path / FOLDER
    if lake.storage.shared or not os.path.isdir(folder):
        return found
    stamp = _stamp(lake, sources)
    for view in KEPT:
        with suppress(OSError):
            for path in folder.glob(f"{view}-{stamp}-*.parquet"):
                if path.is_file() and path.name == _name(view, stamp, path):
                    found[view] = SqlFile(view, f"select * from {read_parquet([path])}")
    return found


def _keep(lake: Lake, folder: Path) -> None:
    new, run = folder / _NEW, lake.manifest.latest
    sources = dict(view_sources())
    stamp = _stamp(lake, sources)
    try:
        make_directory(new)
        with Database([lake.storage.readable, new], new / "spill", memory_limit=_MEMORY_LIMIT, threads=1) as database:
            for view in KEPT:
                file, rows = sources[view], f"rows_of_{view}"
                views = Views(files_for(file, lake, run), run, sources)
                database.copy_to_parquet(rows, [views.statement(file.sql, file.references)], new)
                sources[view] = SqlFile(view, f"select * from {rows}")
        for view in KEPT:
            made = new / f"rows_of_{view}-0.parquet"
            made.chmod(FILE_MODE)
            os.replace(made, folder / _name(view, stamp, made))
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _stamp(lake: Lake, sources: Mapping[str, SqlFile]) -> str:
    """Return a short name for all that decides the rows of the views: the manifest, the program and its SQL."""
    selects = Views(no_files, lake.manifest.latest, sources).selects(KEPT)
    program = repr((__version__, sorted(selects.items())))
    return sha256(program.encode() + msgspec.json.encode(lake.manifest)).hexdigest()[:16]


def _name(view: str, stamp: str, content: Path) -> str:
    return f"{view}-{stamp}-{sha256_of(content)[:32]}.parquet"


def _remove_old(folder: Path) -> None:
    """Remove the files that were replaced so long ago that no reader needs them, and what a killed process left."""
    shutil.rmtree(folder / _NEW, ignore_errors=True)
    oldest = time.time() - GRACE.total_seconds()
    for view in KEPT:
        files = sorted((path.stat().st_mtime, path) for path in folder.glob(f"{view}-*.parquet"))
        for (_, path), (replaced_at, _) in pairwise(files):
            if replaced_at < oldest:
                path.unlink()

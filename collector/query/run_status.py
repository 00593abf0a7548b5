"""What `collector status` shows of each run: computed by sql/status/runs.sql when the run is published, and kept.

What the rows of a run say never changes, so the lake has it in a small file that is read without DuckDB. A run that is
not in the file (an earlier version wrote it, or it is long ago) is asked of its tables by the same SQL. In object
storage there is no such file, because every machine would need the others'.
"""

import datetime as dt
from collections.abc import Sequence

import msgspec

from collector._version import __version__
from collector.lake.lake import Lake
from collector.lake.storage import missing_file, unreadable_file
from collector.query.sql_files import SqlFile, read_folder, sql_folder

FILE_NAME = ".status"
# The file has so many runs: more are shown by --last only.
_KEPT_RUNS = 30
# The tables that the SQL reads.
READ = ("runs", "workspaces", "projects", "pipelines", "actions", "promote_image_actions", "problems")


class CoverageCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many items of a level have a coverage."""

    level: str
    coverage: str | None
    count: int


class InstallationStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one installation fared in a run; its status is its own."""

    installation: str
    status: str
    started_at: dt.datetime
    finished_at: dt.datetime
    promote_image_actions: int
    problems: int
    notices: int
    requests: int
    retries: int
    refusals: int
    paused_seconds: float
    carried: int
    oldest_read_at: dt.datetime | None


class RunStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A row of `collector status`. The fields with a default are of the moment, and not kept."""

    run_id: str
    run_date: dt.date
    status: str
    age_seconds: float = 0.0
    started_at: dt.datetime
    finished_at: dt.datetime
    duration_seconds: float
    resumed_count: int
    promote_image_actions: int
    not_seen: int
    problems: int
    notices: int
    requests: int
    retries: int
    refusals: int
    paused_seconds: float
    coverage: list[CoverageCount] | None
    carried: int
    oldest_read_at: dt.datetime | None
    installations: list[InstallationStatus]
    bytes: int = 0
    held_by: str | None = None
    interrupted_run: str | None = None
    lake: str = ""
    lake_nights: int = 0
    lake_files: int = 0
    lake_bytes: int = 0
    lake_bytes_per_night: int = 0


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The runs in order, and the version that computed them: another one may count otherwise."""

    collector_version: str
    runs: list[RunStatus]


def status_query() -> SqlFile:
    """Return the select that computes the rows of $run_ids."""
    return read_folder(sql_folder() / "status")["runs"]


def keep_status(lake: Lake, run: RunStatus) -> None:
    """Add a published run to the file. Raises CollectorError when it cannot be written; the old one stays then."""
    if lake.storage.shared:
        return
    recent = {each.run_id for each in lake.manifest.runs[-_KEPT_RUNS:]}
    runs = {each.run_id: each for each in (*_kept(lake), run) if each.run_id in recent}
    content = msgspec.json.encode(_File(__version__, [runs[run_id] for run_id in sorted(runs)]))
    lake.storage.replace(FILE_NAME, content + b"\n")


def run_statuses(lake: Lake, last: int) -> list[RunStatus]:
    """Return the last runs, newest first. Raises LakeError when a file of one of them is missing or damaged."""
    wanted = [run.run_id for run in reversed(lake.manifest.runs[-last:])]
    found = {run.run_id: run for run in _kept(lake)}
    _require_files(lake, wanted)
    if missing := [run_id for run_id in wanted if run_id not in found]:
        from collector.query.reader import LakeReader

        answer = LakeReader(lambda: lake).answer(status_query(), {"run_ids": missing})
        found |= {run.run_id: run for run in msgspec.convert(answer.table.to_pylist(), list[RunStatus])}
    return [found[run_id] for run_id in wanted]


def _kept(lake: Lake) -> list[RunStatus]:
    """Return the runs in the file; none where there is no file of this version that can be read."""
    if lake.storage.shared:
        return []
    try:
        file = msgspec.json.decode((lake.path / FILE_NAME).read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return []
    return file.runs if file.collector_version == __version__ else []


def _require_files(lake: Lake, run_ids: Sequence[str]) -> None:
    """Raise what reading the files of these runs would raise, as far as their names and sizes show it."""
    if lake.storage.shared:
        return  # they are read
    for table in READ:
        for entry in lake.entries(table, run_ids):
            path = lake.path / entry.path
            try:
                found = path.stat().st_size
            except OSError as error:
                raise missing_file(f"{path}: {error.strerror}") from error
            if found != entry.bytes:
                raise unreadable_file(f"{path} has {found:,} bytes instead of {entry.bytes:,}")

"""The manifest: which files a lake consists of, and which runs they hold.

It is the one commit point: a run is visible when, and only when, the manifest on disk names it. This module is pure:
bytes in, a checked `Manifest` out, and back. `lake.py` reads and replaces the file.

Rules for whoever edits this file:
* A field that is added, removed or read differently needs a new `FORMAT`, and `decode` then reads the older one too.
  An unknown field is damage, because writing the manifest back would lose it.
* Nothing in a manifest is trusted: a path that is absolute or leaves the lake is damage.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec

from collector.errors import LakeError

FORMAT = 1
FILE_NAME = "manifest.json"
# The manifests before the last changes, the newest first.
EARLIER = tuple(f"{FILE_NAME}.{number}" for number in (1, 2, 3))
# How long a file that is no longer live is kept for readers of an earlier manifest.
GRACE = dt.timedelta(hours=1)
# A time further in the future than this was written under a wrong clock.
_MAX_FUTURE = dt.timedelta(days=31)
RUN_ID = r"^\d{8}T\d{6}Z-[0-9a-f]{6}\Z"
# What to do when the manifest is damaged or does not fit the files.
RESTORE = (
    f"Nothing was changed. Restore {FILE_NAME} from a copy of the lake, or copy {EARLIER[0]}, the one before the last "
    "change, over it; or `collector verify --rebuild-manifest` rebuilds it from the files."
)

_ODD_PARTS = frozenset({"", ".", ".."})

Count = Annotated[int, msgspec.Meta(ge=0)]
RunId = Annotated[str, msgspec.Meta(pattern=RUN_ID)]
Month = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}\Z")]
Time = Annotated[dt.datetime, msgspec.Meta(tz=True)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class FileEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A live file: where it is, what it must contain, and which runs its rows are of."""

    path: str
    rows: Count
    bytes: Count
    sha256: Sha256
    schema: str
    runs: list[RunId]
    run_month: Month


# An installation that was not read for longer is one that is no longer collected.
_NEAR = dt.timedelta(days=7)


class RunEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A published run; times are UTC, `run_date` is the date of its start."""

    run_id: RunId
    run_date: dt.date
    status: Literal["complete", "partial"]
    started_at: Time
    finished_at: Time
    collector_version: str
    api_urls: list[str] = []
    installations: list[str] = []


class RetiredFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that is no longer live but may still be read by readers of an earlier manifest."""

    path: str
    retired_at: Time


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One consistent set of files.

    `sequence` grows by one with every commit; `runs` are in order of run_id; `history_begins` is the oldest run that
    pruning has left, None while none was ever dropped.
    """

    format: Annotated[int, msgspec.Meta(ge=FORMAT)] = FORMAT
    sequence: Count = 0
    published_at: Time | None = None
    history_begins: RunId | None = None
    runs: list[RunEntry] = []
    tables: dict[str, list[FileEntry]] = {}
    retired: list[RetiredFile] = []

    def run(self, run_id: str) -> RunEntry | None:
        """Return the published run of that id, or None."""
        return next((run for run in self.runs if run.run_id == run_id), None)

    @property
    def latest(self) -> RunEntry | None:
        """The newest published run, or None in an empty lake."""
        return self.runs[-1] if self.runs else None

    def of_other_installations(self, run: RunEntry) -> dict[str, RunEntry]:
        """Return the last run of each installation that `run` did not read and that was read within a week of it."""
        near = [each for each in self.runs if run.installations and abs(each.started_at - run.started_at) <= _NEAR]
        last = {name: each for each in near for name in each.installations}
        return {name: each for name, each in last.items() if name not in run.installations}

    def live_paths(self) -> set[str]:
        """Return the relative path of every live file."""
        return {entry.path for entries in self.tables.values() for entry in entries}


def successor(before: Manifest, changed: Manifest, now: dt.datetime) -> Manifest:
    """Return `changed` as the manifest that comes after `before`.

    Files that were live and no longer are become retired at `now`; retired files whose grace period is over are
    forgotten.
    """
    retiring = sorted(before.live_paths() - changed.live_paths())
    retired = [file for file in before.retired if in_grace(file.retired_at, now)]
    return msgspec.structs.replace(
        changed,
        sequence=before.sequence + 1,
        tables={table: entries for table, entries in changed.tables.items() if entries},
        retired=retired + [RetiredFile(path=path, retired_at=now) for path in retiring],
    )


def in_grace(retired_at: dt.datetime, now: dt.datetime) -> bool:
    """Return whether a file retired then is still kept for readers; a time far in the future was a wrong clock's."""
    return -_MAX_FUTURE < now - retired_at < GRACE


class _FormatOnly(msgspec.Struct):
    format: int


def encode(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest: indented JSON, for people and for diffs."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def decode(content: bytes) -> Manifest:
    """Return the manifest in `content`. Raises LakeError when it is damaged, or of a newer format."""
    try:
        found = msgspec.json.decode(content, type=_FormatOnly).format
        if found > FORMAT:
            raise LakeError(
                f"this lake has format {found}, and this collector knows formats up to {FORMAT}",
                advice="Upgrade the collector to the version that wrote this lake, or a later one.",
            )
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise damaged(str(error)) from error
    _check(manifest)
    return manifest


def damaged(reason: str) -> LakeError:
    """Return the error for a damaged manifest."""
    return LakeError(f"{FILE_NAME} is damaged: {reason}", advice=RESTORE)


def _check(manifest: Manifest) -> None:
    run_ids = [run.run_id for run in manifest.runs]
    if run_ids != sorted(set(run_ids)):
        raise damaged("its runs are not in order, or one is named twice")
    for table, entries in manifest.tables.items():
        for entry in entries:
            _check_path(entry.path, f"tables/{table}/")
    if len(manifest.live_paths()) < sum(map(len, manifest.tables.values())):
        raise damaged("a file is named twice")
    for retired in manifest.retired:
        _check_path(retired.path, "tables/")


def _check_path(path: str, folder: str) -> None:
    plain = path.startswith(folder) and _ODD_PARTS.isdisjoint(path.split("/"))
    if not plain or "\\" in path or "\0" in path:
        raise damaged(f"the path {path!r} does not belong under {folder}")

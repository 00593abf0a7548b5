"""The manifest: which files are the lake, which nights they hold, and how an older one is understood.

It is the one commit point. A run is visible when, and only when, the manifest on disk names it. This module
is pure: bytes in, a checked `Manifest` out, and back. `lake.py` reads and swaps the file.

Rules for whoever edits this file:
* A field added, removed or read differently is a new `FORMAT` and one function in `MIGRATIONS`, from the
  plain JSON of format n to that of n + 1. An unknown field is damage, because writing it back would lose it.
* Nothing in a manifest is trusted: a path that is absolute or climbs out of the lake is damage.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal

import msgspec

from collector.errors import LakeError

FORMAT = 1
FILE_NAME = "manifest.json"
# The manifests before this one, the newest first: each is what FILE_NAME was before a change.
EARLIER = tuple(f"{FILE_NAME}.{number}" for number in (1, 2, 3))
# How long a file that is no longer live stays for readers who hold an earlier manifest.
GRACE = dt.timedelta(hours=1)
# A time that lies further in the future was written under a wrong clock.
FAR = dt.timedelta(days=31)
RUN_ID = r"^\d{8}T\d{6}Z-[0-9a-f]{6}\Z"

_ODD_PARTS = frozenset({"", ".", ".."})

Count = Annotated[int, msgspec.Meta(ge=0)]
RunId = Annotated[str, msgspec.Meta(pattern=RUN_ID)]
Month = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}\Z")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Migration = Callable[[dict[str, Any]], dict[str, Any]]

# The n-th entry turns the plain JSON of format n into that of format n + 1. Format 1 is the first.
MIGRATIONS: Mapping[int, Migration] = {}


class FileEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A live file: where it is, what it must contain, and whose nights these are."""

    path: str
    rows: Count
    bytes: Count
    sha256: Sha256
    schema: str
    runs: list[RunId]
    run_month: Month


class RunEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A published night; times are UTC, `run_date` is the date of its start."""

    run_id: RunId
    run_date: dt.date
    status: Literal["complete", "partial"]
    started_at: dt.datetime
    finished_at: dt.datetime
    collector_version: str
    api_urls: list[str] = []


class RetiredFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file no longer live that readers of an earlier manifest may still be reading."""

    path: str
    retired_at: dt.datetime


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One consistent set of files.

    `sequence` grows by one with every swap; `runs` are in order of run_id; `history_begins` is the first
    night still kept, None while none was ever dropped.
    """

    format: int = FORMAT
    sequence: Count = 0
    published_at: dt.datetime | None = None
    history_begins: RunId | None = None
    runs: list[RunEntry] = []
    tables: dict[str, list[FileEntry]] = {}
    retired: list[RetiredFile] = []

    def run(self, run_id: str) -> RunEntry | None:
        """The published run of that id, or None."""
        return next((run for run in self.runs if run.run_id == run_id), None)

    @property
    def latest(self) -> RunEntry | None:
        """The newest published run, or None in an empty lake."""
        return self.runs[-1] if self.runs else None

    def live_paths(self) -> set[str]:
        """The relative path of every live file."""
        return {entry.path for entries in self.tables.values() for entry in entries}


def in_grace(retired_at: dt.datetime, now: dt.datetime) -> bool:
    """True while a file retired then stays for readers. A time far in the future is a wrong clock's, and is over."""
    return -FAR < now - retired_at < GRACE


class _Opening(msgspec.Struct):
    format: int


def encode(manifest: Manifest) -> bytes:
    """The bytes of a manifest: JSON that a person can read and a diff can compare."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def decode(content: bytes, *, migrations: Mapping[int, Migration] = MIGRATIONS, known: int = FORMAT) -> Manifest:
    """The manifest in `content`, brought up to format `known`.

    Raises LakeError when it is damaged, or of a format newer than `known`.
    """
    try:
        found = msgspec.json.decode(content, type=_Opening).format
        if found > known:
            raise LakeError(
                f"this lake has format {found}, and this collector knows formats up to {known}",
                advice="Upgrade the collector to the version that wrote this lake, or a later one.",
            )
        if found == known:
            manifest = msgspec.json.decode(content, type=Manifest)
        else:
            manifest = msgspec.convert(_migrated(msgspec.json.decode(content), found, known, migrations), Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise damaged(str(error)) from error
    _check(manifest)
    return manifest


def damaged(why: str) -> LakeError:
    """The error for a manifest that cannot be believed."""
    return LakeError(
        f"{FILE_NAME} is damaged: {why}",
        advice="Nothing was changed. Restore manifest.json from a copy of the lake, or copy manifest.json.1, the one before "
        "the last change, over it; or `collector verify --rebuild-manifest` builds it anew from the files.",
    )


def _migrated(plain: dict[str, Any], found: int, known: int, migrations: Mapping[int, Migration]) -> dict[str, Any]:
    for number in range(found, known):
        if number not in migrations:
            raise damaged(f"there never was a format {number}")
        try:
            plain = {**migrations[number](plain), "format": number + 1}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise damaged(f"it does not hold what format {number} held ({error!r})") from error
    return plain


def _check(manifest: Manifest) -> None:
    run_ids = [run.run_id for run in manifest.runs]
    if run_ids != sorted(set(run_ids)):
        raise damaged("its runs are not in order, or one is there twice")
    seen: set[str] = set()
    for table, entries in manifest.tables.items():
        for entry in entries:
            _check_path(entry.path, f"tables/{table}/")
            if entry.path in seen:
                raise damaged(f"{entry.path!r} is named twice")
            seen.add(entry.path)
    for retired in manifest.retired:
        _check_path(retired.path, "tables/")
    _check_times(manifest)


def _check_path(path: str, folder: str) -> None:
    plain = path.startswith(folder) and _ODD_PARTS.isdisjoint(path.split("/"))
    if not plain or "\\" in path or "\0" in path:
        raise damaged(f"the path {path!r} does not belong under {folder}")


def _check_times(manifest: Manifest) -> None:
    times: Iterable[dt.datetime | None] = (
        manifest.published_at,
        *(time for run in manifest.runs for time in (run.started_at, run.finished_at)),
        *(retired.retired_at for retired in manifest.retired),
    )
    if any(time is not None and time.tzinfo is None for time in times):
        raise damaged("a time in it has no zone")

"""A lake: the set of files that its manifest names, and the right to change it.

Readers `open` it once and see one consistent set for as long as the grace period of retired files lasts.
Writers `create` it, and change it only inside `writing`, which holds the lock and reads the manifest again:
what was read before the lock may be old.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from collector.errors import LakeBusy, LakeError, SettingsError
from collector.lake import manifest as manifests
from collector.lake.lock import FILE_NAME as LOCK_FILE
from collector.lake.lock import Lock
from collector.lake.manifest import FileEntry, Manifest, RetiredFile
from collector.lake.runs import FOLDER as RUNS_FOLDER
from collector.lake.runs import RunDirectories
from collector.lake.storage import Storage, make_directory, translated, translating

# How long a file that is no longer live stays for readers who hold an earlier manifest.
GRACE = dt.timedelta(hours=1)
# A time that lies further in the future was written under a wrong clock.
FAR = dt.timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Size:
    """What a table takes: live files, rows, bytes."""

    files: int
    rows: int
    bytes: int


def in_grace(retired_at: dt.datetime, now: dt.datetime) -> bool:
    """True while a file retired then stays for readers. A time far in the future is a wrong clock's, and is over."""
    return -FAR < now - retired_at < GRACE


class Lake:
    """The lake at `path`, as its manifest described it when it was read."""

    def __init__(self, storage: Storage, manifest: Manifest, made: Sequence[Path] = ()) -> None:
        self.storage = storage
        self.manifest = manifest
        self.runs = RunDirectories(storage.root)
        self._made = made
        self._lock: Lock | None = None

    @classmethod
    def open(cls, path: Path, *, published: bool = True) -> Lake:
        """The lake at `path` for reading. Raises LakeError when there is none, or it cannot be believed.

        One whose first run has not been published is an empty lake, if it need not be `published`.
        """
        storage = Storage(path)
        manifest = _read(storage)
        if manifest is None:
            begun = cls(storage, Manifest())
            if runs := begun.resumable_runs():
                if not published:
                    return begun
                raise LakeError(
                    f"no night has been published yet at {path}; the first one, {runs[-1]}, was interrupted or still runs",
                    advice="`collector collect` continues it.",
                )
            raise LakeError(
                f"there is no lake at {path}",
                advice="Name the lake with --lake or COLLECTOR_LAKE, or make one with `collector collect` "
                "(`collector demo` makes one without a token).",
            )
        return cls(storage, manifest)

    @classmethod
    def create(cls, path: Path) -> Lake:
        """The lake at `path` for writing; a directory without a manifest is an empty lake.

        Raises SettingsError when the directory cannot be made, LakeError when its manifest cannot be
        believed.
        """
        with translating(path):
            made = make_directory(path)
        storage = Storage(path)
        return cls(storage, _read(storage) or Manifest(), made)

    @property
    def path(self) -> Path:
        """The absolute path of the lake's directory."""
        return self.storage.root

    def files(self, table: str, run_id: str | None = None) -> list[tuple[Path, str]]:
        """The live files of a table, or those that hold one run, as absolute path and schema fingerprint; all of one
        consistent set.
        """
        entries = self.manifest.tables.get(table, [])
        return [
            (self.storage.locate(e.path), e.schema) for e in entries if run_id is None or run_id in e.runs
        ]

    def sizes(self) -> dict[str, Size]:
        """What every table takes, by name."""
        return {
            table: Size(len(entries), sum(e.rows for e in entries), sum(e.bytes for e in entries))
            for table, entries in self.manifest.tables.items()
        }

    def resumable_runs(self) -> list[str]:
        """The unpublished runs that left a journal, oldest first."""
        return self.runs.resumable({run.run_id for run in self.manifest.runs})

    def newest_run_id(self) -> str | None:
        """The largest run id in the lake, published or not; a new run gets a larger one. None in an empty lake."""
        return max([*(run.run_id for run in self.manifest.runs), *self.runs.all()], default=None)

    @contextmanager
    def writing(self, doing: str, now: dt.datetime) -> Iterator[Lake]:
        """Hold the lake for changing it; `doing` is what others are told ('collect').

        Raises LakeBusy when another process holds it, SettingsError when the lake cannot be written.
        """
        with Lock(self.path, doing=doing, now=now) as self._lock:
            try:
                self.manifest = _read(self.storage) or Manifest()
                yield self
            finally:
                self._lock = None

    def vanish_if_empty(self) -> None:
        """Remove an empty lake: the lock, and the directories that `create` made; what was there before stays."""
        self.require_held()
        assert self._lock is not None
        with suppress(OSError):
            others = {item.name for item in self.path.iterdir()} - {LOCK_FILE, RUNS_FOLDER}
            if not others and self.runs.remove_empty():
                self._lock.remove()
                for directory in self._made:
                    directory.rmdir()

    def require_held(self) -> None:
        """Raise RuntimeError unless this is inside `writing`: changing a lake without its lock is a bug."""
        if self._lock is None:
            raise RuntimeError("a lake may only be changed inside `with lake.writing(...)`")

    def commit(self, changed: Manifest, now: dt.datetime) -> Manifest:
        """Make `changed` the lake's manifest: the one step by which anything becomes visible.

        Files that were live and are so no longer are retired at `now`; the retired whose grace is over are
        forgotten, which leaves them to the sweep. Raises LakeBusy when the manifest is not the one `changed`
        was made from.
        """
        self.require_held()
        before = _read(self.storage) or Manifest()
        if before.sequence != self.manifest.sequence:
            raise LakeBusy(
                f"the manifest of {self.path} was changed by somebody else meanwhile",
                advice="Run the same command again.",
            )
        leaving = before.live_paths() - changed.live_paths()
        still = [r for r in before.retired if in_grace(r.retired_at, now)]
        committed = msgspec.structs.replace(
            changed,
            sequence=before.sequence + 1,
            tables={table: entries for table, entries in changed.tables.items() if entries},
            retired=still + [RetiredFile(path=path, retired_at=now) for path in sorted(leaving)],
        )
        self.storage.replace(manifests.FILE_NAME, manifests.encode(committed))
        self.manifest = committed
        return committed


def with_files(manifest: Manifest, table: str, entries: list[FileEntry]) -> Manifest:
    """The manifest with other files for one table."""
    return msgspec.structs.replace(manifest, tables={**manifest.tables, table: entries})


def _read(storage: Storage) -> Manifest | None:
    try:
        content = storage.read(manifests.FILE_NAME)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise SettingsError(
            f"{storage.locate(manifests.FILE_NAME)} cannot be read: {error.strerror}",
            advice="Give this user the right to read the lake (its group may: files are 0640), "
            "or name another.",
        ) from error
    except OSError as error:
        if error.errno is None:
            # Arrow's own words, without a number, for what is there but is no file.
            raise manifests.damaged("it is not a file") from error
        raise translated(error, str(storage.locate(manifests.FILE_NAME))) from error
    return manifests.decode(content)

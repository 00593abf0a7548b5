"""A lake: the set of files that its manifest names, and the right to change it.

Readers `open` it once and see one consistent set for as long as the grace period of retired files lasts.
Writers `create` it, and change it only inside `writing`, which holds the lock and reads the manifest again:
what was read before the lock may be old.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from collector.errors import LakeBusy, LakeError, SettingsError
from collector.lake import accounting
from collector.lake import manifest as manifests
from collector.lake.lock import FILE_NAME as LOCK_FILE
from collector.lake.lock import Lock, holder
from collector.lake.manifest import FileEntry, Manifest, RetiredFile, in_grace
from collector.lake.run_directories import FOLDER as RUNS_FOLDER
from collector.lake.run_directories import RunDirectories
from collector.lake.storage import Storage, make_directory, translated, translating
from collector.settings.parsers import require_openable


@dataclass(frozen=True, slots=True)
class TableSize:
    """What a table takes: live files, rows, bytes."""

    files: int
    rows: int
    bytes: int


class Lake:
    """The lake at `path`, as its manifest described it when it was read."""

    def __init__(
        self, storage: Storage, manifest: Manifest, made: Sequence[Path] = (), besides: frozenset[Path] = frozenset()
    ) -> None:
        self.storage = storage
        self.manifest = manifest
        self.runs = RunDirectories(storage.root)
        self._made = made
        self._besides = besides
        self._lock: Lock | None = None

    @classmethod
    def open(cls, path: Path, *, published: bool = True) -> Lake:
        """The lake at `path` for reading. Raises LakeError when there is none, or it cannot be believed.

        One whose first run has not been published is an empty lake, if it need not be `published`.
        """
        storage = _storage(path)
        manifest = _read(storage)
        if manifest is None:
            try:
                accounting.require_no_lake(storage, RunDirectories(storage.root))
            except LakeError:
                manifest = _read(storage)  # the first run may have been published between the two looks
                if manifest is None:
                    raise
                return cls(storage, manifest)
            begun = cls(storage, Manifest())
            if runs := begun.resumable_runs():
                if not published:
                    return begun
                raise LakeError(
                    f"no night has been published yet at {path}; the first one, {runs[-1]}, was interrupted or still runs",
                    advice="`collector collect` continues it.",
                )
            raise _no_lake(path)
        return cls(storage, manifest)

    @classmethod
    def create(cls, path: Path, besides: Collection[Path] = ()) -> Lake:
        """The lake at `path` for writing; an empty directory is an empty lake.

        `besides` are files of others that are expected in it. Raises SettingsError when the directory cannot be made,
        LakeError when its manifest cannot be believed, does not account for the files there, or is missing in a
        directory that holds other things.
        """
        storage = _storage(path)
        expected = frozenset(each.absolute() for each in besides)
        cls.examine(path, expected)
        with translating(path):
            made = make_directory(path)
        return cls(storage, _read(storage) or Manifest(), made, expected)

    @classmethod
    def at(cls, path: Path) -> Lake:
        """The lake at `path` whatever its manifest is, which is not read: for building that anew.

        Raises LakeError when there are no tables.
        """
        storage = _storage(path)
        if not (storage.root / "tables").is_dir():
            raise _no_lake(path)
        return cls(storage, Manifest())

    @classmethod
    def examine(cls, path: Path, besides: Collection[Path] = ()) -> None:
        """Raise what a command that writes would raise for what stands at `path`, before it changes anything."""
        storage = _storage(path)
        # While somebody writes, what is seen may be of two moments; the lock will tell of them.
        if storage.root.is_dir() and holder(storage.root) is None:
            cls(storage, _read(storage) or Manifest(), besides=frozenset(besides)).require_accounted()

    @property
    def path(self) -> Path:
        """The absolute path of the lake's directory."""
        return self.storage.root

    def files(self, table: str, run_id: str | None = None) -> list[tuple[Path, str]]:
        """The live files of a table, or those that hold one run, as absolute path and schema fingerprint; all of one
        consistent set.
        """
        entries = self.manifest.tables.get(table, [])
        return [(self.storage.locate(e.path), e.schema) for e in entries if run_id is None or run_id in e.runs]

    def sizes(self) -> dict[str, TableSize]:
        """What every table takes, by name."""
        return {
            table: TableSize(len(entries), sum(e.rows for e in entries), sum(e.bytes for e in entries))
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

        Raises LakeBusy when another process holds it, SettingsError when the lake cannot be written, LakeError when
        its manifest does not account for the files there.
        """
        with self.holding(doing, now):
            self.require_accounted()
            self.manifest = _read(self.storage) or Manifest()
            yield self

    @contextmanager
    def holding(self, doing: str, now: dt.datetime) -> Iterator[None]:
        """Hold the lake as `writing` does, whatever its manifest is: for building that anew."""
        with Lock(self.path, doing=doing, now=now) as self._lock:
            try:
                yield
            finally:
                self._lock = None

    def require_accounted(self) -> None:
        """Raise LakeError unless the manifest on disk accounts for the files there (see accounting)."""
        accounting.require_accounted(self.storage, self.runs, _read(self.storage), self._besides)

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
        self.swap_manifest(committed)
        return committed

    def swap_manifest(self, changed: Manifest) -> None:
        """Make `changed` the manifest on disk, and keep the one before as the first of the earlier ones."""
        self.require_held()
        with suppress(FileNotFoundError):
            before = self.storage.read(manifests.FILE_NAME)
            # From the oldest to the newest, so that no moment loses more than the oldest.
            for older, newer in zip(reversed(manifests.EARLIER), reversed(manifests.EARLIER[:-1]), strict=False):
                self.storage.rename(newer, older)
            self.storage.replace(manifests.EARLIER[0], before)
        self.storage.replace(manifests.FILE_NAME, manifests.encode(changed))
        self.manifest = changed


def with_files(manifest: Manifest, table: str, entries: list[FileEntry]) -> Manifest:
    """The manifest with other files for one table."""
    return msgspec.structs.replace(manifest, tables={**manifest.tables, table: entries})


def _no_lake(path: Path) -> LakeError:
    return LakeError(
        f"there is no lake at {path}",
        advice="Name the lake with --lake or COLLECTOR_LAKE, or make one with `collector collect` "
        "(`collector demo` makes one without a token).",
    )


def _storage(path: Path) -> Storage:
    storage = Storage(path)
    require_openable(storage.root)
    return storage


def _read(storage: Storage) -> Manifest | None:
    try:
        content = storage.read(manifests.FILE_NAME)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise SettingsError(
            f"{storage.locate(manifests.FILE_NAME)} cannot be read: {error.strerror}",
            advice="Give this user the right to read the lake (its group may: files are 0640), or name another.",
        ) from error
    except OSError as error:
        if error.errno is None:
            # Arrow's own words, without a number, for what is there but is no file.
            raise manifests.damaged("it is not a file") from error
        raise translated(error, str(storage.locate(manifests.FILE_NAME))) from error
    if not content.strip(b" \t\r\n\0"):
        raise accounting.what_is_there(storage, RunDirectories(storage.root), "empty")
    return manifests.decode(content)

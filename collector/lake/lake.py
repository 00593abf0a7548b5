"""A lake: the set of files that its manifest names, and the right to change it.

Readers `open` it once and see one consistent set for as long as the grace period of retired files lasts. Writers
`create` it, and change it only inside `writing`, which takes the lock and reads the manifest again, because another
process may have changed it before.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from collector.errors import LakeError
from collector.extras import needs_extra
from collector.lake import inventory, lock
from collector.lake import manifest as manifests
from collector.lake.consistency import read_manifest, require_consistent, require_never_published
from collector.lake.local_storage import LocalStorage
from collector.lake.manifest import FileEntry, Manifest, successor
from collector.lake.run_directories import FOLDER as RUNS_FOLDER
from collector.lake.run_directories import RunDirectories, new_run_id
from collector.lake.storage import Loaded, Storage, outdated
from collector.settings.lake_place import LakePlace
from collector.settings.parsers import require_openable


class Lake:
    """The lake at `path`, as its manifest was when it was read.

    `expected_files` are files of others that may be in the directory, `created` the directories that were made for it.
    """

    def __init__(
        self,
        storage: Storage,
        manifest: Manifest,
        expected_files: frozenset[Path] = frozenset(),
        created: Sequence[Path] = (),
    ) -> None:
        self.storage = storage
        self.manifest = manifest
        self.runs = RunDirectories(storage.work_root)
        self._expected_files = expected_files
        self._created = created
        self._is_locked = False

    @classmethod
    def open(cls, path: LakePlace, *, published: bool = True) -> Lake:
        """Return the lake at `path` for reading. Raises LakeError when there is none, or its manifest is damaged.

        A lake whose first run is not published is refused too or, without `published`, is an empty lake.
        """
        storage = _storage(path)
        manifest, _ = read_manifest(storage)
        if manifest is None:
            try:
                require_never_published(storage, inventory.take_inventory(storage))
            except LakeError:
                manifest, _ = read_manifest(storage)  # the first run may have been published in between
                if manifest is None:
                    raise
        if manifest is not None:
            return cls(storage, manifest)
        lake = cls(storage, Manifest())
        runs = lake.resumable_runs()
        if not runs:
            raise _no_lake(storage)
        if published:
            raise LakeError(
                f"no run has been published yet at {storage.where}; {runs[-1]}, the first one, "
                "was interrupted or still runs",
                advice="`collector collect` continues it.",
            )
        return lake

    @classmethod
    def create(cls, path: LakePlace, expected_files: Collection[Path] = ()) -> Lake:
        """Return the lake at `path` for writing; an empty or missing directory is an empty lake.

        Raises SettingsError when the directory cannot be made, LakeError when the manifest is damaged, does not account
        for the files there, or is missing in a directory that holds other things than `expected_files`.
        """
        storage = _storage(path)
        expected = frozenset(file.absolute() for file in expected_files)
        cls.check(path, expected)
        created = storage.prepare()
        return cls(storage, read_manifest(storage)[0] or Manifest(), expected, created)

    @classmethod
    def without_manifest(cls, path: LakePlace) -> Lake:
        """Return the lake at `path` without reading its manifest, so that it can be rebuilt.

        Raises LakeError when there are no tables.
        """
        storage = _storage(path)
        if not any(file.path == inventory.FOLDER for file in storage.names()):
            raise _no_lake(storage)
        return cls(storage, Manifest())

    @classmethod
    def check(cls, path: LakePlace, expected_files: Collection[Path] = ()) -> None:
        """Raise what a command that writes would raise because of what is at `path`; change nothing."""
        storage = _storage(path)
        # While another process writes, its files and its manifest may not fit; `writing` reports that process.
        if storage.exists and lock.holder(storage.work_root) is None:
            require_consistent(storage, frozenset(expected_files))

    @property
    def path(self) -> Path:
        """Its directory on this machine: of a lake that is not on this machine, the one of its journals and lock."""
        return self.storage.work_root

    @property
    def where(self) -> str:
        """What people call its place: an absolute path or a URL."""
        return self.storage.where

    def entries(self, table: str, runs: Collection[str] = ()) -> list[FileEntry]:
        """Return the live files of a table, or those that hold one of these runs, as the manifest names them."""
        wanted = frozenset(runs)
        return [e for e in self.manifest.tables.get(table, []) if not wanted or not wanted.isdisjoint(e.runs)]

    def files(self, table: str, run_id: str | None = None) -> list[tuple[Path, str]]:
        """Return `entries` as paths on this machine, fetched where needed, each with its schema fingerprint."""
        entries = self.entries(table, () if run_id is None else (run_id,))
        return [(path, e.schema) for path, e in zip(self.storage.copies(entries), entries, strict=True)]

    def resumable_runs(self) -> list[str]:
        """Return the unpublished runs that left a journal, oldest first."""
        return self.runs.resumable({run.run_id for run in self.manifest.runs})

    def newest_run_id(self) -> str | None:
        """Return the largest run id in the lake, published or not; None in an empty lake."""
        return max([*(run.run_id for run in self.manifest.runs), *self.runs.all()], default=None)

    def new_run_id(self, now: dt.datetime, rng: random.Random) -> str:
        """Return an id for a run that begins now, after all that are known here, which no other machine uses."""
        run_id = new_run_id(now, rng, self.newest_run_id())
        if self.storage.shared:
            if not self.manifest.runs:
                self.storage.require_conditions()  # now, not after hours of crawling
            while not self.storage.create(inventory.claim_of(run_id), token_hex(16).encode()):
                run_id = new_run_id(now, rng, run_id)
        return run_id

    def forget_run(self, run_id: str) -> None:
        """Remove everything of a run that is not published."""
        self.runs.remove(run_id)
        self.storage.delete(inventory.claim_of(run_id))

    @contextmanager
    def writing(self, command: str, now: dt.datetime) -> Iterator[Lake]:
        """Lock the lake and read its manifest again; others that want the lock are told the `command` that holds it.

        Raises LakeBusy when another process holds the lock, SettingsError when the lake cannot be written, LakeError
        when its manifest does not account for the files there.
        """
        with self.locked(command, now):
            self.require_consistent()
            self.reload()
            yield self

    def reload(self) -> None:
        """Read the manifest again."""
        self.manifest = read_manifest(self.storage)[0] or Manifest()

    @contextmanager
    def locked(self, command: str, now: dt.datetime) -> Iterator[None]:
        """Lock the lake as `writing` does, whatever its manifest is."""
        if self.storage.shared:
            self.storage.prepare()  # this machine may never have written before
        with lock.hold(self.path, command=command, now=now):
            self._is_locked = True
            try:
                yield
            finally:
                self._is_locked = False

    def require_consistent(self) -> None:
        """Raise LakeError unless the manifest on disk accounts for the files there."""
        require_consistent(self.storage, self._expected_files)

    @property
    def is_locked(self) -> bool:
        """Whether this process holds the lock, and so may change the lake."""
        return self._is_locked

    def require_lock(self) -> None:
        """Raise RuntimeError outside `writing` and `locked`: changing a lake without its lock is a bug."""
        if not self._is_locked:
            raise RuntimeError("a lake may only be changed inside `with lake.writing(...)`")

    def remove_if_empty(self) -> None:
        """Remove an empty lake: the lock and the directories that `create` made; what was there before stays."""
        self.require_lock()
        with suppress(OSError):
            if {item.name for item in self.path.iterdir()} <= {lock.FILE_NAME, RUNS_FOLDER}:
                with suppress(FileNotFoundError):
                    (self.path / RUNS_FOLDER).rmdir()
                (self.path / lock.FILE_NAME).unlink(missing_ok=True)
                for directory in self._created:
                    directory.rmdir()

    def commit(self, changed: Manifest, now: dt.datetime) -> Manifest:
        """Make `changed` the lake's manifest: the one step by which anything becomes visible.

        Files that were live and no longer are become retired at `now`; retired files whose grace period is over are
        forgotten, so that a sweep removes them. Raises Outdated when `changed` was made from another manifest than the
        one that is stored.
        """
        self.require_lock()
        stored, seen = read_manifest(self.storage)
        before = stored or Manifest()
        if before.sequence != self.manifest.sequence:
            raise outdated(self.where)
        self.replace_manifest(successor(before, changed, now), seen)
        return self.manifest

    def replace_manifest(self, changed: Manifest, seen: Loaded | None) -> None:
        """Make `changed` the stored manifest in place of the one that was `seen`, which becomes the earlier one."""
        self.require_lock()
        self.storage.swap(manifests.FILE_NAME, manifests.encode(changed), seen, manifests.EARLIER)
        self.manifest = changed


def _no_lake(storage: Storage) -> LakeError:
    return LakeError(
        f"there is no lake at {storage.where}",
        advice="Name the lake with --lake or COLLECTOR_LAKE, or make one with `collector collect` "
        "(`collector demo` makes one without a token).",
    )


def _storage(place: LakePlace) -> Storage:
    if isinstance(place, Path):
        require_openable(place.absolute())
        return LocalStorage(place)
    require_openable(place.work_root)
    with needs_extra("s3"):
        from collector.lake.remote_storage import RemoteStorage
    return RemoteStorage(place)

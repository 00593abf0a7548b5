"""A lake in object storage.

Files are immutable: they are uploaded under new names, and read through a local cache. The manifest is replaced by a
conditional put, which the store refuses when another machine has replaced the manifest since it was read.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from collector.errors import CollectorError
from collector.lake.file_cache import FileCache
from collector.lake.local_files import make_directory
from collector.lake.local_storage import LocalStorage
from collector.lake.manifest import FileEntry
from collector.lake.object_storage import Objects
from collector.lake.storage import FilesGone, HashingWriter, Loaded, Outdated, StoredFile, translating
from collector.settings.lake_place import LakeUrl

# Requests at the same time: enough to fill a usual connection with small files.
_AT_ONCE = 16


class RemoteStorage:
    """The files of a lake below one URL. Other machines may write at the same time."""

    shared = True
    exists = True

    def __init__(self, place: LakeUrl) -> None:
        self.objects = Objects(place)
        self.where = place.url
        self.work_root = place.work_root
        self._cache = FileCache(place.work_root / "cache", place.cache_bytes)
        self._uploads = LocalStorage(place.work_root / "upload")
        self._written: dict[str, str] = {}  # files that are not uploaded yet, with their hashes

    @property
    def readable(self) -> Path:
        """The directory of the cache."""
        return self._cache.folder

    def prepare(self) -> list[Path]:
        """Create the directory on this machine; the bucket must exist."""
        with translating(self.work_root):
            return make_directory(self.work_root)

    @contextmanager
    def output(self, path: str) -> Iterator[HashingWriter]:
        """Write a file on this machine first, because an upload cannot be taken back; `sync` uploads it."""
        if not self._written:
            shutil.rmtree(self._uploads.root, ignore_errors=True)  # left by a process that was killed
        with self._uploads.output(path) as sink:
            yield sink
        self._written[path] = sink.sha256

    def sync(self, *paths: str) -> None:
        """Upload written files, several at once and the last one last; their copies are in the cache then."""
        waiting = [path for path in paths if path in self._written]
        self._all(self._upload, waiting[:-1])
        self._all(self._upload, waiting[-1:])

    def read(self, path: str) -> bytes:
        """Return the content of a small object."""
        return self.objects.get(path).content

    def load(self, path: str) -> Loaded:
        """Return the content of a small object with its version."""
        return self.objects.get(path)

    def swap(self, path: str, content: bytes, seen: Loaded | None, earlier: Sequence[str]) -> None:
        """Replace an object if it is the one that was seen; then keep the content before.

        In this order, because the content before would otherwise be kept by each writer that loses. What is kept is a
        convenience: without it the object has been replaced all the same.
        """
        self.objects.put_if(path, content, seen)
        if seen is not None and earlier:
            with suppress(CollectorError):
                for older, newer in pairwise(reversed(earlier)):
                    with suppress(FileNotFoundError):
                        self.objects.copy(newer, older)
                self.objects.put(earlier[0], seen.content)

    def replace(self, path: str, content: bytes) -> None:
        """Create or replace a small object."""
        self.objects.put(path, content)

    def create(self, path: str, content: bytes) -> bool:
        """Create an object that only one machine can create."""
        try:
            self.objects.put_if(path, content, None)
        except Outdated:
            return False
        return True

    def require_conditions(self) -> None:
        """Raise SettingsError when the store does not do what publishing needs."""
        self.objects.require_conditions()

    def copies(self, files: Iterable[FileEntry]) -> list[Path]:
        """Return the copies of the files in the cache; those that are missing are fetched, several at once."""
        wanted = list(files)
        missing = {entry.sha256: entry for entry in wanted if not self._cache.has(entry)}
        if missing:
            self._all(self._fetch, list(missing.values()))
            self._cache.trim()
        return [self._cache.path(entry.sha256) for entry in wanted]

    @contextmanager
    def fetched(self, path: str) -> Iterator[Path]:
        """Fetch one object for as long as the block lasts."""
        with TemporaryDirectory(prefix="collector-") as folder:
            target = Path(folder, "object.parquet")
            self.objects.download(path, target)
            yield target

    def files(self, under: str) -> list[StoredFile]:
        """Return every object below a prefix."""
        return self.objects.below(under)

    def names(self) -> list[StoredFile]:
        """Return the names right below the URL."""
        return self.objects.names()

    def delete(self, path: str) -> None:
        """Remove an object."""
        self.objects.delete(path)

    def delete_empty_directories(self, under: str, is_own: Callable[[str], object]) -> None:
        """Do nothing: object storage has no directories."""

    def _all(self, do: Callable[[Any], None], items: Sequence[Any]) -> None:
        if items:
            with ThreadPoolExecutor(min(_AT_ONCE, len(items))) as pool:
                list(pool.map(do, items))

    def _upload(self, path: str) -> None:
        source = self._uploads.locate(path)
        self.objects.put(path, source)
        self._cache.adopt(source, self._written.pop(path))

    def _fetch(self, entry: FileEntry) -> None:
        try:
            with self._cache.adding(entry) as target:
                self.objects.download(entry.path, target)
        except FileNotFoundError:
            raise FilesGone(
                f"a file of the lake is missing: {self.where}/{entry.path}",
                "Restore it from a copy of the lake; `collector verify` names the damaged runs.",
            ) from None

"""Local copies of the files of a lake in object storage, by the hash of their content, in a bounded directory.

A file of a lake never changes, so a copy is right for ever. Several processes may use the directory at once: a copy
appears in one step, and one that was used within the last hour is not removed, so the bound may be exceeded by what
running questions need.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from collector.errors import LakeError
from collector.lake.local_files import make_directory, make_file, sha256_of
from collector.lake.manifest import FileEntry
from collector.lake.storage import FILE_MODE, translating

_IN_USE_S = 3600.0
_PARTIAL = ".partial"


class FileCache:
    """The copies in one directory, which is made when the first is added."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self._max_bytes = max_bytes

    def path(self, sha256: str) -> Path:
        """Return where the copy of a file is, or would be."""
        return self.folder / f"{sha256}.parquet"

    def has(self, entry: FileEntry) -> bool:
        """Return whether there is a copy, and note that it is used now."""
        path = self.path(entry.sha256)
        with suppress(OSError):
            if path.stat().st_size == entry.bytes:
                os.utime(path)
                return True
        return False

    @contextmanager
    def adding(self, entry: FileEntry) -> Iterator[Path]:
        """Yield a path to write to, and keep what was written there if it is the file. Raises LakeError otherwise."""
        partial = self.folder / f"{entry.sha256}-{token_hex(4)}{_PARTIAL}"
        with translating(self.folder):
            make_directory(self.folder)
            make_file(partial)
        try:
            yield partial
            if partial.stat().st_size != entry.bytes or sha256_of(partial) != entry.sha256:
                raise LakeError(
                    f"{entry.path} is damaged: its content is not what was published",
                    advice="Restore it from a copy of the lake; `collector verify` names the damaged runs.",
                )
            os.replace(partial, self.path(entry.sha256))
        finally:
            partial.unlink(missing_ok=True)

    def adopt(self, path: Path, sha256: str) -> None:
        """Move a file into the directory as the copy of itself."""
        with translating(self.folder):
            make_directory(self.folder)
            path.chmod(FILE_MODE)
            os.replace(path, self.path(sha256))

    def trim(self) -> None:
        """Remove the copies that were not used for the longest time, until the others fit the bound."""
        now = time.time()
        with suppress(OSError), os.scandir(self.folder) as found:
            files = sorted((item.stat().st_mtime, item.stat().st_size, item.path) for item in found)
            size = sum(each for _, each, _ in files)
            for used_at, each, path in files:
                if now - used_at < _IN_USE_S:
                    return
                if size > self._max_bytes or path.endswith(_PARTIAL):
                    os.unlink(path)
                    size -= each

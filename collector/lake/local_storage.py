"""A lake on the local disk: the only module that imports pyarrow.fs.

Two functions in the program replace a file in one step, because their files have different owners:
`LocalStorage.replace` (with `rename` for a file that a library has written) those of the lake, whose names are known
and which nobody else writes, and `after_run/output_file.py` those that the user names, which may be links, pipes or
devices and keep their mode.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from collector.lake.local_files import make_directory, make_file, sync_directory, sync_file
from collector.lake.manifest import FileEntry
from collector.lake.storage import HashingWriter, Loaded, StoredFile, translated, translating

if TYPE_CHECKING:
    from pyarrow import fs


class LocalStorage:
    """The files below one directory. The lock keeps other writers away, so no file has a version."""

    shared = False

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @cached_property
    def _files(self) -> fs.FileSystem:
        from pyarrow import fs  # not to read: many commands read the manifest and need no Arrow

        return fs.SubTreeFileSystem(str(self.root), fs.LocalFileSystem())

    @property
    def where(self) -> str:
        """The absolute path of the directory."""
        return str(self.root)

    @property
    def work_root(self) -> Path:
        """The directory itself."""
        return self.root

    @property
    def readable(self) -> Path:
        """The directory of the tables."""
        return self.root / "tables"

    @property
    def exists(self) -> bool:
        """Whether the directory exists."""
        return self.root.is_dir()

    def prepare(self) -> list[Path]:
        """Create the directory; return it and its parents where they were missing."""
        with translating(self.root):
            return make_directory(self.root)

    def locate(self, path: str) -> Path:
        """Return the absolute path of a file."""
        return self.root / path

    @contextmanager
    def output(self, path: str) -> Iterator[HashingWriter]:
        """Open a new file of mode 0640 for writing; its directories are created."""
        with translating(self.locate(path)):
            make_directory(self.locate(path).parent)
            make_file(self.locate(path))
            with self._files.open_output_stream(path) as stream:
                yield HashingWriter(stream)

    def read(self, path: str) -> bytes:
        """Return the content of a small file."""
        return self.locate(path).read_bytes()

    def load(self, path: str) -> Loaded:
        """Return the content of a small file, without a version."""
        return Loaded(self.read(path))

    def swap(self, path: str, content: bytes, seen: Loaded | None, earlier: Sequence[str]) -> None:
        """Keep the content before, then replace it; the order means that no crash loses both."""
        if seen is not None and earlier:
            # The oldest first, so that a crash in between loses no more than the oldest.
            for older, newer in pairwise(reversed(earlier)):
                if self.locate(newer).is_file():
                    self.rename(newer, older)
            self.replace(earlier[0], seen.content)
        self.replace(path, content)

    def create(self, path: str, content: bytes) -> bool:
        """Create a small file; the lock keeps other writers away."""
        self.replace(path, content)
        return True

    def require_conditions(self) -> None:
        """Do nothing: the lock keeps other writers away."""

    def copies(self, files: Iterable[FileEntry]) -> list[Path]:
        """Return where the files are; whether they exist is found out by reading them."""
        return [self.locate(file.path) for file in files]

    @contextmanager
    def fetched(self, path: str) -> Iterator[Path]:
        """Return where the file is; whether it exists is found out by reading it."""
        yield self.locate(path)

    def files(self, under: str) -> list[StoredFile]:
        """Return everything below a directory except directories, sorted by path; nothing when it does not exist.

        Neither a symbolic link, which is never followed, nor a directory that may not be read is regular. Another
        OSError is raised as `translated` returns it.
        """
        directory = self.locate(under)
        if directory.is_symlink():
            return [StoredFile(under, False)]
        paths: list[Path] = []

        def failed(error: OSError) -> None:
            if isinstance(error, PermissionError | NotADirectoryError):
                paths.append(Path(error.filename))
            elif not isinstance(error, FileNotFoundError):
                raise translated(error, str(error.filename)) from error

        for folder, directories, names in os.walk(directory, onerror=failed):
            paths += [Path(folder, name) for name in names]
            paths += [path for name in directories if (path := Path(folder, name)).is_symlink()]
        return [
            StoredFile(path.relative_to(self.root).as_posix(), path.is_file() and not path.is_symlink())
            for path in sorted(paths)
        ]

    def names(self) -> list[StoredFile]:
        """Return the names in the directory; none when it does not exist."""
        if not self.root.is_dir():
            return []
        return [StoredFile(item.name, item.is_file()) for item in sorted(self.root.iterdir())]

    def sync(self, *paths: str) -> None:
        """Make written files and their names survive a power cut."""
        directories: set[Path] = set()
        for path in paths:
            with translating(self.locate(path)):
                sync_file(self.locate(path))
            directories.update(parent for parent in self.locate(path).parents if parent.is_relative_to(self.root))
        for directory in sorted(directories, reverse=True):
            with translating(directory):
                sync_directory(directory)

    def replace(self, path: str, content: bytes) -> None:
        """Replace a file's content in one step: every reader sees the old or the new, also after a power cut."""
        temporary = f"{path}.tmp"
        with self.output(temporary) as sink:
            sink.write(content)
        self.sync(temporary)
        self.rename(temporary, path)
        self.sync(path)

    def rename(self, path: str, new: str) -> None:
        """Give a file the name `new`, in place of the file that has it."""
        with translating(self.locate(path)):
            os.replace(self.locate(path), self.locate(new))

    def delete(self, path: str) -> None:
        """Remove a file; one that does not exist is no error."""
        with translating(self.locate(path)), suppress(FileNotFoundError):
            self._files.delete_file(path)

    def delete_empty_directories(self, under: str, is_own: Callable[[str], object]) -> None:
        """Remove the empty directories below `under` whose path `is_own`, without following links."""
        if self.locate(under).is_symlink():
            return
        for directory, _, _ in os.walk(self.locate(under), topdown=False, followlinks=False):
            if is_own(Path(directory).relative_to(self.root).as_posix()):
                with suppress(OSError):
                    os.rmdir(directory)

"""The local copies of a lake in object storage: whole, bounded, and kept while they are used."""

import hashlib
import os
import time
from pathlib import Path

from collector.lake.file_cache import FileCache
from collector.lake.manifest import FileEntry


def entry(content: bytes) -> FileEntry:
    """Return the entry of a file with this content."""
    digest = hashlib.sha256(content).hexdigest()
    return FileEntry(path="p", rows=1, bytes=len(content), sha256=digest, schema="", runs=[], run_month="2026-11")


def add(cache: FileCache, content: bytes, *, used_hours_ago: float = 0.0) -> Path:
    """Add a copy that was used then."""
    with cache.adding(entry(content)) as partial:
        partial.write_bytes(content)
    path = cache.path(entry(content).sha256)
    at = time.time() - used_hours_ago * 3600
    os.utime(path, (at, at))
    return path


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    """Above the bound the oldest copies go, and what a dead process left; one that was used lately never does."""
    cache = FileCache(tmp_path / "cache", 25)
    paths = [add(cache, bytes([number]) * 10, used_hours_ago=5 - number) for number in range(5)]
    partial = cache.folder / "dead.partial"
    partial.touch()
    os.utime(partial, (0, 0))
    assert cache.has(entry(bytes([0]) * 10))  # used now
    cache.trim()
    assert [path.exists() for path in paths] == [True, False, False, False, True]
    assert not partial.exists()
    FileCache(cache.folder, 0).trim()
    assert [path.exists() for path in paths] == [True, False, False, False, False]
    FileCache(tmp_path / "missing", 0).trim()


def test_a_copy_of_another_size_is_no_copy(tmp_path: Path) -> None:
    """A copy that was cut is fetched again; a file can be moved in as the copy of itself."""
    cache = FileCache(tmp_path, 100)
    path = add(cache, b"content")
    path.write_bytes(b"cut")
    assert not cache.has(entry(b"content"))
    (tmp_path / "own").write_bytes(b"content")
    cache.adopt(tmp_path / "own", entry(b"content").sha256)
    assert cache.has(entry(b"content"))
    assert [each.name for each in tmp_path.iterdir()] == [path.name]

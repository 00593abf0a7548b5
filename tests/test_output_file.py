"""Files that others read while they are written."""

import os
from pathlib import Path

import pytest

from collector.output_file import replace_file


def test_whole_or_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that dies leaves the old content, and nothing beside it."""
    path = tmp_path / "metrics.prom"
    replace_file(path, "one\n")
    assert path.read_text(encoding="utf-8") == "one\n"
    assert path.stat().st_mode & 0o777 == 0o644

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, "two\n")
    assert [each.name for each in tmp_path.iterdir()] == ["metrics.prom"]
    assert path.read_text(encoding="utf-8") == "one\n"


def test_what_cannot_be_utf8_is_escaped(tmp_path: Path) -> None:
    """A lone surrogate in a name does not keep the message from being written."""
    replace_file(tmp_path / "m.txt", "a\ud800b")
    assert (tmp_path / "m.txt").read_text(encoding="utf-8") == "a\\ud800b"

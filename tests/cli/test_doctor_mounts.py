"""`collector doctor` tries out what the lake's file system can do; `collect` tells what it cannot
from a failing disk.
"""

import errno
import fcntl
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld
from tests.cli.conftest import CommandResult, Program

pytestmark = pytest.mark.usefixtures("no_catalog")
Operation = Callable[..., Any]


@pytest.fixture(scope="module")
def buddy() -> Iterator[FakeBuddy]:
    with FakeBuddy(FakeWorld(workspaces=1, projects=1, pipelines=1, actions=2)) as running:
        yield running


def environ(buddy: FakeBuddy) -> dict[str, str]:
    return {"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token, "COLLECTOR_REQUESTS_PER_SECOND": "0"}


def examined(program: Program, buddy: FakeBuddy, *flags: str) -> tuple[CommandResult, list[dict[str, str]]]:
    """The outcome, and what was found of the file system."""
    said = program("doctor", "--format", "json", *flags, environ=environ(buddy))
    return said, [finding for finding in json.loads(said.out) if finding["about"] == "file system"]


def is_directory(given: object) -> bool:
    return isinstance(given, int) and stat.S_ISDIR(os.fstat(given).st_mode)


def is_file(given: object) -> bool:
    return isinstance(given, int) and stat.S_ISREG(os.fstat(given).st_mode)


def anything(given: object) -> bool:
    return True


# The operation of the system that the mount refuses, of what, and with which number; what doctor calls it and how grave
# that is; and the exit code of a run.
MOUNTS: dict[str, tuple[Any, str, Callable[[object], bool], int, str, str, int]] = {
    "no rename": (os, "replace", anything, errno.ENOSYS, "(rename)", "error", 2),
    "no rename onto a file": (os, "replace", anything, errno.EXDEV, "(rename)", "error", 2),
    "no right to rename": (os, "replace", anything, errno.EPERM, "(rename)", "error", 2),
    "no fsync of files": (os, "fsync", is_file, errno.EINVAL, "content of a file", "error", 2),
    "a disk that fails": (os, "fsync", is_file, errno.EIO, "content of a file", "error", 3),
    "no fsync of directories": (os, "fsync", is_directory, errno.EINVAL, "names in a directory", "warning", 0),
    "fsync of directories unknown": (os, "fsync", is_directory, errno.ENOTSUP, "names in a directory", "warning", 0),
    "a disk that fails for directories": (os, "fsync", is_directory, errno.EIO, "names in a directory", "error", 3),
    "no locks": (fcntl, "flock", anything, errno.ENOLCK, "(flock)", "error", 2),
    "no modes": (os, "chmod", anything, errno.EPERM, "mode 0750", "error", 2),
    "no modes of files": (os, "fchmod", anything, errno.ENOTSUP, "mode 0640", "error", 2),
    "no room": (os, "mkdir", anything, errno.ENOSPC, "create a directory", "error", 3),
}


@pytest.mark.parametrize("mount", MOUNTS)
def test_what_a_mount_refuses_is_found_before_a_run(
    program: Program, buddy: FakeBuddy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mount: str
) -> None:
    """doctor names the operation and says what to do, and what it says agrees with how a run then ends."""
    module, name, concerned, number, words, level, code = MOUNTS[mount]
    real: Operation = getattr(module, name)

    def refusing(*arguments: Any, **named: Any) -> Any:
        if concerned(arguments[0]):
            raise OSError(number, os.strerror(number))
        return real(*arguments, **named)

    monkeypatch.setattr(module, name, refusing)
    said, found = examined(program, buddy)
    collected = program("collect", environ=environ(buddy))
    monkeypatch.undo()
    assert said.code == {"warning": 1, "error": 2}[level], said
    (finding,) = found
    assert finding["level"] == level
    assert words in finding["message"]
    assert str(tmp_path) in finding["message"]
    assert "another mount" in finding["advice"]
    assert collected.code == code, collected.err
    assert "Traceback" not in collected.err
    if code == 2 and number not in (errno.EPERM, errno.ENOLCK):
        assert "doctor" in collected.err


def test_a_run_that_a_mount_refused_is_continued_elsewhere(
    program: Program, buddy: FakeBuddy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only publishing is refused nothing is lost: once the mount allows it, the same run is published."""

    def refusing(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", refusing)
        assert program("collect", environ=environ(buddy)).code == 2
    (run,) = (tmp_path / "lake" / "runs").iterdir()
    buddy.forget_arrivals()
    said = program("collect", environ=environ(buddy))
    assert said.code == 0, said.err
    assert run.name in said.out
    assert not buddy.arrivals


def test_modes_that_are_not_kept(program: Program, buddy: FakeBuddy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mount that takes modes and keeps its own (as FAT and CIFS do) is a warning: others may read the lake."""
    monkeypatch.setattr(os, "chmod", lambda *_, **__: None)
    before = os.umask(0o077)
    try:
        said, (finding,) = examined(program, buddy)
    finally:
        os.umask(before)
    assert (said.code, finding["level"]) == (1, "warning")
    assert "mode 0750: they have 0700" in finding["message"]


def test_a_place_that_rights_say_nothing_of(program: Program, buddy: FakeBuddy) -> None:
    """A file system in which nobody can create anything is found by trying, also by root, who has every right."""
    said = program("doctor", "--lake", "/proc/lake", "--format", "json", environ=environ(buddy))
    assert said.code == 2
    assert [f["level"] for f in json.loads(said.out) if f["about"] in ("lake", "file system")] == ["error"]


def test_the_trial_leaves_nothing_behind(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """In a lake that exists the trial changes nothing, and all is well."""
    assert program("collect", environ=environ(buddy)).code == 0
    before = sorted(tmp_path.rglob("*"))
    said, found = examined(program, buddy)
    assert (said.code, found) == (0, [])
    assert sorted(tmp_path.rglob("*")) == before

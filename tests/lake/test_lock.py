"""The lock: one writer, and a dead one blocks no other. Real processes hold it here."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.errors import LakeBusy, SettingsError
from collector.lake import lock
from collector.lake.lock import hold
from tests.lake.published_runs import NOW

HOLD = """
import datetime, pathlib, sys
from collector.lake.lock import hold
with hold(pathlib.Path(sys.argv[1]), command="compact", now=datetime.datetime(2026, 11, 23, 2, 15)):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of `tmp_path` until its input ends."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_holder_can_be_read_without_touching_the_lock(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    """`holder` names the holder while the lock is held, and None afterwards and for a lake without a lock."""
    said = lock.holder(tmp_path)
    assert said is not None
    assert f"'compact', process {holder.pid}" in said
    holder.kill()
    holder.wait()
    assert lock.holder(tmp_path) is None
    assert lock.holder(tmp_path / "none") is None


def test_the_second_writer_learns_who_the_first_is(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    """While one process holds the lake another gets exit code 5, with the command, process and time."""
    with pytest.raises(LakeBusy) as caught, hold(tmp_path, command="collect", now=NOW):
        pass
    assert caught.value.exit_code == 5
    for said in ("'compact'", f"process {holder.pid} ", "2026-11-23T02:15:00Z", str(tmp_path)):
        assert said in str(caught.value)


def test_a_killed_holder_blocks_no_other(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    """The lock of a process that died by SIGKILL is free at once, though its file is still there."""
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert (tmp_path / ".lock").exists()
    with hold(tmp_path, command="collect", now=NOW):
        assert f", process {os.getpid()} on " in (tmp_path / ".lock").read_text()


def test_the_lock_is_released(tmp_path: Path) -> None:
    """After the block, also one that failed, the next writer gets the lock; inside it none does."""
    with pytest.raises(KeyError), hold(tmp_path, command="collect", now=NOW):
        raise KeyError
    prune, collect = (hold(tmp_path, command=command, now=NOW) for command in ("prune", "collect"))
    with prune, pytest.raises(LakeBusy, match="prune"), collect:
        pass
    with hold(tmp_path, command="collect", now=NOW):
        pass


def test_a_holder_that_has_not_written_its_name_still_holds(tmp_path: Path) -> None:
    """The content of the file is for messages only: garbage or nothing in it changes nothing."""
    with hold(tmp_path, command="collect", now=NOW):
        for content, message in ((b"", "not written its name"), (b"\xff{", "{")):
            (tmp_path / ".lock").write_bytes(content)
            with pytest.raises(LakeBusy, match=message), hold(tmp_path, command="collect", now=NOW):
                pass


def test_a_lock_whose_file_was_deleted_is_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that locks a file which its holder has just deleted notices, and locks the new file."""
    flock = fcntl.flock
    taken: list[int] = []

    def deleted_just_before(descriptor: int, operation: int) -> None:
        if not taken:
            (tmp_path / ".lock").unlink()
        taken.append(descriptor)
        flock(descriptor, operation)

    monkeypatch.setattr("collector.lake.lock.fcntl.flock", deleted_just_before)
    with hold(tmp_path, command="collect", now=NOW):
        assert len(taken) == 2
        with pytest.raises(LakeBusy), hold(tmp_path, command="collect", now=NOW):
            pass


def test_a_lake_that_cannot_be_written_is_a_setting(tmp_path: Path) -> None:
    """No file can be made where a directory of that name is: a SettingsError with advice."""
    (tmp_path / ".lock").mkdir()
    with pytest.raises(SettingsError) as caught, hold(tmp_path, command="collect", now=NOW):
        pass
    assert "--lake" in caught.value.advice


def test_a_file_system_without_locks_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where flock does not work, the advice is another place for the lake."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("collector.lake.lock.fcntl.flock", refuse)
    with pytest.raises(SettingsError, match="cannot be locked"), hold(tmp_path, command="collect", now=NOW):
        pass

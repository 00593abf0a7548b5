"""Files that a command writes by name: what is replaced, what is written to, and what remains after a failure."""

import os
import socket
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from collector.after_run import output_file
from collector.after_run.output_file import replace_file, replaced


def test_a_failed_write_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails leaves the old content, and no other file."""
    path = tmp_path / "metrics.prom"
    replace_file(path, "one\n", mode=0o644)
    assert path.read_text(encoding="utf-8") == "one\n"
    assert path.stat().st_mode & 0o777 == 0o644

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as caught:
        replace_file(path, "two\n")
    assert caught.value.filename == str(path)
    assert [each.name for each in tmp_path.iterdir()] == ["metrics.prom"]
    assert path.read_text(encoding="utf-8") == "one\n"


def test_what_cannot_be_utf8_is_escaped(tmp_path: Path) -> None:
    """A lone surrogate in a name does not prevent the message from being written."""
    replace_file(tmp_path / "m.txt", "a\ud800b")
    assert (tmp_path / "m.txt").read_text(encoding="utf-8") == "a\\ud800b"


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    """An existing file keeps its mode; a new one gets the requested mode, or that of the umask."""
    private = tmp_path / "private"
    private.touch(mode=0o600)
    replace_file(private, "new", mode=0o644)
    assert private.stat().st_mode & 0o777 == 0o600
    old = os.umask(0o027)
    try:
        replace_file(tmp_path / "plain", "new")
    finally:
        os.umask(old)
    assert (tmp_path / "plain").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("there", [True, False], ids=["file", "nothing yet"])
def test_the_target_of_a_link_is_replaced(tmp_path: Path, there: bool) -> None:
    """A symbolic link stays, and the file at the end of all links gets the content, created if it is missing."""
    (tmp_path / "data").mkdir()
    target = tmp_path / "data" / "today.json"
    if there:
        target.write_text("old", encoding="utf-8")
    (tmp_path / "data" / "second").symlink_to("today.json")
    link = tmp_path / "summary.json"
    link.symlink_to("data/second")
    replace_file(link, "new")
    assert os.readlink(link) == "data/second"
    assert os.readlink(tmp_path / "data" / "second") == "today.json"
    assert not target.is_symlink()
    assert target.read_text(encoding="utf-8") == "new"
    assert sorted(each.name for each in target.parent.iterdir()) == ["second", "today.json"]


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    """A device is written to, also through a link; its errors name the path that was given."""
    link = tmp_path / "full"
    link.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        replace_file(link, "x" * 100_000)
    assert caught.value.filename == str(link)
    assert link.is_symlink()
    assert Path("/dev/full").is_char_device()
    if os.geteuid() == 0:
        node = tmp_path / "null"
        try:
            os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        except PermissionError:  # root of a container without the right to make one
            return
        replace_file(node, "x")
        assert node.is_char_device()


def test_a_pipe_gets_the_content(tmp_path: Path) -> None:
    """A named pipe is written to, also with more than its buffer holds, and when its reader opens it a moment later."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = "".join(f"{number}\n" for number in range(100_000))
    came: list[str] = []

    def read() -> None:
        time.sleep(0.3)
        came.append(pipe.read_text(encoding="utf-8"))

    reader = threading.Thread(target=read)
    reader.start()
    replace_file(pipe, content)
    reader.join()
    assert came == [content]
    assert pipe.is_fifo()
    assert [each.name for each in tmp_path.iterdir()] == ["pipe"]


def test_a_pipe_without_a_reader_ends_in_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that never comes, or (with a time limit) one that stops reading, is an error after a limited time."""
    monkeypatch.setattr(output_file, "_NO_READER_S", 0.1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="no process reads this pipe") as caught:
        replace_file(pipe, "x")
    assert caught.value.filename == str(pipe)
    idle = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        began = time.monotonic()
        with pytest.raises(TimeoutError, match="nothing reads"):
            replace_file(pipe, "x" * 1_000_000, write_timeout_s=0.2)
        assert time.monotonic() - began < 5
    finally:
        os.close(idle)
    assert pipe.is_fifo()


def test_an_open_file_of_ours_is_written_on(tmp_path: Path) -> None:
    """/dev/fd/N (such as /dev/stdout) is written to at its position, also when it is a regular file, which is not
    truncated.
    """
    log = tmp_path / "log"
    with log.open("wb", buffering=0) as own:
        inode = os.fstat(own.fileno()).st_ino
        own.write(b"before\n")
        for place in ("/dev/fd", "/proc/self/fd", f"/proc/{os.getpid()}/fd"):
            if Path(place).exists():
                replace_file(Path(place, str(own.fileno())), f"{place}\n")
        link = tmp_path / "link"
        link.symlink_to(f"/dev/fd/{own.fileno()}")
        replace_file(link, "link\n")
        own.write(b"after\n")
    assert log.stat().st_ino == inode
    lines = log.read_text(encoding="utf-8").splitlines()
    assert (lines[0], lines[1], lines[-2], lines[-1]) == ("before", "/dev/fd", "link", "after")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc")
def test_an_open_file_of_another_process_is_appended_to(tmp_path: Path) -> None:
    """The content is appended to /proc/PID/fd/1 when that is another process's log."""
    log = tmp_path / "log"
    log.write_text("before\n", encoding="utf-8")
    with log.open("ab") as output, subprocess.Popen(["sleep", "60"], stdout=output) as other:
        try:
            replace_file(Path(f"/proc/{other.pid}/fd/1"), "added\n")
        finally:
            other.kill()
    assert log.read_text(encoding="utf-8") == "before\nadded\n"


def test_a_path_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A directory, a socket, circular links and a missing directory are errors, and stay as they are."""
    (tmp_path / "circle").symlink_to("circle")
    with socket.socket(socket.AF_UNIX) as served:
        served.bind(str(tmp_path / "socket"))
        for name in ("circle", "socket", "missing/file", "."):
            with pytest.raises(OSError, match=r".") as caught:
                replace_file(tmp_path / name, "x")
            assert caught.value.filename == str(tmp_path / name)
        assert sorted(each.name for each in tmp_path.iterdir()) == ["circle", "socket"]


def test_an_error_while_the_content_is_made_leaves_the_old_content(tmp_path: Path) -> None:
    """Unfinished content is never visible."""
    path = tmp_path / "rows.csv"
    path.write_text("old", encoding="utf-8")

    def torn() -> None:
        with replaced(path) as sink:
            sink.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        torn()
    assert path.read_text(encoding="utf-8") == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["rows.csv"]

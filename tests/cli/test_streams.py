"""stdin, stdout and stderr of real processes: closed, on a full disk, or without a reader."""

import fcntl
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import collector
from collector.fake_buddy import FakeBuddy, Fault
from collector.lake.lake import Lake
from tests.cli.conftest import WORLD
from tests.cli.test_main import ENVIRON
from tests.sampling import some

FULL = "collector: The output could not be written: No space left on device."
CLEAN = {name: value for name, value in ENVIRON.items() if not name.startswith(("BUDDY_", "COLLECTOR_", "PYTHON"))}
CLEAN["PYTHONPATH"] = ENVIRON["PYTHONPATH"]


def shell(command: str, lake: Path, buddy: FakeBuddy | None = None) -> tuple[int, str, str]:
    """Run a line of bash in which `collector` is the program; return its exit code, stdout and stderr."""
    environ = {**CLEAN, "COLLECTOR_LAKE": str(lake), "COLLECTOR_REQUESTS_PER_SECOND": "0"}
    if buddy is not None:
        environ |= {"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token}
    line = f'collector() {{ {sys.executable} -m collector "$@"; }}; {command}; exit ${{PIPESTATUS[0]}}'
    result = subprocess.run(["bash", "-c", line], env=environ, capture_output=True, text=True, check=False, timeout=120)
    return result.returncode, result.stdout, result.stderr


def published(lake: Path) -> tuple[str, int]:
    """Return the status of the lake's only run, and its number of promote-image actions."""
    (run,) = Lake.open(lake).manifest.runs
    rows = collector.open_lake(lake).sql("select count(*) as n from promote_image_actions").table
    return run.status, rows["n"][0].as_py()


@pytest.mark.parametrize(
    ("streams", "status"),
    some(
        [
            ("2>&1 >/dev/null | head -n 1", "partial"),
            ("2>&1 >/dev/null | true", "complete"),
            ("--log-format json --log-level debug 2>/dev/full", "complete"),
            ("2>&-", "partial"),
            ("<&- >&- 2>&-", "complete"),
            (">/dev/full 2>&1", "partial"),
        ],
        0,
        4,
    ),
)
def test_a_log_that_cannot_be_written_changes_nothing(
    buddy: FakeBuddy, tmp_path: Path, streams: str, status: str
) -> None:
    """A run whose log has no reader, no space or no descriptor is published, with its own exit code."""
    actions = WORLD.count()["promote_image_actions"]
    if status == "partial":
        buddy.script.add(Fault("status", kind="action", code=403, times=None))
        actions = 0
    code, _, err = shell(f"collector collect {streams}", tmp_path / "lake", buddy)
    assert (code, published(tmp_path / "lake")) == (int(status == "partial"), (status, actions)), err
    assert err == ""


@pytest.mark.parametrize("streams", some(["2>&1 >/dev/null | true", "2>/dev/full", "2>&-"], 2))
def test_a_failure_keeps_its_exit_code(buddy: FakeBuddy, tmp_path: Path, streams: str) -> None:
    """A failure that cannot be reported keeps its exit code: 4 for a refused token, 2 for wrong settings."""
    assert shell(f"BUDDY_TOKEN=withdrawn collector collect {streams}", tmp_path / "lake", buddy)[0] == 4
    assert shell(f"collector collect -w nobody {streams}", tmp_path / "lake", buddy)[0] == 2
    assert shell(f"collector zork {streams}", tmp_path / "lake")[0] == 2


def test_a_terminal_that_disappears(buddy: FakeBuddy, tmp_path: Path) -> None:
    """A run whose terminal disappears while it shows the display is published, with exit code 0."""
    buddy.latency = 0.1
    mine, theirs = pty.openpty()
    lake = tmp_path / "lake"
    process = subprocess.Popen(
        [sys.executable, "-m", "collector", "collect", "--concurrency", "2", "--lake", str(lake)],
        env={**CLEAN, "TERM": "xterm", "BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    assert os.read(mine, 1)  # the display is shown
    os.close(mine)
    assert process.wait(timeout=60) == 0
    assert published(lake) == ("complete", WORLD.count()["promote_image_actions"])


@pytest.mark.parametrize(
    "command",
    ["sql 'select * from range(300000)' --format csv", "sql 'select * from range(300000)' --format parquet", "tables"],
)
def test_a_closed_pipe(demo_lake: Path, command: str) -> None:
    """`| head` ends the output early, with nothing on stderr and exit code 0."""
    code, _, err = shell(f"collector {command} | head -c 1", demo_lake)
    assert (code, err) == (0, "")


@pytest.mark.parametrize("form", ["csv", "json", "parquet", "text"])
def test_a_full_disk(demo_lake: Path, form: str) -> None:
    """Output that cannot be written is one line on stderr and exit code 2."""
    code, _, err = shell(f"collector sql 'select * from range(20000)' --format {form} >/dev/full", demo_lake)
    assert code == 2
    assert err.startswith(FULL)
    assert err.count("\n") == 1


def test_an_exit_code_that_is_a_result_needs_no_reader(demo_lake: Path, tmp_path: Path, buddy: FakeBuddy) -> None:
    """`status --max-age`, `verify` and `doctor` exit with their result, whether the output is read or not."""
    assert shell("collector status --max-age 1s | true", demo_lake)[::2] == (3, "")
    assert shell("collector status --max-age 1s >/dev/full", demo_lake)[0] == 2
    lake = tmp_path / "lake"
    subprocess.run(["cp", "-r", demo_lake, lake], check=True)
    next((lake / "tables").rglob("*.parquet")).write_bytes(b"damaged")
    code, _, err = shell("collector verify | true", lake)
    assert code == 2
    assert "Traceback" not in err
    code, _, err = shell("BUDDY_TOKEN=withdrawn collector doctor | true", lake, buddy)
    assert (code, err) == (2, "")


@pytest.mark.parametrize("command", ["compact", "prune --keep 400d", "init made.toml"])
def test_work_that_is_done_stays_done(demo_lake: Path, tmp_path: Path, command: str) -> None:
    """When the report of a command that did its work cannot be written, that is a warning, and the exit code is 0."""
    lake = tmp_path / "lake"
    subprocess.run(["cp", "-r", demo_lake, lake], check=True)
    code, _, err = shell(f"cd {tmp_path}; collector {command} >/dev/full", lake)
    assert code == 0
    assert err == f"{FULL} The command was carried out.\n"
    assert shell(f"cd {tmp_path}; rm -f made.toml; collector {command} | true", lake)[::2] == (0, "")


def test_the_demo_without_a_reader(tmp_path: Path) -> None:
    """`demo | head -n 1` ends with exit code 0 and no traceback."""
    code, out, err = shell("collector demo --nights 1 --lake demo-lake | head -n 1", tmp_path)
    assert (code, out.count("\n"), err) == (0, 1, "")


@pytest.mark.parametrize("module", ["collector fake-buddy", "collector.fake_buddy"])
@pytest.mark.parametrize("output", [">/dev/full", ">&-"])
def test_the_fake_serves_without_stdout(module: str, output: str) -> None:
    """The fake serves although its URL cannot be written, and exits 0."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        ["bash", "-c", f"exec {sys.executable} -m {module} --port {port} {output}"],
        env=CLEAN, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        ends = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert time.monotonic() < ends
                time.sleep(0.05)
        time.sleep(0.3)  # the address is written just after the first connection is possible
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err.count("\n") == (output != ">&-")
    assert "Traceback" not in err


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_non_blocking_pipe_loses_nothing(name: str) -> None:
    """When another process has made the pipe non-blocking, everything is written as its reader takes it."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    begin = "import sys; from collector.cli.streams import prepare_streams; prepare_streams(); "
    process = subprocess.Popen(
        [sys.executable, "-c", begin + f"sys.{name}.write('x' * 300000); sys.{name}.flush()"],
        env=CLEAN,
        stdout=writer if name == "stdout" else None,
        stderr=writer if name == "stderr" else None,
    )
    os.close(writer)
    time.sleep(0.5)  # the pipe is full by now
    with os.fdopen(reader, "rb") as stream:
        assert len(stream.read()) == 300_000
    assert process.wait(timeout=30) == 0


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """After `<&- >&- 2>&-` no opened file becomes stdin, stdout or stderr of a library or a child process."""
    code = (
        "from collector.cli.streams import prepare_streams; prepare_streams(); import os, sys; "
        f"file = open('{tmp_path}/file', 'w'); sys.stdin.read(); print('x'); os.write(2, b'x'); "
        "file.write(str(file.fileno()))"
    )
    subprocess.run(["bash", "-c", f'{sys.executable} -c "{code}" <&- >&- 2>&-'], env=CLEAN, check=True)
    assert int((tmp_path / "file").read_text(encoding="utf-8")) > 2

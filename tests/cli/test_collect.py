"""`collector collect` as a process: what it publishes and reports, its exit codes, and how it is interrupted."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from msgspec.structs import replace

from collector.cli.collect import summary_line
from collector.fake_buddy import SECRET_MARKER, FakeBuddy, Fault
from collector.run.summary import RunSummary
from collector.settings.durations import duration_text
from tests.cli.conftest import WORLD, Program, environ
from tests.cli.test_main import ENVIRON
from tests.faults.process import Program as Process
from tests.faults.process import without_rights
from tests.sampling import some


def test_a_run(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """One command publishes a run: one line on stdout, log lines on stderr, exit code 0, the fewest requests."""
    buddy.world = buddy.world.dated(datetime.now(UTC))
    result = program("collect", environ=environ(buddy))
    assert result.code == 0, result.err
    assert result.out.count("\n") == 1
    assert " complete: " in result.out
    assert "started" in result.err
    assert len(buddy.arrivals) == buddy.expected_minimum()
    assert json.loads((tmp_path / "lake" / "manifest.json").read_text(encoding="utf-8"))["runs"]


def test_a_directory_with_other_files_is_refused(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """In a directory with other files and no manifest `collect` exits 2; nothing is requested, deleted or written."""
    elsewhere, mine = tmp_path / "elsewhere", tmp_path / "d/tables/mine"
    elsewhere.mkdir()
    mine.mkdir(parents=True)
    (elsewhere / "precious.txt").touch()
    (mine / "a.csv").touch()
    (tmp_path / "d/tables/link").symlink_to(elsewhere)
    before = sorted(tmp_path.rglob("*"))
    result = program("collect", "--lake", "d", environ=environ(buddy))
    assert result.code == 2
    assert "not empty and no lake" in result.err
    assert sorted(tmp_path.rglob("*")) == before
    assert buddy.arrivals == []


@pytest.mark.parametrize("content", some([None, b""], 0))
def test_a_lake_without_its_manifest_is_not_a_new_lake(
    program: Program, buddy: FakeBuddy, tmp_path: Path, content: bytes | None
) -> None:
    """Without the manifest `collect` exits 2 and says what to do; no file
    changes, and restoring the manifest is enough.
    """
    assert program("collect", environ=environ(buddy)).code == 0
    lake = tmp_path / "lake"
    manifest = (lake / "manifest.json").read_bytes()
    (lake / "manifest.json").unlink()
    if content is not None:
        (lake / "manifest.json").write_bytes(content)
    files = {path: path.stat().st_mtime_ns for path in lake.rglob("*") if path.is_file()}
    result = program("collect")
    assert result.code == 2
    assert "files and manifest.json is" in result.err
    assert "verify --rebuild-manifest" in result.err
    assert {path: path.stat().st_mtime_ns for path in lake.rglob("*") if path.is_file()} == files
    (lake / "manifest.json").write_bytes(manifest)
    assert program("verify").code == 0
    assert program("collect").code == 0


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("s3://key:hidden@bucket/lake", "a URL (s3://"),
        ("gs://bucket/../lake", "a part '.' or '..'"),
        ("az:/c/lake", "a URL (az://"),
        ("file:///srv/lake", "a URL (file://"),
        ("a?b", "holds ?"),
        ("a\\b", "holds \\"),
    ],
)
@pytest.mark.parametrize("command", ["collect", "demo", "status", "verify"])
def test_a_lake_that_cannot_be_one(
    program: Program, buddy: FakeBuddy, tmp_path: Path, written: str, words: str, command: str
) -> None:
    """A URL that names no lake, and a path that DuckDB cannot open, are refused by every
    command; nothing is created, no password is shown.
    """
    result = program(command, "--lake", written, environ=environ(buddy))
    assert result.code == 2
    assert words in result.err
    assert "hidden" not in result.err
    assert list(tmp_path.iterdir()) == []
    assert buddy.arrivals == []


def test_a_lake_whose_path_is_a_pattern(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """`*` and `[` in a path are ordinary characters for every command, though as a pattern it matches another lake."""
    name, alike = "a*[x]b", "axb"
    assert program("collect", "--lake", name, environ=environ(buddy)).code == 0
    shutil.copytree(tmp_path / name, tmp_path / alike)
    for _ in range(2):
        assert program("collect", "--lake", name).code == 0
    for command in (("compact", "--current-month"), ("prune", "--keep", "1d"), ("verify",), ("status",)):
        result = program(*command, "--lake", name)
        assert result.code == 0, result.err
    result = program("sql", "select count(*) as runs from runs", "--lake", name, "--format", "json")
    assert json.loads(result.out) == [{"runs": 3}]
    (tmp_path / name / "manifest.json").unlink()
    assert program("verify", "--rebuild-manifest", "--lake", name).code == 0
    with duckdb.connect(str(tmp_path / name / "catalog.duckdb"), read_only=True) as client:
        assert client.execute("select count(*) from runs").fetchall() == [(3,)]


def test_a_leftover_that_cannot_be_deleted_is_a_warning(buddy: FakeBuddy, tmp_path: Path) -> None:
    """A run is published although a file of a dead run cannot be deleted; the log names the file."""
    lake, dead = tmp_path / "lake", "20200101T000000Z-abcdef"
    process = Process(buddy, lake)
    assert process.run("collect").code == 0
    folder = lake / "tables/actions/run_month=2020-01"
    folder.mkdir()
    (folder / f"{dead}.parquet").touch()
    (lake / "runs" / dead).mkdir(parents=True)
    (lake / "runs" / dead / "journal.jsonl").touch()
    folder.chmod(0o550)
    try:
        result = process.run("collect", preexec=without_rights)
    finally:
        folder.chmod(0o750)
    assert result.code == 0, result.err
    assert f"{dead}.parquet" in result.err
    assert "left_behind" in result.err
    assert process.run("collect").code == 0
    assert not folder.exists()
    assert not (lake / "runs" / dead).exists()


@pytest.mark.usefixtures("no_catalog")
@pytest.mark.parametrize(
    ("arguments", "more", "code"),
    [
        (("-w", "nobody"), {}, 2),
        (("-w", "nob*"), {}, 2),
        ((), {"BUDDY_TOKEN": "withdrawn"}, 4),
        ((), {"COLLECTOR_CA_BUNDLE": "no.pem"}, 2),
    ],
    ids=["unknown workspace", "no workspace matches", "wrong token", "a bundle of nothing"],
)
def test_a_mistake_leaves_nothing_behind(
    program: Program, buddy: FakeBuddy, tmp_path: Path, arguments: tuple[str, ...], more: dict[str, str], code: int
) -> None:
    """A mistake in the settings creates no lake; the next `collect` succeeds."""
    (tmp_path / "no.pem").write_text("no certificate", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    result = program("collect", *arguments, environ={**environ(buddy), **more})
    assert result.code == code, result.err
    assert sorted(tmp_path.rglob("*")) == before
    assert program("collect", environ={"COLLECTOR_CA_BUNDLE": "", **environ(buddy)}).code == 0


def test_the_summary_for_programs(program: Program, buddy: FakeBuddy) -> None:
    """As JSON, the summary counts rows and requests; with --log-format json each log line carries the run."""
    result = program("collect", "--format", "json", "--log-format", "json", environ=environ(buddy))
    summary = json.loads(result.out)
    assert summary["status"] == "complete"
    assert summary["requests"] == len(buddy.arrivals)
    assert summary["rows"]["promote_image_actions"] == WORLD.count()["promote_image_actions"]
    lines = [json.loads(line) for line in result.err.splitlines()]
    assert all(line["run_id"] == summary["run_id"] for line in lines if line["event"] != "left_behind")


@pytest.mark.usefixtures("no_catalog")
def test_the_last_log_line_has_the_outcome(program: Program, buddy: FakeBuddy) -> None:
    """The last log line of a run has its outcome in numbers, with the exit code; a gap makes it a warning."""
    result = program("collect", "--log-format", "json", environ=environ(buddy))
    last = json.loads(result.err.splitlines()[-1])
    assert (last["event"], last["level"], last["exit_code"]) == ("published", "info", 0)
    assert last["promote_image_actions"] == WORLD.count()["promote_image_actions"]
    assert last["requests"] == len(buddy.arrivals)
    buddy.script.add(Fault("status", kind="action", code=403, times=None))
    result = program("collect", "--log-format", "json")
    last = json.loads(result.err.splitlines()[-1])
    assert (
        (last["event"], last["level"], last["exit_code"])
        == ("published", "warning", result.code)
        == ("published", "warning", 1)
    )
    assert last["run_id"] in result.out
    text = program("collect", "--log-format", "text").err.splitlines()[-1]
    assert " warning published  status=partial exit_code=1 " in text
    assert last["problems"].keys() == {"forbidden"}
    assert f" problems=forbidden:{last['problems']['forbidden']} " in text


def test_a_failure_is_json_in_a_log_for_programs(
    program: Program, buddy: FakeBuddy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --log-format json a failure is JSON too: exit code, why and advice, and the run if one had started."""
    on = {**environ(buddy), "COLLECTOR_LOG_FORMAT": "json"}
    buddy.script.add(Fault("status", kind="actions", nth=2, code=401, times=None))
    result = program("collect", environ=on)
    assert result.code in (3, 4)
    last = [json.loads(line) for line in result.err.splitlines()][-1]
    assert (last["event"], last["level"], last["exit_code"]) == ("failed", "error", result.code)
    assert "EXECUTION_INFO" in last["advice"]
    assert last["run_id"]
    monkeypatch.delenv("BUDDY_TOKEN")
    result = program("collect")
    (line,) = [json.loads(line) for line in result.err.splitlines()]
    assert (line["event"], line["exit_code"]) == ("failed", 2) == ("failed", result.code)
    assert "BUDDY_TOKEN" in line["why"]
    assert "run_id" not in line


def test_a_bug_is_json_in_a_log_for_programs(
    program: Program, buddy: FakeBuddy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug is logged with its traceback in one line of JSON."""

    def broken(*_: object) -> int:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("collector.cli.collect.collect_and_follow_up", broken)
    result = program("collect", "--log-format", "json", environ=environ(buddy))
    last = [json.loads(line) for line in result.err.splitlines()][-1]
    assert (result.code, last["event"], last["exit_code"]) == (3, "failed", 3)
    assert "ZeroDivisionError: oh" in last["exception"]


@pytest.mark.parametrize(("stdout", "warned"), some([(">/dev/full", True), (">&-", False), ("| true", False)], 0))
def test_a_published_run_keeps_its_exit_code(buddy: FakeBuddy, tmp_path: Path, stdout: str, warned: bool) -> None:
    """When the summary cannot be written, the run is published and the exit code is the run's."""
    buddy.script.add(Fault("status", kind="action", code=403, times=None))
    command = f"set -o pipefail; {sys.executable} -m collector collect --lake {tmp_path}/lake {stdout}"
    result = subprocess.run(
        ["bash", "-c", command], env={**ENVIRON, **environ(buddy)}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert ("summary on stdout" in result.stderr) == warned
    assert (tmp_path / "lake" / "manifest.json").exists()


def test_a_gap_is_partial(program: Program, tmp_path: Path) -> None:
    """What could not be seen makes the run partial: published, exit code
    1, and answers say that they are incomplete.
    """
    with FakeBuddy(WORLD.forbid(*next(WORLD.paths(("acme",))))) as buddy:
        result = program("collect", environ=environ(buddy))
    assert result.code == 1
    assert "partial" in result.out
    assert "coverage_last_night" in result.out
    answer = program("ask", "promotions", "--format", "text")
    assert "This run is incomplete: 1 project forbidden" in answer.out
    rows = program("ask", "promotions", "--format", "json")
    assert "This run is incomplete" in rows.err
    assert isinstance(json.loads(rows.out), list)


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (("-w", "nothing-*"), 2, "workspace"),
        (("-w", "nowhere"), 2, "workspace"),
        (("-p", "nothing-*"), 2, "No project that the token sees matches nothing-*."),
        (("-p", "nothing", "-p", "!never"), 2, "--project (BUDDY_PROJECT)"),
        (("-p", "!*"), 2, "No project"),
        (("-w", "acme", "-p", "nothing"), 2, "No project"),
        (("--reserve", "-1"), 2, "--reserve"),
        (("--lake", "file/lake"), 2, "file"),
    ],
)
def test_nothing_to_collect(
    program: Program, buddy: FakeBuddy, tmp_path: Path, flags: tuple[str, ...], code: int, words: str
) -> None:
    """A selection that matches nothing, or an impossible lake, is reported before anything is published."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    result = program("collect", *flags, environ=environ(buddy))
    assert (result.code, result.out) == (code, "")
    assert words in result.err
    assert not (tmp_path / "lake" / "manifest.json").exists()


def test_a_refused_token(program: Program, buddy: FakeBuddy) -> None:
    """A token that Buddy refuses exits 4, with advice."""
    result = program("collect", environ={**environ(buddy), "BUDDY_TOKEN": "expired-token-1"})
    assert result.code == 4
    assert "EXECUTION_INFO" in result.err
    assert "expired-token-1" not in result.err


@pytest.mark.parametrize("level", ["debug", "error"])
def test_no_secret_anywhere(program: Program, buddy: FakeBuddy, tmp_path: Path, level: str) -> None:
    """Neither the token nor a variable's value is in the output or the files of a run, at any log level."""
    result = program("collect", "--keep-raw", "--log-level", level, environ=environ(buddy))
    assert result.code == 0
    left = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for content in [*left, result.out.encode(), result.err.encode()]:
        assert buddy.token.encode() not in content
        assert SECRET_MARKER.encode() not in content


def test_modes_whatever_the_umask(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """The lake's directories are 0750 and its files 0640, whatever the umask."""
    old = os.umask(0)
    try:
        assert program("collect", environ=environ(buddy)).code == 0
    finally:
        os.umask(old)
    for path in (tmp_path / "lake").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o750 if path.is_dir() else 0o640), path


def test_the_summary_line() -> None:
    """One line has the run, its status, actions, executions, changes and cost, and where gaps are listed."""
    at = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
    summary = RunSummary(
        run_id="20261123T021500Z-7f3a9c", run_date="2026-11-23", status="partial", started_at=at,
        finished_at=at.replace(minute=17), resumed_count=0, rows={"promote_image_actions": 1234},
        coverage={}, problems={"forbidden": 2}, notices=9, changes={"added": 3}, changed="3 added", requests=5678,
        retries=0, refusals=0, bytes_received=1, paced_seconds=0.0, paused_seconds=0.0,
    )  # fmt: skip
    assert summary_line(summary) == (
        "20261123T021500Z-7f3a9c partial: 1,234 promote-image actions; changed: 3 added; "
        "5,678 requests in 2 min 0 s; 2 problems (collector ask coverage_last_night)"
    )
    with_executions = replace(summary, rows={"executions": 1500}, coverage={"execution_lists": {"complete": 3}})
    assert ": 0 promote-image actions, 1,500 executions; changed" in summary_line(with_executions)
    carrying = replace(summary, carried=1000, oldest_read_at=at - timedelta(days=4, hours=2))
    assert ": 1,234 promote-image actions (1,000 carried, the oldest read 4 d 2 h before the run); changed" in (
        summary_line(carrying)
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.12, "0.1 s"), (42, "42 s"), (61, "1 min 1 s"), (7_300, "2 h 1 min"), (200_000, "2 d 7 h")]
)
def test_durations(seconds: float, text: str) -> None:
    """A duration is written in its two largest units."""
    assert duration_text(seconds) == text

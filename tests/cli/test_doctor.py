"""`collector doctor`: exit codes and output; the checks themselves are tested in tests/preflight."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from collector.lake.lock import hold
from tests.cli.conftest import CommandResult, Program
from tests.faults.process import Program as Process
from tests.faults.process import without_rights

WORLD = FakeWorld(workspaces=3, projects=1, pipelines=1, actions=1)


@pytest.fixture
def buddy() -> Iterator[FakeBuddy]:
    with FakeBuddy(WORLD) as running:
        yield running


def doctor(program: Program, buddy: FakeBuddy, *flags: str, token: str | None = None) -> CommandResult:
    """Run the command against a fake Buddy."""
    return program("doctor", *flags, environ={"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": token or buddy.token})


def test_text_and_json(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """As text, each result is a line; as JSON, an object with its installation; nothing is left behind,
    no token shown.
    """
    text, data = doctor(program, buddy), doctor(program, buddy, "--format", "json")
    assert (text.code, data.code) == (0, 0)
    results = json.loads(data.out)
    assert len(text.out.splitlines()) == len(results)
    assert all(line.startswith("ok ") for line in text.out.splitlines())
    assert set(results[0]) == {"installation", "level", "about", "message", "advice"}
    assert {result["installation"] for result in results} == {None, "127.0.0.1"}
    assert list(tmp_path.iterdir()) == []
    assert buddy.token not in text.out + text.err + data.out


def test_without_a_token(program: Program, tmp_path: Path) -> None:
    """The whole checklist is shown: the lake is checked, the token is an error, and what needs one is not checked."""
    text, data = program("doctor"), program("doctor", "--format", "json")
    assert (text.code, data.code, text.err) == (2, 2, "")
    levels = {result["about"]: result["level"] for result in json.loads(data.out)}
    assert levels == {"lake": "ok", "space": "ok", "token": "error"} | dict.fromkeys(
        ("workspaces", "executions", "budget", "clock"), "skipped"
    )
    (line,) = [line for line in text.out.splitlines() if line.startswith("ERROR")]
    assert "BUDDY_TOKEN" in line
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_token(program: Program, buddy: FakeBuddy) -> None:
    """A token that Buddy does not know is an error that says how to create one; the token is not shown."""
    said = doctor(program, buddy, token="wrong-token-9876")
    assert said.code == 2
    (line,) = [line for line in said.out.splitlines() if line.startswith("ERROR")]
    assert "WORKSPACE" in line
    assert "wrong-token-9876" not in said.out + said.err


def test_executions_that_are_forbidden_are_a_warning(program: Program) -> None:
    """A pipeline of the last run is asked whether its executions may be read; a refusal exits 1, `off` asks nothing."""
    world = FakeWorld(workspaces=1, projects=1, pipelines=2, actions=3)
    with FakeBuddy(world, executions_forbidden=True) as buddy:
        program("collect", environ={"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token})
        buddy.forget_arrivals()
        said = doctor(program, buddy)
        assert len(buddy.requests("executions")) == 1
        off = doctor(program, buddy, "--executions", "off")
        assert len(buddy.requests("executions")) == 1
    (line,) = [line for line in said.out.splitlines() if line.startswith("warning")]
    assert "executions: those of pipeline" in line
    assert "PIPELINE_READ or EXECUTION_INFO" in line
    assert (said.code, off.code) == (1, 0)


def test_a_warning_is_an_exit_code(program: Program) -> None:
    """Warnings alone exit 1."""
    with FakeBuddy(WORLD, clock_skew=3600.0) as buddy:
        said = doctor(program, buddy)
    assert said.code == 1
    assert [line.split()[0] for line in said.out.splitlines() if not line.startswith("ok")] == ["warning"]


@pytest.mark.parametrize("what", [".", "runs", "tables/actions", ".lock", "nowhere"])
def test_a_lake_that_may_not_be_written(buddy: FakeBuddy, tmp_path: Path, what: str) -> None:
    """Wherever in the lake, or beside one that does not exist yet, write permission is missing, that place is named."""
    lake = tmp_path / "here" / "lake"
    for name in ("runs", "tables/actions/run_month=2026-11"):
        (lake / name).mkdir(parents=True)
    (lake / ".lock").touch()
    place = (lake / what).resolve() if what != "nowhere" else tmp_path / "here"
    mode = place.stat().st_mode
    place.chmod(0o550 if place.is_dir() else 0o440)
    process = Process(buddy, lake if what != "nowhere" else tmp_path / "here" / "another")
    try:
        said = process.run("doctor", "--format", "json", preexec=without_rights)
    finally:
        place.chmod(mode)
    (result,) = [result for result in json.loads(said.out) if result["about"] == "lake"]
    assert (said.code, result["level"]) == (2, "error")
    assert f"{place} cannot be written" in result["message"]


def test_a_run_in_progress_and_one_that_was_interrupted(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """An interrupted run is said to be resumed by the next; while a command holds the lake, that command is named."""
    buddy.script.add(Fault("status", kind="actions", code=401))
    assert program("collect", environ={"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token}).code in (3, 4)
    (run_id,) = [path.name for path in (tmp_path / "lake" / "runs").iterdir()]
    assert f"run {run_id} was interrupted" in program("doctor").out
    with hold(tmp_path / "lake", command="collect", now=datetime.now(UTC)):
        said = program("doctor")
    assert "in use by 'collect'" in said.out
    assert "interrupted" not in said.out

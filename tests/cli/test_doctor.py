"""`collector doctor`: each thing that would spoil a night is found before it, with what to do."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from collector.lake.lock import Lock
from tests.cli.conftest import CommandResult, Program
from tests.faults.process import Program as Process
from tests.faults.process import without_rights
from tests.worlds import early_in_a_window

WORLD = FakeWorld(workspaces=3, projects=1, pipelines=1, actions=1)


@pytest.fixture
def buddy() -> Iterator[FakeBuddy]:
    with FakeBuddy(WORLD) as running:
        yield running


def examined(
    program: Program, buddy: FakeBuddy, *flags: str, token: str | None = None
) -> tuple[CommandResult, dict[str, dict[str, str]]]:
    """The outcome, and the findings by what they are about."""
    environ = {"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": token or buddy.token}
    said = program("doctor", "--format", "json", *flags, environ=environ)
    return said, {finding["about"]: finding for finding in json.loads(said.out)} if said.out else {}


def test_all_is_well(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """Everything is looked at, all of it is well, and nothing is left behind."""
    said, findings = examined(program, buddy)
    assert said.code == 0, said
    assert {"lake", "space", "scopes", "expiry", "budget", "clock"} < set(findings)
    assert sum(about.startswith("workspace ") for about in findings) == 3
    assert {finding["level"] for finding in findings.values()} == {"ok"}
    assert list(tmp_path.iterdir()) == []
    assert buddy.token not in said.out + said.err
    assert {arrival.method for arrival in buddy.arrivals} == {"GET"}


@pytest.mark.parametrize("name", ["tables/mine/a.csv", "catalog.duckdb"])
def test_a_directory_that_collect_would_refuse(program: Program, buddy: FakeBuddy, tmp_path: Path, name: str) -> None:
    """A directory of others, and a lake whose manifest is missing, are errors here already, with what to do."""
    (tmp_path / "lake" / name).parent.mkdir(parents=True)
    (tmp_path / "lake" / name).touch()
    said, findings = examined(program, buddy)
    assert said.code == 2
    assert findings["lake"]["level"] == "error"
    assert "manifest.json" in findings["lake"]["message"]
    assert findings["lake"]["advice"]


def test_for_people(program: Program, buddy: FakeBuddy) -> None:
    """As text, each finding is a line."""
    said = program("doctor", environ={"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token})
    assert said.code == 0
    assert all(line.startswith("ok ") for line in said.out.splitlines())


def test_a_wrong_token(program: Program, buddy: FakeBuddy) -> None:
    """A token that Buddy does not know is an error that says how to make one; the token is not shown."""
    said, findings = examined(program, buddy, token="wrong-token-9876")
    assert said.code == 2
    assert "WORKSPACE" in findings["token"]["advice"]
    assert "wrong-token-9876" not in said.out + said.err


@pytest.mark.parametrize("scopes", [("WORKSPACE",), ("EXECUTION_INFO",), ()])
def test_missing_scopes(program: Program, scopes: tuple[str, ...]) -> None:
    """A missing scope is named."""
    with FakeBuddy(WORLD, scopes=scopes) as buddy:
        said, findings = examined(program, buddy)
    assert said.code == 2
    for scope in {"WORKSPACE", "EXECUTION_INFO"} - set(scopes):
        assert scope in findings["scopes"]["message"]


@pytest.mark.parametrize(("days", "level", "code"), [(90, "ok", 0), (5, "warning", 1), (-1, "error", 2)])
def test_expiry(program: Program, days: int, level: str, code: int) -> None:
    """A token that expires soon is a warning, before the night on which it fails."""
    expires = (datetime.now(UTC) + timedelta(days=days, hours=1)).isoformat()
    with FakeBuddy(WORLD, expires_at=expires) as buddy:
        said, findings = examined(program, buddy)
    assert (findings["expiry"]["level"], said.code) == (level, code)


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (WORLD.freeze("acme"), "frozen"),
        (WORLD.disable("acme", code=400), "API"),
        (WORLD.disable("acme", code=403), "API"),
        (WORLD.forbid("acme"), "access"),
    ],
)
def test_a_workspace_that_does_not_answer(program: Program, world: FakeWorld, words: str) -> None:
    """Each workspace is tried, and what is wrong with one is told with a way out."""
    with FakeBuddy(world) as buddy:
        said, findings = examined(program, buddy)
    assert said.code == 2
    broken = [about for about, finding in findings.items() if finding["level"] == "error"]
    assert broken == ["workspace acme"]
    assert words.lower() in (findings["workspace acme"]["message"] + findings["workspace acme"]["advice"]).lower()


def test_selected_workspaces_only(program: Program, buddy: FakeBuddy) -> None:
    """Named workspaces are tried by name; one that is not there, and globs that match nothing, are errors."""
    said, findings = examined(program, buddy, "-w", "acme", "-w", "nowhere")
    assert said.code == 2
    assert findings["workspace acme"]["level"] == "ok"
    assert findings["workspace nowhere"]["level"] == "error"
    assert not buddy.requests("workspaces")
    said, findings = examined(program, buddy, "-w", "nothing-*")
    assert said.code == 2
    assert "none of the 3" in findings["workspaces"]["message"]


def test_no_server(program: Program) -> None:
    """An address where nobody answers is told as such, with what to check."""
    environ = {"BUDDY_API_URL": "http://127.0.0.1:9", "BUDDY_TOKEN": "token-1234"}
    said = program("doctor", "--format", "json", environ=environ)
    assert said.code == 2
    findings = {finding["about"]: finding for finding in json.loads(said.out)}
    assert "/api" in findings["token"]["advice"]


def test_a_web_page_instead_of_the_api(program: Program) -> None:
    """HTML where the API should be: the advice names the forgotten /api."""
    script = [Fault("html", times=None)]
    with FakeBuddy(WORLD, script=script) as buddy:
        said, findings = examined(program, buddy)
    assert said.code == 2
    assert "/api" in findings["workspaces"]["advice"]


def test_budget_and_clock(program: Program) -> None:
    """What is left of the window is told, and a clock that is an hour off is a warning."""
    with FakeBuddy(WORLD, limit=100, window=60.0, clock_skew=3600.0) as buddy:
        said, findings = examined(program, buddy)
    assert said.code == 1
    assert "requests left until" in findings["budget"]["message"]
    assert findings["clock"]["level"] == "warning"


@pytest.mark.parametrize(("flags", "level", "code"), [((), "ok", 0), (("--max-duration", "1s"), "warning", 1)])
def test_whether_a_night_fits_is_told_by_the_last_one(
    program: Program, flags: tuple[str, ...], level: str, code: int
) -> None:
    """After a night the budget is held against what it cost: when the next would end, and whether before the limit."""
    with FakeBuddy(WORLD, limit=300, window=60.0, clock_skew=early_in_a_window(60.0)) as buddy:
        environ = {"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token}
        assert program("collect", "--requests-per-second", "0", "--reserve", "0", environ=environ).code == 0
        spent = len(buddy.arrivals)
        # Too little is left of this window for a night like it.
        buddy.neighbour(300 - 2 * spent)
        said, findings = examined(program, buddy, "--reserve", "0", *flags)
    assert f"the last night took {spent} requests" in findings["budget"]["message"]
    assert "ends at about" in findings["budget"]["message"]
    assert (findings["budget"]["level"], said.code) == (level, code)
    assert bool(findings["budget"]["advice"]) is (level == "warning")


def test_a_disk_without_room_for_a_night(program: Program, buddy: FakeBuddy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less room than a night takes for a while is a warning that says what makes room."""
    usage = shutil.disk_usage(".")._replace(free=5 * 2**20)
    monkeypatch.setattr("collector.preflight.doctor.shutil.disk_usage", lambda place: usage)
    said, findings = examined(program, buddy)
    assert (findings["space"]["level"], said.code) == ("warning", 1)
    assert "prune" in findings["space"]["advice"]


@pytest.mark.parametrize("what", [".", "runs", "tables/actions", ".lock", "nowhere"])
def test_a_lake_that_may_not_be_written(buddy: FakeBuddy, tmp_path: Path, what: str) -> None:
    """Wherever in the lake the right to write is lacking, and beside it before it exists, the place is named."""
    lake = tmp_path / "here" / "lake"
    for name in ("runs", "tables/actions/run_month=2026-11"):
        (lake / name).mkdir(parents=True)
    (lake / ".lock").touch()
    place = (lake / what).resolve() if what != "nowhere" else tmp_path / "here"
    mode = place.stat().st_mode
    place.chmod(0o550 if place.is_dir() else 0o440)
    doctor = Process(buddy, lake if what != "nowhere" else tmp_path / "here" / "another")
    try:
        said = doctor.run("doctor", "--format", "json", preexec=without_rights)
    finally:
        place.chmod(mode)
    findings = {finding["about"]: finding for finding in json.loads(said.out)}
    assert said.code == 2
    assert findings["lake"]["level"] == "error"
    assert f"{place} cannot be written" in findings["lake"]["message"]


def test_a_lake_that_cannot_be(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """A file in the lake's place, and a damaged manifest, are errors."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    said, findings = examined(program, buddy, "--lake", "file/lake")
    assert (said.code, findings["lake"]["level"]) == (2, "error")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{", encoding="utf-8")
    said, findings = examined(program, buddy, "--lake", "broken")
    assert (said.code, findings["lake"]["level"]) == (2, "error")


@pytest.mark.parametrize("code", [204, 304])
def test_replies_without_a_body_are_findings(program: Program, buddy: FakeBuddy, code: int) -> None:
    """A server that answers with nothing at all is examined to the end, and said to answer with nothing."""
    buddy.script.add(Fault("status", code=code, times=None))
    said, findings = examined(program, buddy)
    assert said.code == 2, said
    assert findings["token"]["level"] == "warning"
    assert findings["workspaces"]["level"] == "error"
    assert f"HTTP {code}" in findings["workspaces"]["message"]
    assert "Traceback" not in said.err


def test_a_night_that_runs_and_one_that_was_interrupted(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """An interrupted first night is said to be taken up, one that runs just now is not: it says who is at work."""
    stop = Fault("status", kind="actions", code=401)
    buddy.script.add(stop)
    environ = {"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token}
    assert program("collect", environ=environ).code in (3, 4)
    (run_id,) = [path.name for path in (tmp_path / "lake" / "runs").iterdir()]
    said = program("doctor")
    assert f"the run {run_id} was interrupted" in said.out, said
    with Lock(tmp_path / "lake", doing="collect", now=datetime.now(UTC)):
        said = program("doctor")
    assert "at work in it just now: 'collect'" in said.out
    assert "interrupted" not in said.out


@pytest.mark.parametrize("code", [204, 304, 205])
@pytest.mark.parametrize("kind", ["token", "workspaces", "projects"])
def test_a_reply_without_a_body(program: Program, code: int, kind: str) -> None:
    """A reply that has no body, to whichever request, is told as what it is, and the rest is looked at."""
    with FakeBuddy(WORLD, script=[Fault("status", kind=kind, code=code, body="", times=None)]) as buddy:
        said, findings = examined(program, buddy)
    assert said.code == (1 if kind == "token" else 2)
    assert "Traceback" not in said.err
    assert {"lake", "budget", "clock"} < set(findings)
    assert {finding["level"] for finding in findings.values()} == {"ok", "warning" if kind == "token" else "error"}

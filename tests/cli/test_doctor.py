"""`collector doctor`: each thing that would spoil a night is found before it, with what to do."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy, Fault, World
from tests.cli.conftest import Program, Said

WORLD = World(workspaces=3, projects=1, pipelines=1, actions=1)


@pytest.fixture
def buddy() -> Iterator[FakeBuddy]:
    with FakeBuddy(WORLD) as running:
        yield running


def examined(
    program: Program, buddy: FakeBuddy, *flags: str, token: str | None = None
) -> tuple[Said, dict[str, dict[str, str]]]:
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
def test_a_workspace_that_does_not_answer(program: Program, world: World, words: str) -> None:
    """Each workspace is tried, and what is wrong with one is told with a way out."""
    with FakeBuddy(world) as buddy:
        said, findings = examined(program, buddy)
    assert said.code == 2
    broken = [about for about, finding in findings.items() if finding["level"] == "error"]
    assert broken == ["workspace acme"]
    assert (
        words.lower()
        in (findings["workspace acme"]["message"] + findings["workspace acme"]["advice"]).lower()
    )


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


def test_a_lake_that_cannot_be(program: Program, buddy: FakeBuddy, tmp_path: Path) -> None:
    """A file in the lake's place, and a damaged manifest, are errors."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    said, findings = examined(program, buddy, "--lake", "file/lake")
    assert (said.code, findings["lake"]["level"]) == (2, "error")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{", encoding="utf-8")
    said, findings = examined(program, buddy, "--lake", "broken")
    assert (said.code, findings["lake"]["level"]) == (2, "error")

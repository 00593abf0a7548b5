"""The checks of doctor: each thing that would spoil a run is found before it, with what to do."""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from collector.buddy.requests import Kind, Request
from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from collector.preflight.doctor import run_checks
from collector.preflight.doctor_result import DoctorResult
from collector.preflight.forecast import RunCost
from collector.preflight.lake_checks import check_lake
from collector.settings.declarations import Installation, Settings
from collector.settings.secret import Secret
from tests.worlds import early_in_a_window, pipelines_of

WORLD = FakeWorld(workspaces=3, projects=1, pipelines=1, actions=1)
Results = dict[str, DoctorResult]


@pytest.fixture
def buddy() -> Iterator[FakeBuddy]:
    with FakeBuddy(WORLD) as running:
        yield running


def checked(
    buddy: FakeBuddy | str,
    lake: Path,
    *,
    last: RunCost | None = None,
    max_duration_s: float | None = None,
    executions_s: float | None = 86_400.0,
    asked: Request | None = None,
    **fields: Any,
) -> Results:
    """Return the results of all checks by what they are about."""
    url, token = (buddy, "token-1234") if isinstance(buddy, str) else (buddy.url, buddy.token)
    installation = Installation("us", url, **{"token": Secret(token), "reserve": 0, **fields})
    settings = Settings((installation,), lake, max_duration_s=max_duration_s, executions_s=executions_s)

    async def collected() -> Results:
        costs, requests = {"us": last} if last else {}, {"us": asked} if asked else {}
        checks = run_checks(settings, lambda: datetime.now(UTC), costs, requests)
        return {result.about: result async for _, result in checks}

    return asyncio.run(collected())


def problems(results: Results) -> list[tuple[str, str]]:
    return [(about, result.level) for about, result in results.items() if result.level != "ok"]


def test_nothing_is_wrong(buddy: FakeBuddy, tmp_path: Path) -> None:
    """Lake, token, every workspace, budget and clock are checked with GET requests only, and nothing is left behind."""
    results = checked(buddy, tmp_path / "lake")
    workspaces = {"workspace acme", *(about for about in results if about.startswith("workspace "))}
    assert set(results) == {"lake", "space", "scopes", "expiry", "executions", "budget", "clock"} | workspaces
    assert (len(workspaces), problems(results)) == (3, [])
    assert list(tmp_path.iterdir()) == []
    assert {arrival.method for arrival in buddy.arrivals} == {"GET"}


@pytest.mark.parametrize("scopes", [("WORKSPACE",), ()])
def test_missing_scopes(tmp_path: Path, scopes: tuple[str, ...]) -> None:
    """A token without the scope that reads pipelines and executions is an error that names both of its names."""
    with FakeBuddy(WORLD, scopes=scopes) as buddy:
        result = checked(buddy, tmp_path)["scopes"]
    assert (result.level, "executions" in result.message) == ("error", True)
    for scope in ("PIPELINE_READ", "EXECUTION_INFO"):
        assert scope in result.message
        assert scope in result.advice


@pytest.mark.parametrize("scope", ["PIPELINE_READ", "EXECUTION_INFO"])
def test_either_name_of_the_reading_scope_will_do(tmp_path: Path, scope: str) -> None:
    """The new and the old name are accepted; without WORKSPACE, which newer methods do not need, it is a note."""
    with FakeBuddy(WORLD, scopes=("WORKSPACE", scope)) as buddy:
        assert problems(checked(buddy, tmp_path)) == []
    with FakeBuddy(WORLD, scopes=(scope,)) as buddy:
        result = checked(buddy, tmp_path)["scopes"]
    assert (result.level, "lacks WORKSPACE" in result.message) == ("ok", True)


def executions_of(world: FakeWorld) -> Request:
    """Return the request of one execution of the first pipeline of a world."""
    workspace, project, pipeline_id = next(pipelines_of(world))
    return Request("us", Kind.EXECUTIONS, str(workspace), str(project), int(pipeline_id), page=1, per_page=1)


@pytest.mark.parametrize("forbidden", [False, True])
def test_executions_are_asked_for_beforehand(tmp_path: Path, forbidden: bool) -> None:
    """One page of one execution tells whether the token may read executions; if not, a warning names the scope."""
    with FakeBuddy(WORLD, executions_forbidden=forbidden) as buddy:
        results = checked(buddy, tmp_path, asked=executions_of(WORLD))
        (arrival,) = buddy.requests("executions")
    assert arrival.query == {"page": "1", "per_page": "1"}
    assert problems(results) == ([("executions", "warning")] if forbidden else [])
    if forbidden:
        assert "PIPELINE_READ or EXECUTION_INFO" in results["executions"].advice


def test_executions_that_are_not_asked_for(tmp_path: Path) -> None:
    """Nothing is asked with executions off or without a known pipeline; a pipeline that is gone says nothing."""
    with FakeBuddy(WORLD) as buddy:
        off = checked(buddy, tmp_path, executions_s=None, asked=executions_of(WORLD))["executions"]
        unknown = checked(buddy, tmp_path)["executions"]
        assert not buddy.requests("executions")
        gone = checked(buddy, tmp_path, asked=replace(executions_of(WORLD), pipeline_id=987654))["executions"]
    assert [
        (each.level, words in each.message)
        for each, words in ((off, "off"), (unknown, "no earlier run"), (gone, "gone"))
    ] == [("ok", True)] * 3


@pytest.mark.parametrize(("days", "level"), [(90, "ok"), (5, "warning"), (-1, "error")])
def test_expiry(tmp_path: Path, days: int, level: str) -> None:
    """A token that expires soon is a warning, before the day on which a run fails."""
    expires = (datetime.now(UTC) + timedelta(days=days, hours=1)).isoformat()
    with FakeBuddy(WORLD, expires_at=expires) as buddy:
        assert checked(buddy, tmp_path)["expiry"].level == level


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (WORLD.freeze("acme"), "frozen"),
        (WORLD.disable("acme", code=400), "API"),
        (WORLD.disable("acme", code=403), "API"),
        (WORLD.forbid("acme"), "access"),
    ],
)
def test_a_workspace_that_cannot_be_read(tmp_path: Path, world: FakeWorld, words: str) -> None:
    """Each workspace is asked, and one that refuses is an error with what to do about it."""
    with FakeBuddy(world) as buddy:
        results = checked(buddy, tmp_path)
    assert problems(results) == [("workspace acme", "error")]
    assert words.lower() in (results["workspace acme"].message + results["workspace acme"].advice).lower()


def test_only_selected_workspaces_are_asked(buddy: FakeBuddy, tmp_path: Path) -> None:
    """Named workspaces are asked by name; one that does not exist, and patterns that match none, are errors."""
    results = checked(buddy, tmp_path, workspaces=("acme", "nowhere"))
    assert results["workspace acme"].level == "ok"
    assert problems(results) == [("workspace nowhere", "error")]
    assert not buddy.requests("workspaces")
    results = checked(buddy, tmp_path, workspaces=("nothing-*",))
    assert "none of the 3" in results["workspaces"].message


def test_a_wrong_address(tmp_path: Path) -> None:
    """Where nobody answers, or a web page does, the advice names the /api that may be missing."""
    assert "/api" in checked("http://127.0.0.1:9", tmp_path)["token"].advice
    with FakeBuddy(WORLD, script=[Fault("html", times=None)]) as buddy:
        assert "/api" in checked(buddy, tmp_path)["workspaces"].advice


def test_budget_and_clock(tmp_path: Path) -> None:
    """What is left of the window is reported, and a clock that is an hour off is a warning."""
    with FakeBuddy(WORLD, limit=100, window=60.0, clock_skew=3600.0) as buddy:
        results = checked(buddy, tmp_path)
    assert "requests left until" in results["budget"].message
    assert problems(results) == [("clock", "warning")]


@pytest.mark.parametrize(("max_duration_s", "level"), [(None, "ok"), (1.0, "warning")])
def test_the_budget_is_compared_with_the_last_run(tmp_path: Path, max_duration_s: float | None, level: str) -> None:
    """When the next run would end is forecast from the cost of the last one; missing the time limit is a warning."""
    with FakeBuddy(WORLD, limit=40, window=100.0, clock_skew=early_in_a_window(100.0)) as buddy:
        results = checked(buddy, tmp_path, last=RunCost(60, 5.0), max_duration_s=max_duration_s)
    assert "about 60 requests are expected" in results["budget"].message
    assert "ends at about" in results["budget"].message
    assert ("will miss the deadline" in results["budget"].message) is (level == "warning")
    assert (results["budget"].level, bool(results["budget"].advice)) == (level, level == "warning")


def test_a_disk_without_room_for_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less room than a run needs is a warning that says what frees some."""
    usage = shutil.disk_usage(".")._replace(free=5 * 2**20)
    monkeypatch.setattr("collector.preflight.lake_checks.shutil.disk_usage", lambda place: usage)
    (space,) = [result for result in check_lake(tmp_path / "lake") if result.about == "space"]
    assert (space.level, "prune" in space.advice) == ("warning", True)


@pytest.mark.parametrize("code", [204, 205, 304])
@pytest.mark.parametrize("kind", ["token", "workspaces", "projects", None])
def test_a_reply_without_a_body(tmp_path: Path, code: int, kind: str | None) -> None:
    """A reply without a body, to any request, is reported with its status, and the remaining checks are made."""
    fault = Fault("status", kind=kind, code=code, body="", times=None)
    with FakeBuddy(WORLD, script=[fault]) as buddy:
        results = checked(buddy, tmp_path)
    assert {"lake", "budget", "clock"} < set(results)
    assert {level for _, level in problems(results)} == {
        *(["warning"] if kind in ("token", None) else []),
        *(["error"] if kind != "token" else []),
    }
    if kind in ("workspaces", None):
        assert f"HTTP {code}" in results["workspaces"].message


def test_a_path_that_cannot_be_a_lake(tmp_path: Path) -> None:
    """A file in the lake's place, a damaged manifest, and a directory of something else are errors with advice."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for name in ("damaged/manifest.json", "foreign/tables/mine/a.csv", "lost/catalog.duckdb"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("{", encoding="utf-8")
    for name in ("file/lake", "damaged", "foreign", "lost"):
        (result,) = check_lake(tmp_path / name)
        assert (result.level, bool(result.advice)) == ("error", True)

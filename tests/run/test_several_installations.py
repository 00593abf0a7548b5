"""Several installations in one run share one lake, and the failure of one does not affect the others."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collector import open_lake
from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from tests.cli.conftest import Program, program
from tests.sampling import some

__all__ = ["program"]

pytestmark = pytest.mark.usefixtures("no_catalog")
WORLD = FakeWorld(workspaces=1, projects=2, pipelines=2, actions=3, awkward=False)
PROMOTIONS = WORLD.count()["promote_image_actions"]
TOKENS = {"us": "us-token-11111", "eu": "eu-token-22222", "onprem": "onprem-token-33333"}


@pytest.fixture
def buddies() -> Iterator[dict[str, FakeBuddy]]:
    """Three Buddies with the same workspaces, projects and ids, and different tokens."""
    world = WORLD.dated(datetime.now(UTC))
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(FakeBuddy(world, token=token, prefix="/api" if name == "onprem" else ""))
            for name, token in TOKENS.items()
        }


def configured(folder: Path, buddies: dict[str, FakeBuddy], more: dict[str, str] | None = None) -> dict[str, str]:
    """Write collector.toml with a token source of each kind, and return the environment that goes with it."""
    (folder / "onprem.token").write_text(TOKENS["onprem"] + "\n", encoding="utf-8")
    command = f"{sys.executable} -c \"print('{TOKENS['eu']}')\""
    sources = {
        "us": 'token_env = "US_TOKEN"',
        "eu": f"token_command = {json.dumps(command)}",
        "onprem": 'token_file = "onprem.token"',
    }
    lines = ['lake = "lake"', "requests_per_second = 0"]
    for name, buddy in buddies.items():
        lines += [f"[installations.{name}]", f'api_url = "{buddy.url}"', (more or {}).get(name, ""), sources[name]]
    (folder / "collector.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"US_TOKEN": TOKENS["us"]}


def rows(folder: Path, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = open_lake(folder / "lake").sql(sql).table.to_pylist()
    return found


def promotions(folder: Path) -> dict[str, int]:
    counted = rows(folder, "select installation, count(*) as n from promote_image_actions group by all")
    return {row["installation"]: row["n"] for row in counted}


def problem_kinds(folder: Path) -> set[tuple[str, str]]:
    return {(row["installation"], row["kind"]) for row in rows(folder, "select installation, kind from problems")}


def test_side_by_side(program: Program, buddies: dict[str, FakeBuddy], tmp_path: Path) -> None:
    """One run has a row in `runs` for each installation; equal ids do not collide, and each gets its own token."""
    said = program("collect", environ=configured(tmp_path, buddies))
    assert said.code == 0, said.err
    assert promotions(tmp_path) == dict.fromkeys(TOKENS, PROMOTIONS)
    runs = rows(tmp_path, "select run_id, installation, api_url, requests from runs")
    assert {row["installation"]: row["api_url"] for row in runs} == {n: b.url for n, b in buddies.items()}
    assert len({row["run_id"] for row in runs}) == 1
    (unique,) = rows(
        tmp_path,
        "select count(*) as n, count(distinct (installation, workspace, project, pipeline_id, action_id)) as keys "
        "from last_known_actions",
    )
    assert unique["n"] == unique["keys"] == 3 * PROMOTIONS
    for buddy in buddies.values():
        assert len(buddy.arrivals) == buddy.expected_minimum()
        assert all(arrival.authorised for arrival in buddy.arrivals)
    assert not any(token in said.out + said.err for token in TOKENS.values())


def test_each_has_its_own_globs_and_pace(program: Program, buddies: dict[str, FakeBuddy], tmp_path: Path) -> None:
    """Globs and rate limits of an installation apply to that one only."""
    excluded = WORLD.projects("acme")[0]["name"]
    more = {"eu": f'projects = ["!{excluded}"]', "onprem": "requests_per_second = 40\nreserve = 3"}
    assert program("collect", environ=configured(tmp_path, buddies, more)).code == 0
    found = promotions(tmp_path)
    assert found["us"] == found["onprem"] == PROMOTIONS
    assert found["eu"] < PROMOTIONS
    assert not any(f"/{excluded}/" in arrival.path for arrival in buddies["eu"].arrivals)
    paced = {row["installation"]: row["paced_seconds"] for row in rows(tmp_path, "select * from runs")}
    assert paced["us"] == paced["eu"] == 0.0
    assert paced["onprem"] > 0


def test_projects_that_match_in_one_installation_only(
    program: Program, buddies: dict[str, FakeBuddy], tmp_path: Path
) -> None:
    """One installation with a matching project is enough; when none has one, that is an error."""
    nothing = dict.fromkeys(TOKENS, 'projects = ["nothing-*"]')
    wanted = WORLD.projects("acme")[0]["name"]
    said = program("collect", environ=configured(tmp_path, buddies, nothing))
    assert (said.code, said.out) == (2, "")
    assert "No project that the token sees matches nothing-*." in said.err
    assert not (tmp_path / "lake").exists()
    # One has no matching workspace, the others no matching project.
    said = program("collect", environ=configured(tmp_path, buddies, {**nothing, "eu": 'workspaces = ["nobody-*"]'}))
    assert said.code == 2
    assert "No workspace that the token sees matches nobody-*." in said.err
    assert "No project that the token sees matches nothing-*." in said.err
    said = program("collect", environ=configured(tmp_path, buddies, {**nothing, "eu": f'projects = ["{wanted}"]'}))
    assert said.code == 0, said.err
    assert set(promotions(tmp_path)) == {"eu"}


def test_projects_that_match_nowhere_but_one_installation_was_not_read(
    program: Program, buddies: dict[str, FakeBuddy], tmp_path: Path
) -> None:
    """An installation that could not be read may have a matching project: the run is partial, no setting is wrong."""
    nothing = dict.fromkeys(TOKENS, 'projects = ["nothing-*"]')
    buddies["eu"].script.add(Fault("status", kind="projects", code=403, times=None))
    said = program("collect", environ=configured(tmp_path, buddies, nothing))
    assert said.code == 1, said.err
    assert ("eu", "forbidden") in problem_kinds(tmp_path)


# The fault at eu, the kind of problem that it becomes, and the lines that eu then has in collector.toml.
FAILURES: dict[str, tuple[Fault | None, str, str]] = {
    "401 at the start": (Fault("status", code=401, times=None), "unauthorised", ""),
    "401 midway": (Fault("status", kind="actions", code=401, times=None), "unauthorised", ""),
    "the list of workspaces is no list": (
        Fault("wrong_shape", kind="workspaces", value={"workspaces": 7}, times=None),
        "not_understood",
        "",
    ),
    "the list of workspaces is forbidden": (Fault("status", kind="workspaces", code=403, times=None), "forbidden", ""),
    "a CA bundle that is none": (None, "connection", 'ca_bundle = "onprem.token"'),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_one_failure_does_not_stop_the_others(
    program: Program, buddies: dict[str, FakeBuddy], tmp_path: Path, failure: str
) -> None:
    """The others are collected completely; the run is partial, and its problems name the installation that failed."""
    fault, kind, line = FAILURES[failure]
    if fault is not None:
        buddies["eu"].script.add(fault)
    said = program("collect", "--format", "json", environ=configured(tmp_path, buddies, {"eu": line}))
    assert said.code == 1, said.err
    found = promotions(tmp_path)
    assert found["us"] == found["onprem"] == PROMOTIONS
    assert found.get("eu", 0) < PROMOTIONS
    assert {name for name, _ in problem_kinds(tmp_path)} == {"eu"}
    assert ("eu", kind) in problem_kinds(tmp_path)
    assert len(rows(tmp_path, "select * from runs")) == 3
    parts = {part["installation"]: part["status"] for part in json.loads(said.out)["installations"]}
    assert parts == {"us": "complete", "eu": "partial", "onprem": "complete"}


@pytest.mark.parametrize("name", some(["us", "eu", "onprem"], 2))
def test_a_token_that_cannot_be_had(program: Program, buddies: dict[str, FakeBuddy], tmp_path: Path, name: str) -> None:
    """Without one token (unset variable, missing file, failing command) the others are collected; doctor says why."""
    environ = configured(tmp_path, buddies)
    if name == "us":
        environ = {"US_TOKEN": ""}
    elif name == "onprem":
        (tmp_path / "onprem.token").unlink()
    else:
        text = (tmp_path / "collector.toml").read_text(encoding="utf-8")
        start = text.index("token_command")
        end = text.index("\n", start)
        broken = text[:start] + 'token_command = "exit 3"' + text[end:]
        (tmp_path / "collector.toml").write_text(broken, encoding="utf-8")
    said = program("collect", environ=environ)
    assert said.code == 1, said.err
    assert f"installation={name}" in said.err
    assert set(promotions(tmp_path)) == set(TOKENS) - {name}
    assert problem_kinds(tmp_path) == {(name, "unauthorised")}
    assert buddies[name].arrivals == []
    looked = program("doctor")
    assert looked.code == 2
    assert f"ERROR    {name}: token" in looked.out


def test_a_host_that_cannot_be_reached(
    program: Program, buddies: dict[str, FakeBuddy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation that is down loses only its own rows."""
    from collector.crawl.backoff import Limits
    from collector.run import context

    monkeypatch.setattr(
        context.RunContext,
        "__init__",
        _impatient(context.RunContext.__init__, Limits(attempts=2, retry_initial_s=0.01)),
    )
    environ = configured(tmp_path, buddies)
    buddies["eu"].stop()
    said = program("collect", environ=environ)
    assert said.code == 1, said.err
    assert promotions(tmp_path) == {"us": PROMOTIONS, "onprem": PROMOTIONS}
    assert problem_kinds(tmp_path) == {("eu", "connection")}


def _impatient(init: Any, limits: Any) -> Any:
    def patient_no_more(self: Any, now: Any, rng: Any, observer: Any, stop: Any) -> None:
        init(self, now, rng, observer, stop, limits)

    return patient_no_more


def test_when_all_fail_nothing_is_published(program: Program, buddies: dict[str, FakeBuddy], tmp_path: Path) -> None:
    """When every installation refuses its token, nothing is published and no lake is created; the exit code is 4."""
    for buddy in buddies.values():
        buddy.script.add(Fault("status", code=401, times=None))
    assert program("collect", environ=configured(tmp_path, buddies)).code == 4
    assert not (tmp_path / "lake" / "manifest.json").exists()


def test_a_failed_installation_removes_nothing(program: Program, buddies: dict[str, FakeBuddy], tmp_path: Path) -> None:
    """After a failure of one installation its actions are still known, and none is removed."""
    environ = configured(tmp_path, buddies)
    assert program("collect", environ=environ).code == 0
    buddies["eu"].script.add(Fault("status", code=401, times=None))
    assert program("collect").code == 1
    known = rows(tmp_path, "select installation, count(*) as n from last_known_actions group by all")
    assert {row["installation"]: row["n"] for row in known} == dict.fromkeys(TOKENS, PROMOTIONS)
    assert rows(tmp_path, "select * from action_changes where change = 'removed'") == []


def test_the_command_line_as_a_process(buddies: dict[str, FakeBuddy], tmp_path: Path) -> None:
    """The same works as a process from any directory with --config, as cron runs it."""
    environ = configured(tmp_path, buddies)
    done = subprocess.run(
        [sys.executable, "-m", "collector", "collect", "--config", str(tmp_path / "collector.toml")],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2]), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert promotions(tmp_path) == dict.fromkeys(TOKENS, PROMOTIONS)


def test_what_is_missing_is_named(program: Program, buddies: dict[str, FakeBuddy], tmp_path: Path) -> None:
    """The morning message, an answer and `status` name the installation that failed; the others are complete,
    also where a project was filtered out on purpose.
    """
    excluded = WORLD.projects("acme")[0]["name"]
    environ = configured(tmp_path, buddies, {"eu": f'projects = ["!{excluded}"]'})
    buddies["onprem"].script.add(Fault("status", code=401, times=None))
    assert program("collect", "--message-file", "morning.json", environ=environ).code == 1
    told = json.loads((tmp_path / "morning.json").read_text(encoding="utf-8"))
    assert [(line["place"], line["text"]) for line in told["parts"]["missing"]] == [("onprem", "1 installation failed")]
    asked = json.loads(program("ask", "morning", "--format", "json").out)
    *states, changed = [row["line"].split(",")[0] for row in asked if row["part"] == "night"]
    assert states == ["eu: complete", "onprem: partial", "us: complete"]
    assert changed.startswith("changed: ")
    assert "This run is incomplete: 1 installation failed. " in program("ask", "promotions").err
    (night,) = json.loads(program("status", "--format", "json").out)
    assert (night["status"], night["not_seen"]) == ("partial", 1)
    parts = {part["installation"]: part["status"] for part in night["installations"]}
    assert parts == {"eu": "complete", "onprem": "partial", "us": "complete"}

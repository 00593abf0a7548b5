"""What `-w` and `-p` select: a pattern that matches nothing is a mistake only where everything was seen."""

from pathlib import Path
from typing import Any

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from tests.faults.runs import SHORT_TIMEOUTS, run_collect

WORLD = FakeWorld(workspaces=2, projects=2, pipelines=1, actions=1, awkward=False)
ONE = "/workspaces/globex-eu/projects"


@pytest.mark.parametrize(
    ("globs", "words"),
    [
        ({"projects": ("nothing",)}, "No project that the token sees matches nothing."),
        ({"projects": ("nothing-*", "!never")}, "matches nothing-*, !never."),
        ({"projects": ("!*",)}, "matches !*."),
        ({"workspaces": ("acme",), "projects": ("nothing",)}, "No project"),
        ({"workspaces": ("acme", "nobody"), "projects": ("nothing",)}, "No project"),
        ({"workspaces": ("nobody-*",), "projects": ("nothing",)}, "No workspace"),
    ],
)
def test_a_pattern_that_matches_nothing(tmp_path: Path, globs: dict[str, Any], words: str) -> None:
    """The run says which pattern matched nothing, leaves with 2 and leaves no lake behind."""
    with FakeBuddy(WORLD) as fake:
        result = run_collect(fake, tmp_path / "lake", **globs)
    assert result.exit_code == 2
    assert words in str(result.error)
    assert result.error is not None
    assert "--project" in result.error.advice or "--workspace" in result.error.advice
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("globs", [{"projects": ("nothing",)}, {"projects": ("!*",)}])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", kind="projects", path=ONE, code=500, times=None),
        Fault("status", kind="projects", path=ONE, code=403, times=None),
        Fault("wrong_type", kind="projects", path=ONE, json_path="projects[0].name", value=7, times=None),
    ],
    ids=["failed", "forbidden", "unreadable"],
)
def test_nothing_is_known_of_a_list_that_was_not_read(tmp_path: Path, globs: dict[str, Any], fault: Fault) -> None:
    """What matches may be in the list of projects that could not be read: the run is partial, no setting is blamed."""
    with FakeBuddy(WORLD) as fake:
        fake.script.add(fault)
        result = run_collect(fake, tmp_path / "lake", limits=SHORT_TIMEOUTS, **globs)
    assert result.exit_code == 1, result.error


def test_excluding_nothing_in_an_empty_workspace(tmp_path: Path) -> None:
    """An exclude that has nothing to exclude is no mistake; a name that should be there and is not is one."""
    with FakeBuddy(FakeWorld(workspaces=1, projects=0)) as fake:
        assert run_collect(fake, tmp_path / "lake", projects=("!playground-*",)).exit_code == 0
        assert run_collect(fake, tmp_path / "other", projects=("playground-*",)).exit_code == 2

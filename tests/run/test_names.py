"""`collect --names`: the names of users and groups, and never their e-mail addresses."""

import json
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from tests.cli.conftest import Program, environ, program

__all__ = ["program"]

pytestmark = pytest.mark.usefixtures("no_catalog")
WORLD = FakeWorld(workspaces=2, projects=1, pipelines=2, actions=3, awkward=False)


def rows(program: Program, sql: str) -> list[dict[str, object]]:
    said = program("sql", sql, "--format", "json")
    assert said.code == 0, said.err
    found: list[dict[str, object]] = json.loads(said.out)
    return found


def test_names_are_read_where_they_are_asked_for(program: Program, tmp_path: Path) -> None:
    """Two lists per workspace give the names that who_can_promote shows; addresses of members are nowhere."""
    with FakeBuddy(WORLD) as buddy:
        flags = ("--executions", "off", "--keep-raw")
        assert program("collect", *flags, environ=environ(buddy)).code == 0
        assert rows(program, "select * from principals") == []
        assert program("collect", *flags, "--names").code == 0
    without, with_names = (row["requests"] for row in rows(program, "select requests from runs order by run_id"))
    assert int(str(with_names)) == int(str(without)) + 2 * 2
    found = rows(program, "select workspace, principal_type, principal_id, name from principals order by all")
    assert len(found) == 2 * (6 + 4)
    assert {"workspace": "acme", "principal_type": "user", "principal_id": 201, "name": "Ada Lovelace"} in found
    assert {"workspace": "acme", "principal_type": "group", "principal_id": 30, "name": "platform"} in found
    asked = program("ask", "who_can_promote", "--param", "environment=", "--format", "json")
    shown = {row["principal"] for row in json.loads(asked.out)}
    assert shown & {"Ada Lovelace", "platform"}
    raw = [path.read_text(encoding="utf-8") for path in (tmp_path / "lake" / "runs").rglob("raw.jsonl")]
    members = [line for text in raw for line in text.splitlines() if "/members" in line]
    assert members
    assert not any("@example.com" in line for line in members)
    assert "@example.com" not in str(rows(program, "select extra from principals"))


def test_a_token_without_the_right_leaves_numbers(program: Program) -> None:
    """Names that may not be read make no run partial and are no problem, only a notice."""
    with FakeBuddy(WORLD) as buddy:
        for kind in ("members", "groups"):
            buddy.script.add(Fault("status", kind=kind, code=403, times=None))
        result = program("collect", "--names", "--executions", "off", environ=environ(buddy))
    assert result.code == 0
    assert "problem" not in result.out
    assert rows(program, "select count(*) as n from principals") == [{"n": 0}]
    notices = rows(program, "select distinct kind, severity from problems where message like 'The names of %'")
    assert notices == [{"kind": "forbidden", "severity": "notice"}]

"""Executions in what is written after a run: the message begins with releases, or says why they are not known."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector.fake_buddy import FakeBuddy, FakeWorld
from tests.cli.conftest import Program, program

__all__ = ["program"]

pytestmark = pytest.mark.usefixtures("no_catalog")
FILES = ("--message-file", "m.txt", "--metrics-file", "c.prom")


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld(workspaces=1, projects=2, pipelines=2, actions=3, awkward=False).dated(datetime.now(UTC))


def after(program: Program, world: FakeWorld, *flags: str, forbidden: bool = False) -> tuple[list[str], str]:
    """Collect once; return the lines of the message and the summary line."""
    with FakeBuddy(world, executions_forbidden=forbidden) as buddy:
        environ = {"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token, "COLLECTOR_REQUESTS_PER_SECOND": "0"}
        out = program("collect", *FILES, *flags, environ=environ).out
    return Path("m.txt").read_text(encoding="utf-8").splitlines(), out


def samples(name: str) -> dict[str, float]:
    """Return the samples of a metric by the value of their only label."""
    families = text_string_to_metric_families(Path("c.prom").read_text(encoding="utf-8"))
    found = [sample for family in families for sample in family.samples if sample.name == name]
    return {next(iter(sample.labels.values())): sample.value for sample in found}


def test_the_message_begins_with_releases(program: Program, world: FakeWorld) -> None:
    """Releases are the first part of the message, and metrics and summary line count executions and releases."""
    lines, out = after(program, world)
    assert lines[1] == "Released:"
    assert " = " in lines[2]
    read = samples("collector_executions")["127.0.0.1"]
    assert f" {read:.0f} executions;" in out
    releases = samples("collector_releases")
    answered = program("sql", "-f", "csv", "select environment, count(*) from releases group by all order by 1").out
    assert [f"{name},{count:.0f}" for name, count in sorted(releases.items())] == answered.splitlines()[1:]


def test_executions_that_may_not_be_read(program: Program, world: FakeWorld) -> None:
    """Where executions are forbidden, the message says that releases may be missing."""
    lines, out = after(program, world, forbidden=True)
    assert "partial" in lines[0]
    assert any(line.endswith("forbidden: releases may be missing") for line in lines)
    assert " 0 executions;" in out


def test_executions_that_are_off(program: Program, world: FakeWorld) -> None:
    """Where executions are not asked for, the message says that releases are not known."""
    lines, out = after(program, world, "--executions", "off")
    assert "complete" in lines[0]
    assert lines[1:3] == ["Released:", "  127.0.0.1: not known: executions are not asked for (--executions off)"]
    assert "executions" not in out

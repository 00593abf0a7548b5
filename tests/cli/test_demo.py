"""`collector demo`: runs that differ, answers, and no file of anybody else touched."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.cli.demo import last_night
from collector.lake.lake import Lake
from collector.query.reader import open_lake
from tests.cli.conftest import Program


def test_runs_and_answers(program: Program, tmp_path: Path) -> None:
    """The demo shows each run, last night's releases, answers, and what to type next; another demo replaces it."""
    result = program("demo", "--nights", "3")
    assert result.code == 0, result.err
    runs = Lake.open(tmp_path / "demo-lake").manifest.runs
    assert len({run.run_date for run in runs}) == len(runs) == 3
    for run in runs:
        assert run.run_id in result.out
    assert result.out.count("$ collector ask ") == 3
    assert "$ collector ask what_changed" in result.out
    assert " changed" in result.out
    assert "from releases\n" in result.out
    assert " production " in result.out.split("$ collector ask ")[0]
    assert "collector ask in_production" in result.out.split("What to type next")[1]
    again = program("demo", "--nights", "1")
    assert again.code == 0
    assert len(Lake.open(tmp_path / "demo-lake").manifest.runs) == 1


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_its_last_run_is_not_in_the_future(now: datetime) -> None:
    """It is at 02:15 UTC, within the last 24 hours: between midnight and 02:15 that was the day before."""
    assert now - timedelta(days=1) < last_night(now) <= now
    assert last_night(now).time().isoformat() == "02:15:00"


def test_its_runs_show_what_can_happen(demo_lake: Path) -> None:
    """One run is partial and the next one complete; one was refused by the rate limit and found an unknown field."""
    lake = open_lake(demo_lake)
    nights = lake.ask("nights").to_arrow().sort_by("run_id").to_pylist()
    assert [night["status"] for night in nights] == ["complete", "partial", "complete", "complete"]
    assert [night["refusals"] for night in nights] == [0, 0, 3, 0]
    (gap,) = lake.ask("nights", run=nights[1]["run_id"]).missing
    assert (gap.level, gap.coverage, gap.count) == ("project", "forbidden", 1)
    drift = lake.sql("select distinct first_seen_run_id from schema_drift where name = 'approval_policy'").to_arrow()
    assert drift.to_pylist() == [{"first_seen_run_id": nights[2]["run_id"]}]


@pytest.mark.parametrize("name", ["keep.txt", "manifest.json"])
def test_only_a_demo_is_replaced(program: Program, tmp_path: Path, name: str) -> None:
    """A directory that no demo made is refused and unchanged."""
    (tmp_path / "demo-lake").mkdir()
    (tmp_path / "demo-lake" / name).write_text("mine", encoding="utf-8")
    result = program("demo")
    assert result.code == 2
    assert "--lake" in result.err
    assert (tmp_path / "demo-lake" / name).read_text(encoding="utf-8") == "mine"
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert program("demo", "--lake", "file").code == 2

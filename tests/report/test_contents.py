"""What the page shows of one night."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector import open_lake
from collector.errors import QueryError
from collector.report import gather
from collector.report.contents import COVERAGES, WHOLE, Contents
from collector.report.findings import FINDINGS, SEVERITIES
from tests.report.lakes import MadeUpLake

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def test_an_empty_lake_has_no_night(empty: Contents) -> None:
    """Nothing published is nothing to show, not a night without findings."""
    assert empty.night is None
    assert empty.document()["tables"] == {}


def test_every_question_is_about_the_same_run() -> None:
    """The first answer names the run; a night published meanwhile cannot mix in."""
    lake = MadeUpLake(actions=3, nights=2)
    contents = gather(lake, "latest", NOW)
    assert contents.night is not None
    first, *others = lake.asked
    assert first[:2] == ("nights", "latest")
    assert {run for _, run, _ in others} == {contents.night.run_id}


def test_the_newest_night_says_what_the_questions_say(ordinary: Contents, ordinary_lake: Path) -> None:
    """Counts and rows are those that anybody gets who asks."""
    night = ordinary.night
    assert night is not None
    assert night.newest
    assert not night.first
    assert night.complete
    lake = open_lake(ordinary_lake)
    assert night.changes.total == len(lake.ask("what_changed"))
    assert night.count("missing_permissions") == len(lake.ask("missing_permissions", environment="production"))
    assert ordinary.steps_in_all == len(ordinary.steps) == len(lake.ask("promotion_map"))
    assert {seen.level for seen in night.seen} == {"workspace", "project", "pipeline", "action"}
    assert all(seen.whole for seen in night.seen)


def test_an_older_night_knows_nothing_of_later_ones(first: Contents) -> None:
    """A report of a date shows the nights up to it, and that it is not the newest."""
    assert first.night is not None
    assert not first.night.newest
    assert first.night.first
    assert len(first.nights) == 1


def test_a_run_that_is_not_there(ordinary_lake: Path) -> None:
    """Another night is never shown in its place."""
    with pytest.raises(QueryError):
        gather(open_lake(ordinary_lake), "2001-01-01", NOW)


def test_a_partial_night_names_what_is_missing(hostile: Contents) -> None:
    """Each thing that was not seen is a row with the reason, and what hid in it is not called removed."""
    night = hostile.night
    assert night is not None
    assert not night.complete
    assert night.missing.total == 1
    assert night.missing.places[0].action == "web-shop"
    level, coverage, why = night.missing.cells[0]
    assert (level, coverage) == ("project", "forbidden")
    assert "403" in str(why)
    hidden = [cells for place, cells in zip(night.changes.places, night.changes.cells, strict=True)
              if "web-shop" in place.way]  # fmt: skip
    assert hidden == []
    assert [seen.things for seen in night.seen if not seen.whole] == [1]


def test_times_of_the_document_are_utc(ordinary: Contents) -> None:
    """Every moment says its zone, so that a browser anywhere counts the same age."""
    document = ordinary.document()
    assert document["made_at"] == "2026-11-24T02:15:00Z"
    assert document["started_at"] == document["nights"]["rows"][-1][0] == "2026-11-22T02:15:00Z"


def test_findings_are_ordered_by_severity() -> None:
    """Gravest first, each question once."""
    order = [list(SEVERITIES).index(finding.severity) for finding in FINDINGS]
    assert order == sorted(order)
    assert len({finding.question for finding in FINDINGS}) == len(FINDINGS)


def test_every_coverage_is_told_in_words() -> None:
    """What the design calls coverage has a sentence, and the whole ones are those that leave nothing unknown."""
    assert set(COVERAGES) == {
        "complete", "fetched", "not_promote_image", "gone", "forbidden", "failed", "quarantined", "skipped",
    }  # fmt: skip
    assert set(COVERAGES) - WHOLE == {"forbidden", "failed", "quarantined", "skipped"}

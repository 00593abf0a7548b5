"""What the page shows of one run."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector import open_lake
from collector.errors import QueryError
from collector.report import collect_contents
from collector.report.contents import COVERAGES, WITHOUT_GAP, ReportContents
from collector.report.findings import FINDINGS, SEVERITIES
from tests.report.lakes import MadeUpLake

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def test_an_empty_lake_has_no_run(empty: ReportContents) -> None:
    """Without a published run there are no tables, not even empty ones."""
    assert empty.run is None
    assert empty.document()["tables"] == {}


def test_every_question_is_about_the_same_run() -> None:
    """The run is chosen once; a run published meanwhile cannot mix in."""
    lake = MadeUpLake(actions=3, runs=2)
    contents = collect_contents(lake, "latest", NOW)
    assert contents.run is not None
    assert lake.wanted == ["latest"]
    assert {run for _, run, _ in lake.asked} == {contents.run["run_id"]}


def test_the_newest_run_shows_what_the_questions_answer(ordinary: ReportContents, ordinary_lake: Path) -> None:
    """Counts and rows are those of the questions."""
    assert ordinary.run is not None
    assert ordinary.newest
    assert ordinary.run["status"] == "complete"
    lake = open_lake(ordinary_lake)
    assert ordinary.tables["changes"].total == len(lake.ask("what_changed"))
    assert ordinary.tables["missing_permissions"].total == len(
        lake.ask("missing_permissions", environment="production")
    )
    assert ordinary.promotions_total == len(ordinary.promotions) == len(lake.ask("promotion_map"))
    assert list(ordinary.coverage) == ["workspace", "project", "pipeline", "action"]
    assert all(counts and counts.keys() <= WITHOUT_GAP for counts in ordinary.coverage.values())


def test_an_older_run_shows_no_later_ones(first: ReportContents) -> None:
    """A report on a date shows the runs up to it, and that its run is not the newest."""
    assert not first.newest
    assert len(first.runs) == 1


def test_an_unknown_run(ordinary_lake: Path) -> None:
    """An unknown run is an error; no other run is shown instead."""
    with pytest.raises(QueryError):
        collect_contents(open_lake(ordinary_lake), "2001-01-01", NOW)


def test_a_partial_run_names_what_is_missing(hostile: ReportContents) -> None:
    """Each thing that was not seen is a row with the reason, and nothing inside it is called removed."""
    assert hostile.run is not None
    assert hostile.run["status"] == "partial"
    assert hostile.tables["missing"].total == 1
    ((where, (level, coverage, why)),) = hostile.tables["missing"].rows
    assert where is not None
    assert where.name == "web-shop"
    assert (level, coverage) == ("project", "forbidden")
    assert "403" in str(why)
    assert not [cells for where, cells in hostile.tables["changes"].rows if where and "web-shop" in where.path]
    gaps = [{how: counts[how] for how in counts.keys() - WITHOUT_GAP} for counts in hostile.coverage.values()]
    assert gaps == [{}, {"forbidden": 1}, {}, {}]


def test_times_of_the_document_are_utc(ordinary: ReportContents) -> None:
    """Every time has its zone, so that browsers everywhere show the same age."""
    document = ordinary.document()
    assert document["made_at"] == "2026-11-24T02:15:00Z"
    assert document["started_at"] == document["runs"]["rows"][-1][0] == "2026-11-22T02:15:00Z"


def test_findings_are_ordered_by_severity() -> None:
    """The most severe findings come first."""
    order = [list(SEVERITIES).index(finding.severity) for finding in FINDINGS.values()]
    assert order == sorted(order)


def test_every_coverage_has_a_meaning() -> None:
    """Each coverage has its words, and those without a gap leave nothing unknown."""
    assert set(COVERAGES) == {
        "complete", "fetched", "carried", "not_promote_image", "gone", "forbidden", "failed", "quarantined",
        "skipped",
    }  # fmt: skip
    assert set(COVERAGES) - WITHOUT_GAP == {"forbidden", "failed", "quarantined", "skipped"}

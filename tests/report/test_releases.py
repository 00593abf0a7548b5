"""What the report says about releases: last night's first, a timeline, what is in production, and what is not known."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from collector import open_lake
from collector.report import render
from collector.report.contents import ReportContents
from collector.report.releases import DAYS, GAPS, MAX_MARKS, ReportReleases, report_releases
from tests.report.browser import Page

END = datetime(2026, 11, 27, 2, 15)
BEFORE = END - timedelta(days=1)
PLACE = {"installation": "us", "workspace": "acme", "project": "shop", "pipeline": "Ship", "pipeline_id": 1,
         "action_id": 2, "action": "Release", "html_url": "https://app.buddy.works/acme/1"}  # fmt: skip
RELEASE = PLACE | {
    "environment": "production", "image": "docker.io/acme/app", "destination": "docker.io/acme/app:production",
    "revision": "a" * 40, "released_by": "Ann", "approved_by": "Bo", "known_from": END - timedelta(days=9),
}  # fmt: skip


def released(at: datetime, execution_id: int = 1, **fields: Any) -> dict[str, Any]:
    """Return a row of the question releases."""
    return RELEASE | {"released_at": at, "execution_id": execution_id} | fields


def table(rows: Sequence[dict[str, Any]], *columns: str) -> pa.Table:
    """Return rows as an answer, which has its columns also without rows."""
    return pa.Table.from_pylist(list(rows)) if rows else pa.table({name: [] for name in columns})


def contents_of(
    releases: Sequence[dict[str, Any]] = (),
    failed: Sequence[dict[str, Any]] = (),
    rollbacks: Sequence[dict[str, Any]] = (),
    coverages: Sequence[tuple[str, datetime | None]] = (("complete", END - timedelta(days=9)),),
    runs: Sequence[datetime] = (BEFORE, END),
) -> ReportReleases:
    """Return the releases of a report on the last of some runs."""
    production = [
        {"destination": f"app:{n}", "finding": "released", "revision": None, "since": None, "released_by": None,
         "approved_by": None, "certain": True, "executions_coverage": coverage, "known_from": known, "workspace": None}
        for n, (coverage, known) in enumerate(coverages or [("complete", END)])
    ]  # fmt: skip
    key = ("installation", "workspace", "project", "pipeline_id", "execution_id", "action_id")
    answers = {
        "releases": table(releases) if releases else table([released(END - timedelta(days=60))]).slice(0, 0),
        "failed_releases": table(failed, "image"),
        "rollbacks": table(rollbacks, *key),
        "in_production": table(production).slice(0, len(coverages)),
    }
    return report_releases(answers, [{"started_at": run} for run in runs], ("workspace",))


def test_last_night_is_what_was_released_since_the_run_before() -> None:
    """A release at the beginning of the run before belongs to this night, one a second earlier does not."""
    rows = [released(END - timedelta(hours=1)), released(BEFORE), released(BEFORE - timedelta(seconds=1))]
    assert contents_of(rows).night.total == 2
    assert contents_of(rows, runs=(END - timedelta(days=3), END)).night.total == 3
    assert contents_of(rows, runs=(END,)).night.total == 2


def test_marks_say_what_happened() -> None:
    """A release that was a rollback and a failure are marks of their own kind, the newest first."""
    rows = [released(BEFORE, 7), released(BEFORE - timedelta(hours=2), 6)]
    failure = PLACE | {
        "failed_at": END - timedelta(hours=1), "execution_id": 8, "image": "docker.io/acme/app",
        "environment": "production", "destination": "docker.io/acme/app:production", "revision": None,
        "started_by": "Cy", "error_message": "no manifest",
    }  # fmt: skip
    found = contents_of(rows, [failure, failure | {"image": None}], [rows[0]])
    assert [(mark[1], mark[6]) for mark in found.marks] == [("failure", "Cy"), ("rollback", "Ann"), ("release", "Ann")]
    assert found.marks[0][8] == "no manifest"
    assert found.marks[1][5] == "a" * 12


def test_marks_are_limited_and_the_newest_stay() -> None:
    """A page holds only so many marks, and the number of all."""
    rows = [released(END - timedelta(minutes=n), n) for n in range(MAX_MARKS + 5)]
    found = contents_of(rows)
    assert (len(found.marks), found.marks_total) == (MAX_MARKS, MAX_MARKS + 5)
    texts: dict[str, int] = {}
    assert len(found.document(texts, 10)["marks"]) == 10
    assert found.document(texts, 10)["marks"][0][0] == found.marks[0][0]


def test_an_address_that_may_not_be_followed_is_no_link() -> None:
    """A mark of such an execution has no address."""
    assert contents_of([released(BEFORE, html_url="javascript:x")]).marks[0][9] is None


@pytest.mark.parametrize("coverage", GAPS)
def test_what_is_not_known_is_said(ordinary: ReportContents, coverage: str) -> None:
    """Destinations whose executions are not completely known are counted on the page, with the reason."""
    found = contents_of(coverages=[(coverage, None), ("complete", END), ("not_needed", None)])
    assert found.gaps == {coverage: 1}
    page = render(replace(ordinary, releases=found))
    assert f"1 production destination: {GAPS[coverage]}" in page
    assert "No release is known." in page


def test_nothing_released_is_said_only_where_all_is_known(ordinary: ReportContents) -> None:
    """With complete executions the page says that nothing was released; without a destination it does not."""
    assert "<p>Nothing was released.</p>" in render(replace(ordinary, releases=contents_of()))
    nothing = contents_of(coverages=())
    assert nothing.known_from is None
    page = render(replace(ordinary, releases=nothing))
    assert "<p>Nothing was released.</p>" not in page
    assert "The executions of no production destination are completely known" in page


def test_last_nights_releases_come_second(ordinary: ReportContents, ordinary_page: Path, ordinary_lake: Path) -> None:
    """The releases are those of the question since the run before, between the verdict and what changed."""
    assert ordinary.releases is not None
    asked = open_lake(ordinary_lake).ask("releases", since=ordinary.runs[-2]["started_at"], environment="")
    assert ordinary.releases.night.total == len(asked) > 0
    page = ordinary_page.read_text(encoding="utf-8")
    assert re.findall(r'<section id="([\w-]+)"', page) == [
        "run", "releases", "changes", "findings", "map", "history", "trends", "problems-section", "notices",
    ]  # fmt: skip
    assert f"last {DAYS} days" in page


@pytest.mark.browser
def test_the_timeline_is_drawn(browser: Page, ordinary: ReportContents, ordinary_page: Path) -> None:
    """Each image has a lane, each release a mark with who, what and when; pointing at one shows it below the legend."""
    browser.open(ordinary_page)
    assert ordinary.releases is not None
    images = {mark[2] for mark in ordinary.releases.marks}
    lanes = browser.run("document.querySelectorAll('.lanes > li:not(.axis)').length")
    assert lanes == min(20, len(images))
    while browser.run("!document.querySelector('#timeline > button').hidden"):
        browser.run("document.querySelector('#timeline > button').click()")
    marks = browser.run("document.querySelectorAll('.mark').length")
    assert marks == len(ordinary.releases.marks)
    caption = browser.run(
        "(() => { const mark = document.querySelector('.mark.production');"
        " mark.dispatchEvent(new Event('pointerenter'));"
        " return [mark.querySelector('title').textContent, document.querySelector('.caption').textContent]; })()"
    )
    assert caption[1].startswith(caption[0])
    assert " UTC, production: " in caption[0]
    places = browser.run(
        "[...document.querySelectorAll('circle.mark')].map((each) => parseFloat(each.getAttribute('cx')))"
    )
    assert all(0 <= place <= 100 for place in places)
    assert browser.trouble == []


@pytest.mark.browser
def test_names_in_the_timeline_stay_text(browser: Page, hostile: ReportContents, hostile_page: Path) -> None:
    """An image whose name is a script is shown as it is and does nothing."""
    assert hostile.releases is not None
    assert any("<script>" in mark[2] for mark in hostile.releases.marks)
    browser.open(hostile_page)
    assert browser.run("[...document.querySelectorAll('.lane')].some((each) => each.textContent.includes('<script>'))")
    assert browser.run("window.hurt") is None
    assert browser.run("document.querySelectorAll('#timeline script, #timeline img').length") == 0

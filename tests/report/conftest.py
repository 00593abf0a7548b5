"""Reports made once for all tests, and the browser that opens them.

Without a browser its tests are deselected, and the summary says so; where CI is set they are not, so that they fail
there instead of never being run.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from collector import open_lake
from collector.fake_buddy import FakeWorld
from collector.lake.lake import Lake
from collector.query.reader import LakeReader
from collector.report import collect_contents, render
from collector.report.contents import ReportContents
from tests.report.browser import Page, installed
from tests.report.lakes import FIRST_RUN, MadeUpLake, hostile_world, lake_of
from tests.shared import made_once

LEFT_OUT = pytest.StashKey[int]()
SOON = FIRST_RUN + timedelta(days=4)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that need a browser where there is none, and keep their number."""
    if installed() or os.environ.get("CI"):
        return
    out = [item for item in items if item.get_closest_marker("browser")]
    config.stash[LEFT_OUT] = len(out)
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report what was deselected, and how to install what it needs."""
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.section("deselected")
        terminalreporter.line(
            f"{count} tests of the report in a browser: no Chromium here; `make browser` installs it."
        )


def written(contents: ReportContents, path: Path) -> Path:
    """Write a report to a file."""
    path.write_text(render(contents), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the reports."""
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> ReportContents:
    """Two runs with names that attack the page; the second could not see a project."""
    worlds = [hostile_world()] * 2
    return made_once(
        tmp_path_factory,
        "hostile",
        lambda here: collect_contents(open_lake(lake_of(here / "lake", worlds)), "latest", SOON),
    )


@pytest.fixture(scope="session")
def hostile_page(folder: Path, hostile: ReportContents) -> Path:
    """The report on the second of those runs."""
    return written(hostile, folder / "hostile.html")


@pytest.fixture(scope="session")
def ordinary_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs of a company that changes."""
    worlds = [FakeWorld(seed=7, workspaces=2, projects=3, pipelines=4, actions=6)] * 3
    return made_once(tmp_path_factory, "ordinary-lake", lambda here: lake_of(here / "lake", worlds))


@pytest.fixture(scope="session")
def ordinary(tmp_path_factory: pytest.TempPathFactory, ordinary_lake: Path) -> ReportContents:
    """The contents of a report on its newest run."""
    lake = open_lake(ordinary_lake)
    return made_once(tmp_path_factory, "ordinary", lambda _: collect_contents(lake, "latest", SOON))


@pytest.fixture(scope="session")
def ordinary_page(folder: Path, ordinary: ReportContents) -> Path:
    """The report on its newest run."""
    return written(ordinary, folder / "ordinary.html")


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory, ordinary_lake: Path) -> ReportContents:
    """The contents of a report on its first run, requested by date."""
    lake, day = open_lake(ordinary_lake), FIRST_RUN.date().isoformat()
    return made_once(tmp_path_factory, "first", lambda _: collect_contents(lake, day, SOON))


@pytest.fixture(scope="session")
def first_page(folder: Path, first: ReportContents) -> Path:
    """The report on its first run."""
    return written(first, folder / "first.html")


@pytest.fixture(scope="session")
def empty(folder: Path) -> ReportContents:
    """The contents of a report on an empty lake."""
    return collect_contents(LakeReader(lambda: Lake.create(folder / "empty-lake")), "latest", SOON)


@pytest.fixture(scope="session")
def empty_page(folder: Path, empty: ReportContents) -> Path:
    """The report on an empty lake."""
    return written(empty, folder / "empty.html")


@pytest.fixture(scope="session")
def large_page(folder: Path) -> Path:
    """The report on a year of runs and 2,000 actions, each of which is in every finding."""
    contents = collect_contents(MadeUpLake(actions=2_000, runs=365), "latest", FIRST_RUN + timedelta(days=365))
    return written(contents, folder / "large.html")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One browser with one tab, for all tests."""
    with Page(tmp_path_factory.mktemp("profile")) as page:
        yield page

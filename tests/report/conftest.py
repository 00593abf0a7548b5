"""Reports made once for all tests, and the browser that opens them.

Without a browser its tests are left out, and the summary says so; where CI is set nothing is left out, so that
they fail there instead of never being run.
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
from collector.report import gather, render
from collector.report.contents import Contents
from tests.report.browser import Page, installed
from tests.report.lakes import FIRST_NIGHT, MadeUpLake, hostile_world, lake_of
from tests.shared import made_once

LEFT_OUT = pytest.StashKey[int]()
SOON = FIRST_NIGHT + timedelta(days=4)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the browser's tests out where there is none, and remember how many they were."""
    if installed() or os.environ.get("CI"):
        return
    out = [item for item in items if item.get_closest_marker("browser")]
    config.stash[LEFT_OUT] = len(out)
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out, and how to get it."""
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.section("left out")
        terminalreporter.line(
            f"{count} tests of the report in a browser: no Chromium here; `make browser` installs it."
        )


def written(contents: Contents, path: Path) -> Path:
    """A report as a file."""
    path.write_text(render(contents), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reports are."""
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """Two nights of names that attack, of which the second could not see a project."""
    worlds = [hostile_world()] * 2
    return made_once(
        tmp_path_factory, "hostile", lambda here: gather(open_lake(lake_of(here / "lake", worlds)), "latest", SOON)
    )


@pytest.fixture(scope="session")
def hostile_page(folder: Path, hostile: Contents) -> Path:
    """The report on the second of those nights."""
    return written(hostile, folder / "hostile.html")


@pytest.fixture(scope="session")
def ordinary_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights of a company that changes."""
    worlds = [FakeWorld(seed=7, workspaces=2, projects=3, pipelines=4, actions=6)] * 3
    return made_once(tmp_path_factory, "ordinary-lake", lambda here: lake_of(here / "lake", worlds))


@pytest.fixture(scope="session")
def ordinary(tmp_path_factory: pytest.TempPathFactory, ordinary_lake: Path) -> Contents:
    """Its newest night."""
    lake = open_lake(ordinary_lake)
    return made_once(tmp_path_factory, "ordinary", lambda _: gather(lake, "latest", SOON))


@pytest.fixture(scope="session")
def ordinary_page(folder: Path, ordinary: Contents) -> Path:
    """The report on its newest night."""
    return written(ordinary, folder / "ordinary.html")


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory, ordinary_lake: Path) -> Contents:
    """Its first night, asked for by its date."""
    lake, day = open_lake(ordinary_lake), FIRST_NIGHT.date().isoformat()
    return made_once(tmp_path_factory, "first", lambda _: gather(lake, day, SOON))


@pytest.fixture(scope="session")
def first_page(folder: Path, first: Contents) -> Path:
    """The report on its first night."""
    return written(first, folder / "first.html")


@pytest.fixture(scope="session")
def empty(folder: Path) -> Contents:
    """A lake without a night."""
    return gather(LakeReader(lambda: Lake.create(folder / "empty-lake")), "latest", SOON)


@pytest.fixture(scope="session")
def empty_page(folder: Path, empty: Contents) -> Path:
    """The report on it."""
    return written(empty, folder / "empty.html")


@pytest.fixture(scope="session")
def large_page(folder: Path) -> Path:
    """A year of nights and 2,000 actions, every one of which is found wanting in every way."""
    contents = gather(MadeUpLake(actions=2_000, nights=365), "latest", FIRST_NIGHT + timedelta(days=365))
    return written(contents, folder / "large.html")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One browser with one tab, for all its tests."""
    with Page(tmp_path_factory.mktemp("profile")) as page:
        yield page

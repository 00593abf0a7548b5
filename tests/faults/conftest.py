"""What the tests of faults share: an undisturbed night to compare with, and the ledger of what was proven."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy
from tests.faults.company import PER_PAGE, company
from tests.faults.ledger import FOLDER, Ledger
from tests.faults.nights import night
from tests.faults.published import Published, published
from tests.shared import made_once

FreshLake = Callable[[], Path]


@dataclass(frozen=True)
class Undisturbed:
    """A lake with one good night, the second good night as the truth to compare with, and its number of requests."""

    lake: Path
    truth: Published
    requests: int


@pytest.fixture(scope="session")
def _undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return made_once(tmp_path_factory, "undisturbed", _two_nights)


def _two_nights(directory: Path) -> Undisturbed:
    with FakeBuddy(company(), max_per_page=PER_PAGE, pages_every_list=True) as fake:
        assert night(fake, directory / "one", 1).exit_code == 0
        shutil.copytree(directory / "one", directory / "two")
        fake.forget_arrivals()
        assert night(fake, directory / "two", 2).exit_code == 0
        requests = len(fake.arrivals)
    return Undisturbed(directory / "one", published(directory / "two"), requests)


@pytest.fixture
def undisturbed(_undisturbed: Undisturbed) -> Undisturbed:
    """The nights to compare with."""
    return _undisturbed


@pytest.fixture
def fresh_lake(_undisturbed: Undisturbed, tmp_path: Path) -> Callable[[], Path]:
    """Copies of the lake with one good night."""
    made = 0

    def copy() -> Path:
        nonlocal made
        made += 1
        return Path(shutil.copytree(_undisturbed.lake, tmp_path / f"lake-{made}"))

    return copy


@pytest.fixture(scope="module")
def _fake() -> Iterator[FakeBuddy]:
    with FakeBuddy(company(), max_per_page=PER_PAGE, pages_every_list=True) as fake:
        yield fake


@pytest.fixture
def fake(_fake: FakeBuddy) -> Iterator[FakeBuddy]:
    """A healthy Buddy with the company, its log empty."""
    _fake.script.clear()
    _fake.world = company()
    _fake.forget_arrivals()
    yield _fake
    _fake.script.clear()


@pytest.fixture(scope="session")
def ledger(pytestconfig: pytest.Config) -> Ledger:
    """Where a test counts what it proved."""
    cache = pytestconfig.cache
    return Ledger(None if cache is None else cache.mkdir(FOLDER))

"""Fixtures of the tests of faults: an undisturbed run to compare with, and the ledger of counts."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy
from tests.faults.company import PER_PAGE, company
from tests.faults.law import judged
from tests.faults.ledger import FOLDER, Ledger
from tests.faults.nights import Result, night
from tests.faults.published import Published, published
from tests.shared import made_once

FreshLake = Callable[[], Path]
# Runs the second collect under the scripted faults; the argument is the name of the fault in the ledger.
RunWithFaults = Callable[[str], tuple[Result, Published]]


@dataclass(frozen=True)
class Undisturbed:
    """A lake with one good run, a second good run as the truth, and the number of its requests."""

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
    """Return the undisturbed runs."""
    return _undisturbed


@pytest.fixture
def fresh_lake(_undisturbed: Undisturbed, tmp_path: Path) -> Callable[[], Path]:
    """Return a function that copies the lake with one good run."""
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
    """Serve the world without faults and with an empty log."""
    _fake.script.clear()
    _fake.world = company()
    _fake.forget_arrivals()
    yield _fake
    _fake.script.clear()


@pytest.fixture(scope="session")
def ledger(pytestconfig: pytest.Config) -> Ledger:
    """Return the ledger in which a test counts its results."""
    cache = pytestconfig.cache
    return Ledger(None if cache is None else cache.mkdir(FOLDER))


@pytest.fixture
def run_with_faults(fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger) -> RunWithFaults:
    """Return a function that runs the second collect on a fresh lake, checks the invariants and counts the result."""

    def run(fault: str) -> tuple[Result, Published]:
        lake = fresh_lake()
        result = night(fake, lake, 2)
        seen = published(lake)
        check_invariants(fault, undisturbed.truth, seen, result, ledger, fake)
        return result, seen

    return run


def check_invariants(
    fault: str, truth: Published, seen: Published, result: Result, ledger: Ledger, fake: FakeBuddy
) -> None:
    """Compare a run with the truth, count the result, and fail if an invariant is violated."""
    judgement = judged(truth, seen)
    injected = sum(request.fault is not None for request in fake.arrivals) or 1
    ledger.note(fault, result.exit_code, injected=injected, lost=len(judgement.lost), false=len(judgement.false))
    assert judgement.broken == []

"""The rate limit as the server counts it: never exceeded alone, fully used, and shared with another client."""

from collections import Counter
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld
from tests.faults.ledger import Ledger
from tests.faults.nights import QUICK, night

LIMIT, WINDOW_S = 200, 2.0
CONCURRENCY = 16


def _paced(world: FakeWorld, lake: Path, *, reserve: int = 0, neighbour: int = 0) -> FakeBuddy:
    """Run a collect under the small limit and return the server with its log."""
    limited = FakeBuddy(world, limit=LIMIT, window=WINDOW_S, neighbour_per_window=neighbour)
    with limited as fake:
        result = night(fake, lake, limits=QUICK, reserve=reserve, concurrency=CONCURRENCY)
        assert result.exit_code == 0, result.error
    return limited


def _by_window(fake: FakeBuddy) -> list[int]:
    """Return the number of requests admitted in each full window, without the first and the last."""
    counts = Counter(request.window_index for request in fake.arrivals if request.admitted)
    return [counts[index] for index in range(min(counts) + 1, max(counts))]


@pytest.mark.parametrize(
    ("pipelines", "reserve"), [(8, 50), *(pytest.param(30, r, marks=pytest.mark.faults) for r in (0, 20, 50, 100))]
)
def test_alone_the_limit_is_used_and_not_exceeded(pipelines: int, reserve: int, tmp_path: Path, ledger: Ledger) -> None:
    """No request is refused, and every full window is used to 97 % of the limit less the reserve."""
    fake = _paced(
        FakeWorld(projects=14, pipelines=pipelines, actions=6, awkward=False), tmp_path / "lake", reserve=reserve
    )
    windows = _by_window(fake)
    assert fake.counts()["refused"] == 0
    assert len(windows) >= 2
    assert min(windows) >= 0.97 * (LIMIT - reserve)
    assert max(windows) <= LIMIT - reserve
    ledger.note(f"200 requests per 2 s, alone: {fake.counts()['refused']} refused", 0, injected=len(windows))


@pytest.mark.faults
def test_with_another_client_two_of_a_thousand_are_refused(tmp_path: Path, ledger: Ledger) -> None:
    """While another client spends half of every window, at most 2 of 1,000 requests are refused."""
    fake = _paced(
        FakeWorld(projects=14, pipelines=30, actions=6, awkward=False), tmp_path / "lake", neighbour=LIMIT // 2
    )
    counts = fake.counts()
    assert counts["requests"] >= 1_000
    assert counts["refused"] <= 2 * counts["requests"] / 1_000
    ledger.note("200 requests per 2 s, another client takes half", 0, injected=len(_by_window(fake)))

"""The rate limit: enforced by the server and announced as Buddy does; a refused request spends nothing."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.fake_buddy.rate_window import RateWindow
from tests.fake_buddy.asking import ask, get


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a clock that only the test advances; it starts at a whole hour."""
    now = [1_800_000_000.0]
    monkeypatch.setattr("collector.fake_buddy.rate_window.time.time", lambda: now[0])
    return now


def test_a_window_admits_its_limit_and_no_more(clock: list[float]) -> None:
    """Each window admits exactly its limit and counts down; the next window starts again."""
    window = RateWindow(3, 10.0, 0.0, 0)
    for _ in range(2):
        decisions = [window.admit() for _ in range(5)]
        assert [decision.admitted for decision in decisions] == [True, True, True, False, False]
        assert [decision.remaining for decision in decisions] == [2, 1, 0, 0, 0]
        clock[0] += 10


def test_the_reset_is_when_the_window_ends(clock: list[float]) -> None:
    """The reset is in whole epoch seconds and never before the end of the window."""
    clock[0] += 3.2
    assert RateWindow(9, 10.0, 0.0, 0).admit().headers["X-Rate-Limit-Reset"] == "1800000010"
    assert RateWindow(9, 0.7, 0.0, 0).admit().headers["X-Rate-Limit-Reset"] == "1800000004"


def test_a_skewed_clock_moves_date_and_reset_alike() -> None:
    """With a clock skew, Date and reset are off by the same time."""
    with FakeBuddy(FakeWorld(), limit=9, window=10.0, clock_skew=3600.0) as fake:
        headers = get(fake, "/workspaces").headers
    date = parsedate_to_datetime(headers["Date"]).timestamp()
    assert 3590 < date - time.time() < 3610
    assert 0 <= int(headers["X-Rate-Limit-Reset"]) - date <= 10


def test_a_neighbour_spends_too(clock: list[float]) -> None:
    """Requests of another client, at once or evenly over the window, reduce what remains."""
    window = RateWindow(10, 10.0, 0.0, 0)
    window.spend(7)
    assert window.admit().remaining == 2
    shared = RateWindow(10, 10.0, 0.0, neighbour=6)
    clock[0] += 5
    assert shared.admit().remaining == 6


def test_a_limit_needs_a_window() -> None:
    """A limit without the length of its window raises ValueError."""
    with pytest.raises(ValueError, match="needs a window"):
        FakeBuddy(FakeWorld(), limit=3)


@pytest.mark.parametrize("code", [429, 403])
def test_refusals_on_the_wire(code: int) -> None:
    """Above the limit the server refuses with 429 or 403 and headers, and logs the refusals."""
    with FakeBuddy(FakeWorld(), limit=3, window=3600.0, refuse_with=code) as fake:
        replies = ask(fake, *["/workspaces"] * 5)
        assert [reply.status for reply in replies] == [200, 200, 200, code, code]
        assert replies[-1].message == "Rate limit exceeded."
        assert [reply.headers["X-Rate-Limit-Remaining"] for reply in replies] == ["2", "1", "0", "0", "0"]
        assert replies[0].headers["X-Rate-Limit-Limit"] == "3"
        assert [request.admitted for request in fake.arrivals] == [True] * 3 + [False] * 2
        assert fake.counts()["refused"] == 2
        assert len({request.window_index for request in fake.arrivals}) == 1


def test_the_neighbour_of_a_running_server() -> None:
    """Another client with the same token can use up the limit."""
    with FakeBuddy(FakeWorld(), limit=3, window=3600.0) as fake:
        fake.neighbour(3)
        assert get(fake, "/workspaces").status == 429


def test_without_a_limit_there_are_no_rate_headers() -> None:
    """A server without a limit sends no rate headers."""
    with FakeBuddy(FakeWorld()) as fake:
        assert not [name for name in get(fake, "/workspaces").headers if name.startswith("X-Rate")]

"""The rate limit: enforced by the server, announced as Buddy does, and spent by nobody who was refused."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.fake_buddy.rate_window import RateWindow
from tests.fake_buddy.asking import ask, get


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until a test moves it; the epoch is a whole number of hours."""
    now = [1_800_000_000.0]
    monkeypatch.setattr("collector.fake_buddy.rate_window.time.time", lambda: now[0])
    return now


def test_a_window_admits_its_limit_and_no_more(clock: list[float]) -> None:
    """Each window admits exactly its limit, counts the remainder down, and the next begins afresh."""
    window = RateWindow(3, 10.0, 0.0, 0)
    for _ in range(2):
        verdicts = [window.admit() for _ in range(5)]
        assert [verdict.admitted for verdict in verdicts] == [True, True, True, False, False]
        assert [verdict.remaining for verdict in verdicts] == [2, 1, 0, 0, 0]
        clock[0] += 10


def test_the_reset_is_when_the_window_ends(clock: list[float]) -> None:
    """The reset is an epoch in whole seconds, never before the window's end."""
    clock[0] += 3.2
    assert RateWindow(9, 10.0, 0.0, 0).admit().headers["X-Rate-Limit-Reset"] == "1800000010"
    assert RateWindow(9, 0.7, 0.0, 0).admit().headers["X-Rate-Limit-Reset"] == "1800000004"


def test_a_skewed_clock_moves_date_and_reset_alike() -> None:
    """Against the server's own Date the reset is as near as ever, though both are an hour off."""
    with FakeBuddy(FakeWorld(), limit=9, window=10.0, clock_skew=3600.0) as fake:
        headers = get(fake, "/workspaces").headers
    date = parsedate_to_datetime(headers["Date"]).timestamp()
    assert 3590 < date - time.time() < 3610
    assert 0 <= int(headers["X-Rate-Limit-Reset"]) - date <= 10


def test_a_neighbour_spends_too(clock: list[float]) -> None:
    """What a neighbour spends at once or evenly is not there for us."""
    window = RateWindow(10, 10.0, 0.0, 0)
    window.spend(7)
    assert window.admit().remaining == 2
    shared = RateWindow(10, 10.0, 0.0, neighbour=6)
    clock[0] += 5
    assert shared.admit().remaining == 6


def test_a_limit_needs_a_window() -> None:
    """A limit without the length of its window is an error, not a guess."""
    with pytest.raises(ValueError, match="needs a window"):
        FakeBuddy(FakeWorld(), limit=3)


@pytest.mark.parametrize("code", [429, 403])
def test_refusals_on_the_wire(code: int) -> None:
    """Over the limit come refusals in the newer and the older way, with headers, and the log tells them."""
    with FakeBuddy(FakeWorld(), limit=3, window=3600.0, refuse_with=code) as fake:
        replies = ask(fake, *["/workspaces"] * 5)
        assert [reply.status for reply in replies] == [200, 200, 200, code, code]
        assert replies[-1].message == "Rate limit exceeded."
        assert [reply.headers["X-Rate-Limit-Remaining"] for reply in replies] == ["2", "1", "0", "0", "0"]
        assert replies[0].headers["X-Rate-Limit-Limit"] == "3"
        assert [arrival.admitted for arrival in fake.arrivals] == [True] * 3 + [False] * 2
        assert fake.counts()["refused"] == 2
        assert len({arrival.window_index for arrival in fake.arrivals}) == 1


def test_the_neighbour_of_a_running_server() -> None:
    """A neighbour on the same token makes the next request a refusal."""
    with FakeBuddy(FakeWorld(), limit=3, window=3600.0) as fake:
        fake.neighbour(3)
        assert get(fake, "/workspaces").status == 429


def test_without_a_limit_nothing_is_said() -> None:
    """A server without a limit sends no rate header at all."""
    with FakeBuddy(FakeWorld()) as fake:
        assert not [name for name in get(fake, "/workspaces").headers if name.startswith("X-Rate")]

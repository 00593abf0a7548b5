"""The forecast: fits, needs windows, misses the deadline."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.crawl.rate_limiter import RateLimiterState
from collector.preflight.forecast import Forecast, RunCost
from collector.preflight.forecast import forecast as forecast_of
from collector.settings.declarations import Installation
from collector.settings.secret import Secret

NOW = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)


def in_seconds(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def rate_limit_of(
    remaining: int | None = None, reset_at: datetime | None = None, limit: int | None = None
) -> RateLimiterState:
    return RateLimiterState(0, remaining, reset_at, None, "", None, False, limit)


def forecast(
    cost: RunCost,
    rate_limit: RateLimiterState,
    *,
    reserve: int,
    max_duration_s: float | None = None,
    requests_per_second: float = 0.0,
) -> Forecast:
    url, token = "https://api.buddy.works", Secret("token-123456")
    installation = Installation("us", url, token, reserve=reserve, requests_per_second=requests_per_second)
    return forecast_of(installation, cost, rate_limit, NOW, max_duration_s)


def test_without_a_limit_it_takes_what_it_took() -> None:
    """Where Buddy announces no limit, the run takes as long as the last one did without its pauses."""
    result = forecast(RunCost(100, 60.0, 20.0), rate_limit_of(), reserve=50)
    assert (result.windows, result.ends_at) == (0, in_seconds(40))
    assert "ends at about 02:15 UTC" in result.sentence


def test_a_ceiling_that_was_lowered() -> None:
    """A run with a lower ceiling ends as late as that makes it, and may miss its time limit."""
    last, rate_limit = RunCost(400, 20.0), rate_limit_of(500, in_seconds(900), 1000)
    result = forecast(last, rate_limit, reserve=50, max_duration_s=60, requests_per_second=2)
    assert (result.ends_at, result.late) == (in_seconds(200), True)
    assert forecast(last, rate_limit, reserve=50, requests_per_second=20).ends_at == in_seconds(20)


def test_fits_in_this_window() -> None:
    """A run of fewer requests than are left to us does not wait."""
    result = forecast(RunCost(400, 60.0), rate_limit_of(500, in_seconds(900), 1000), reserve=50)
    assert (result.windows, result.ends_at) == (1, in_seconds(60))
    assert "fits in this window" in result.sentence


def test_needs_windows() -> None:
    """450 are left now and 950 in each later window: 2,000 requests take three windows, and end in the third."""
    result = forecast(RunCost(2000, 200.0), rate_limit_of(500, in_seconds(1800), 1000), reserve=50)
    assert result.windows == 3
    # 600 requests at 10 a second, after this half hour and the next.
    assert result.ends_at == in_seconds(1800 + 1800 + 60)
    assert "needs 3 windows and ends at about 03:16 UTC" in result.sentence


def test_a_slow_crawl_never_waits() -> None:
    """A crawl that spends less than each window holds spans several without waiting for one."""
    result = forecast(RunCost(1000, 1000.0), rate_limit_of(500, in_seconds(60), 500), reserve=0)
    assert (result.windows, result.ends_at) == (0, in_seconds(1000))
    assert "window" not in result.sentence


def test_misses_the_deadline() -> None:
    """A run that would end after --max-duration is late, and says by when it should have ended."""
    result = forecast(RunCost(2000, 200.0), rate_limit_of(500, in_seconds(1800), 1000), reserve=50, max_duration_s=1800)
    assert result.late
    assert "will miss the deadline of 02:45 UTC" in result.sentence


def test_a_reserve_that_leaves_nothing() -> None:
    """When the reserve is the whole window, there is no end, and the sentence says what to lower."""
    result = forecast(RunCost(10, 1.0), rate_limit_of(40, in_seconds(60), 40), reserve=50, max_duration_s=60)
    assert result.ends_at is None
    assert result.late
    assert "lower --reserve" in result.sentence


@pytest.mark.parametrize(("left", "length"), [(0.4, 1), (59, 60), (60, 60), (61, 120), (3000, 3600), (9999, 9999)])
def test_the_likely_window(left: float, length: float) -> None:
    """A window is as long as the shortest round length that can hold what is left of it."""
    result = forecast(RunCost(300, 0.0), rate_limit_of(0, in_seconds(left), 100), reserve=0)
    assert result.ends_at == in_seconds(left + 2 * length)


@given(
    requests=st.integers(0, 10**6),
    seconds=st.floats(0, 10**5),
    paused=st.floats(0, 10**5),
    remaining=st.none() | st.integers(0, 10**5),
    limit=st.none() | st.integers(0, 10**5),
    reset=st.floats(-100, 4000),
    reserve=st.integers(0, 10**4),
)
def test_there_is_always_a_forecast(
    requests: int, seconds: float, paused: float, remaining: int | None, limit: int | None, reset: float, reserve: int
) -> None:
    """Whatever Buddy announces, there is a forecast; it never ends before the work alone would take."""
    rate_limit = rate_limit_of(remaining, in_seconds(reset), limit)
    result = forecast(RunCost(requests, seconds, paused), rate_limit, reserve=reserve)
    assert result.sentence
    if result.ends_at is not None:
        assert result.ends_at >= NOW + timedelta(seconds=max(0.0, seconds - paused) * 0.999 - 1)

"""The rate headers and the server's clock."""

import math
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.buddy.rate_headers import RateHeaders, ServerClock, epoch_of_date, read_rate_headers

DATE = "Mon, 23 Nov 2026 02:15:00 GMT"


def test_reads_all_headers() -> None:
    """Every header that Buddy sends becomes a number."""
    headers = {
        "X-Rate-Limit-Limit": "1000",
        "X-Rate-Limit-Remaining": " 999 ",
        "X-Rate-Limit-Reset": "1795400100",
        "Date": DATE,
        "Retry-After": "3",
    }
    assert read_rate_headers(headers) == RateHeaders(1000, 999, 1795400100.0, 1795400100, 3)


@pytest.mark.parametrize("text", ["", "-1", "+1", "soon", "1e3", "1_0", "٣", "²", "9" * 5000, "0x10", "NaN"])
def test_a_count_that_is_no_plain_number_is_none(text: str) -> None:
    """Absent, negative, foreign, endless and nonsensical counts are None, and nothing is raised."""
    reading = read_rate_headers({"X-Rate-Limit-Limit": text, "X-Rate-Limit-Remaining": text, "Retry-After": text})
    assert (reading.limit, reading.remaining, reading.retry_after_s) == (None, None, None)


def test_retry_after_is_seconds_or_a_moment() -> None:
    """Retry-After is read in both of its forms, each into its own field; what is neither is None."""
    assert read_rate_headers({"Retry-After": "120"}) == RateHeaders(retry_after_s=120)
    assert read_rate_headers({"Retry-After": DATE}) == RateHeaders(retry_at_epoch_s=1795400100)
    for text in ("-1", "1.5", "soon", "Mon, 99 Nov 2026 02:15:00 GMT", "9" * 30, "9" * 5000):
        assert read_rate_headers({"Retry-After": text}) == RateHeaders(), text


@pytest.mark.parametrize("text", ["", "-5", "inf", "nan", "1e999", "tomorrow", "9" * 5000])
def test_a_reset_that_is_no_moment_is_none(text: str) -> None:
    """A reset is a finite, non-negative number of seconds or nothing."""
    assert read_rate_headers({"X-Rate-Limit-Reset": text}).reset_epoch_s is None


@pytest.mark.parametrize(
    "text", [None, "", "now", "Mon, 99 Nov 2026 02:15:00 GMT", "Mon, 23 Nov 2026 02:15:00", "x" * 1000, "0" * 60]
)
def test_a_date_that_is_no_http_date_is_none(text: str | None) -> None:
    """A Date without a zone, out of range or not parsable is None."""
    assert epoch_of_date(text) is None


@given(st.text(max_size=70))
def test_no_text_makes_reading_raise(text: str) -> None:
    """Any header is read to a value."""
    names = ["X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset", "Date", "Retry-After"]
    reading = read_rate_headers(dict.fromkeys(names, text))
    assert reading.reset_epoch_s is None or math.isfinite(reading.reset_epoch_s)


@given(
    offset=st.floats(-1e9, 2e9),
    replies=st.lists(st.tuples(st.floats(0, 50), st.floats(0, 2), st.floats(0, 1)), min_size=1, max_size=40),
)
def test_the_true_offset_is_always_inside(offset: float, replies: list[tuple[float, float, float]]) -> None:
    """With any latencies, the interval of a steady clock holds its true offset and never widens."""
    clock, now, width = ServerClock(), 1000.0, math.inf
    for gap, latency, share in replies:
        sent = now + gap
        now = sent + latency
        date = math.floor(sent + latency * share + offset)
        clock = clock.updated(date, sent, now)
        assert clock.low is not None
        assert clock.high is not None
        assert clock.low - 1e-6 <= offset <= clock.high + 1e-6
        assert clock.high - clock.low <= width + 1e-6
        width = clock.high - clock.low


def test_a_second_of_replies_leaves_hardly_any_doubt() -> None:
    """Replies every 20 ms over a second pin the clock to within one reply, so no window waits a second too long."""
    clock, offset = ServerClock(), 1.79e9 + 0.4321
    for step in range(60):
        sent = step * 0.02
        clock = clock.updated(math.floor(sent + 0.005 + offset), sent, sent + 0.01)
    assert clock.low is not None
    assert clock.high is not None
    assert clock.high - clock.low < 0.04
    assert 0 <= clock.to_monotonic(1.79e9 + 100, 0.0) - (1.79e9 + 100 - offset) < 0.04


def test_a_stepped_clock_begins_anew() -> None:
    """A reply that contradicts the interval replaces it: one of the clocks was set."""
    clock = ServerClock().updated(5000, 0.0, 0.1).updated(1400, 1.0, 1.1)
    assert clock == ServerClock(1398.9, 1400.0)


def test_without_a_date_the_local_clock_stands_in() -> None:
    """While no reply carries a Date, the reset is read on our own clock, and the skew is not known."""
    clock = ServerClock().updated(None, 0.0, 1.0)
    assert clock.to_monotonic(1100.0, 1000.0) == 100.0
    assert clock.skew(1000.0) is None


def test_skew_is_told_against_our_own_clock() -> None:
    """A server an hour ahead shows as about 3,600 seconds."""
    clock = ServerClock().updated(epoch_of_date(formatdate(1000 + 3600, usegmt=True)), 0.0, 0.0)
    assert clock.skew(1000.0) == pytest.approx(3600, abs=1)

"""Refusals, Retry-After and resets that nobody can believe: how long nothing is sent, and what is tried then."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.buddy.rate_headers import RateHeaders
from collector.crawl.rate_limit_state import RateLimitState
from tests.crawl.model_server import EPOCH
from tests.crawl.rate_readings import OFFSET, reading


def test_refusals_without_a_reset_back_off_and_one_burst_counts_once() -> None:
    """1, 2, 4 … 60 seconds, however many were under way when the first was refused."""
    state, now, waits = RateLimitState(0), 0.0, []
    for _ in range(9):
        sents = [now + step / 1000 for step in range(8)]
        for sent in sents:
            state.on_send(sent)
        for sent in sents:
            state.on_reply(sent, now + 0.1, RateHeaders(), OFFSET, refused=True)
        waits.append(round(state.wait_s(now + 0.1)))
        now += 0.1 + state.wait_s(now + 0.1)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert state.wait_reason(now - 1) == "refused by the server's rate limit"
    assert state.refused_since == 0.1


def test_after_a_pause_one_asks_before_all_do() -> None:
    """A refusal of a server without headers ends in a probe, not in a burst."""
    state = RateLimitState(0)
    state.on_send(0.0)
    state.on_reply(0.0, 0.1, RateHeaders(), OFFSET)
    state.on_send(0.2)
    state.on_reply(0.2, 0.3, RateHeaders(retry_after_s=7), OFFSET, refused=True)
    assert state.wait_s(0.3) == pytest.approx(7.0)
    assert state.wait_s(7.4) == 0.0
    state.on_send(7.4)
    assert state.wait_s(7.5) > 0


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (RateHeaders(retry_after_s=7), 7.0),
        (RateHeaders(retry_after_s=0), None),
        (RateHeaders(retry_after_s=3601), None),
        (RateHeaders(retry_after_s=10**17), None),
        # A moment is read against the Date of its reply, whose clock may be a year off ...
        (RateHeaders(retry_at_epoch_s=1_000_030, date_epoch_s=1_000_000), 30.0),
        (RateHeaders(retry_at_epoch_s=1_000_000, date_epoch_s=1_000_000), None),
        (RateHeaders(retry_at_epoch_s=999_000, date_epoch_s=1_000_000), None),
        (RateHeaders(retry_at_epoch_s=10**11, date_epoch_s=1_000_000), None),
        # ... and against our own clock where there is none.
        (RateHeaders(retry_at_epoch_s=int(EPOCH) + 30), 30.0 - 0.1),
    ],
)
def test_retry_after_is_obeyed_or_survived(said: RateHeaders, seconds: float | None) -> None:
    """A usable Retry-After keeps everybody away, on 429 instead of the backoff; any other changes nothing."""
    offset = float(int(EPOCH))
    refused, unavailable = RateLimitState(0), RateLimitState(0)
    refused.on_send(0.0)
    refused.on_reply(0.0, 0.1, said, offset, refused=True)
    assert refused.wait_s(0.1) == pytest.approx(1.0 if seconds is None else seconds)
    unavailable.on_send(0.0)
    unavailable.on_reply(0.0, 0.1, None, offset)
    assert unavailable.on_unavailable(0.1, said, offset) == pytest.approx(seconds or 0.0)
    assert unavailable.wait_s(0.1) == pytest.approx(seconds or 0.0)
    assert unavailable.wait_reason(0.1) == (
        "" if seconds is None else "the server is unavailable and said when to come back"
    )


def test_one_503_does_not_hold_up_a_crawl_for_an_hour() -> None:
    """A 503 that asks for longer than fifteen minutes is obeyed for as long as that."""
    state = RateLimitState(0)
    assert state.on_unavailable(0.0, RateHeaders(retry_after_s=3600), OFFSET) == 900.0
    assert state.wait_s(0.0) == 900.0


def test_a_good_reset_is_a_better_word_than_retry_after() -> None:
    """A refusal with both waits for the reset."""
    state = RateLimitState(0)
    state.on_send(0.0)
    said = RateHeaders(None, 0, OFFSET + 300.0, retry_after_s=5)
    state.on_reply(0.0, 0.1, said, OFFSET, refused=True)
    assert state.wait_s(0.1) == pytest.approx(299.9)


@pytest.mark.parametrize("ahead", [-86_400.0, 3601.0, 1e12])
def test_an_unbelievable_reset_is_no_reset(ahead: float) -> None:
    """A reset long past or absurdly ahead is neither waited for nor trusted: the backoff takes its place."""
    state = RateLimitState(10)
    state.on_send(0.0)
    state.on_reply(0.0, 0.1, reading(0, ahead), OFFSET, refused=True)
    assert state.wait_s(0.1) == pytest.approx(1.0)
    state.on_send(2.0)
    state.on_reply(2.0, 2.1, reading(100, ahead), OFFSET)
    assert state.wait_s(2.1) == 0.0


def test_a_refusal_with_a_good_reset_waits_for_it() -> None:
    """No request is sent before the reset that the server announced."""
    state = RateLimitState(0)
    state.on_send(0.0)
    state.on_reply(0.0, 0.1, reading(0, 300.0), OFFSET, refused=True)
    assert state.wait_s(0.1) == pytest.approx(299.9)


def test_an_overtaken_refusal_does_not_close_the_next_window() -> None:
    """A refusal that names an older reset than the open window's says nothing about it."""
    state = RateLimitState(0)
    for sent in (0.0, 0.1):
        state.on_send(sent)
    state.on_reply(0.0, 0.3, reading(100, 20.0), OFFSET)
    state.on_reply(0.1, 0.4, reading(0, 10.0), OFFSET, refused=True)
    assert state.remaining == 100


_numbers = st.one_of(st.none(), st.integers(0, 3), st.integers(0, 10**17))
_readings = st.one_of(
    st.none(),
    st.builds(
        RateHeaders,
        _numbers,
        _numbers,
        st.one_of(st.none(), st.floats(0, 1e18), st.floats(-10, 4000).map(lambda ahead: OFFSET + ahead)),
        st.one_of(st.none(), st.integers(0, 10**11), st.integers(-3, 300).map(lambda ahead: int(OFFSET) + ahead)),
        _numbers,
    ),
)


@settings(max_examples=200, deadline=None)
@given(
    reserve=st.integers(0, 10**6),
    steps=st.lists(st.tuples(st.floats(0, 90), _readings, st.booleans(), st.booleans()), max_size=40),
)
def test_nonsense_never_stops_the_crawl(
    reserve: int, steps: list[tuple[float, RateHeaders | None, bool, bool]]
) -> None:
    """With any headers a wait is finite and not negative, and after a few waits a request may be sent."""
    state, now = RateLimitState(reserve), 0.0
    flying: list[float] = []
    for gap, said, refused, home in steps:
        now += gap + 0.001
        if not state.wait_s(now):
            state.on_send(now)
            flying.append(now)
        if home and flying:
            state.on_reply(flying.pop(0), now, said, OFFSET, refused=refused and said is not None)
        assert 0 <= state.wait_s(now) <= 3605
        assert math.isfinite(state.wait_s(now))
        assert state.in_flight == len(flying)
        state.wait_reason(now)
    for sent in flying:
        state.on_reply(sent, now, None, OFFSET)
    for _ in range(3):
        now += state.wait_s(now)
    assert state.wait_s(now) == 0.0

"""The rate-limit state, values in and values out: windows, what is in flight, and what is kept back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.buddy.rate_headers import RateHeaders, read_rate_headers
from collector.crawl.rate_limit_state import RateLimitState
from tests.crawl.model_server import ModelServer
from tests.crawl.rate_readings import OFFSET, reading


def test_one_probe_before_anything_is_known() -> None:
    """Before the first reply one request is in flight at a time; when it stays away, another may ask."""
    state = RateLimitState(50)
    assert state.wait_s(0.0) == 0.0
    state.on_send(0.0)
    assert 0 < state.wait_s(0.1) <= 2.0
    assert state.wait_reason(0.1) == "waiting for a reply with the remaining budget"
    assert state.wait_s(2.1) == 0.0


def test_a_server_without_headers_is_free() -> None:
    """When replies carry no rate headers, nothing is waited for."""
    state = RateLimitState(50)
    state.on_send(0.0)
    state.on_reply(0.0, 0.1, RateHeaders(), OFFSET)
    assert [state.wait_s(0.1) for _ in range(3)] == [0.0] * 3
    assert state.wait_reason(0.1) == ""


def test_what_is_in_flight_is_counted() -> None:
    """With 60 left and 50 reserved, ten may be under way and the eleventh waits for the reset."""
    state = RateLimitState(50)
    state.on_send(0.0)
    state.on_reply(0.0, 0.1, reading(60, 10.0), OFFSET)
    for step in range(10):
        assert state.wait_s(0.2) == 0.0
        state.on_send(0.2 + step / 100)
    assert state.wait_s(0.5) == pytest.approx(9.5)
    assert state.wait_reason(0.5) == "budget of this window is spent"


def test_within_a_window_the_smallest_remaining_counts() -> None:
    """A reply that was overtaken does not give back what was spent since."""
    state = RateLimitState(0)
    for sent, remaining in ((0.0, 90), (0.1, 80), (0.2, 85)):
        state.on_send(sent)
        state.on_reply(sent, sent + 0.5, reading(remaining, 10.0), OFFSET)
    assert state.remaining == 80


def test_a_later_reset_begins_another_window_and_an_older_reply_does_not_end_it() -> None:
    """The reset names the window: a later one replaces it, a straggler of an earlier one is ignored."""
    state = RateLimitState(0)
    for sent in (0.0, 0.1, 0.2):
        state.on_send(sent)
    state.on_reply(0.0, 0.3, reading(5, 10.0), OFFSET)
    state.on_reply(0.1, 0.4, reading(100, 20.0), OFFSET)
    state.on_reply(0.2, 0.5, reading(4, 10.0), OFFSET)
    assert (state.remaining, state.reset_at) == (100, 20.0)


def test_a_reset_that_flickers_by_a_second_is_one_window() -> None:
    """A server that computes the reset again for each reply, now floor and now ceiling, does not refill the state."""
    state = RateLimitState(0)
    for step, reset in enumerate((10.0, 11.0, 10.0, 11.0, 10.0)):
        state.on_send(step / 10)
        state.on_reply(step / 10, step / 10 + 0.05, reading(100 - step, reset), OFFSET)
    assert state.remaining == 96


def test_a_late_renewal_is_learned() -> None:
    """A window found unrenewed after its reset is looked at with growing waits, and the next one is awaited longer."""
    state, server, now = RateLimitState(50), ModelServer(limit=100, period_s=4.0, phase_s=0.7), 0.0
    lost: list[int] = []
    for _ in range(600):
        now += state.wait_s(now)
        state.on_send(now)
        status, headers = server.arrive(now)
        state.on_reply(now, now + 0.001, read_rate_headers(headers), OFFSET, refused=status == 429)
        now += 0.002
    lost = [count[0] for count in server.counts.values()][1:-1]
    assert server.refusals == 0
    assert 0.6 < state.lag_s < 1.3
    assert lost[0] <= 54
    assert lost[2:] == [50] * len(lost[2:])


def test_a_window_smaller_than_the_reserve_is_used_to_a_tenth() -> None:
    """A reserve larger than the window slows the crawl down, does not stop it, and is reported."""
    state, server, now = RateLimitState(50), ModelServer(limit=40, period_s=10.0), 0.0
    for _ in range(24):
        now += state.wait_s(now)
        state.on_send(now)
        status, headers = server.arrive(now)
        state.on_reply(now, now + 0.01, read_rate_headers(headers), OFFSET, refused=status == 429)
        now += 0.02
    assert state.share.squeezed
    assert {count[0] for count in list(server.counts.values())[:-1]} == {4}


def test_without_a_limit_header_a_small_window_is_known_by_its_first_reply() -> None:
    """When nothing but `remaining` is told, a fresh window that begins below the reserve is taken for the whole."""
    state = RateLimitState(50)
    state.on_send(0.0)
    state.on_reply(0.0, 0.1, reading(30, 5.0), OFFSET)
    assert state.wait_s(0.1) == pytest.approx(4.9)
    state.on_send(5.0)
    state.on_reply(5.0, 5.1, reading(39, 5.0, 5.0), OFFSET)
    assert state.share.squeezed
    assert state.wait_s(5.1) == 0.0


def test_what_is_kept_back_for_a_neighbour_ends_a_window_without_a_reset() -> None:
    """Where no reset is to be waited for, what a neighbour may take is not waited for without end: a probe asks."""
    state = RateLimitState(4)
    state.on_send(0.0)
    state.on_reply(0.0, 0.1, reading(30), OFFSET)
    sents = [0.2 + step / 100 for step in range(10)]
    for sent in sents:
        state.on_send(sent)
    for step, sent in enumerate(sents):
        state.on_reply(sent, 0.5, reading(17 - step), OFFSET)
    now = 0.5 + state.wait_s(0.5)
    assert state.wait_s(now) == 0.0
    assert now < 2.0


def test_replies_that_lose_their_headers_spend_the_window_they_are_in() -> None:
    """In an open window a reply without headers counts as one request."""
    state = RateLimitState(0)
    state.on_send(0.0)
    state.on_reply(0.0, 0.1, reading(10, 60.0), OFFSET)
    state.on_send(0.2)
    state.on_reply(0.2, 0.3, RateHeaders(), OFFSET)
    assert state.metered
    assert state.remaining == 9


def test_a_server_clock_behind_what_was_believed_is_waited_for() -> None:
    """When a probe shows that the reset is still ahead, it is waited for, and no lateness is learned."""
    state, base = RateLimitState(0), int(OFFSET)
    state.on_send(0.0)
    state.on_reply(0.0, 0.1, RateHeaders(None, 0, base + 10.0, base), OFFSET)
    now = state.wait_s(0.1) + 0.1
    state.on_send(now)
    state.on_reply(now, now + 0.1, RateHeaders(None, 0, base + 10.0, base + 5), OFFSET)  # its clock was set back
    assert 4 < state.wait_s(now + 0.1) < 6
    assert state.lag_s == 0.0


def test_what_was_never_answered_is_taken_for_spent() -> None:
    """A lost request may have been counted by the server, so it is counted here."""
    state = RateLimitState(0)
    state.on_send(0.0)
    state.on_reply(0.0, 0.1, reading(10, 60.0), OFFSET)
    state.on_send(0.2)
    state.on_reply(0.2, 0.3, None, OFFSET)
    assert (state.remaining, state.in_flight) == (9, 0)


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    limit=st.integers(60, 300),
    reserve=st.integers(0, 50),
    latency=st.floats(0.001, 0.4),
    skew=st.floats(-90_000, 90_000),
    lazily=st.booleans(),
)
def test_never_more_than_the_window_less_the_reserve(
    data: st.DataObject, limit: int, reserve: int, latency: float, skew: float, lazily: bool
) -> None:
    """Alone on an honest server, whatever the order of the replies and the skew of its clock: no refusal, and
    no window gives more than its limit less the reserve.
    """
    server = ModelServer(limit=limit, period_s=5.0, skew_s=skew, lazily=lazily, rounding="exact")
    state, now = RateLimitState(reserve), 0.0
    flying: list[tuple[float, int, dict[str, str]]] = []
    for _ in range(500):
        wait = state.wait_s(now)
        if len(flying) < 16 and not wait:
            state.on_send(now)
            status, headers = server.arrive(now + latency / 2)
            flying.append((now, status, headers))
            now += 0.001
        elif flying:
            sent, status, headers = flying.pop(data.draw(st.integers(0, min(3, len(flying) - 1))) if limit % 2 else 0)
            now = max(now, sent + latency)
            state.on_reply(sent, now, read_rate_headers(headers), OFFSET, refused=status == 429)
        else:
            now += wait
    assert server.refusals == 0
    assert all(served <= limit - reserve for served, _, _ in server.counts.values())
    assert server.served > 50

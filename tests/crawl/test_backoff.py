"""The three series of waits."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from collector.crawl.backoff import Limits, after_failure, after_late_reset, after_lost_race, after_refusal


@given(attempt=st.integers(1, 10_000), spent=st.floats(0, 1e6), draw=st.floats(0, 1, exclude_max=True))
def test_a_failure_is_retried_within_both_limits(attempt: int, spent: float, draw: float) -> None:
    """Full jitter stays between 0 and the doubling bound, and neither attempts nor time are exceeded."""
    limits = Limits()
    wait = after_failure(attempt, spent, limits, draw)
    if wait is None:
        assert attempt >= limits.attempts or spent + limits.retry_longest_s > limits.retry_total_s
    else:
        assert attempt < limits.attempts
        assert spent + wait <= limits.retry_total_s
        assert 0 <= wait <= min(limits.retry_longest_s, limits.retry_initial_s * 2 ** (attempt - 1))


def test_refusals_without_a_reset_pause_longer_each_time() -> None:
    """1, 2, 4 … seconds, never more than 60."""
    assert [after_refusal(count) for count in range(1, 10)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert after_refusal(10**9) == 60


def test_a_late_window_is_looked_at_soon_and_past_a_second_on_the_fifth_look() -> None:
    """What rounding the epoch down can hide is over by the fifth look; after that the looks become rare."""
    waits = [after_late_reset(count) for count in range(1, 15)]
    assert list(itertools.accumulate(waits))[3] > 1.0
    assert waits == sorted(waits)
    assert waits[-1] == 60


@given(attempt=st.integers(1, 1000), took=st.floats(0, 1e4), draw=st.floats(0, 1, exclude_max=True))
def test_a_lost_race_waits_for_as_long_as_the_publish_takes(attempt: int, took: float, draw: float) -> None:
    """The wait is random, doubles with each loss, and never passes two minutes."""
    wait = after_lost_race(attempt, took, draw)
    assert 0 <= wait <= 120
    assert wait <= after_lost_race(attempt + 1, took, draw)
    assert after_lost_race(1, 2.0, 0.5) == 2.0

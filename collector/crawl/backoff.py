"""How long to wait: four series of waits, as pure functions of a count and a random draw.

They differ because their causes do. A failed request was unlucky, and many clients may have been unlucky together, so
its wait is random (full jitter). A refusal without a usable reset says only "less", so all workers wait, longer each
time. A window that is not renewed at its reset is late by the part of a second that the server rounded away, so it is
probed soon and often. A publish that another machine has preceded was in the way of others too, so its wait is random
and grows with the time that it takes.
"""

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """How far one request is pursued, and how large and slow its replies may be.

    `attempts` counts what failed, not what was refused; `retry_total_s` adds up the attempts and the waits between
    them, but not the waits of the rate limiter, which may be an hour and are no failure.

    `round_pauses_s` are the pauses before the rounds in which the requests that failed for a passing reason are asked
    again, one round for each, and grow to the length of a restart; none begins later than `rounds_total_s` after the
    first.
    """

    attempts: int = 5
    retry_total_s: float = 120.0
    retry_initial_s: float = 0.5
    retry_longest_s: float = 30.0
    connect_s: float = 10.0
    read_s: float = 30.0
    total_s: float = 60.0
    body_bytes: int = 32 * 1024 * 1024
    stuck_after_s: float = 3600.0
    round_pauses_s: tuple[float, ...] = (5.0, 15.0, 40.0)
    rounds_total_s: float = 120.0


def after_failure(attempt: int, spent_s: float, limits: Limits, draw: float) -> float | None:
    """Return the seconds to wait after failed attempt number `attempt` (from 1), None when it was the last.

    Full jitter: `draw` (0 <= draw < 1) of min(longest, initial * 2^(attempt-1)).
    """
    if attempt >= limits.attempts:
        return None
    # The exponent is bounded so that a caller with thousands of attempts cannot overflow a float.
    wait = draw * min(limits.retry_longest_s, limits.retry_initial_s * 2.0 ** min(attempt - 1, 60))
    return None if spent_s + wait > limits.retry_total_s else wait


def after_refusal(count: int) -> float:
    """Return the seconds to pause after the `count`-th refusal in a row without a usable reset: 1, 2, 4 … 60."""
    return min(60.0, 2.0 ** min(max(count, 1) - 1, 6))


def after_late_reset(count: int) -> float:
    """Return the seconds until the next probe of a window found unrenewed `count` times after its reset.

    The first four pass one second, the most that rounding an epoch down can hide: 0.1, 0.2, 0.4, 0.8 … 60.
    """
    return min(60.0, 0.1 * 2.0 ** min(max(count, 1) - 1, 10))


def after_lost_race(attempt: int, took_s: float, draw: float) -> float:
    """Return the seconds to wait before a publish is computed again after `attempt` lost races.

    Full jitter of what the last attempt took, doubled each time: the longer it takes, the more others are in its way.
    """
    return draw * min(120.0, took_s * 2.0 ** min(attempt, 6))

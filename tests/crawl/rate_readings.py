"""Rate headers as values, for tests of the rate-limit state."""

from collector.buddy.rate_headers import RateHeaders
from tests.crawl.model_server import EPOCH

OFFSET = EPOCH  # our wall clock minus the test's clock: exact, unless a test skews the server


def reading(
    remaining: int | None = None, reset_in: float | None = None, now: float = 0.0, limit: int | None = None
) -> RateHeaders:
    """A reading whose reset is `reset_in` seconds after `now`, without a Date."""
    return RateHeaders(limit, remaining, None if reset_in is None else OFFSET + now + reset_in)

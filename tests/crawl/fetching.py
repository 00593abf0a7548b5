"""One request over real sockets, with a fetcher of its own."""

import random
from typing import Any

from collector.buddy.requests import Request
from collector.crawl.backoff import Limits
from collector.crawl.fetch_result import FetchResult
from collector.crawl.fetcher import Fetcher
from collector.crawl.rate_limiter import RateLimiter
from tests.crawl.wire import installation, reply
from tests.request_builders import action_request, actions_request

ACTION = action_request("test", "acme", "web-shop", 101, 1001)
LIST = actions_request("test", "acme", "web-shop", 101)
QUICK = Limits(retry_initial_s=0.001, connect_s=0.5, read_s=0.3, total_s=0.8, body_bytes=200_000)
GOOD = reply(b'{"id": 1001}')
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def ask(url: str, request: Request = ACTION, **given: Any) -> FetchResult:
    """One request with a fetcher of its own."""
    options: dict[str, Any] = {"limits": QUICK, "rng": random.Random(1)} | given
    limiter = options.pop("limiter", None) or RateLimiter()
    async with Fetcher(installation(url), limiter, **options) as fetcher:
        result = await fetcher.get(request)
    assert limiter.state.in_flight == 0
    assert (result.document is None) != (result.failure is None)
    return result

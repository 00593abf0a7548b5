"""Nothing foreign gets out of the fetcher: every failure of a connection becomes a message of ours."""

import asyncio
import gzip
import re
import ssl
from collections.abc import Iterator

import aiohttp
from aiohttp.http import HttpProcessingError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.crawl.backoff import Limits
from collector.crawl.connection_errors import classify_error
from tests.crawl.fetching import ask
from tests.crawl.wire import reply, wire


def _family(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _family(child)


def test_every_exception_of_aiohttp_is_classify_error() -> None:
    """Every exception that aiohttp exports, and every subclass of its base classes, has a message of ours."""
    exported = {each for each in vars(aiohttp).values() if isinstance(each, type)}
    tree = set(_family(aiohttp.ClientError)) | set(_family(HttpProcessingError)) | (exported & set(_family(Exception)))
    # Those of websockets, multipart and of aiohttp's own queues: a GET meets none of them.
    elsewhere = re.compile("^WS|WebSocket|EofStream|ContentDisposition")
    for kind in (kind for kind in tree if not elsewhere.search(kind.__name__)):
        classified = classify_error(kind.__new__(kind), None)  # type: ignore[call-overload]
        assert classified.failure.kind in {"connection", "timeout", "too_large"}
        assert classified.failure.message
    for builtin in (OSError, ConnectionResetError, TimeoutError, ssl.SSLError, ssl.SSLCertVerificationError):
        assert classify_error(builtin(104, "planted"), None).failure.message.find("planted") < 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(0, 200),
    noise=st.binary(max_size=30),
    encoding=st.sampled_from(["gzip", "deflate", "br", "identity", "zstd", "x"]),
)
def test_no_bytes_make_a_foreign_exception_escape(cut: int, noise: bytes, encoding: str) -> None:
    """Replies cut anywhere with noise put in: always a FetchResult, and the counts agree with what the server saw."""
    good = reply(gzip.compress(b'{"id": 1001, "name": "some action"}'), content_encoding=encoding)

    async def go() -> None:
        async with wire([good[:cut] + noise + good[cut:], None]) as served:
            result = await ask(served.url, limits=Limits(attempts=2, retry_initial_s=0.001, total_s=2))
            assert result.cost.attempts + result.cost.refusals == len(served.requests)

    asyncio.run(go())

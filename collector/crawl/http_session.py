"""The HTTP session of one installation: its settings, its proxy, bounded bodies, and no repeats that nobody counts.

aiohttp repeats a GET by itself when a kept-alive connection drops; that would pass neither the rate limiter nor the
counts. The middleware `_prevent_repeat` turns those errors into one that aiohttp does not repeat.
"""

import asyncio
from typing import Any

import aiohttp
from yarl import URL

from collector._version import __version__
from collector.crawl.backoff import Limits
from collector.crawl.body_budget import HeldBody, TooLarge
from collector.crawl.connection_errors import tls_error
from collector.crawl.tls import tls_context
from collector.settings.declarations import Installation
from collector.settings.secret import Secret

# What the head of a reply may hold: proxies and single sign-on add long headers, and many of them.
_MAX_HEADER_BYTES = 64 * 1024
_MAX_HEADERS = 512


class _DroppedConnection(aiohttp.ClientConnectionError):
    """A connection that was lost during a request, in a class that aiohttp does not repeat by itself."""


def open_session(installation: Installation, limits: Limits, *, keep_alive: bool) -> aiohttp.ClientSession:
    """Return a session without the token. Raises SettingsError when the CA bundle cannot be read."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=installation.concurrency, force_close=not keep_alive, ssl=tls_context(installation.ca_bundle)
        ),
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"buddy-promote-image-collector/{__version__}",
            # Old self-hosted versions send no trigger_conditions without it (buddy-api.md, section 9).
            "X-Buddy-Media-Type": "buddy.v1.1.0",
        },
        # The fetcher sets the other limits: one timer for each request, not three.
        timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect_s, sock_connect=limits.connect_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,  # it would also read passwords from .netrc; the settings say which proxy to use
        max_line_size=_MAX_HEADER_BYTES,
        max_field_size=_MAX_HEADER_BYTES,
        max_headers=_MAX_HEADERS,
        middlewares=(_prevent_repeat,),
    )


def proxy_arguments(proxy_url: Secret | None) -> dict[str, Any]:
    """Return what each request says about its proxy, which gets its own password; the token stays inside TLS."""
    if proxy_url is None:
        return {}
    url = URL(proxy_url.reveal())
    if not url.user and not url.password:
        return {"proxy": url}
    password = aiohttp.encode_basic_auth(url.user or "", url.password or "", encoding="utf-8")
    return {"proxy": url.with_user(None), "proxy_headers": {"Proxy-Authorization": password}}


async def read_body(
    content: aiohttp.StreamReader, limits: Limits, held: HeldBody, deadline: asyncio.Timeout, ends_at: float
) -> bytes:
    """Return the body; raises TooLarge as soon as it has more bytes than `limits` allow.

    `deadline` ends a silence, and all at `ends_at` (loop time). `held` counts what was read; the time that a large body
    waits for memory does not count. `readany` is used because aiohttp's `read()` lifts its own bound on how much it
    decompresses ahead.
    """
    clock = asyncio.get_running_loop().time
    blocks: list[bytes] = []
    size = 0
    while True:
        if not content.is_eof():
            deadline.reschedule(min(ends_at, clock() + limits.read_s))
        block = await content.readany()
        blocks.append(block)
        size += len(block)
        held.add(len(block))
        if size > limits.body_bytes:
            raise TooLarge
        if not block or content.at_eof():
            return blocks[0] if len(blocks) == 1 else b"".join(blocks)
        if held.must_wait:
            began_at = clock()
            deadline.reschedule(None)
            await held.acquire()
            ends_at += clock() - began_at


async def _prevent_repeat(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Let a lost connection be one failed attempt, to be repeated by us and not by aiohttp."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _DroppedConnection from tls_error(error)

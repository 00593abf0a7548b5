"""The only access to the network: a Request goes in, a FetchResult comes out.

An attempt is: acquire the rate limiter, one GET, a bounded body, a classification. What went wrong is a value in the
result, not an exception; only what must end the crawl is raised (Unauthorised, Stuck).

Rules for whoever edits this file:
  * Every exception that leaves aiohttp, ssl or the operating system, of whatever class, is translated by
    `classify_error` into our own words: theirs may show headers. One odd reply must never end a run.
  * The token is revealed once, for the header of each request, and a session only ever asks below its own base URL. It
    must not be a header of the session: aiohttp sends those to a proxy as well.
  * The bytes that a reply may take in memory are bounded while it is read, after decompression.
  * aiohttp must not repeat a GET by itself (http_session.py).
"""

import asyncio
import math
import random
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import aiohttp
from yarl import URL

from collector.buddy.requests import Request
from collector.crawl.backoff import Limits, after_failure
from collector.crawl.body_budget import BodyBudget, HeldBody, TooLarge
from collector.crawl.classify import (
    Abort,
    Accept,
    Classification,
    Failure,
    Permanent,
    RateLimited,
    Retry,
    classify_response,
    confirm_gone,
)
from collector.crawl.connection_errors import classify_error
from collector.crawl.fetch_result import Event, FetchResult, RateLimitMet, RequestCost, RetryScheduled
from collector.crawl.http_session import open_session, proxy_arguments, read_body
from collector.crawl.rate_limiter import RateLimiter
from collector.crawl.redaction import Redactor
from collector.errors import Stuck, Unauthorised
from collector.settings.declarations import Installation
from collector.settings.tokens import SCOPES_TO_GIVE


@dataclass(slots=True)
class _Pursuit:
    """What one request has cost so far, and the last reply to it."""

    held: HeldBody
    attempts: int = 0
    refusals: int = 0
    bytes_received: int = 0
    spent_s: float = 0.0
    status: int | None = None
    body: bytes | None = None
    was_gone: bool = False
    first_seen_at: datetime | None = None


class Fetcher:
    """Asks one installation, for all its workers. Use as `async with Fetcher(...) as fetcher`.

    `rng` draws the jitter, `now` returns the UTC time, `on_event` is called with retries and refusals as they happen.
    `bodies` bounds the memory of all replies together; then each result must be released. `may_repeat` is called before
    a request is sent again, and says whether it may be. Without `keep_alive` each request has a connection of its own.
    Raises SettingsError on entering when the CA bundle cannot be read.
    """

    def __init__(
        self,
        installation: Installation,
        limiter: RateLimiter,
        *,
        limits: Limits = Limits(),  # noqa: B008 - a frozen value
        rng: random.Random | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_event: Callable[[Event], None] = lambda event: None,
        bodies: BodyBudget | None = None,
        may_repeat: Callable[[], bool] = lambda: True,
        keep_alive: bool = True,
    ) -> None:
        self._limiter = limiter
        self._may_repeat = may_repeat
        self._keep_alive = keep_alive
        self._bodies = bodies or BodyBudget(math.inf)
        self._installation = installation
        self._base = installation.api_url.rstrip("/")
        self._limits = limits
        self._rng = rng or random.Random()
        self._now = now
        self._on_event = on_event
        self._redactor = Redactor(installation.token.reveal(), keep_values=False)
        self._each: dict[str, Any] = proxy_arguments(installation.proxy_url)  # what is said with each request
        self._session: aiohttp.ClientSession  # from `async with`

    async def __aenter__(self) -> Self:
        limits, installation = self._limits, self._installation
        self._each["headers"] = {"Authorization": f"Bearer {installation.token.reveal()}"}
        self._session = open_session(installation, limits, keep_alive=self._keep_alive)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.close()

    async def get(self, request: Request) -> FetchResult:
        """Pursue one request to its end: accepted, failed for good, or out of attempts.

        Raises Unauthorised on a 401 and Stuck when for `limits.stuck_after_s` nothing but refusals came back.
        """
        pursuit = _Pursuit(HeldBody(self._bodies))
        try:
            while True:
                classified = await self._send(request, pursuit)
                if self._limiter.refused_s() > self._limits.stuck_after_s:
                    raise Stuck(
                        f"For {self._limits.stuck_after_s / 60:.0f} minutes {self._base} refused every request "
                        "or told us to come back later.",
                        "Somebody else may be using up the rate limit of this account; run `collector collect` "
                        "again later, it continues where it stopped.",
                    )
                if isinstance(classified, RateLimited):
                    pursuit.refusals += 1
                    message = self._redactor.redact_text(classified.message)
                    self._on_event(RateLimitMet(request, classified.status, message, self._limiter.pause_s()))
                    if self._may_repeat():
                        continue
                    refused = Failure("http_error", classified.status, f"{message}; no request was left to ask again")
                    return self._result(request, Retry(refused), pursuit)
                pursuit.attempts += 1
                if request.begins_list and not pursuit.was_gone and (retry := confirm_gone(classified)):
                    pursuit.was_gone = True
                    classified = retry
                if not isinstance(classified, Retry) or not await self._wait_to_retry(request, classified, pursuit):
                    return self._result(request, classified, pursuit)
        except BaseException:
            pursuit.held.release()
            raise

    async def _wait_to_retry(self, request: Request, retry: Retry, pursuit: _Pursuit) -> bool:
        """Wait before the next attempt; False when none is left."""
        wait = after_failure(pursuit.attempts, pursuit.spent_s, self._limits, self._rng.random())
        if wait is None or not self._may_repeat():
            return False
        pursuit.spent_s += wait
        failure, wait_s = self._redactor.redact_failure(retry.failure), max(wait, self._limiter.pause_s())
        self._on_event(RetryScheduled(request, failure, pursuit.attempts, wait_s))
        await asyncio.sleep(wait)
        return True

    async def _send(self, request: Request, pursuit: _Pursuit) -> Classification:
        """Send one GET when the rate limiter allows it, and classify what comes back."""
        target = request.target
        if not target.startswith("/"):
            # Appended to the base, anything else could change the host that is given the token.
            raise ValueError(f"a target begins with a slash: {target!r}")
        url = URL(self._base + target, encoded=True)
        pursuit.held.release()
        sent, limits = await self._limiter.acquire(), self._limits
        ends_at = asyncio.get_running_loop().time() + limits.total_s
        headers: Mapping[str, str] | None = None
        status: int | None = None
        classified: Classification | None = None
        try:
            async with (
                asyncio.timeout(min(limits.read_s, limits.total_s)) as deadline,
                self._session.get(url, allow_redirects=False, **self._each) as response,
            ):
                headers, status, content = response.headers, response.status, response.content
                try:
                    body = await read_body(content, limits, pursuit.held, deadline, ends_at)
                except TooLarge:
                    response.close()
                    raise
                finally:
                    # A reply without a body (204, 304, 1xx) lacks the first of the two counts.
                    compressed = getattr(content, "total_compressed_bytes", None)
                    pursuit.bytes_received += compressed or content.total_bytes
            body = body.removeprefix(BOM_UTF8)
            classified = classify_response(status, headers, body, request.list_key)
            pursuit.body = body if not isinstance(classified, Accept) or classified.body is None else classified.body
        except Exception as error:  # whatever its class, it is about this one reply
            pursuit.held.release()
            if status in {401, 429} and headers is not None:
                # Its status is enough, even where its body was lost.
                classified = classify_response(status, headers, b"", None)
            else:
                classified = classify_error(error, status, self._installation.ignored_proxy)
        finally:
            refused = isinstance(classified, RateLimited)
            pause_s = self._limiter.release(sent, headers, refused=refused, status=status)
            pursuit.spent_s += self._limiter.clock() - sent + pause_s
        pursuit.status = status
        if pursuit.first_seen_at is None:
            pursuit.first_seen_at = self._now()
        return classified

    def _result(self, request: Request, classified: Classification, pursuit: _Pursuit) -> FetchResult:
        if isinstance(classified, Abort):
            said = self._redactor.redact_failure(classified.failure).message.removeprefix("HTTP 401: ")
            raise Unauthorised(
                f"{self._base} does not accept the token (HTTP 401: {said}).",
                "It may be mistyped, expired, revoked, restricted to other addresses, or of another "
                f"installation. Make a personal access token with {SCOPES_TO_GIVE}, "
                "put it where the old one is (BUDDY_TOKEN, its file, or what collector.toml names), and run "
                "again: what was collected so far is kept.",
            )
        accepted = classified if isinstance(classified, Accept) else None
        failed = classified if accepted is None and isinstance(classified, Retry | Permanent) else None
        if accepted is None:
            # A failure keeps a short text of its body, and may be set aside for minutes.
            pursuit.held.release()
        first = pursuit.first_seen_at or self._now()
        waits = self._limiter.drain_waits()
        return FetchResult(
            request,
            pursuit.status,
            pursuit.body if accepted else None,
            accepted.document if accepted else None,
            self._redactor.redact_failure(failed.failure) if failed else None,
            RequestCost(pursuit.attempts, pursuit.refusals, pursuit.bytes_received, *waits),
            first,
            first if pursuit.attempts + pursuit.refusals == 1 else self._now(),
            repaired=accepted is not None and accepted.body is not None,
            transient=isinstance(classified, Retry),
            release=pursuit.held.release,
        )

"""The one door to the network, and the one home of aiohttp: a Request goes in, an Outcome comes out.

Strategy. An attempt is: take a turn at the pace, one GET, a bounded body, a verdict. What went wrong is a
value in the Outcome, not an exception; only what must end the crawl is raised (Unauthorised, Stuck). Most
requests succeed at once, so stamina's retry context (40 µs each) is entered only after a first failure.

Rules for whoever edits this file:
  * Every exception that leaves aiohttp, ssl or the operating system, of whatever class, is translated in
    `translated`, into our own words: theirs may show headers. One odd reply must never end a run.
  * The token is revealed once, for the session's header, and a session only ever asks below its own base URL.
  * The bytes that a reply may take in memory are bounded while it is read, after decompression.
  * aiohttp repeats a GET by itself when a kept-alive connection drops; that would pass neither pace nor
    count. The middleware `_once` turns those errors into one that it does not repeat.
"""

import random
import ssl
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
import stamina
import stamina.instrumentation
from aiohttp.http import HttpProcessingError
from yarl import URL

from collector._version import __version__
from collector.buddy.requests import Request
from collector.crawl.backoff import Limits, after_failure
from collector.crawl.body_budget import BodyBudget, HeldBody, TooLarge, read_whole
from collector.crawl.classify import (
    Abort,
    Accept,
    Classification,
    Failure,
    FailureKind,
    Permanent,
    RateLimited,
    Retry,
    asked_again,
    classify_response,
)
from collector.crawl.fetch_result import Event, FetchResult, RateLimitMet, RetryScheduled
from collector.crawl.rate_limiter import RateLimiter
from collector.crawl.request_timeouts import Silent, Watch
from collector.crawl.tls_errors import CLOSED, tls_words
from collector.errors import SettingsError, Stuck, Unauthorised
from collector.settings.declarations import Installation

__all__ = ["Event", "Fetcher", "Limits", "FetchResult", "RateLimitMet", "RetryScheduled", "translated"]

# What a reply's head may hold: proxies and single sign-on add long headers, and many of them.
_LONGEST_HEADER_BYTES = 64 * 1024
_MOST_HEADERS = 512

# The default hooks of stamina log arguments through whatever is configured; here observers get `Event`s
# instead.
stamina.instrumentation.set_on_retry_hooks([])


class _Dropped(aiohttp.ClientConnectionError):
    """A connection that was lost under a request, in a class that aiohttp does not repeat by itself."""


class _Again(Exception):
    """Tells stamina that an attempt failed in a way worth another."""


class _Tally:
    """The counts of one request while it is pursued."""

    __slots__ = (
        "attempts", "body", "bytes_received", "first_seen_at", "held", "refusals", "said_gone", "spent_s", "status",
    )  # fmt: skip

    def __init__(self, held: HeldBody) -> None:
        self.held = held
        self.attempts = self.refusals = self.bytes_received = 0
        self.spent_s = 0.0
        self.status: int | None = None
        self.body: bytes | None = None
        self.said_gone = False
        self.first_seen_at: datetime | None = None


class Fetcher:
    """Asks one installation, for all its workers. Use as `async with Fetcher(...) as fetcher`.

    `rng` draws the jitter, `now` tells the UTC time, `on_event` is told of retries and refusals as they
    happen. `bodies` bounds the memory of all replies together; then each outcome is to be released.
    Raises SettingsError on entering when the CA bundle cannot be read.
    """

    def __init__(
        self,
        installation: Installation,
        pace: RateLimiter,
        *,
        limits: Limits = Limits(),  # noqa: B008 - a frozen value
        rng: random.Random | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_event: Callable[[Event], None] | None = None,
        bodies: BodyBudget | None = None,
    ) -> None:
        self.pace = pace
        self._bodies = bodies or BodyBudget.unbounded()
        self._installation = installation
        self._base = installation.api_url.rstrip("/")
        self._limits = limits
        self._rng = rng or random.Random()
        self._now = now
        self._on_event = on_event
        self._session: aiohttp.ClientSession | None = None
        self._watch = Watch(limits.total_s, limits.read_s)

    def __repr__(self) -> str:
        return f"Fetcher({self._base})"

    async def __aenter__(self) -> Self:
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._installation.concurrency, ssl=_tls(self._installation)),
            headers={
                "Authorization": f"Bearer {self._installation.token.reveal()}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": f"buddy-promote-image-collector/{__version__}",
                # Old self-hosted versions send no trigger_conditions without it (buddy-api.md, section 9).
                "X-Buddy-Media-Type": "buddy.v1.1.0",
            },
            # The rest of the limits is the watch's.
            timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect_s, sock_connect=limits.connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            max_line_size=_LONGEST_HEADER_BYTES,
            max_field_size=_LONGEST_HEADER_BYTES,
            max_headers=_MOST_HEADERS,
            middlewares=(_once,),
        )
        self._watch.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.__exit__(kind, error, trace)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, request: Request) -> FetchResult:
        """Pursue one request to its end: accepted, recorded as a failure, or out of attempts.

        Raises Unauthorised on a 401 and Stuck when for `limits.stuck_after_s` nothing but refusals came back.
        """
        tally = _Tally(HeldBody(self._bodies))
        try:
            said = await self._attempt(request, tally)
            if isinstance(said, Retry):
                said = await self._again(request, tally, said)
            return self._outcome(request, tally, said)
        except BaseException:
            tally.held.release()
            raise

    async def _again(self, request: Request, tally: _Tally, said: Classification) -> Classification:
        """Continue after a failed first attempt, which stamina is told of as its own first."""

        def wait_after(error: Exception) -> float | bool:
            if not isinstance(error, _Again) or not isinstance(said, Retry):
                return False
            wait = after_failure(tally.attempts, tally.spent_s, self._limits, self._rng.random())
            if wait is None:
                return False
            tally.spent_s += wait
            waited = max(wait, self.pace.paused_for())
            self._tell(RetryScheduled(request, self._scrubbed(said.failure), tally.attempts, waited))
            return wait

        try:
            async for attempt in stamina.retry_context(on=wait_after, attempts=self._limits.attempts, timeout=None):
                with attempt:
                    if attempt.num > 1:
                        said = await self._attempt(request, tally)
                    if isinstance(said, Retry):
                        raise _Again
        except _Again:
            pass
        return said

    async def _attempt(self, request: Request, tally: _Tally) -> Classification:
        """Ask until something other than a refusal comes back."""
        while True:
            said = await self._ask(request, tally)
            if self.pace.refused_for() > self._limits.stuck_after_s:
                raise Stuck(
                    f"For {self._limits.stuck_after_s / 60:.0f} minutes {self._base} refused every request "
                    "or told us to come back later.",
                    "Somebody else may be using up the rate limit of this account; run `collector collect` "
                    "again later, it continues where it stopped.",
                )
            if not isinstance(said, RateLimited):
                tally.attempts += 1
                if request.begins_list and not tally.said_gone and (again := asked_again(said)):
                    tally.said_gone = True
                    return again
                return said
            tally.refusals += 1
            self._tell(RateLimitMet(request, said.status, self._without_token(said.message), self.pace.paused_for()))

    async def _ask(self, request: Request, tally: _Tally) -> Classification:
        """Send one GET at its turn, and judge what comes back."""
        assert self._session is not None, "a Fetcher is used inside `async with`"
        target = request.target
        if not target.startswith("/"):
            # Appended to the base, anything else could change the host that is given the token.
            raise ValueError(f"a target begins with a slash: {target!r}")
        tally.held.release()
        sent = await self.pace.turn()
        headers: Mapping[str, str] | None = None
        status: int | None = None
        said: Classification | None = None
        try:
            url = URL(self._base + target, encoded=True)
            with self._watch.over() as under_way:
                async with self._session.get(url, allow_redirects=False) as response:
                    headers, status, content = response.headers, response.status, response.content
                    try:
                        body = await read_whole(content, self._limits.body_bytes, under_way, tally.held)
                    except TooLarge:
                        response.close()
                        raise
                    finally:
                        # A reply without a body (204, 304, 1xx) lacks the first of the two counts.
                        compressed = getattr(content, "total_compressed_bytes", None)
                        tally.bytes_received += compressed or content.total_bytes
            body = body.removeprefix(BOM_UTF8)
            said = classify_response(status, headers, body, request.list_key)
            tally.body = body if not isinstance(said, Accept) or said.body is None else said.body
        except Exception as error:  # whatever its class, it is about this one reply
            tally.held.release()
            if status in {401, 429} and headers is not None:
                # Its status says enough, even where its body was lost.
                said = classify_response(status, headers, b"", None)
            else:
                said = translated(error, status, self._installation.ignored_proxy)
        finally:
            asked_s = self.pace.settle(
                sent,
                headers,
                refused=isinstance(said, RateLimited),
                failed=status is not None and status >= 500,
                unavailable=status == 503,
            )
            tally.spent_s += self.pace.clock() - sent + asked_s
        tally.status = status
        if tally.first_seen_at is None:
            tally.first_seen_at = self._now()
        return said

    def _outcome(self, request: Request, tally: _Tally, said: Classification) -> FetchResult:
        document: dict[str, Any] | None = None
        failure: Failure | None = None
        if isinstance(said, Accept):
            document = said.document
        elif isinstance(said, Retry | Permanent | Abort):
            failure = self._scrubbed(said.failure)
        if isinstance(said, Abort):
            raise Unauthorised(
                f"{self._base} does not accept the token (HTTP 401).",
                "It may be mistyped, expired, revoked, restricted to other addresses, or of another "
                "installation. Make a personal access token with the scopes WORKSPACE and EXECUTION_INFO, "
                "put it where the old one is (BUDDY_TOKEN, its file, or what collector.toml names), and run "
                "again: what was collected so far is kept.",
            )
        single = tally.attempts + tally.refusals == 1
        first = tally.first_seen_at or self._now()
        return FetchResult(
            request,
            tally.status,
            None if document is None else tally.body,
            document,
            failure,
            tally.attempts,
            tally.refusals,
            tally.bytes_received,
            first,
            first if single else self._now(),
            marked=isinstance(said, Accept) and said.body is not None,
            transient=isinstance(said, Retry),
            release=tally.held.release,
        )

    def _without_token(self, text: str) -> str:
        """Return foreign text without the token, should a server have echoed it."""
        token = self._installation.token.reveal()
        return text.replace(token, repr(self._installation.token)) if token else text

    def _scrubbed(self, failure: Failure) -> Failure:
        # Its document is the redactor's, which knows the token too.
        message = self._without_token(failure.message)
        raw = None if failure.raw is None else self._without_token(failure.raw)
        return Failure(failure.kind, failure.http_status, message, raw, failure.document)

    def _tell(self, event: Event) -> None:
        if self._on_event is not None:
            self._on_event(event)


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Let a lost connection be one failed attempt, to be repeated at our pace and not at aiohttp's."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Dropped from _tls_error(error)


def translated(error: BaseException, status: int | None, ignored_proxy: str | None = None) -> Retry | Permanent:
    """Put an exception of the network into our words; `status` is that of the reply when its head had
    arrived, `ignored_proxy` the variable that names a proxy.
    """
    kind: FailureKind = "connection"
    if isinstance(error, TooLarge):
        return Permanent(Failure("too_large", status, "the body is larger than this program accepts"))
    if (tls := _tls_error(error)) is not None:
        failure = Failure(kind, status, tls_words(tls))
        return Permanent(failure) if isinstance(tls, ssl.CertificateError) else Retry(failure)
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return Permanent(Failure(kind, status, "the API URL is not one that can be asked"))
    unused = ""
    if ignored_proxy and isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        unused = f"; {ignored_proxy} is set, but the collector does not use proxies: it connects by itself"
    if isinstance(error, TimeoutError):
        return Retry(Failure("timeout", status, _timeout_words(error) + unused))
    return Retry(Failure(kind, status, _connection_words(error) + unused))


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """The error of TLS that `error` is, or that aiohttp has wrapped in it; a body that was cut is another matter."""
    if isinstance(error, aiohttp.ClientPayloadError):
        return None
    wrapped = (getattr(error, name, None) for name in ("certificate_error", "os_error", "__cause__"))
    found = next((each for each in (*wrapped, error) if isinstance(each, ssl.SSLError)), None)
    if isinstance(error, aiohttp.ClientConnectorCertificateError) and found is None:
        return ssl.SSLCertVerificationError()
    return found


def _timeout_words(error: BaseException) -> str:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "no connection within the time allowed"
    if isinstance(error, Silent):
        return "the server stopped sending"
    return "the reply was not complete within the time allowed"


def _connection_words(error: BaseException) -> str:
    if isinstance(getattr(error, "os_error", None), ConnectionResetError):
        # A refused connection has another number: this one was made, and lost before anything could be asked.
        return CLOSED
    # The first that fits; the more particular classes come first.
    for kinds, words in (
        (aiohttp.ClientConnectorDNSError, "the server's name was not found"),
        (aiohttp.ClientPayloadError, "the body was cut short or could not be decompressed"),
        ((aiohttp.ClientResponseError, HttpProcessingError), "the reply was not HTTP that can be understood"),
        (aiohttp.ClientConnectorError, "the server could not be reached"),
    ):
        if isinstance(error, kinds):
            number = error.errno if isinstance(error, OSError) else None
            return words if number is None or number < 0 else f"{words} (errno {number})"
    if isinstance(error, aiohttp.ClientError | OSError):
        return "the connection was lost"
    # A fault of the library while it read the reply: its class helps to report it.
    return f"the reply could not be read ({type(error).__name__})"


def _tls(installation: Installation) -> ssl.SSLContext | bool:
    if installation.ca_bundle is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(installation.ca_bundle))
    except (OSError, ssl.SSLError):
        raise SettingsError(
            f"The CA bundle {installation.ca_bundle} cannot be read as certificates.",
            "Give --ca-bundle a file with the PEM certificates of the authority that signed the server's.",
        ) from None

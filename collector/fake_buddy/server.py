"""The fake Buddy: a server on a real socket, as a context manager for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from types import TracebackType
from typing import Self

from aiohttp import web

from .control import Control
from .faults import Fault
from .handler import RequestHandler
from .http_writer import send
from .minimum_requests import FIRST_WINDOW, expected_minimum
from .rate_window import RateWindow
from .request_log import LoggedRequest
from .responses import Access, Responses
from .server_thread import ServerThread
from .world import FakeWorld

SCOPES = ("WORKSPACE", "EXECUTION_INFO")
_TOKEN = "fake-buddy-token-0123456789"


class FakeBuddy:
    """A Buddy on a real socket, in its own thread: `with FakeBuddy(FakeWorld()) as fake: … fake.url`.

    Each window of `window` seconds admits `limit` requests, of which another client with the same token spends
    `neighbour_per_window`, evenly; without a limit no rate header is sent. `refuse_with` is 429 or 403. `clock_skew`
    (seconds) moves `Date` and resets alike. `pages_every_list` pages the lists of workspaces and actions too, which
    Buddy does not document. `arrivals_kept` bounds the log, not the counts; `bodies_kept` bounds the cache of replies:
    a benchmark of a client keeps all of them. `executions_page_size` is the size of each page of executions, whatever a
    request asks for; `executions_forbidden` answers 403 to lists of executions and to single ones. `scope_headers` is
    the spelling in the names of the headers with scopes, `0Auth` or `OAuth`.
    """

    def __init__(
        self,
        world: FakeWorld | None = None,
        *,
        token: str = _TOKEN,
        max_per_page: int = 50,
        limit: int | None = None,
        window: float | None = None,
        refuse_with: int = 429,
        latency: float = 0.0,
        prefix: str = "",
        clock_skew: float = 0.0,
        actions_carry_ends: bool = False,
        pages_every_list: bool = False,
        port: int = 0,
        host: str = "127.0.0.1",
        scopes: Iterable[str] = SCOPES,
        scope_headers: str | None = "0Auth",
        executions_forbidden: bool = False,
        executions_page_size: int | None = None,
        expires_at: str | None = None,
        neighbour_per_window: int = 0,
        script: Iterable[Fault] = (),
        arrivals_kept: int | None = None,
        bodies_kept: int = 4096,
    ) -> None:
        self.token = token
        self.latency = latency
        self._max_per_page = max_per_page
        self._carry_ends = actions_carry_ends
        self._pages_every_list = pages_every_list
        self._executions_page_size = executions_page_size
        self._executions_forbidden = executions_forbidden
        access = Access(tuple(scopes), expires_at, executions_forbidden, scope_headers)
        self._handler = RequestHandler(
            world if world is not None else FakeWorld(),
            Responses(max_per_page, actions_carry_ends, pages_every_list, access, bodies_kept, executions_page_size),
            RateWindow(limit, window, clock_skew, neighbour_per_window),
            token=token,
            prefix=prefix,
            refuse_with=refuse_with,
            script=script,
            arrivals_kept=arrivals_kept,
        )
        self.script = self._handler.script
        self._control = Control(self._handler, self._expected_minimums)
        self._thread = ServerThread(self._serve, host, port)

    # Start and stop

    def start(self) -> None:
        """Start to listen; return when requests are answered."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection, including hanging ones, and end the thread."""
        self._thread.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # For tests

    @property
    def url(self) -> str:
        """Return the base URL, with the prefix."""
        return f"http://{self._thread.host}:{self._thread.port}{self._handler.prefix}"

    @property
    def world(self) -> FakeWorld:
        """Return the world that is served; it can be replaced at any time."""
        return self._handler.world

    @world.setter
    def world(self, world: FakeWorld) -> None:
        self._handler.world = world

    @property
    def arrivals(self) -> list[LoggedRequest]:
        """Return the log of requests, oldest first."""
        return self._handler.log.all()

    def requests(self, kind: str | None = None) -> list[LoggedRequest]:
        """Return the logged requests of one kind; default: all."""
        return [request for request in self.arrivals if kind is None or request.kind == kind]

    def counts(self) -> dict[str, int]:
        """Return counts of all requests: `requests`, `refused`, `kind:…`, `status:…`."""
        return self._handler.log.counts()

    def forget_arrivals(self) -> None:
        """Empty the log and reset the counts."""
        self._handler.log.clear()

    def neighbour(self, requests: int) -> None:
        """Spend requests of the current window, as another client with the same token would."""
        self._handler.window.spend(requests)

    def expected_minimum(self, executions: timedelta | None = FIRST_WINDOW) -> int:
        """Return the minimum number of requests of an undisturbed first run over the world that is served now.

        `executions` is how far back the run reads executions, by the moment of the world's night; None: it does not.
        """
        return expected_minimum(
            self.world,
            self._max_per_page,
            self._carry_ends,
            self._pages_every_list,
            executions,
            self._executions_page_size,
            self._executions_forbidden,
        )

    def _expected_minimums(self) -> dict[str, int]:
        return {
            "expected_minimum": self.expected_minimum(),
            "expected_minimum_without_executions": self.expected_minimum(None),
        }

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.raw_path.startswith("/-/"):
            return self._control.respond(request)
        reply = self._handler.decide(request)
        if self.latency:
            await asyncio.sleep(self.latency)
        return await send(request, reply)

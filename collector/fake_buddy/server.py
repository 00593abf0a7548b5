"""The fake Buddy itself: decides what each arrival gets, logs it, and sends it over a real socket."""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import formatdate
from types import TracebackType
from typing import Self

from aiohttp import web

from . import fault_effects
from . import http_writer as wire
from .control import Control
from .fault_effects import OutgoingReply
from .faults import Fault, Script
from .minimum_requests import expected_minimum
from .rate_window import RateWindow, WindowDecision
from .request_log import LoggedRequest, RequestLog
from .responses import Access, Responses, errors
from .routes import Route, understand
from .server_thread import Thread
from .world import FakeWorld

SCOPES = ("WORKSPACE", "EXECUTION_INFO")
_TOKEN = "fake-buddy-token-0123456789"
_NOT_ASKED = WindowDecision(False, None, -1, {})


class FakeBuddy:
    """A Buddy on a real socket, in its own thread: `with FakeBuddy(World()) as fake: … fake.url`.

    `limit` requests are admitted in each window of `window` seconds, of which a neighbour on the same token
    spends `neighbour_per_window`, evenly; without a limit no rate header is sent. `refuse_with` is 429 or
    403. `clock_skew` (seconds) moves `Date` and resets alike. With `pages_every_list` it pages the lists of
    workspaces and actions too, which no document says of Buddy. `arrivals_kept` bounds the log, not the counts;
    `bodies_kept` bounds the encoded replies that are kept: who measures a client keeps them all.
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
        expires_at: str | None = None,
        neighbour_per_window: int = 0,
        script: Iterable[Fault] = (),
        arrivals_kept: int | None = None,
        bodies_kept: int = 4096,
    ) -> None:
        self.token = token
        self.script = Script(script)
        self.latency = latency
        self._world = world if world is not None else FakeWorld()
        self._max_per_page = max_per_page
        self._carry_ends = actions_carry_ends
        self._pages_every_list = pages_every_list
        self._refuse_with = refuse_with
        self._prefix = prefix.rstrip("/")
        self._window = RateWindow(limit, window, clock_skew, neighbour_per_window)
        self._answers = Responses(
            max_per_page, actions_carry_ends, pages_every_list, Access(tuple(scopes), expires_at), bodies_kept
        )
        self._log = RequestLog(arrivals_kept)
        self._date = (0, "")
        self._control = Control(self)
        self._thread = Thread(self._handle, host, port)

    # Life

    def start(self) -> None:
        """Begin to listen; returns when the first request would be answered."""
        self._thread.start()

    def stop(self) -> None:
        """End every connection, also the hanging ones, and the thread."""
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

    # What a test asks and says

    @property
    def url(self) -> str:
        """Return the base URL for a client, with the prefix."""
        return f"http://{self._thread.host}:{self._thread.port}{self._prefix}"

    @property
    def world(self) -> FakeWorld:
        """Return the world that is served now; may be replaced at any moment."""
        return self._world

    @world.setter
    def world(self, world: FakeWorld) -> None:
        self._world = world

    @property
    def arrivals(self) -> list[LoggedRequest]:
        """Return the log of arrivals, oldest first."""
        return self._log.all()

    def requests(self, kind: str | None = None) -> list[LoggedRequest]:
        """Return the arrivals of one kind, or all of them."""
        return [arrival for arrival in self._log.all() if kind is None or arrival.kind == kind]

    def counts(self) -> dict[str, int]:
        """Return counts of all arrivals: `requests`, `refused`, `kind:…`, `status:…`."""
        return self._log.counts()

    def forget_arrivals(self) -> None:
        """Empty the log and the counts."""
        self._log.forget()

    def neighbour(self, requests: int) -> None:
        """Spend requests of the current window as somebody else with this token would."""
        self._window.neighbour(requests)

    def expected_minimum(self) -> int:
        """Return the fewest requests of one undisturbed night of the world that is served now."""
        return expected_minimum(self._world, self._max_per_page, self._carry_ends, self._pages_every_list)

    # One arrival

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.raw_path.startswith("/-/"):
            return self._control.answer(request)
        reply = self._decide(request)
        if self.latency:
            await wire.pause(self.latency)
        return await wire.send(request, reply)

    def _decide(self, request: web.BaseRequest) -> OutgoingReply:
        """Decide at once, before anything is awaited: the log has the order of arrival."""
        at, target = time.monotonic(), request.raw_path
        route = understand(target, self._prefix)
        authorization = request.headers.get("Authorization")
        authorised = authorization == f"Bearer {self.token}"
        reply, verdict, fault = self._outcome(route, target, request.method, authorised)
        reply.headers.setdefault("Date", self._now())
        for name, value in verdict.headers.items():
            reply.headers.setdefault(name, value)
        self._log.enter(
            LoggedRequest(
                at=at,
                number=self._log.next_number(),
                kind=route.kind,
                method=request.method,
                path=route.raw_path,
                query=route.query,
                status=0 if reply.conduct in ("hang", "reset_before") else reply.status,
                authorised=authorised,
                carried_token=authorization is not None or "access_token" in route.query,
                admitted=verdict.admitted,
                remaining=verdict.remaining,
                window_index=verdict.window_index,
                fault=fault.do if fault is not None else None,
            )
        )
        return reply

    def _outcome(
        self, route: Route, target: str, method: str, authorised: bool
    ) -> tuple[OutgoingReply, WindowDecision, Fault | None]:
        if route.kind is None and not route.raw_path.startswith(f"{self._prefix}/"):
            # A self-hosted Buddy shows its web interface to whoever forgets the prefix.
            return fault_effects.web_page("Buddy"), _NOT_ASKED, None
        if not authorised:
            return fault_effects.healthy(errors(401, "Wrong authentication data")), _NOT_ASKED, None
        verdict = self._window.admit()
        if not verdict.admitted:
            return fault_effects.refusal(self._refuse_with), verdict, None
        return self._admitted(route, target, method, verdict)

    def _admitted(
        self, route: Route, target: str, method: str, verdict: WindowDecision
    ) -> tuple[OutgoingReply, WindowDecision, Fault | None]:
        if method != "GET":
            return fault_effects.healthy(errors(405, "Method not allowed")), verdict, None
        if self.script.has_vanished(route.raw_path):
            return fault_effects.healthy(errors(404, "Resource not found")), verdict, None
        fault = self.script.hit(route, target)
        if fault is None:
            return fault_effects.healthy(self._answers.answer(self._world, route)), verdict, None
        return self._spoiled(fault, route), self._spent(fault, verdict), fault

    def _spoiled(self, fault: Fault, route: Route) -> OutgoingReply:
        if fault.do == "mutate" and fault.when == "before":
            self._move_on(fault)
        answer = self._answers.answer(
            self._world, fault_effects.bent(route, fault), fault.n if fault.do == "clamp" else None
        )
        reply = fault_effects.spoiled(fault, answer, self._window)
        if fault.do == "mutate" and fault.when == "after":
            self._move_on(fault)
        return reply

    def _spent(self, fault: Fault, verdict: WindowDecision) -> WindowDecision:
        if fault.do != "limited":
            return verdict
        self._window.neighbour(-1)  # a refused request spends nothing
        return WindowDecision(False, 0, verdict.window_index, {} if fault.reset == "absent" else verdict.headers)

    def _move_on(self, fault: Fault) -> None:
        self.world = fault.mutate(self._world) if fault.mutate is not None else self._world.at(fault.night or 1)

    def _now(self) -> str:
        second = int(self._window.clock())
        if second != self._date[0]:
            self._date = (second, formatdate(second, usegmt=True))
        return self._date[1]

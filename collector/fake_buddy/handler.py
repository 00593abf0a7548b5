"""Decide what each request gets: checks, rate limit, scripted fault or true reply; and log it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from email.utils import formatdate

from aiohttp import web

from . import fault_effects
from .fault_effects import OutgoingReply
from .faults import Fault, Script
from .rate_window import RateWindow, WindowDecision
from .request_log import LoggedRequest, RequestLog
from .responses import Responses, errors
from .routes import Route, parse_target
from .world import FakeWorld

_NOT_COUNTED = WindowDecision(False, None, -1, {})


class RequestHandler:
    """The state of one server and its decision for each request; it sends nothing itself."""

    def __init__(
        self,
        world: FakeWorld,
        responses: Responses,
        window: RateWindow,
        *,
        token: str,
        prefix: str,
        refuse_with: int,
        script: Iterable[Fault],
        arrivals_kept: int | None,
    ) -> None:
        self.world = world
        self.window = window
        self.token = token
        self.prefix = prefix.rstrip("/")
        self.script = Script(script)
        self.log = RequestLog(arrivals_kept)
        self._responses = responses
        self._refuse_with = refuse_with
        self._date = (0, "")

    def decide(self, request: web.BaseRequest) -> OutgoingReply:
        """Log a request and return its reply. Nothing is awaited, so the log has the order of arrival."""
        at, target = time.monotonic(), request.raw_path
        route = parse_target(target, self.prefix)
        authorization = request.headers.get("Authorization")
        authorised = authorization == f"Bearer {self.token}"
        reply, decision, fault = self._decide(route, target, request.method, authorised)
        more = self._responses.scope_headers(route, authorised)
        for name, value in {"Date": self._now(), **decision.headers, **more}.items():
            reply.headers.setdefault(name, value)
        self.log.append(
            LoggedRequest(
                at=at,
                number=self.log.next_number(),
                kind=route.kind,
                method=request.method,
                path=route.raw_path,
                query=route.query,
                status=0 if reply.conduct in ("hang", "reset_before") else reply.status,
                authorised=authorised,
                carried_token=authorization is not None or "access_token" in route.query,
                admitted=decision.admitted,
                remaining=decision.remaining,
                window_index=decision.window_index,
                fault=fault.do if fault is not None else None,
            )
        )
        return reply

    def _decide(
        self, route: Route, target: str, method: str, authorised: bool
    ) -> tuple[OutgoingReply, WindowDecision, Fault | None]:
        if route.kind is None and not route.raw_path.startswith(f"{self.prefix}/"):
            # A self-hosted Buddy answers with its web interface outside of the prefix.
            return fault_effects.web_page("Buddy"), _NOT_COUNTED, None
        if not authorised:
            return fault_effects.true_reply(errors(401, "Wrong authentication data")), _NOT_COUNTED, None
        decision = self.window.admit()
        if not decision.admitted:
            return fault_effects.rate_limited(self._refuse_with), decision, None
        if method != "GET":
            return fault_effects.true_reply(errors(405, "Method not allowed")), decision, None
        if self.script.has_vanished(route.raw_path):
            return fault_effects.true_reply(errors(404, "Resource not found")), decision, None
        fault = self.script.hit(route, target)
        if fault is None:
            return fault_effects.true_reply(self._responses.respond(self.world, route)), decision, None
        return self._faulty(fault, route), self._after(fault, decision), fault

    def _faulty(self, fault: Fault, route: Route) -> OutgoingReply:
        if fault.do == "mutate" and fault.when == "before":
            self._mutate(fault)
        clamp = fault.n if fault.do == "clamp" else None
        response = self._responses.respond(self.world, fault_effects.rewrite_route(route, fault), clamp)
        reply = fault_effects.apply(fault, response, self.window)
        if fault.do == "mutate" and fault.when == "after":
            self._mutate(fault)
        return reply

    def _after(self, fault: Fault, decision: WindowDecision) -> WindowDecision:
        """Return the decision that the log and the headers show: a request refused by a fault spends nothing."""
        if fault.do != "limited":
            return decision
        self.window.spend(-1)
        return WindowDecision(False, 0, decision.window_index, {} if fault.reset == "absent" else decision.headers)

    def _mutate(self, fault: Fault) -> None:
        self.world = fault.mutate(self.world) if fault.mutate is not None else self.world.at(fault.night or 1)

    def _now(self) -> str:
        second = int(self.window.clock())
        if second != self._date[0]:
            self._date = (second, formatdate(second, usegmt=True))
        return self._date[1]

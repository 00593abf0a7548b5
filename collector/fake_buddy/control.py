"""Control of a fake that runs as a process of its own: counts, an empty log, another night.

These requests go to `/-/…` beside the API, need no token, and are not logged.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from .handler import RequestHandler


class Control:
    """Answers `GET /-/stats` (and `?minimum=1`), `POST /-/forget` and `POST /-/night?n=2`."""

    def __init__(self, handler: RequestHandler, expected_minimums: Callable[[], dict[str, int]]) -> None:
        self._handler = handler
        self._expected_minimums = expected_minimums

    def respond(self, request: web.BaseRequest) -> web.Response:
        """Return the response to a control request."""
        match request.method, request.path:
            case "GET", "/-/stats":
                return _json({**self._stats(), **(self._expected_minimums() if request.query else {})})
            case "POST", "/-/forget":
                self._handler.log.clear()
                return _json({})
            case "POST", "/-/night":
                night = request.query.get("n", "")
                if night.isascii() and night.isdigit() and int(night) > 0:
                    self._handler.world = self._handler.world.at(int(night))
                    return _json({"night": int(night)})
        return web.Response(status=404)

    def _stats(self) -> dict[str, Any]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            **self._handler.log.counts(),
            "night": self._handler.world.night,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_kib": usage.ru_maxrss,
        }


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")

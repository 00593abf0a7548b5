"""A side door for whoever runs the fake as a process of its own: counts, a clean log, another night.

It stands beside the API (`/-/…`), asks for no token, and leaves no trace in the log.
"""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

if TYPE_CHECKING:
    from .server import FakeBuddy


class Control:
    """Answers `GET /-/stats` (and `?minimum=1`), `POST /-/forget` and `POST /-/night?n=2`."""

    def __init__(self, fake: FakeBuddy) -> None:
        self._fake = fake

    def answer(self, request: web.BaseRequest) -> web.Response:
        """Return the answer of the side door."""
        asked = (request.method, request.path)
        if asked == ("GET", "/-/stats"):
            return _json(self._stats() | ({"expected_minimum": self._fake.expected_minimum()} if request.query else {}))
        if asked == ("POST", "/-/forget"):
            self._fake.forget_arrivals()
            return _json({})
        if asked == ("POST", "/-/night"):
            night = request.query.get("n", "")
            if night.isascii() and night.isdigit() and int(night) > 0:
                self._fake.world = self._fake.world.at(int(night))
                return _json({"night": int(night)})
        return web.Response(status=404)

    def _stats(self) -> dict[str, Any]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            **self._fake.counts(),
            "night": self._fake.world.night,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_kib": usage.ru_maxrss,
        }


def _json(value: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")

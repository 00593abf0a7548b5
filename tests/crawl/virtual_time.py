"""An event loop whose clock is a number: sleeping takes no time, and an hour of waiting is tested in milliseconds."""

import asyncio
import selectors
import types
from collections.abc import Coroutine
from typing import Any

import asyncio_throttle.throttler
import pytest


class _Instant(selectors.SelectSelector):
    """Instead of blocking until the next timer, moves the clock there."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everybody waits and no timer is set: nothing will ever happen again")
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop on virtual time, which begins at 0."""

    def __init__(self) -> None:
        self.instant = _Instant()
        super().__init__(self.instant)

    def time(self) -> float:
        return self.instant.now


def run_virtually(monkeypatch: pytest.MonkeyPatch, make: Any) -> float:
    """Run the coroutine that `make(clock)` returns on a virtual loop, asyncio_throttle's clock included;
    return the virtual seconds it took.
    """
    loop = VirtualLoop()
    # Only the name inside its module: the library has no argument for a clock.
    monkeypatch.setattr(asyncio_throttle.throttler, "time", types.SimpleNamespace(monotonic=loop.time))
    try:
        work: Coroutine[Any, Any, None] = make(loop.time)
        loop.run_until_complete(work)
        return loop.time()
    finally:
        loop.close()

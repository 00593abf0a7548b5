"""Ends what takes too long: one look, now and then, at all requests under way.

aiohttp's own limits on a whole request and on silence set two timers for each reply, and touch them at every block: a tenth
of what getting a reply costs. One timer for all costs next to nothing, and ends a request by at most one look too late.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

# How many looks fall into the shorter of the limits, and how long a look is waited for at most.
_LOOKS = 8
_LONGEST_LOOK_S = 1.0


class Silent(TimeoutError):
    """Nothing was heard for longer than allowed; the time for the whole request was not yet over."""


class Watch:
    """Use as `with Watch(...) as watch` where a loop runs, and for each request `with watch.over() as under_way`.

    `under_way.heard()` is to be called at each sign of life. TimeoutError leaves the inner block when the request as a whole
    took longer than `total_s`, Silent when nothing was heard for `silent_s`.
    """

    def __init__(self, total_s: float, silent_s: float) -> None:
        self._total_s = total_s
        self._silent_s = silent_s
        self._every_s = min(_LONGEST_LOOK_S, min(total_s, silent_s) / _LOOKS)
        self._under_way: set[UnderWay] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = 0.0

    def __enter__(self) -> Self:
        self._due_at = asyncio.get_running_loop().time()
        self._look()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def over(self) -> "UnderWay":
        """Watch over one request of the running task, from now until the block is left."""
        return UnderWay(self._under_way)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        # The time for which the loop itself was held up counts for nobody: what came meanwhile has not been read yet.
        held_up_s = now - self._due_at
        for each in list(self._under_way):
            each.began_at += held_up_s
            each.heard_at += held_up_s
            if now - each.began_at > self._total_s:
                each.end(TimeoutError())
            elif now - each.heard_at > self._silent_s:
                each.end(Silent())
        self._due_at = now + self._every_s
        self._timer = loop.call_at(self._due_at, self._look)


class UnderWay:
    """One request under way: when it began and when it was last heard of, in seconds of the loop."""

    __slots__ = ("_all", "_cancelling", "_late", "_task", "_time", "began_at", "heard_at")

    def __init__(self, all_under_way: "set[UnderWay]") -> None:
        task = asyncio.current_task()
        assert task is not None, "a request is asked by a task"
        self._all = all_under_way
        self._task = task
        self._cancelling = task.cancelling()
        self._late: TimeoutError | None = None
        self._time = task.get_loop().time
        self.began_at = self.heard_at = self._time()

    def __enter__(self) -> Self:
        self._all.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._all.discard(self)
        # As asyncio.timeout() does it: our cancelling is taken back, and who else cancelled the task has the last word.
        if self._late is not None and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise self._late from None

    def heard(self) -> None:
        """Note a sign of life."""
        self.heard_at = self._time()

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """Leave the time that we wait ourselves inside this block out of both limits."""
        began_at = self._time()
        self._all.discard(self)
        try:
            yield
        finally:
            waited_s = self._time() - began_at
            self.began_at += waited_s
            self.heard_at += waited_s
            self._all.add(self)

    def end(self, late: TimeoutError) -> None:
        """End the request with this error."""
        self._all.discard(self)
        self._late = late
        self._task.cancel()

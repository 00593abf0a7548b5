"""Requests that failed for a reason that passes, set aside and asked again in a later round. Pure.

A server that is away for half a minute in the middle of a crawl fails every request of that time. Such a request is not
given up at once: it waits here until nothing else is left to ask, and is asked again after one pause of all workers. Nothing
of this is journalled: to the frontier the request is still owed, so a run that is resumed asks it anew.
"""

from collections.abc import Sequence

from collector.buddy.requests import Request
from collector.crawl.backoff import Limits, before_round
from collector.crawl.fetch_result import FetchResult

__all__ = ["Deferred"]


class Deferred:
    """The transient failures of one crawl. `waiting` holds those set aside, with what they have cost so far.

    A round is barren, and ends early, when as many requests as there are `workers` failed in it and none came through.
    """

    def __init__(self, limits: Limits, workers: int) -> None:
        self.waiting: dict[Request, FetchResult] = {}
        self.rounds = 0
        self._limits = limits
        self._workers = workers
        self._asked_again: dict[Request, FetchResult] = {}
        self._began_at: float | None = None
        self._failed = 0
        self._came_through = True

    def settle(self, outcome: FetchResult) -> FetchResult | None:
        """Return an outcome that is final, with the costs of its earlier rounds; None when it was set aside."""
        earlier = self._asked_again.pop(outcome.request, None)
        if earlier is not None:
            outcome = outcome.after(earlier)
        if not outcome.transient:
            self._came_through = True
            return outcome
        self._failed += 1
        self.waiting[outcome.request] = outcome
        return None

    def puts_off(self, request: Request) -> bool:
        """Return whether a request that is to be asked again is left for the next round, because this one is barren."""
        if self._came_through or self._failed < self._workers or request not in self._asked_again:
            return False
        self.waiting[request] = self._asked_again.pop(request)
        return True

    def pause(self, now: float, draw: float) -> float | None:
        """Return the seconds to wait before the next round, None when no round is left."""
        if self._began_at is None:
            self._began_at = now
        return before_round(self.rounds + 1, now - self._began_at, self._limits, draw)

    def begin_round(self) -> Sequence[Request]:
        """Begin the next round and return what is asked again in it."""
        self.rounds += 1
        self._failed, self._came_through = 0, False
        asked, self.waiting = self.waiting, {}
        self._asked_again.update(asked)
        return list(asked)

    def give_up(self) -> Sequence[FetchResult]:
        """Return what was set aside, as failures that are final."""
        given_up, self.waiting = self.waiting, {}
        return list(given_up.values())

"""Requests that failed for a reason that may pass, set aside and asked again in a later round. Pure.

A server that is away for half a minute in the middle of a crawl fails every request of that time. Such a request is not
given up at once: it waits here until nothing else is left to ask, and is asked again after one pause of all workers.
Nothing of this is journalled: for the frontier the request is still in flight, so a run that is resumed asks it again.
"""

from collector.buddy.requests import Request
from collector.crawl.backoff import Limits
from collector.crawl.fetch_result import FetchResult


class DeferredRequests:
    """The transient failures of one crawl. `waiting` holds those set aside, with what they have cost so far.

    A round ends early when as many requests as there are `workers` failed in it and none succeeded.
    """

    def __init__(self, limits: Limits, workers: int) -> None:
        self.waiting: dict[Request, FetchResult] = {}
        self.rounds = 0
        self._limits = limits
        self._workers = workers
        self._asked_again: dict[Request, FetchResult] = {}
        self._began_at: float | None = None
        self._failed = 0
        self._any_succeeded = True

    def settle(self, result: FetchResult) -> FetchResult | None:
        """Return a result that is final, with the costs of its earlier rounds; None when it was set aside."""
        earlier = self._asked_again.pop(result.request, None)
        if earlier is not None:
            result = result.after(earlier)
        if not result.transient:
            self._any_succeeded = True
            return result
        self._failed += 1
        self.waiting[result.request] = result
        return None

    def postpone(self, request: Request) -> bool:
        """Leave a request of this round for the next one if this round ends early; return whether it did."""
        if self._any_succeeded or self._failed < self._workers or request not in self._asked_again:
            return False
        self.waiting[request] = self._asked_again.pop(request)
        return True

    def next_pause(self, now: float, draw: float) -> float | None:
        """Return the seconds to wait before the next round, None when no round is left.

        `draw` (0 <= draw < 1) varies them by a quarter either way.
        """
        if self._began_at is None:
            self._began_at = now
        pauses_s = self._limits.round_pauses_s
        if self.rounds >= len(pauses_s) or now - self._began_at > self._limits.rounds_total_s:
            return None
        return pauses_s[self.rounds] * (0.75 + draw / 2)

    def begin_round(self) -> list[Request]:
        """Begin the next round and return the requests to ask again in it."""
        self.rounds += 1
        self._failed, self._any_succeeded = 0, False
        requests, self.waiting = self.waiting, {}
        self._asked_again.update(requests)
        return list(requests)

    def give_up(self) -> list[FetchResult]:
        """Return what was set aside, as failures that are final."""
        results, self.waiting = self.waiting, {}
        return list(results.values())

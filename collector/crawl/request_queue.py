"""The requests of a frontier: those known and not yet handed out, and those handed out and not yet answered. Pure.

A stack, newest first, so that a pipeline is finished before the next is begun and the stack stays as small as one
branch of the tree. Later pages of lists are kept beside it and go first while few other requests are waiting: a long
list is a chain of requests that must not be the last thing left.

In a run that may be cut short, lists come with a rank (refresh_plan.py) and wait in a heap below the stack: the next
pipeline is the one whose turn it is, of all that are listed. Then all pages of a list go first, and nothing is begun
while a list is under way that may hold what comes before it. What waits there is what the order costs in memory: the
lists and pipelines that are known and not begun, 5 kB for each with an entry of 25 fields (measured), so 5 MB where
1,000 pipelines are due at once. A run that nothing cuts short has no heap.
"""

from collections.abc import Callable
from enum import Enum
from heapq import heappop, heappush
from itertools import count

from collector.buddy.requests import PER_PAGE, Kind, Request
from collector.crawl.refresh_plan import FIRST, Rank

# Pages go before other requests while fewer than this many are waiting: two full pages' worth of children keep any
# number of workers busy during one page's round trip.
LOOK_AHEAD = 2 * PER_PAGE


# The lists that hold what is ranked.
_REVEALING = frozenset({Kind.WORKSPACES, Kind.PROJECTS, Kind.PIPELINES})


class Fit(Enum):
    """Whether a ranked request can be handed out: now, perhaps once others are settled, or not in this run."""

    NOW = "now"
    LATER = "later"
    NEVER = "never"


class RequestQueue:
    """Requests by state. `pop` and `claim` hand one out; `settle` and `put_back` end that."""

    def __init__(self) -> None:
        # Dicts, because `claim` takes out any request, and order counts.
        self._pages: dict[Request, None] = {}
        self._items: dict[Request, None] = {}
        self._in_flight: set[Request] = set()
        self._deferred: set[Request] = set()
        # Of the heap, only what is in `_ranked` still waits. Of equal ranks the newest comes first, as in a stack.
        self._heap: list[tuple[Rank, int, Request]] = []
        self._ranked: set[Request] = set()
        self._newer = count(0, -1)
        # The lists in flight that may hold what comes first.
        self._revealing: dict[Request, Rank] = {}

    def push(self, request: Request, rank: Rank | None = None) -> None:
        """Add a request to be handed out."""
        if rank is not None:
            heappush(self._heap, (rank, next(self._newer), request))
            self._ranked.add(request)
            return
        stack = self._pages if request.page > 1 or request.reading > 1 else self._items
        stack[request] = None

    def pop(self, fit: Callable[[Request], Fit] | None = None) -> Request | None:
        """Hand out the next request, None when none is waiting; a ranked one only if it fits.

        One that cannot fit in this run is forgotten.
        """
        pages_first = self._heap or len(self._items) < LOOK_AHEAD
        first, second = (self._pages, self._items) if pages_first else (self._items, self._pages)
        rank = FIRST
        if stack := first or second:
            request, _ = stack.popitem()
        elif (ranked := self._pop_ranked(fit)) is not None:
            rank, request = ranked
        else:
            return None
        self._in_flight.add(request)
        if request.kind in _REVEALING:
            self._revealing[request] = rank
        return request

    def _pop_ranked(self, fit: Callable[[Request], Fit] | None) -> tuple[Rank, Request] | None:
        while self._heap:
            rank, _, request = self._heap[0]
            if any(each < rank for each in self._revealing.values()):
                return None
            fits = Fit.NOW if fit is None or request not in self._ranked else fit(request)
            if fits is Fit.LATER:
                return None
            heappop(self._heap)
            if request in self._ranked:
                self._ranked.discard(request)
                if fits is Fit.NOW:
                    return rank, request
        return None

    def claim(self, request: Request) -> bool:
        """Hand out this very request; False if it is not waiting."""
        if request in self._ranked:
            self._ranked.discard(request)
            self._in_flight.add(request)
            return True
        for stack in (self._items, self._pages):
            if request in stack:
                del stack[request]
                self._in_flight.add(request)
                return True
        return False

    def settle(self, request: Request) -> None:
        """Note that a request was answered or given up."""
        self._in_flight.discard(request)
        self._deferred.discard(request)
        self._revealing.pop(request, None)

    def defer(self, request: Request) -> None:
        """Note that a request in flight will be asked again much later, so that no other waits for its reply."""
        self._deferred.add(request)
        self._revealing.pop(request, None)

    def put_back(self, request: Request) -> None:
        """Take back a request that was handed out and never answered."""
        self.settle(request)
        self.push(request)

    def clear(self) -> None:
        """Forget all requests."""
        self._pages.clear()
        self._items.clear()
        self._heap.clear()
        self._ranked.clear()
        self._in_flight.clear()
        self._deferred.clear()
        self._revealing.clear()

    @property
    def waiting(self) -> int:
        """The number of requests known and not yet handed out."""
        return len(self._pages) + len(self._items) + len(self._ranked)

    @property
    def in_flight(self) -> int:
        """The number of requests handed out and not yet settled."""
        return len(self._in_flight)

    @property
    def idle(self) -> bool:
        """Whether no reply is expected soon."""
        return len(self._in_flight) == len(self._deferred)

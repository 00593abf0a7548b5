"""The requests of a frontier: those known and not yet handed out, and those handed out and not yet answered. Pure.

A stack, newest first, so that a pipeline is finished before the next is begun and the stack stays as small as one
branch of the tree. Later pages of lists are kept beside it and go first while few other requests are waiting: a long
list is a chain of requests that must not be the last thing left.
"""

from collector.buddy.requests import PER_PAGE, Request

# Pages go before other requests while fewer than this many are waiting: two full pages' worth of children keep any
# number of workers busy during one page's round trip.
LOOK_AHEAD = 2 * PER_PAGE


class RequestQueue:
    """Requests by state. `pop` and `claim` hand one out; `settle` and `put_back` end that."""

    def __init__(self) -> None:
        # Dicts, because `claim` takes out any request, and order counts.
        self._pages: dict[Request, None] = {}
        self._items: dict[Request, None] = {}
        self._in_flight: set[Request] = set()

    def push(self, request: Request) -> None:
        """Add a request to be handed out."""
        stack = self._pages if request.page > 1 or request.reading > 1 else self._items
        stack[request] = None

    def pop(self) -> Request | None:
        """Hand out the next request, None when none is waiting."""
        first, second = (self._pages, self._items) if len(self._items) < LOOK_AHEAD else (self._items, self._pages)
        if not (stack := first or second):
            return None
        request, _ = stack.popitem()
        self._in_flight.add(request)
        return request

    def claim(self, request: Request) -> bool:
        """Hand out this very request; False if it is not waiting."""
        for stack in (self._items, self._pages):
            if request in stack:
                del stack[request]
                self._in_flight.add(request)
                return True
        return False

    def settle(self, request: Request) -> None:
        """Note that a request was answered or given up."""
        self._in_flight.discard(request)

    def put_back(self, request: Request) -> None:
        """Take back a request that was handed out and never answered."""
        self._in_flight.discard(request)
        self.push(request)

    def clear(self) -> None:
        """Forget all requests."""
        self._pages.clear()
        self._items.clear()
        self._in_flight.clear()

    @property
    def waiting(self) -> int:
        """The number of requests known and not yet handed out."""
        return len(self._pages) + len(self._items)

    @property
    def in_flight(self) -> int:
        """The number of requests handed out and not yet settled."""
        return len(self._in_flight)

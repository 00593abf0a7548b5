"""Whether a server pages the lists that no source calls paged. Pure.

One list of a kind finds out for all of them, once a run: the first that may have been cut off (pagination.py). The
others that may have been wait for its answer, so that a run costs one request more, and not one for each list of that
length.
"""

from collector.buddy.requests import Kind, Request


class PaginationProbes:
    """What is known of each kind of list, and the probes that wait to know it."""

    def __init__(self) -> None:
        self._paged: dict[Kind, bool] = {}
        self._in_flight: set[Kind] = set()
        self._waiting: dict[Kind, list[Request]] = {}

    def is_known_unpaged(self, kind: Kind) -> bool:
        """Return whether the server was seen to return lists of this kind in one piece."""
        return self._paged.get(kind) is False

    def must_wait(self, probe: Request) -> bool:
        """Return whether another list is finding out; then this probe is kept for `answered` or `failed` to return."""
        if probe.kind in self._paged:
            return False
        if probe.kind in self._in_flight:
            self._waiting.setdefault(probe.kind, []).append(probe)
            return True
        self._in_flight.add(probe.kind)
        return False

    def answered(self, kind: Kind, *, paged: bool) -> list[Request]:
        """Remember what a probe found out, and return the probes that waited for it."""
        # One list that goes on is proof; one that doesn't could be an accident.
        self._paged[kind] = paged or self._paged.get(kind, False)
        return self._waiting.pop(kind, [])

    def failed(self, kind: Kind) -> Request | None:
        """Return the probe that replaces one that failed, None when none waits."""
        self._in_flight.discard(kind)
        waiting = self._waiting.get(kind)
        if not waiting:
            return None
        self._in_flight.add(kind)
        return waiting.pop(0)

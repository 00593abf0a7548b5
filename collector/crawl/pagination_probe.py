"""Whether a server pages the lists that no source calls paged. Pure.

One list of a kind finds out for all of them, once a night: the first that may have been cut off (listing.py). The others
that may have been wait for its answer, so that a night costs one request more and not one for each list of that length.
"""

from collector.buddy.requests import Kind, Request


class PaginationProbes:
    """What is known of each kind of list, and who waits to know it."""

    def __init__(self) -> None:
        self._paged: dict[Kind, bool] = {}
        self._under_way: set[Kind] = set()
        self._waiting: dict[Kind, list[Request]] = {}

    def known_whole(self, kind: Kind) -> bool:
        """Return whether the server was seen to give lists of this kind whole."""
        return self._paged.get(kind) is False

    def must_wait(self, probe: Request) -> bool:
        """Return whether another list is finding out; then this probe is kept, and given back by `answered` or `failed`."""
        if probe.kind in self._paged:
            return False
        if probe.kind in self._under_way:
            self._waiting.setdefault(probe.kind, []).append(probe)
            return True
        self._under_way.add(probe.kind)
        return False

    def answered(self, kind: Kind, *, paged: bool) -> list[Request]:
        """Remember what a probe found out, and return the probes that waited for it."""
        # One list that goes on is proof; one that doesn't could be an accident.
        self._paged[kind] = paged or self._paged.get(kind, False)
        return self._waiting.pop(kind, [])

    def failed(self, kind: Kind) -> Request | None:
        """Return the probe that takes the place of one that failed, None when none waits."""
        self._under_way.discard(kind)
        waiting = self._waiting.get(kind)
        if not waiting:
            return None
        self._under_way.add(kind)
        return waiting.pop(0)

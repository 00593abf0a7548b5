"""One list being read: which ids were seen, and whether it needs another page or another reading. Pure."""

from collections.abc import Hashable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from collector.buddy.catalogue import DOCUMENTED_PER_PAGE, SORTING, Kind, Request
from collector.buddy.decode import Item

MOST_READINGS = 3


def identity_of(item: Item) -> Hashable:
    """Return what tells an item from its neighbours: its key, or all of its JSON where even the key is unreadable."""
    return msgspec.json.encode(item.document) if item.key is None else item.key


class Listing:
    """The state of one list, and of the parent it belongs to (`item`, None for the list of workspaces).

    `seen` maps each id of any reading to its place (1-based); `settled` is False once three readings differed.
    """

    def __init__(self, kind: Kind, item: Item | None, position: int) -> None:
        self.kind = kind
        self.item = item
        self.position = position
        self.seen: dict[Hashable, int] = {}
        self.envelope: dict[str, Any] = {}
        self.unreadable = False
        self.settled = True
        self._reading: set[Hashable] = set()
        self._brought_new = False
        self._pages_with_items = 0
        self._earlier: list[frozenset[Hashable]] = []

    def remember_envelope(self, envelope: dict[str, Any]) -> None:
        """Keep what a reply said around the list; the first page's word stands, later pages add only new members."""
        if envelope:
            self.envelope = {**envelope, **self.envelope}

    def read(self, items: Sequence[Item]) -> list[Item]:
        """Take in one page and return the items never seen before, in order."""
        news = []
        self._brought_new = False
        self._pages_with_items += bool(items)
        for item in items:
            identity = identity_of(item)
            if identity not in self._reading:
                self._reading.add(identity)
                self._brought_new = True
            if identity not in self.seen:
                self.seen[identity] = len(self.seen) + 1
                news.append(item)
        return news

    def after(self, request: Request, count: int) -> Request | None:
        """Return the next request of this list after a page of `count` items, None when the list is closed."""
        if self.kind not in SORTING:
            return None
        if count >= DOCUMENTED_PER_PAGE and self._brought_new:
            return replace(request, page=request.page + 1)
        return self._after_reading(request)

    def _after_reading(self, request: Request) -> Request | None:
        reading = frozenset(self._reading)
        # One page can't have shifted under the reader. A repeated page counts: it may hide the real one.
        if reading in self._earlier or (not self._earlier and self._pages_with_items <= 1):
            return None
        self._earlier.append(reading)
        if len(self._earlier) == MOST_READINGS:
            self.settled = False
            return None
        self._reading = set()
        self._pages_with_items = 0
        return replace(request, page=1, reading=request.reading + 1)

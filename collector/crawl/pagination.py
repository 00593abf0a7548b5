"""How lists are read: which ids were seen, and whether another page or another reading is needed. Pure."""

from collections.abc import Hashable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from collector.buddy.decode import Item
from collector.buddy.requests import DOCUMENTED_PER_PAGE, PER_PAGE, Kind, Request
from collector.buddy.schema import PROMOTE_IMAGE
from collector.crawl.fetch_result import Failed

MAX_READINGS = 3
# The page size that finds out whether a list is paged although no source says so: a server that returns the whole list
# again has no pages, and one that errs about pages returns something else.
PROBE_PER_PAGE = 1


def is_probe(request: Request) -> bool:
    """Return whether a request only finds out whether its list is paged."""
    return request.per_page == PROBE_PER_PAGE


def may_be_cut_off(request: Request, count: int) -> bool:
    """Return whether a first page of `count` items is as long as a limit of Buddy's: only then may more follow."""
    return count in {DOCUMENTED_PER_PAGE, request.per_page or PER_PAGE}


def next_page(request: Request, count: int) -> Request:
    """Return the request of the page after one that held `count` items."""
    # Where the first page was clamped, the next begins where it ended, whether or not that one is clamped too.
    size = count if request.page == 1 and count < request.per_page else request.per_page
    return replace(request, page=request.page + 1, per_page=size)


def identity_of(item: Item) -> Hashable:
    """Return what distinguishes an item in its list: its key, or all of its JSON where even the key is unreadable."""
    return msgspec.json.encode(item.document) if item.key is None else item.key


class Listing:
    """The state of one list, and of the parent it belongs to (`item`, None for the list of workspaces).

    `positions` maps each id of any reading to its position (from 1). `settled` is False once no two of three readings
    agreed, `answered` is True once a page was read. `others` are the actions of other types, by id, until the list is
    closed: a later page may hold a promote-image action of the same id. `duplicates` are the items of the last page
    that differ from another item of the same id and therefore get no row; each has the JSON path where the id was
    repeated. `promotion_statuses` are the last_execution_status of the promote-image actions.
    """

    def __init__(self, kind: Kind, item: Item | None, position: int) -> None:
        self.kind = kind
        self.item = item
        self.position = position
        self.positions: dict[Hashable, int] = {}
        self.envelope: dict[str, Any] = {}
        self.unreadable = False
        self.answered = False
        self.others: dict[Hashable, Item] = {}
        self.duplicates: list[Item] = []
        self.promotion_statuses: list[object] = []
        self.settled = True
        self._reading: set[Hashable] = set()
        self._reported: set[Hashable] = set()
        self._brought_new = False
        self._repeated = False
        self._full = False
        self._is_paged = False
        self._first = (0, 0, 0)  # page, page size and items of the first page
        self._pages_with_items = 0
        self._earlier: list[frozenset[Hashable]] = []

    @property
    def coverage(self) -> str:
        """The coverage of the parent once the last page was read."""
        return "complete" if self.settled and not self.unreadable else "failed"

    def add_envelope(self, envelope: dict[str, Any]) -> None:
        """Keep what a reply holds around the list; later pages add only members that the first one lacks."""
        if envelope:
            self.envelope = {**envelope, **self.envelope}

    def read(self, items: Sequence[Item]) -> list[Item]:
        """Take in one page and return the items never seen before, in order."""
        new_items = []
        self.answered = True
        self._brought_new = False
        self._pages_with_items += bool(items)
        for identity, item in self._one_per_id(items).items():
            if identity not in self._reading:
                self._reading.add(identity)
                self._brought_new = True
            if identity not in self.positions:
                self.positions[identity] = len(self.positions) + 1
                new_items.append(item)
                if self.kind is Kind.ACTIONS and not _is_promote_image(item):
                    self.others[identity] = item
            elif self.kind is Kind.ACTIONS and self._replaces(identity, item):
                new_items.append(item)
        return new_items

    def _one_per_id(self, items: Sequence[Item]) -> dict[Hashable, Item]:
        """Return one item for each id of a page: the promote-image action, or else the first."""
        kept: dict[Hashable, Item] = {}
        self.duplicates = []
        for item in items:
            identity = identity_of(item)
            first = kept.setdefault(identity, item)
            if first is item or _sorted_json(first) == _sorted_json(item):
                continue
            left_out = item
            if _is_promote_image(item) and not _is_promote_image(first):
                kept[identity], left_out = item, replace(first, json_path=item.json_path)
            if identity not in self._reported:
                self.duplicates.append(left_out)
        # Reported once: the next reading holds all of them again.
        self._reported.update(identity_of(item) for item in self.duplicates)
        return kept

    def _replaces(self, identity: Hashable, item: Item) -> bool:
        """Return whether an action seen before on another page must now be read as a promote-image action.

        Between two pages an item may change, but not its type: another type is another item.
        """
        other = self.others.get(identity)
        earlier_type = PROMOTE_IMAGE if other is None else other.document.get("type")
        this_type = item.document.get("type")
        if earlier_type == this_type or not isinstance(earlier_type, str) or not isinstance(this_type, str):
            return False
        left_out = item
        if other is not None and this_type == PROMOTE_IMAGE:
            left_out = replace(self.others.pop(identity), json_path=item.json_path)
        if identity not in self._reported:
            self._reported.add(identity)
            self.duplicates.append(left_out)
        return left_out is not item

    def next_request(self, request: Request, count: int) -> Request | None:
        """Return the next request of this list after a page of `count` items, None when the list is at its end."""
        if request.page <= 1:
            self._first = (request.page, request.per_page, count)
            self._full = may_be_cut_off(request, count)
        elif is_probe(request):
            return self._after_probe(request, count)
        elif count and not self._brought_new:
            self._repeated = True
        goes_on = count >= DOCUMENTED_PER_PAGE if request.page else self._full
        if goes_on and self._brought_new:
            return self._next_page(request, count)
        return self._next_reading(request)

    def _next_page(self, request: Request, count: int) -> Request:
        if not request.page:
            return replace(request, page=2, per_page=count if self._is_paged else PROBE_PER_PAGE)
        return next_page(request, count)

    def _after_probe(self, request: Request, count: int) -> Request | None:
        _, _, first_count = self._first
        if count == first_count and not self._brought_new:
            return None
        self._is_paged = True
        return replace(request, per_page=first_count)

    def _next_reading(self, request: Request) -> Request | None:
        reading = frozenset(self._reading)
        # One page that was not cut off can't have shifted under the reader. A full one can: what a deletion moved up
        # from the page behind it was seen on neither. And a repeated page replaced another.
        if request.reading == 1 and self._pages_with_items <= 1 and not self._full:
            return None
        if not (self._repeated and self._full):
            if reading in self._earlier:
                return None
            self._earlier.append(reading)
        if request.reading == MAX_READINGS:
            self.settled = False
            return None
        self._reading = set()
        self._pages_with_items = 0
        self._repeated = False
        page, per_page, _ = self._first
        return replace(request, page=page, per_page=per_page, reading=request.reading + 1)


class PaginationProbes:
    """Whether a server pages the lists that no source calls paged.

    One list of a kind finds out for all of them, once a run: the first that may have been cut off. The others that may
    have been wait for its answer, so that a run costs one request more, and not one for each list of that length.
    """

    def __init__(self) -> None:
        self._paged: dict[Kind, bool] = {}
        # Of each kind whose probe is in flight.
        self._waiting: dict[Kind, list[Request]] = {}

    def is_known_unpaged(self, kind: Kind) -> bool:
        """Return whether the server was seen to return lists of this kind in one piece."""
        return self._paged.get(kind) is False

    def must_wait(self, probe: Request) -> bool:
        """Return whether another list is finding out; then this probe is kept for `answered` or `failed` to return."""
        if probe.kind in self._paged:
            return False
        if probe.kind in self._waiting:
            self._waiting[probe.kind].append(probe)
            return True
        self._waiting[probe.kind] = []
        return False

    def answered(self, kind: Kind, *, paged: bool) -> list[Request]:
        """Remember what a probe found out, and return the probes that waited for it."""
        # One list that goes on is proof; one that doesn't could be an accident.
        self._paged[kind] = paged or self._paged.get(kind, False)
        return self._waiting.pop(kind, [])

    def failed(self, kind: Kind) -> Request | None:
        """Return the probe that replaces one that failed, None when none waits."""
        if not (waiting := self._waiting.pop(kind, [])):
            return None
        following, *self._waiting[kind] = waiting
        return following


def _is_promote_image(item: Item) -> bool:
    return item.document.get("type") == PROMOTE_IMAGE


def _sorted_json(item: Item) -> bytes:
    return msgspec.json.encode(item.document, order="sorted")


def may_be_page_size(failed: Failed) -> bool:
    """Return whether a failure may only mean that the page asked for is too large."""
    # Whether Buddy clamps or rejects a larger page than documented is not known (buddy-api.md, section 3).
    request, failure = failed.request, failed.failure
    bad_request = failure.kind == "http_error" and failure.http_status in {400, 422}
    return bad_request and request.page == 1 and request.per_page > DOCUMENTED_PER_PAGE

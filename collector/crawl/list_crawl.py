"""The lists of one crawl: which are open, how each goes on after a page, and what a closed one reveals. Pure.

The frontier passes on the pages, queues the requests that follow, and opens the lists of the children.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec.structs import replace

from collector.buddy.decode import Item, ListPage
from collector.buddy.requests import DOCUMENTED_PER_PAGE, PER_PAGE, SORTING, Kind, Request
from collector.crawl.fetch_result import Answered, Failed
from collector.crawl.pagination import Listing, PaginationProbes, is_probe, may_be_page_size
from collector.crawl.problems import duplicate, not_understood
from collector.crawl.promotion_crawl import Pending, action_record
from collector.crawl.records import CrawlRecord, Key, ListedItem, child_key, key_of, request_of

KIND_BELOW = {Kind.WORKSPACES: Kind.PROJECTS, Kind.PROJECTS: Kind.PIPELINES, Kind.PIPELINES: Kind.ACTIONS}
_KIND_ABOVE = {below: above for above, below in KIND_BELOW.items()}


class NextRequests(NamedTuple):
    """What follows from a page: further requests, and lists that are read to their end, each by its last request."""

    requests: list[Request]
    ended: list[Request]


class ListCrawl:
    """The lists of one installation that are open."""

    def __init__(self) -> None:
        self._open: dict[Key, Listing] = {}
        self._per_page = PER_PAGE
        self._probes = PaginationProbes()
        self._workspaces_envelope: dict[str, Any] = {}

    def __iter__(self) -> Iterator[Key]:
        return iter(self._open)

    def __getitem__(self, key: Key) -> Listing:
        return self._open[key]

    def get(self, key: Key) -> Listing | None:
        """Return the state of an open list, None for what is not open."""
        return self._open.get(key)

    def open(self, key: Key, kind: Kind, item: Item | None, position: int) -> Request:
        """Open the list of this kind that belongs to a parent, and return its first request."""
        self._open[key] = Listing(kind, item, position)
        page, per_page = (1, self._per_page) if kind in SORTING else (0, 0)
        return request_of(kind, key, page, per_page)

    def drop(self, key: Key) -> None:
        """Forget an open list without a record: others take its place."""
        del self._open[key]

    def read(self, reply: Answered, page: ListPage) -> tuple[list[Item], list[CrawlRecord]]:
        """Take in one page; return the items never seen before, in order, and the problems of the page."""
        key = key_of(reply.request)
        listing = self._open[key]
        listing.add_envelope(page.envelope)
        new_items = listing.read(page.items)
        listing.unreadable |= bool(listing.duplicates) or any(item.key is None for item in new_items)
        problems: list[CrawlRecord] = [duplicate(reply, key, item) for item in listing.duplicates]
        problems += (
            not_understood(reply, child_key(key, item.key), item.violation, item.document)
            for item in new_items
            if item.violation is not None
        )
        return new_items, problems

    def go_on(self, request: Request, count: int) -> NextRequests:
        """Return what follows from a page of `count` items that was read.

        A list that found out whether lists of its kind are paged decides for those that waited for it, too.
        """
        following = self._open[key_of(request)].next_request(request, count)
        if is_probe(request):
            waiting = self._probes.answered(request.kind, paged=following is not None)
            return (
                NextRequests([], [request, *waiting]) if following is None else NextRequests([*waiting, following], [])
            )
        if following is None:
            return NextRequests([], [request])
        if is_probe(following):
            if self._probes.is_known_unpaged(following.kind):
                return NextRequests([], [following])
            if self._probes.must_wait(following):
                return NextRequests([], [])
        return NextRequests([following], [])

    def with_smaller_pages(self, failed: Failed) -> Request | None:
        """Return the request with pages of the documented size, if these may be what failed; new lists get it too."""
        if not may_be_page_size(failed):
            return None
        self._per_page = DOCUMENTED_PER_PAGE
        return replace(failed.request, per_page=DOCUMENTED_PER_PAGE)

    def next_probe(self, failed: Request) -> Request | None:
        """Return the request that finds out what one that failed was to find out, None if none waits for that."""
        return self._probes.failed(failed.kind) if is_probe(failed) else None

    def close(self, key: Key, coverage: str) -> tuple[Listing, list[ListedItem]]:
        """Close a list; return it with the records of its actions of other types and, last, of its parent.

        The list of workspaces has no parent.
        """
        listing = self._open.pop(key)
        item = listing.item
        if item is None:
            self._workspaces_envelope = listing.envelope
            return listing, []
        kind = _KIND_ABOVE[listing.kind]
        envelope = self.root_envelope(key, kind)
        if listing.envelope:
            envelope[f"{listing.kind.value}_list"] = listing.envelope
        if item.violation is not None and coverage == "complete":
            coverage = "failed"
        others = [
            action_record(Pending(other, listing.positions[identity]), child_key(key, other.key), "not_promote_image")
            for identity, other in listing.others.items()
            if other.key is not None
        ]
        parent = ListedItem(kind, key, listing.position, item.document, item.violation is None, coverage, envelope)
        return listing, [*others, parent]

    def root_envelope(self, key: Key, kind: Kind) -> dict[str, Any]:
        """Return the envelope of the list of workspaces for the row of a workspace, nothing for other rows."""
        # That list has no parent row that could hold its envelope, so each workspace does.
        if kind is not Kind.WORKSPACES:
            return {}
        root = self._open.get(Key(key.installation))
        envelope = self._workspaces_envelope if root is None else root.envelope
        return {"workspaces_list": envelope} if envelope else {}

"""The frontier: which request comes next, as pure state.

Strategy. A stack of requests, newest first, so that a pipeline is finished before the next is begun and the stack stays as
small as one branch of the tree. Pages of lists wait beside it and go first while little else is waiting: a long list is a
chain of requests that must not be the last thing left. Only replies move the frontier, never the order in which requests
were handed out; that is why a journal can be fed back in and give the same state (`claim` takes the place of `next`).

Rules (design.md, section 6). A paged list ends at a page shorter than 20, or at one that brings no new id. A list that no
source calls paged (workspaces, actions) is asked for without a page; only where its length is a limit of Buddy's, 20 or 50,
may it have been cut off there, and one more request, for all lists of that kind, finds out (probing.py). A list of more than
one page is read again until two readings agree, at most three times; children are asked for when first seen, in whichever
reading, so settling costs no time. A parent is reported when its own listing is closed.
Whatever refuses a page behind one that answered leaves the list failed: the parent was there a moment ago.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

import msgspec

from collector.buddy import requests
from collector.buddy.decode import Detail, Item, ListPage, carries_ends, check_promote_image
from collector.buddy.requests import DOCUMENTED_PER_PAGE, Kind, Request
from collector.buddy.schema import PROMOTE_IMAGE
from collector.crawl.pagination import Listing, identity_of, is_probe
from collector.crawl.pagination_probe import PaginationProbes
from collector.crawl.records import CrawlRecord, Key, ListedItem, Problem, Promotion, coverage_of, key_of
from collector.crawl.reply import GivenUp, Reply

# Pages go before other requests while fewer than this many are waiting: two full pages' worth of children keep any
# number of workers busy during one page's round trip.
LOOK_AHEAD = 2 * requests.PER_PAGE


class Signal(Enum):
    """What `next` says when it has no request: replies are still owed, or nothing is left."""

    WAIT = "wait"
    DONE = "done"


class Pending(msgspec.Struct, frozen=True):
    """A promote-image action whose GET is owed, with its list item."""

    item: Item
    position: int


class Selection(msgspec.Struct, frozen=True):
    """What is collected: whether a workspace or project is wanted, and the exact workspaces if they were named."""

    workspace: Callable[[str], bool]
    project: Callable[[str], bool]
    exact_workspaces: tuple[str, ...] | None = None


class Frontier:
    """One installation's crawl. `next`, `feed`, `give_up` and `stop` are its whole life; nothing here does I/O.

    `found` and `done` are the progress: lists by kind (however many pages they take), and promote-image actions.
    `answered` says whether any request was.
    """

    def __init__(self, installation: str, selection: Selection, *, per_page: int = requests.PER_PAGE) -> None:
        self.installation = installation
        self.found: dict[Kind, int] = dict.fromkeys(Kind, 0)
        self.done: dict[Kind, int] = dict.fromkeys(Kind, 0)
        self.root_failure: Problem | None = None
        self.workspaces_listed = False
        self.answered = False
        self._selection = selection
        self._per_page = per_page
        self._pages: dict[Request, None] = {}
        self._items: dict[Request, None] = {}
        self._owed: set[Request] = set()
        self._listings: dict[Key, Listing] = {}
        self._actions: dict[Key, Pending] = {}
        self._probing = PaginationProbes()
        self._begin()

    def _begin(self) -> None:
        exact = self._selection.exact_workspaces
        if exact is None:
            self._open(Key(self.installation), Kind.WORKSPACES, None)
            return
        for position, name in reversed(list(enumerate(dict.fromkeys(exact), start=1))):
            item = Item(name, {"domain": name}, None)
            self._open(Key(self.installation, name), Kind.PROJECTS, item, position)

    # -- handing out requests ---------------------------------------------------------------------------------------

    def next(self) -> Request | Signal:
        """Return the next request, WAIT while replies are owed, or DONE."""
        first, second = (self._pages, self._items) if len(self._items) < LOOK_AHEAD else (self._items, self._pages)
        stack = first or second
        if not stack:
            return Signal.DONE if self.finished else Signal.WAIT
        request, _ = stack.popitem()
        self._owed.add(request)
        return request

    def claim(self, request: Request) -> bool:
        """Hand out this very request, as a replayed journal demands; False if the frontier doesn't have it."""
        for stack in (self._items, self._pages):
            if request in stack:
                del stack[request]
                self._owed.add(request)
                return True
        return False

    def put_back(self, request: Request) -> None:
        """Take back a request that was handed out and never answered."""
        self._owed.discard(request)
        self._push(request)

    @property
    def waiting(self) -> int:
        """Requests known and not yet handed out."""
        return len(self._pages) + len(self._items)

    @property
    def owed(self) -> int:
        """Requests handed out and not yet answered or given up."""
        return len(self._owed)

    @property
    def finished(self) -> bool:
        """True when nothing is left to ask and no reply is owed."""
        return not (self._pages or self._items or self._owed)

    def _push(self, request: Request) -> None:
        stack = self._pages if request.page > 1 or request.reading > 1 else self._items
        stack[request] = None

    # -- being told what came back ----------------------------------------------------------------------------------

    def feed(self, reply: Reply) -> list[CrawlRecord]:
        """Move on by one understood reply and return what it revealed."""
        self._owed.discard(reply.request)
        self.answered = True
        if isinstance(reply.content, Detail):
            return self._action_answered(reply, reply.content)
        return self._page_answered(reply, reply.content)

    def give_up(self, failed: GivenUp) -> list[CrawlRecord]:
        """Move on without a reply, for the reason `failed` holds."""
        request = failed.request
        self._owed.discard(request)
        if _may_be_page_size(failed):
            self._per_page = DOCUMENTED_PER_PAGE
            self._push(msgspec.structs.replace(request, per_page=DOCUMENTED_PER_PAGE))
            return []
        if is_probe(request) and (next_probe := self._probing.failed(request.kind)) is not None:
            self._push(next_probe)
        self.done[request.kind] += 1
        problem = failed.problem(key_of(request))
        coverage = coverage_of(problem.kind)
        listing = self._listings.get(problem.key)
        if listing is not None and listing.answered:
            problem, coverage = failed.problem_of_later_page(problem.key), "failed"
        if request.kind is Kind.ACTION:
            return [problem, self._action_seen(self._actions.pop(problem.key), problem.key, coverage)]
        if request.kind is Kind.WORKSPACES:
            self.root_failure = problem
            self._workspaces_envelope = self._listings.pop(problem.key).envelope
            return [problem]
        return [problem, *self._close(problem.key, coverage)]

    def stop(self, problem_kind: str, why: str) -> list[CrawlRecord]:
        """End the crawl now: everything open becomes what `problem_kind` covers, with a problem for each parent."""
        findings: list[CrawlRecord] = []
        coverage = coverage_of(problem_kind)
        unread: dict[Key, int] = {}
        for key, pending in self._actions.items():
            parent = msgspec.structs.replace(key, action_id=None)
            unread[parent] = unread.get(parent, 0) + 1
            findings.append(self._action_seen(pending, key, coverage))
        self._actions.clear()
        for key, count in unread.items():
            what = f"{count} of its promote-image actions were not asked for"
            if key in self._listings:
                what = f"what is in it was not listed to the end, and {what}"
            findings.append(Problem(problem_kind, key, f"{why}: {what}"))
        for key, listing in list(self._listings.items()):
            if listing.kind is Kind.WORKSPACES:
                self.root_failure = Problem(problem_kind, key, f"{why}: the workspaces were not listed to the end")
                findings.append(self.root_failure)
                self._workspaces_envelope = self._listings.pop(key).envelope
                continue
            if key not in unread:
                findings.append(Problem(problem_kind, key, f"{why}: what is in it was not listed to the end"))
            findings.extend(self._close(key, coverage))
        self._pages.clear()
        self._items.clear()
        self._owed.clear()
        return findings

    # -- lists ------------------------------------------------------------------------------------------------------

    def _open(self, key: Key, kind: Kind, item: Item | None, position: int = 0) -> None:
        self._listings[key] = Listing(kind, item, position)
        self.found[kind] += 1
        request = Request(
            self.installation, kind, key.workspace, key.project, key.pipeline_id,
            page=1 if kind in requests.SORTING else 0,
            per_page=self._per_page if kind in requests.SORTING else 0,
        )  # fmt: skip
        self._push(request)

    def _page_answered(self, reply: Reply, page: ListPage) -> list[CrawlRecord]:
        request = reply.request
        key = key_of(request)
        listing = self._listings[key]
        findings: list[CrawlRecord] = []
        children: list[tuple[Item, int]] = []
        listing.remember_envelope(page.envelope)
        news = listing.read(page.items)
        for item in listing.clashing:
            listing.unreadable = True
            findings.append(reply.clashing(key, item))
        for item in news:
            findings.extend(self._unreadable(reply, key, item))
            if item.key is None:
                listing.unreadable = True
            else:
                children.append((item, listing.seen[identity_of(item)]))
        # The stack hands out the newest first, so the first child is pushed last.
        for item, position in reversed(children):
            findings.extend(self._child(reply, key, item, position))
        follow = listing.after(request, len(page.items))
        if is_probe(request):
            return findings + self._probed(request, follow)
        if follow is not None and is_probe(follow):
            return findings + self._probe(follow)
        if follow is not None:
            self._push(follow)
            return findings
        if not listing.settled:
            findings.append(reply.unsettled(key))
        return findings + self._read_to_the_end(request)

    def _read_to_the_end(self, request: Request) -> list[CrawlRecord]:
        key = key_of(request)
        listing = self._listings[key]
        self.done[request.kind] += 1
        whole = listing.settled and not listing.unreadable
        return self._close(key, "complete" if whole else "failed")

    def _probe(self, probe: Request) -> list[CrawlRecord]:
        """Find out whether a list goes on, unless that is known, or another list is finding out."""
        if self._probing.known_whole(probe.kind):
            return self._read_to_the_end(probe)
        if not self._probing.must_wait(probe):
            self._push(probe)
        return []

    def _probed(self, probe: Request, follow: Request | None) -> list[CrawlRecord]:
        """Go on with the list that found out (to `follow`, or to its end), and with those that waited for it."""
        waiting = self._probing.answered(probe.kind, paged=follow is not None)
        if follow is None:
            return [found for each in (probe, *waiting) for found in self._read_to_the_end(each)]
        for each in (*waiting, follow):
            self._push(each)
        return []

    def _unreadable(self, reply: Reply, parent: Key, item: Item) -> Iterator[CrawlRecord]:
        if item.violation is not None:
            yield reply.not_understood(_child_key(parent, item.key), item.violation, item.document)

    def _child(self, reply: Reply, parent: Key, item: Item, position: int) -> list[CrawlRecord]:
        kind = reply.request.kind
        key = _child_key(parent, item.key)
        if kind is Kind.ACTIONS:
            return self._action_listed(reply, key, Pending(item, position))
        wanted = {Kind.WORKSPACES: self._selection.workspace, Kind.PROJECTS: self._selection.project}.get(kind)
        if wanted is not None and not wanted(str(item.key)):
            return [
                ListedItem(
                    kind, key, position, item.document, item.violation is None, "skipped", self._around(parent, kind)
                )
            ]
        below = {Kind.WORKSPACES: Kind.PROJECTS, Kind.PROJECTS: Kind.PIPELINES, Kind.PIPELINES: Kind.ACTIONS}
        self._open(key, below[kind], item, position)
        return []

    def _close(self, key: Key, coverage: str) -> list[CrawlRecord]:
        listing = self._listings.pop(key)
        if listing.kind is Kind.WORKSPACES:
            self.workspaces_listed = coverage == "complete"
            self._workspaces_envelope = listing.envelope
            return []
        item = listing.item
        assert item is not None
        kind = _KIND_ABOVE[listing.kind]
        readable = item.violation is None
        envelope: dict[str, Any] = dict(self._around(key, kind))
        if listing.envelope:
            envelope[f"{listing.kind.value}_list"] = listing.envelope
        if not readable:
            coverage = "failed" if coverage == "complete" else coverage
        others = [
            self._action_seen(Pending(other, listing.seen[identity]), _child_key(key, other.key), "not_promote_image")
            for identity, other in listing.others.items()
            if other.key is not None
        ]
        return [*others, ListedItem(kind, key, listing.position, item.document, readable, coverage, envelope)]

    def _around(self, key: Key, kind: Kind) -> dict[str, Any]:
        # The workspaces list has no parent row that could hold what was said around it, so each workspace does.
        if kind is not Kind.WORKSPACES:
            return {}
        root = self._listings.get(Key(key.installation))
        envelope = root.envelope if root is not None else self._workspaces_envelope
        return {"workspaces_list": envelope} if envelope else {}

    _workspaces_envelope: dict[str, Any] = {}  # noqa: RUF012 - replaced whole, never changed in place

    # -- actions ----------------------------------------------------------------------------------------------------

    def _action_listed(self, reply: Reply, key: Key, pending: Pending) -> list[CrawlRecord]:
        item = pending.item
        if item.document.get("type") != PROMOTE_IMAGE:
            # Its row waits for the end of the list (listing.py).
            return []
        self.found[Kind.ACTION] += 1
        if item.violation is None and carries_ends(item.document):
            self.done[Kind.ACTION] += 1
            violation = check_promote_image(item.document, item.json_path)
            if violation is not None:
                problem = reply.not_understood(key, violation, item.document)
                return [problem, self._action_seen(pending, key, "quarantined")]
            return [Promotion(key, item.document, reply.fetched_at), self._action_seen(pending, key, "fetched")]
        self._actions[key] = pending
        self._push(
            requests.action_request(
                self.installation, key.workspace or "", key.project or "", key.pipeline_id or 0, key.action_id or 0
            )
        )
        return []

    def _action_answered(self, reply: Reply, detail: Detail) -> list[CrawlRecord]:
        key = key_of(reply.request)
        pending = self._actions.pop(key)
        self.done[Kind.ACTION] += 1
        if detail.violation is not None:
            problem = reply.not_understood(key, detail.violation, detail.document)
            return [problem, self._action_seen(pending, key, "quarantined")]
        if not detail.is_promote_image:
            return [self._action_seen(pending, key, "not_promote_image")]
        return [Promotion(key, detail.document, reply.fetched_at), self._action_seen(pending, key, "fetched")]

    def _action_seen(self, pending: Pending, key: Key, coverage: str) -> ListedItem:
        item = pending.item
        readable = item.violation is None
        if not readable and coverage in {"fetched", "not_promote_image"}:
            coverage = "quarantined"
        return ListedItem(Kind.ACTIONS, key, pending.position, item.document, readable, coverage, {})


_KIND_ABOVE = {Kind.PROJECTS: Kind.WORKSPACES, Kind.PIPELINES: Kind.PROJECTS, Kind.ACTIONS: Kind.PIPELINES}


def _may_be_page_size(failed: GivenUp) -> bool:
    # Whether Buddy clamps or rejects a larger page than documented is not known (buddy-api.md, section 3).
    request = failed.request
    bad_request = failed.failure_kind == "http_error" and failed.http_status in {400, 422}
    return bad_request and request.page == 1 and request.per_page > DOCUMENTED_PER_PAGE


def _child_key(parent: Key, own: str | int | None) -> Key:
    if own is None:
        return parent
    place = [part for part in msgspec.structs.astuple(parent) if part is not None]
    return Key(*[*place, own])

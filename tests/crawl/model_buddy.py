"""Buddy as a plain value, without sockets: a tree of names that answers requests, crawled in any order."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from collector.buddy.decode import decode
from collector.buddy.requests import Kind, Request
from collector.crawl.classify import Failure
from collector.crawl.fetch_result import Answered, Failed, RequestCost
from collector.crawl.frontier import Frontier
from collector.crawl.records import CrawlRecord, Key, ListedItem, Problem
from collector.crawl.selection import Selection

AT = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
# The first project of a `tree`, and its first pipeline.
PROJECT, PIPELINE = Key("us", "w0", "p0000"), Key("us", "w0", "p0000", 1)
EVERYTHING = Selection(workspace=lambda name: True, project=lambda name: True)
Tree = dict[str, dict[str, dict[int, list[dict[str, Any]]]]]
Entry = Answered | Failed


def action(action_id: int, kind: str = "PROMOTE_IMAGE", **members: Any) -> dict[str, Any]:
    """A list item of an action."""
    return {"id": action_id, "type": kind, "name": f"action {action_id}", **members}


def tree(workspaces: int = 1, projects: int = 1, pipelines: int = 1, actions: int = 1) -> Tree:
    """A world of so many children each, ids all different, every third action of another type."""
    ids = itertools.count(1)

    def some_actions() -> list[dict[str, Any]]:
        return [action(next(ids), "FTP" if a % 3 == 2 else "PROMOTE_IMAGE") for a in range(actions)]

    def some_pipelines() -> dict[int, list[dict[str, Any]]]:
        return {next(ids): some_actions() for _ in range(pipelines)}

    return {f"w{w}": {f"p{p:04}": some_pipelines() for p in range(projects)} for w in range(workspaces)}


class ModelBuddy:
    """Answers from `tree`. `clamp` is the most items of a page, `most` the largest page size it accepts; with
    `pages_every_list` it gives 20 workspaces and actions at once, too.

    `failures` maps a path, or a path with its query, to the kind (and status) with which it fails; `moves` is
    called with the request before each answer and may change the tree; `edit` may change each document before it
    is served.
    """

    def __init__(
        self,
        tree: Tree,
        *,
        clamp: int = 50,
        most: int = 1000,
        ignores_page: bool = False,
        pages_every_list: bool = False,
    ) -> None:
        self.tree = tree
        self.clamp = clamp
        self.most = most
        self.ignores_page = ignores_page
        self.pages_every_list = pages_every_list
        self.failures: dict[str, tuple[str, int | None]] = {}
        self.too_large_status = 400
        self.moves: Callable[[Request], None] = lambda request: None
        self.edit: Callable[[Request, dict[str, Any]], None] = lambda request, document: None
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Entry:
        """The reply to a request, or why there is none."""
        self.asked.append(request)
        self.moves(request)
        kind, status = self.failures.get(request.path) or self.failures.get(request.target) or (None, None)
        if request.per_page > self.most:
            kind, status = "http_error", self.too_large_status
        document = self.document(request)
        if document is None and kind is None:
            kind, status = "gone", 404
        if kind is not None or document is None:
            failure = Failure(kind or "gone", status, "it failed")  # type: ignore[arg-type]
            return Failed(request, AT, AT, RequestCost(), failure)
        self.edit(request, document)
        return Answered(request, AT, RequestCost(), msgspec.Raw(msgspec.json.encode(document)))

    def document(self, request: Request) -> dict[str, Any] | None:
        """The document that answers a request, None when there is no such thing."""
        around = {"url": f"https://api{request.path}", "html_url": f"https://app{request.path}"}
        if request.kind is Kind.WORKSPACES:
            listed = [{"domain": name, "id": i} for i, name in enumerate(self.tree)]
            return {**around, "workspaces": self._whole_or_page(request, listed)}
        projects = self.tree.get(request.workspace or "")
        if projects is None:
            return None
        if request.kind is Kind.PROJECTS:
            return {**around, "projects": self._page(request, [{"name": n} for n in sorted(projects)])}
        pipelines = projects.get(request.project or "")
        if pipelines is None:
            return None
        if request.kind is Kind.PIPELINES:
            return {**around, "pipelines": self._page(request, [{"id": i} for i in sorted(pipelines)])}
        actions = pipelines.get(request.pipeline_id or 0)
        if actions is None:
            return None
        if request.kind is Kind.ACTIONS:
            return {**around, "actions": self._whole_or_page(request, [dict(each) for each in actions])}
        item = next((each for each in actions if each["id"] == request.action_id), None)
        return None if item is None else {**item, "src": {"image": "a"}, "dest": {"image": "b"}}

    def _whole_or_page(self, request: Request, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return self._page(request, items) if self.pages_every_list else items

    def _page(self, request: Request, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        size = min(request.per_page or 20, self.clamp)
        first = 0 if self.ignores_page else (max(1, request.page) - 1) * size
        return items[first : first + size]


def feed(frontier: Frontier, entry: Entry) -> list[CrawlRecord]:
    """Feed the frontier what came of a request."""
    if isinstance(entry, Failed):
        return frontier.give_up(entry)
    return frontier.feed(entry, decode(entry.request, msgspec.json.decode(entry.body)))


class Crawl:
    """A crawl of a model: `workers` requests are outstanding, and `pick` says which of them is answered next."""

    def __init__(self, frontier: Frontier, buddy: ModelBuddy, *, workers: int = 1) -> None:
        self.frontier = frontier
        self.buddy = buddy
        self.workers = workers
        self.outstanding: list[Request] = []
        self.records: list[CrawlRecord] = []
        self.journal: list[Entry] = []
        self.most_waiting = 0

    def step(self, pick: Callable[[int], int] = lambda count: 0) -> bool:
        """Hand out what there is, answer one request; False when the crawl is done."""
        while len(self.outstanding) < self.workers:
            step = self.frontier.next()
            if step is None:
                assert self.frontier.finished == (not self.outstanding)
                break
            self.outstanding.append(step)
        self.most_waiting = max(self.most_waiting, self.frontier.queue.waiting)
        if not self.outstanding:
            return False
        entry = self.buddy.answer(self.outstanding.pop(pick(len(self.outstanding))))
        self.journal.append(entry)
        self.records += feed(self.frontier, entry)
        return True

    def run(self, pick: Callable[[int], int] = lambda count: 0) -> "Crawl":
        """Crawl to the end."""
        while self.step(pick):
            pass
        return self


def crawl(buddy: ModelBuddy, selection: Selection = EVERYTHING, *, workers: int = 1) -> Crawl:
    """Crawl a model from the beginning to the end."""
    return Crawl(Frontier("us", selection), buddy, workers=workers).run()


def as_a_set(records: Iterable[CrawlRecord]) -> Counter[bytes]:
    """Findings without their order."""
    return Counter(msgspec.json.encode([type(finding).__name__, finding]) for finding in records)


def seen(records: list[CrawlRecord]) -> dict[Key, str]:
    """Coverage by key; fails when anything was seen twice."""
    keys = [f.key for f in records if isinstance(f, ListedItem)]
    assert len(keys) == len(set(keys))
    return {f.key: f.coverage for f in records if isinstance(f, ListedItem)}


def problems(records: list[CrawlRecord]) -> list[tuple[str, Key]]:
    """Kinds and keys of the problems."""
    return [(f.kind, f.key) for f in records if isinstance(f, Problem)]

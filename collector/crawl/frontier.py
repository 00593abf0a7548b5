"""The frontier: which request comes next, as pure state.

Only replies move the frontier, never the order in which requests were handed out; that is why a journal can be fed back
in and gives the same state (`claim` takes the place of `next`).

Rules (design.md, section 6). A paged list ends at a page shorter than 20, or at one that brings no new id. A list that
no source calls paged (workspaces, actions) is asked for without a page; only where its length is a limit of Buddy's, 20
or 50, may it have been cut off, and one more request, for all lists of that kind, finds out (pagination.py). A
list of more than one page is read again until two readings agree, at most three times; children are asked for when
first seen, in whichever reading, so settling costs no time. The item of a parent is recorded when its own list is
closed. A list of which an earlier page was answered is `failed` whatever refuses a later page: the parent was there a
moment ago.
"""

from collector.buddy.decode import Content, Detail, ExecutionDetail, Item, ListPage
from collector.buddy.requests import EXECUTION_KINDS, NAME_KINDS, Kind, Request
from collector.buddy.schema import PROMOTE_IMAGE
from collector.crawl.carrying import Carrying
from collector.crawl.execution_crawl import ExecutionCrawl, Step
from collector.crawl.execution_history import ExecutionPlan
from collector.crawl.fetch_result import Answered, Failed
from collector.crawl.list_crawl import KIND_BELOW, ListCrawl
from collector.crawl.pagination import identity_of, is_probe
from collector.crawl.pipeline_readings import PipelineReadings, ReadingProgress
from collector.crawl.principal_crawl import PrincipalCrawl
from collector.crawl.problems import given_up, stopped_early, unsettled
from collector.crawl.promotion_crawl import Pending, PromotionCrawl
from collector.crawl.records import CrawlRecord, Key, ListedItem, Problem, child_key, coverage_of, key_of, request_of
from collector.crawl.refresh_plan import NEVER, RefreshPlan
from collector.crawl.request_queue import RequestQueue
from collector.crawl.selection import Selection


class Frontier:
    """The crawl of one installation. Nothing here does I/O.

    `found` and `done` are the progress: lists by kind (however many pages they take), and promote-image actions.
    `answered` says whether any request was answered.
    """

    def __init__(
        self,
        installation: str,
        selection: Selection,
        executions: ExecutionPlan | None = None,
        refresh: RefreshPlan | None = None,
        *,
        with_names: bool = False,
    ) -> None:
        self.installation = installation
        self.found: dict[Kind, int] = {kind: 0 for kind in Kind if kind is not Kind.TOKEN}
        self.done = dict(self.found)
        self.root_failure: Problem | None = None
        self.workspaces_listed = False
        self.answered = False
        self.queue = RequestQueue()
        self._selection = selection
        self._lists = ListCrawl()
        self._promotions = PromotionCrawl()
        self._executions = ExecutionCrawl(executions)
        self._principals = PrincipalCrawl(wanted=with_names)
        self._refresh = refresh or RefreshPlan(NEVER)
        self._readings = PipelineReadings(self._refresh)
        self._carrying = Carrying(self._refresh, with_executions=executions is not None)
        if selection.exact_workspaces is None:
            self._open(Key(installation), Kind.WORKSPACES, None)
        names = dict.fromkeys(selection.exact_workspaces or ())
        for position, name in reversed(list(enumerate(names, start=1))):
            self._open(Key(installation, name), Kind.PROJECTS, Item(name, {"domain": name}, None), position)

    def next(self, left: int | None = None) -> Request | None:
        """Return the next request, None while only replies can bring one, and when the crawl is finished.

        `left` is how many more requests may be sent: a pipeline is begun only if that probably suffices to finish it.
        """
        if left is not None and left <= 0:
            return None
        request = self.queue.pop(
            None if left is None else lambda first: self._readings.fit(first, left, idle=self.queue.idle)
        )
        if request is not None and request.kind is Kind.ACTIONS and request.begins_list:
            self._readings.begin(key_of(request))
        return request

    @property
    def progress(self) -> ReadingProgress:
        """How far the crawl got with pipelines."""
        return self._readings.progress

    @property
    def finished(self) -> bool:
        """True when nothing is left to ask and no reply is expected."""
        return not (self.queue.waiting or self.queue.in_flight)

    def feed(self, reply: Answered, content: Content) -> list[CrawlRecord]:
        """Move on by one reply, decoded, and return what it revealed."""
        records = self._feed(reply, content)
        records += self._readings.follow(reply.request, reply.cost.requests, reply.at, records)
        return records

    def give_up(self, failed: Failed) -> list[CrawlRecord]:
        """Move on without a reply and return what that means."""
        records = self._give_up(failed)
        return [*records, *self._readings.follow(failed.request, failed.cost.requests, failed.last_seen_at, records)]

    def _feed(self, reply: Answered, content: Content) -> list[CrawlRecord]:
        self.queue.settle(reply.request)
        self.answered = True
        if isinstance(content, Detail):
            return self._feed_action(reply, content)
        if isinstance(content, ExecutionDetail) or reply.request.kind is Kind.EXECUTIONS:
            return self._follow(self._executions.feed(reply, content))
        if reply.request.kind in NAME_KINDS:
            return self._follow(self._principals.feed(reply, content))
        return self._feed_page(reply, content)

    def _give_up(self, failed: Failed) -> list[CrawlRecord]:
        request = failed.request
        self.queue.settle(request)
        if (smaller := self._lists.with_smaller_pages(failed)) is not None:
            self.queue.push(smaller)
            return []
        if request.kind in EXECUTION_KINDS:
            return self._follow(self._executions.give_up(failed))
        if request.kind in NAME_KINDS:
            return self._follow(self._principals.give_up(failed))
        if (next_probe := self._lists.next_probe(request)) is not None:
            self.queue.push(next_probe)
        self.done[request.kind] += 1
        key = key_of(request)
        listing = self._lists.get(key)
        is_later_page = listing is not None and listing.answered
        problem = given_up(failed, key, is_later_page=is_later_page)
        coverage = "failed" if is_later_page else coverage_of(problem.kind)
        if request.kind is Kind.ACTION:
            return [problem, self._promotions.give_up(key, coverage)]
        if request.kind is Kind.WORKSPACES:
            self.root_failure = problem
        return [problem, *self._close(key, coverage)]

    def stop(self, problem_kind: str, reason: str) -> list[CrawlRecord]:
        """End the crawl now: all that is open gets the coverage of `problem_kind`, and each parent a problem."""
        coverage = coverage_of(problem_kind)
        records, unread = self._promotions.stop(coverage)
        records += self._carry_unreached(problem_kind, reason) if coverage == "skipped" else []
        for key in dict.fromkeys([*unread, *self._lists]):
            listing = self._lists.get(key)
            open_kind = None if listing is None else listing.kind
            if listing is not None:
                records.extend(self._close(key, coverage, stopped=True))
            problem = stopped_early(problem_kind, reason, key, open_kind, unread[key])
            records.append(problem)
            if open_kind is Kind.WORKSPACES:
                self.root_failure = problem
        records.extend(self._executions.stop(problem_kind, reason))
        records.extend(self._principals.stop(problem_kind, reason))
        self.queue.clear()
        return [*records, *self._readings.stop(records)]

    def _carry_unreached(self, problem_kind: str, reason: str) -> list[CrawlRecord]:
        carried = {
            key: self._carrying.unreached(self._lists[key], key, problem_kind, reason)
            for key in self._lists
            if self._lists[key].kind is Kind.ACTIONS and not self._readings.is_reached(key)
        }
        for key in [key for key, records in carried.items() if records]:
            self._lists.drop(key)
        return [record for records in carried.values() for record in records]

    def _follow(self, step: Step) -> list[CrawlRecord]:
        """Queue the requests of a step about executions, count them, and return its records."""
        for request in step.requests:
            self.found[request.kind] += request.page <= 1
            self.queue.push(request)
        if step.done is not None:
            self.done[step.done] += 1
        return step.records

    # Lists

    def _open(self, key: Key, kind: Kind, item: Item | None, position: int = 0) -> None:
        self.found[kind] += 1
        if kind is Kind.ACTIONS and item is not None:
            self._readings.open(key, item.document)
        self.queue.push(self._lists.open(key, kind, item, position), self._refresh.rank(kind, key))

    def _feed_page(self, reply: Answered, page: ListPage) -> list[CrawlRecord]:
        request = reply.request
        key = key_of(request)
        positions = self._lists[key].positions
        new_items, records = self._lists.read(reply, page)
        # The queue hands out the newest first, so the first child is pushed last.
        for item in reversed(new_items):
            if item.key is not None:
                records.extend(self._add_child(reply, key, item, positions[identity_of(item)]))
        following, ended = self._lists.go_on(request, len(page.items))
        for each in following:
            self.queue.push(each)
        for each in ended:
            if not is_probe(each) and not self._lists[key].settled:
                records.append(unsettled(reply, key))
            self.done[each.kind] += 1
            records.extend(self._close(key_of(each), self._lists[key_of(each)].coverage))
        return records

    def _close(self, key: Key, coverage: str, *, stopped: bool = False) -> list[CrawlRecord]:
        listing, items = self._lists.close(key, coverage)
        if listing.kind is Kind.WORKSPACES:
            self.workspaces_listed = coverage == "complete"
            return []
        *others, parent = items
        if parent.kind is Kind.WORKSPACES and parent.coverage == "complete" and not stopped:
            self._follow(self._principals.begin(key))
        if parent.kind is not Kind.PIPELINES:
            return [*others, parent]
        return [*others, *self._follow(self._executions.begin(parent, listing.promotion_statuses, stopped=stopped))]

    # Children

    def _add_child(self, reply: Answered, parent: Key, item: Item, position: int) -> list[CrawlRecord]:
        kind, key = reply.request.kind, child_key(parent, item.key)
        if kind is Kind.ACTIONS:
            return self._add_action(reply, parent, key, Pending(item, position))
        if not self._selection.selects(kind, str(item.key)):
            envelope = self._lists.root_envelope(parent, kind)
            return [ListedItem(kind, key, position, item.document, item.violation is None, "skipped", envelope)]
        if kind is Kind.PIPELINES and (records := self._carrying.not_due(key, item, position)):
            return records
        self._open(key, KIND_BELOW[kind], item, position)
        return []

    def _add_action(self, reply: Answered, parent: Key, key: Key, pending: Pending) -> list[CrawlRecord]:
        document = pending.item.document
        if document.get("type") != PROMOTE_IMAGE:
            return []  # it is recorded when its list is closed (list_crawl.py)
        self._lists[parent].promotion_statuses.append(document.get("last_execution_status"))
        self.found[Kind.ACTION] += 1
        if records := self._promotions.add(reply, key, pending):
            self.done[Kind.ACTION] += 1
            return records
        self._readings.open_action(parent)
        self.queue.push(request_of(Kind.ACTION, key))
        return []

    def _feed_action(self, reply: Answered, detail: Detail) -> list[CrawlRecord]:
        self.done[Kind.ACTION] += 1
        return self._promotions.feed(reply, key_of(reply.request), detail)

"""The lists of members and groups of workspaces: names for the numbers in permissions. Pure, like the frontier.

They are asked for once the projects of a workspace are listed, page by page, and only where names are wanted. A list
that cannot be read costs nothing but its names: the run is not partial.
"""

from msgspec.structs import replace

from collector.buddy.decode import ListPage
from collector.buddy.requests import DOCUMENTED_PER_PAGE, PER_PAGE, Kind, Request
from collector.crawl.execution_crawl import Step
from collector.crawl.fetch_result import Answered, Failed
from collector.crawl.problems import broken_items, given_up
from collector.crawl.records import CrawlRecord, Key, Problem, WorkspacePrincipal, coverage_of, key_of

_PRINCIPAL_TYPES = {Kind.MEMBERS: "user", Kind.GROUPS: "group"}


class PrincipalCrawl:
    """The lists that are being read, with the ids that each has brought; nothing is requested unless `wanted`."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._seen: dict[tuple[Kind, Key], set[int]] = {}

    def begin(self, workspace: Key) -> Step:
        """Ask for the members and groups of a workspace."""
        kinds = tuple(_PRINCIPAL_TYPES) if self._wanted else ()
        self._seen |= {(kind, workspace): set() for kind in kinds}
        requests = [
            Request(workspace.installation, kind, workspace.workspace, page=1, per_page=PER_PAGE) for kind in kinds
        ]
        return Step([], requests)

    def feed(self, reply: Answered, page: ListPage) -> Step:
        """Record the names of a page; a list ends at a short page, or at one that brings nothing new."""
        request, key = reply.request, key_of(reply.request)
        seen = self._seen[request.kind, key]
        records: list[CrawlRecord] = broken_items(reply, key, page.items)
        # An id that is listed twice has one name, the first one given.
        first = {item.key: item for item in reversed(page.items) if isinstance(item.key, int) and item.key not in seen}
        type_ = _PRINCIPAL_TYPES[request.kind]
        new = [WorkspacePrincipal(key, type_, item.document) for item in first.values() if item.violation is None]
        records += reversed(new)
        seen.update(first)
        if first and len(page.items) >= DOCUMENTED_PER_PAGE:
            return Step(records, [replace(request, page=request.page + 1)])
        del self._seen[request.kind, key]
        return Step(records, [], request.kind)

    def give_up(self, failed: Failed) -> Step:
        """Record why names are missing: a notice where the token may not read them."""
        request, key = failed.request, key_of(failed.request)
        del self._seen[request.kind, key]
        problem = given_up(failed, key, is_later_page=request.page > 1)
        severity = "notice" if coverage_of(problem.kind) == "forbidden" else "problem"
        message = f"The names of {request.kind.value} stay unknown: {problem.message}"
        return Step([replace(problem, message=message, severity=severity)], [], request.kind)

    def stop(self, problem_kind: str, reason: str) -> list[CrawlRecord]:
        """Record the lists that were not read to their end."""
        open_lists, self._seen = self._seen, {}
        return [
            Problem(problem_kind, key, f"{reason}: the names of {kind.value} were not read to the end")
            for kind, key in open_lists
        ]

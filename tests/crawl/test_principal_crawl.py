"""The lists of members and groups: asked for where names are wanted, read page by page, and never more than names."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from collector.buddy.decode import ListPage, decode
from collector.buddy.requests import Kind, Request
from collector.crawl.classify import Failure
from collector.crawl.execution_crawl import Step
from collector.crawl.fetch_result import Answered, Failed, RequestCost
from collector.crawl.principal_crawl import PrincipalCrawl
from collector.crawl.records import Key, Problem, WorkspacePrincipal

AT = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
ACME = Key("us", "acme")


def begun() -> PrincipalCrawl:
    """A crawl that has asked for the members and groups of a workspace."""
    crawl = PrincipalCrawl(wanted=True)
    crawl.begin(ACME)
    return crawl


def fed(crawl: PrincipalCrawl, kind: Kind, documents: list[Any], page: int = 1) -> Step:
    """Feed one page of a list."""
    request = Request("us", kind, "acme", page=page, per_page=50)
    document = {"url": "x", kind.value: documents}
    reply = Answered(request, AT, RequestCost(attempts=1), msgspec.Raw(b"{}"))
    content = decode(request, document)
    assert isinstance(content, ListPage)
    return crawl.feed(reply, content)


def people(first: int, count: int) -> list[dict[str, Any]]:
    return [{"id": n, "name": f"n{n}"} for n in range(first, first + count)]


def test_names_are_asked_for_only_where_they_are_wanted() -> None:
    """A workspace costs one list of members and one of groups, or nothing."""
    assert PrincipalCrawl(wanted=False).begin(ACME) == Step([], [])
    targets = [each.target for each in PrincipalCrawl(wanted=True).begin(ACME).requests]
    assert targets == [
        "/workspaces/acme/members?page=1&per_page=50&sort_by=id&sort_direction=ASC",
        "/workspaces/acme/groups?page=1&per_page=50",
    ]


def test_a_list_is_read_to_a_short_page() -> None:
    """A page that may be full is followed by the next; what it repeats is recorded once."""
    crawl = begun()
    first = fed(crawl, Kind.MEMBERS, people(1, 50))
    assert (len(first.records), [each.page for each in first.requests], first.done) == (50, [2], None)
    last = fed(crawl, Kind.MEMBERS, people(50, 2), page=2)
    assert last == Step([WorkspacePrincipal(ACME, "user", {"id": 51, "name": "n51"})], [], Kind.MEMBERS)
    (group,) = fed(crawl, Kind.GROUPS, people(1, 1)).records
    assert isinstance(group, WorkspacePrincipal)
    assert group.principal_type == "group"


def test_a_list_that_is_not_paged_ends() -> None:
    """A server that ignores the page repeats the list: it ends when a page brings nothing new."""
    crawl = begun()
    fed(crawl, Kind.MEMBERS, people(1, 50))
    assert fed(crawl, Kind.MEMBERS, people(1, 50), page=2) == Step([], [], Kind.MEMBERS)


def test_an_id_that_is_listed_twice_has_one_name() -> None:
    """The first name counts, so that no key of the table is repeated."""
    records = fed(
        begun(), Kind.GROUPS, [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 1, "name": "c"}]
    ).records
    found = [each.document for each in records if isinstance(each, WorkspacePrincipal)]
    assert sorted(each["name"] for each in found) == ["a", "b"]


def test_a_broken_item_costs_only_itself() -> None:
    """An item that breaks the contract is a problem; the others have their names."""
    records = fed(begun(), Kind.MEMBERS, [{"id": "x"}, *people(1, 1)]).records
    assert [type(each) for each in records] == [Problem, WorkspacePrincipal]


@pytest.mark.parametrize(("kind", "severity"), [("forbidden", "notice"), ("timeout", "problem")])
def test_names_that_may_not_be_read_are_a_notice(kind: Any, severity: str) -> None:
    """A token without the right leaves numbers, which is no problem; a list that failed is one."""
    request = Request("us", Kind.MEMBERS, "acme", page=1, per_page=50)
    failed = Failed(request, AT, AT, RequestCost(attempts=1), Failure(kind, 403, "No."))
    (problem,) = begun().give_up(failed).records
    assert isinstance(problem, Problem)
    assert (problem.kind, problem.severity) == (kind, severity)
    assert problem.message == "The names of members stay unknown: No."


def test_what_is_not_read_at_the_end_is_said() -> None:
    """A crawl that is stopped says which names it did not read."""
    crawl = begun()
    fed(crawl, Kind.MEMBERS, people(1, 1))
    (problem,) = crawl.stop("deadline", "Time is up")
    assert isinstance(problem, Problem)
    assert (problem.kind, problem.message) == ("deadline", "Time is up: the names of groups were not read to the end")

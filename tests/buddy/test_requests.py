"""Laws of the addresses: with any names, exactly the intended thing is asked for."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.buddy.requests import Kind, Request
from tests import request_builders as requests

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.sampled_from(
    [".", "..", "a/b", "../..", "données/équipe A", "100%", "a?b=c", "#top", "a\\b", "a b", "+", "%2E%2E", "\"'"]
)


@pytest.mark.parametrize(
    ("request_", "target"),
    [
        (requests.token_request("us"), "/user/token"),
        (requests.workspaces_request("us"), "/workspaces"),
        (
            requests.projects_request("us", "acme"),
            "/workspaces/acme/projects?page=1&per_page=50&sort_by=name&sort_direction=ASC",
        ),
        (
            requests.pipelines_request("us", "acme", "web", page=3, per_page=20),
            "/workspaces/acme/projects/web/pipelines?page=3&per_page=20&sort_by=id&sort_direction=ASC",
        ),
        (requests.actions_request("us", "acme", "web", 7), "/workspaces/acme/projects/web/pipelines/7/actions"),
        (requests.action_request("us", "acme", "web", 7, 9), "/workspaces/acme/projects/web/pipelines/7/actions/9"),
    ],
)
def test_addresses_are_the_documented_ones(request_: Request, target: str) -> None:
    """Each kind of request has the path the vendor documents, and the paged ones a page, a size and a total order."""
    assert request_.target == target


@given(NAMES, NAMES)
def test_a_name_stays_one_segment(workspace: str, project: str) -> None:
    """With any name the path has the same number of segments, and each decodes to the name."""
    path = requests.action_request("us", workspace, project, 7, 9).path
    parts = path.split("/")
    assert [unquote(part) for part in parts[1:]] == [
        "workspaces", workspace, "projects", project, "pipelines", "7", "actions", "9",
    ]  # fmt: skip
    assert path.isascii()
    assert not set(path) & set(" ?#\\\"'")
    assert not {".", ".."} & set(parts)


@given(NAMES)
def test_a_name_cannot_touch_the_query(workspace: str) -> None:
    """A name with a question mark or an ampersand changes nothing about the page that is asked for."""
    query = parse_qs(urlsplit("https://x" + requests.projects_request("us", workspace, page=4).target).query)
    assert query == {"page": ["4"], "per_page": ["50"], "sort_by": ["name"], "sort_direction": ["ASC"]}


def test_the_list_key_is_the_member_that_holds_the_list() -> None:
    """Lists name the member that holds them; a token and a single action hold none."""
    keys = {kind: Request("us", kind).list_key for kind in Kind}
    assert keys == {
        Kind.TOKEN: None, Kind.WORKSPACES: "workspaces", Kind.PROJECTS: "projects", Kind.PIPELINES: "pipelines",
        Kind.ACTIONS: "actions", Kind.ACTION: None, Kind.EXECUTIONS: "executions", Kind.EXECUTION: None,
        Kind.MEMBERS: "members", Kind.GROUPS: "groups",
    }  # fmt: skip

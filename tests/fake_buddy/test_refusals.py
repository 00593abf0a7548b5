"""Error replies: token, scope, permission, state of the workspace, and missing items."""

from __future__ import annotations

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld
from tests.fake_buddy.asking import ask, get, path_of, read_raw

PIPELINES = path_of("acme", "web-shop", kind="pipelines")
ACTIONS = path_of("acme", "web-shop", 106, kind="actions")
EXECUTIONS = path_of("acme", "web-shop", 106, kind="executions")


def test_a_wrong_token_is_401_without_rate_headers() -> None:
    """A wrong token answers 401 in Buddy's format, without rate headers."""
    with FakeBuddy(FakeWorld(), limit=10, window=60) as fake:
        reply = ask(fake, "/workspaces", token="wrong")[0]
        assert (reply.status, reply.message) == (401, "Wrong authentication data")
        assert not [name for name in reply.headers if name.lower().startswith("x-rate")]
        [request] = fake.arrivals
        assert (request.authorised, request.carried_token, request.admitted) == (False, True, False)


@pytest.mark.parametrize(
    ("scopes", "path", "status"),
    [
        (("EXECUTION_INFO",), "/workspaces", 403),
        (("EXECUTION_INFO",), path_of("acme", kind="projects"), 403),
        (("EXECUTION_INFO",), PIPELINES, 200),
        (("EXECUTION_INFO",), EXECUTIONS, 200),
        (("PIPELINE_READ",), "/workspaces", 403),
        (("PIPELINE_READ",), PIPELINES, 200),
        (("PIPELINE_READ",), ACTIONS, 200),
        (("PIPELINE_READ",), EXECUTIONS, 200),
        (("PIPELINE_READ",), f"{EXECUTIONS}/1", 200),
        (("WORKSPACE",), PIPELINES, 403),
        (("WORKSPACE",), ACTIONS, 403),
        (("WORKSPACE",), EXECUTIONS, 403),
        (("WORKSPACE",), f"{EXECUTIONS}/1", 403),
        (("WORKSPACE",), "/workspaces", 200),
        ((), "/user/token", 200),
    ],
)
def test_a_missing_scope_is_403(scopes: tuple[str, ...], path: str, status: int) -> None:
    """Workspaces and projects need WORKSPACE, what is below them PIPELINE_READ or EXECUTION_INFO, the token nothing."""
    with FakeBuddy(FakeWorld(), scopes=scopes) as fake:
        reply = get(fake, path)
    assert reply.status == status
    assert status == 200 or "scope" in reply.message


@pytest.mark.parametrize(
    ("spelling", "names"),
    [("0Auth", {"X-0Auth-Scopes", "X-Accepted-0Auth-Scopes"}), ("OAuth", {"X-OAuth-Scopes", "X-Accepted-OAuth-Scopes"}),
     (None, set())],
)  # fmt: skip
def test_headers_name_the_scopes(spelling: str | None, names: set[str]) -> None:
    """Every reply names the token's scopes and those of which the method accepts one, spelled as configured."""
    with FakeBuddy(FakeWorld(), scopes=("WORKSPACE", "PIPELINE_READ"), scope_headers=spelling) as fake:
        found = [{name: value for name, value in reply.headers.items() if name.endswith("-Scopes")}
                 for reply in ask(fake, EXECUTIONS, "/workspaces/nobody/projects")]  # fmt: skip
    for headers, accepted in zip(found, ("PIPELINE_READ, EXECUTION_INFO", "WORKSPACE"), strict=True):
        assert headers.keys() == names
        assert all(value == (accepted if "Accepted" in name else "WORKSPACE, PIPELINE_READ")
                   for name, value in headers.items())  # fmt: skip


def test_an_unknown_token_has_no_scopes() -> None:
    """A 401 names what the method accepts, and no scopes of the token."""
    with FakeBuddy(FakeWorld()) as fake:
        headers = ask(fake, EXECUTIONS, token="wrong")[0].headers
    assert headers["X-Accepted-0Auth-Scopes"] == "PIPELINE_READ, EXECUTION_INFO"
    assert "X-0Auth-Scopes" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/workspaces/nobody/projects",
        path_of("acme", "nothing", kind="pipelines"),
        path_of("acme", "web-shop", 999_999, kind="actions"),
        path_of("acme", "checkout-api", 106, kind="actions"),
        path_of("acme", "web-shop", 106, 1),
        "/workspaces/acme/projects/web-shop/pipelines/abc/actions",
        "/workspaces/acme/colours",
        "/workspaces/acme/projects/",
        "/",
    ],
)
def test_a_missing_item_is_404(path: str) -> None:
    """Unknown names, ids of another parent, text instead of a number and unknown resources answer 404."""
    with FakeBuddy(FakeWorld()) as fake:
        reply = get(fake, path)
    assert reply.status == 404
    assert reply.message


def test_other_methods_are_405() -> None:
    """A method other than GET answers 405."""
    with FakeBuddy(FakeWorld()) as fake:
        assert ask(fake, "/workspaces", method="POST")[0].status == 405


@pytest.mark.parametrize(
    ("world", "status", "message"),
    [
        (FakeWorld().freeze("acme"), 403, "Only active workspace have access to API"),
        (FakeWorld().disable("acme"), 400, "API is disabled in this workspace."),
        (FakeWorld().disable("acme", code=403), 403, "API is disabled in this workspace."),
        (FakeWorld().forbid("acme", "web-shop"), 403, "You don't have permission to access this resource."),
        (FakeWorld().forbid("acme", "web-shop", 106), 403, "You don't have permission to access this resource."),
        (FakeWorld().remove("acme", "web-shop"), 404, "Project not found"),
    ],
)
def test_errors_by_the_state_of_the_world(world: FakeWorld, status: int, message: str) -> None:
    """Everything below a frozen or disabled workspace or a forbidden item answers with Buddy's message."""
    with FakeBuddy(world) as fake:
        reply = get(fake, ACTIONS)
    assert (reply.status, reply.message) == (status, message)


def test_a_forbidden_item_stays_in_its_list() -> None:
    """A forbidden pipeline and a frozen workspace are still listed; only what is below them is refused."""
    world = FakeWorld().forbid("acme", "web-shop", 106).freeze("acme", from_night=2)
    with FakeBuddy(world) as fake:
        assert 106 in [item["id"] for item in get(fake, PIPELINES).json["pipelines"]]
        fake.world = world.at(2)
        assert [item["domain"] for item in get(fake, "/workspaces").json["workspaces"]] == ["acme"]


def test_outside_of_the_prefix_is_the_web_interface() -> None:
    """A self-hosted Buddy answers below its prefix; outside it sends an HTML page with status 200."""
    with FakeBuddy(FakeWorld(), prefix="/api") as fake:
        assert fake.url.endswith("/api")
        assert get(fake, "/workspaces").json["workspaces"]
        page, _ = read_raw(fake, "/workspaces")
    assert page.startswith(b"HTTP/1.1 200 ")
    assert b"<!DOCTYPE html>" in page


def test_the_token_shows_its_scopes() -> None:
    """`/user/token` shows the scopes and the expiry, as the official clients read them."""
    with FakeBuddy(FakeWorld(), scopes=("WORKSPACE",), expires_at="2026-12-01T00:00:00Z") as fake:
        token = get(fake, "/user/token").json
    assert (token["scopes"], token["expires_at"]) == (["WORKSPACE"], "2026-12-01T00:00:00Z")
    assert {"id", "name", "ip_restrictions", "workspace_restrictions"} <= set(token)

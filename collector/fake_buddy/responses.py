"""The true response to a route: its status and its body, computed from the world."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import msgspec

from .routes import LIST_KINDS, NAME_KINDS, SCOPES, Route
from .world import FakeWorld

_SORTS = {"projects": ("name", "create_date", "repository_size"), "pipelines": ("name", "id")}
_DEFAULT_PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class Response:
    """A status and a body, before any fault is applied."""

    status: int
    body: bytes


class BadQuery(ValueError):
    """A query that Buddy answers with 400."""


def errors(status: int, message: str) -> Response:
    """Return an error response in Buddy's format."""
    return Response(status, msgspec.json.encode({"errors": [{"message": message}]}))


@dataclass(frozen=True)
class Access:
    """The scopes and the expiry of the server's token, as `/user/token` and the headers show them."""

    scopes: tuple[str, ...]
    expires_at: str | None
    executions_forbidden: bool = False
    scope_headers: str | None = "0Auth"  # the spelling in the headers' names; None sends none


class Responses:
    """Computes responses from a world and caches up to `bodies_kept` of them."""

    def __init__(
        self,
        max_per_page: int,
        carry_ends: bool,
        pages_every_list: bool,
        access: Access,
        bodies_kept: int,
        executions_page_size: int | None = None,
    ) -> None:
        self._max_per_page = max_per_page
        self._carry_ends = carry_ends
        self._pages_every_list = pages_every_list
        self._access = access
        self._bodies_kept = bodies_kept
        self._executions_page_size = executions_page_size
        self._bodies: OrderedDict[Any, Response] = OrderedDict()
        self._world: FakeWorld | None = None

    def scope_headers(self, route: Route, authorised: bool) -> dict[str, str]:
        """Return the headers that name the scopes of the token and those that a method accepts."""
        spelling, found = self._access.scope_headers, {}
        if spelling is not None and authorised:
            found[f"X-{spelling}-Scopes"] = ", ".join(self._access.scopes)
        if spelling is not None and route.kind in SCOPES:
            found[f"X-Accepted-{spelling}-Scopes"] = ", ".join(SCOPES[route.kind])
        return found

    def respond(self, world: FakeWorld, route: Route, clamp: int | None = None) -> Response:
        """Return the response to a route; `clamp` lowers the page size for this one."""
        if world is not self._world:
            self._world = world
            self._bodies.clear()
        key = (route.kind, route.path, tuple(route.query.items()), clamp)
        known = self._bodies.get(key)
        if known is None:
            known = self._bodies[key] = self._compute(
                world, route, min(clamp or self._max_per_page, self._max_per_page)
            )
            if len(self._bodies) > self._bodies_kept:
                self._bodies.popitem(last=False)
        return known

    def _compute(self, world: FakeWorld, route: Route, max_per_page: int) -> Response:
        kind = route.kind
        if kind is None:
            return errors(404, "Resource not found")
        if kind == "token":
            return Response(200, msgspec.json.encode(self._token(world)))
        if not set(SCOPES[kind]) & set(self._access.scopes):
            return errors(403, f"Cannot receive data. Required scope: {SCOPES[kind][0]}")
        if kind in ("executions", "execution") and self._access.executions_forbidden:
            return errors(403, "You don't have permission to access this resource.")
        refused = world.refusal(route.path)
        if refused is not None:
            return errors(*refused)
        try:
            return Response(200, msgspec.json.encode(self._body(world, route, max_per_page)))
        except BadQuery as wrong:
            return errors(400, str(wrong))

    def _body(self, world: FakeWorld, route: Route, max_per_page: int) -> dict[str, Any]:
        kind = route.kind or ""
        if kind == "executions":
            return self._executions(world, route, max_per_page)
        if kind in NAME_KINDS:
            items = world.principals(str(route.path[0]), kind)[_page_slice(route, max_per_page)]
        elif kind in _SORTS:
            items = _page(world, route, max_per_page)
        elif kind == "workspaces":
            items = self._paged_if_configured(world.workspaces_list(), route, max_per_page)
        elif kind == "actions":
            workspace, project, pipeline_id = route.path
            found = world.actions(str(workspace), str(project), int(pipeline_id), self._carry_ends)
            items = self._paged_if_configured(found, route, max_per_page)
        else:
            return _single_item(world, route)
        return {**_own_urls(world, route), kind: items}

    def _executions(self, world: FakeWorld, route: Route, max_per_page: int) -> dict[str, Any]:
        """Return a page of executions, the only list whose reply says how long the list is."""
        wanted = _page_slice(route, max_per_page, self._executions_page_size)
        size = wanted.stop - wanted.start
        items, total = world.execution_page(route.path[:3], wanted.start, size)
        return {
            **_own_urls(world, route),
            "page": wanted.start // size + 1,
            "page_size": size,
            "total_page_count": -(-total // size),
            "element_count": len(items),
            "total_element_count": total,
            "executions": items,
        }

    def _paged_if_configured(
        self, items: list[dict[str, Any]], route: Route, max_per_page: int
    ) -> list[dict[str, Any]]:
        """Return a list that is not documented as paged: all of it, unless this server pages every list."""
        return items[_page_slice(route, max_per_page)] if self._pages_every_list else items

    def _token(self, world: FakeWorld) -> dict[str, Any]:
        return {
            "url": f"{world.ids.api_url}/user/token",
            "html_url": f"{world.ids.app_url}/api-tokens",
            "id": "5f1c0ffee5f1c0ffee5f1c0f",
            "name": "collector",
            "expires_at": self._access.expires_at,
            "scopes": list(self._access.scopes),
            "ip_restrictions": [],
            "workspace_restrictions": [],
        }


def with_page(route: Route, page: int) -> Route:
    """Return the same route for another page."""
    return replace(route, query={**route.query, "page": str(page)})


def page_of(route: Route) -> int:
    """Return the page that a route asks for; default: 1."""
    asked = route.query.get("page", "1")
    return int(asked) if asked.isascii() and asked.isdigit() else 1


def _own_urls(world: FakeWorld, route: Route) -> dict[str, str]:
    """Return the URLs that a list carries for itself."""
    names = [quote(str(name), safe="") for name in route.path[:3]]
    steps = [f"/{word}/{name}" for word, name in zip(LIST_KINDS, names, strict=False)]
    api = f"{world.ids.api_url}{''.join(steps)}/{route.kind}"
    return {"url": api, "html_url": "/".join([world.ids.app_url, *(names or ["workspaces"])])}


def _page(world: FakeWorld, route: Route, max_per_page: int) -> list[dict[str, Any]]:
    wanted = _page_slice(route, max_per_page)
    sort_by = route.query.get("sort_by")
    if sort_by is not None and sort_by not in _SORTS[route.kind or ""]:
        raise BadQuery(f"Unknown sort_by: {sort_by}")
    direction = route.query.get("sort_direction", "ASC")
    if direction not in ("ASC", "DESC"):
        raise BadQuery(f"Unknown sort_direction: {direction}")
    status = route.query.get("status") if route.kind == "projects" else None
    if status is None:
        return world.page(route.path, sort_by, direction == "DESC", wanted.start, wanted.stop - wanted.start)
    items = world.page(route.path, sort_by, direction == "DESC")
    return [item for item in items if item.get("status") == status][wanted]


def _page_slice(route: Route, max_per_page: int, fixed_size: int | None = None) -> slice:
    """Return the slice of the items that a route asks for; a server with a fixed size ignores the wanted one."""
    per_page = min(fixed_size or _number(route, "per_page", _DEFAULT_PER_PAGE), max_per_page)
    start = (_number(route, "page", 1) - 1) * per_page
    return slice(start, start + per_page)


def _number(route: Route, name: str, default: int) -> int:
    asked = route.query.get(name)
    if asked is None:
        return default
    if not (asked.isascii() and asked.isdigit() and 0 < int(asked) < 1 << 31):
        raise BadQuery(f"Wrong value of {name}: {asked}")
    return int(asked)


def _single_item(world: FakeWorld, route: Route) -> dict[str, Any]:
    if route.kind == "execution":
        workspace, project, pipeline_id, _, execution_id = route.path
        return world.execution(str(workspace), str(project), int(pipeline_id), int(execution_id))
    item = world.item(route.path)
    if route.kind == "workspace":
        more = {"owner_id": 1, "frozen": False, "create_date": "2016-02-29T11:22:40Z", "sso_enabled": False}
        return {**item, **more, "default_pipeline_resource": "DEFAULT", "public_pipelines_disabled": False}
    if route.kind == "project":
        return {**item, "default_branch": "main", "without_repository": False, "fetch_submodules": False}
    if route.kind == "pipeline":
        permissions = {"others": "DEFAULT", "users": [], "groups": []}
        more = {"project": world.item(route.path[:2]), "permissions": permissions, "trigger_conditions": []}
        return {**item, **more}
    return item

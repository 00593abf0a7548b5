"""The requests that exist, and the address of each.

An address is built here from names and never taken from a reply (design.md, section 6, "Requests"). Every path segment
is percent-encoded with no safe characters (buddy-api.md, section 9), and the base URL's own path (`/api` on self-hosted
installations, buddy-api.md 1.1) is kept because the target is appended to it, not joined.
"""

from enum import StrEnum
from functools import lru_cache
from urllib.parse import quote, urlencode

import msgspec

# The largest page every source calls safe (buddy-api.md, section 3: documented default 20, a guide's maximum 50).
PER_PAGE = 50
# The documented default: a server may clamp to it, so only a page shorter than this is certainly the last.
DOCUMENTED_PER_PAGE = 20


class Kind(StrEnum):
    """The kinds of request, named like the resource they return."""

    TOKEN = "token"
    WORKSPACES = "workspaces"
    PROJECTS = "projects"
    PIPELINES = "pipelines"
    ACTIONS = "actions"
    ACTION = "action"
    EXECUTIONS = "executions"
    EXECUTION = "execution"
    MEMBERS = "members"
    GROUPS = "groups"

    # Enum computes hashes in Python, and the frontier looks up requests and kinds a dozen times for every reply.
    __hash__ = str.__hash__


EXECUTION_KINDS = frozenset({Kind.EXECUTIONS, Kind.EXECUTION})
# Members and groups of a workspace: the names behind the numbers in permissions.
NAME_KINDS = frozenset({Kind.MEMBERS, Kind.GROUPS})
LISTS = NAME_KINDS | {Kind.WORKSPACES, Kind.PROJECTS, Kind.PIPELINES, Kind.ACTIONS, Kind.EXECUTIONS}
# Projects by name and pipelines by id: total orders that a new execution does not change (buddy-api.md, section 3).
SORTING = {
    Kind.PROJECTS: {"sort_by": "name", "sort_direction": "ASC"},
    Kind.PIPELINES: {"sort_by": "id", "sort_direction": "ASC"},
    Kind.MEMBERS: {"sort_by": "id", "sort_direction": "ASC"},
}


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """One GET, as a value: what is asked, of which installation, and which page of which reading of a list.

    `page` counts from 1, and is 0 for the first page of a list that no source calls paged; `reading` counts the
    readings of a list that is settling.
    """

    installation: str
    kind: Kind
    workspace: str | None = None
    project: str | None = None
    pipeline_id: int | None = None
    action_id: int | None = None
    page: int = 0
    per_page: int = 0
    reading: int = 1
    execution_id: int | None = None

    @property
    def list_key(self) -> str | None:
        """The member of the reply that holds the list, None for a single object."""
        return self.kind.value if self.kind in LISTS else None

    @property
    def begins_list(self) -> bool:
        """True for the first page of the first reading of a list."""
        return self.kind in LISTS and self.page <= 1 and self.reading == 1

    @property
    def path(self) -> str:
        """The percent-encoded path, beginning with a slash, without the base URL and the query."""
        if self.kind is Kind.TOKEN:
            return "/user/token"
        path = "/workspaces"
        if self.workspace is None:
            return path
        if self.kind in NAME_KINDS:
            return f"{path}/{segment(self.workspace)}/{self.kind.value}"
        path += f"/{segment(self.workspace)}/projects"
        if self.project is None:
            return path
        path += f"/{segment(self.project)}/pipelines"
        if self.pipeline_id is None:
            return path
        is_execution = self.kind in EXECUTION_KINDS
        path += f"/{self.pipeline_id}/{'executions' if is_execution else 'actions'}"
        own_id = self.execution_id if is_execution else self.action_id
        return path if own_id is None else f"{path}/{own_id}"

    @property
    def target(self) -> str:
        """The path and, where a page is asked for, the query."""
        if not self.page:
            return self.path
        query = {"page": self.page, "per_page": self.per_page, **SORTING.get(self.kind, {})}
        return f"{self.path}?{urlencode(query)}"


# The actions of a project are asked for one after another.
@lru_cache(maxsize=1024)
def segment(name: str) -> str:
    """Return `name` as one path segment that no server reads as more than one, nor as a step up."""
    encoded = quote(name, safe="")
    # quote() leaves dots alone, and "." and ".." are steps in a path even for a server that decodes late.
    return encoded.replace(".", "%2E") if encoded in {".", ".."} else encoded

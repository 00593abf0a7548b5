"""The names of an ordinary company: workspaces, projects, pipelines and people, and the mapping to indexes.

The index of a project is computed from its name without a table of names, so a world of any size answers a GET at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

WORKSPACES = ("acme", "globex-eu", "initech_labs", "umbrella-health", "hooli", "stark-industries", "wayne", "soylent")

PROJECTS = (
    "checkout-api", "web-shop", "ml-models", "payments", "identity", "search-service", "inventory",
    "notifications", "mobile-backend", "data-platform", "recommendations", "admin-portal", "billing",
    "shipping", "catalogue", "customer-support", "feature-flags", "fraud-detection", "edge-proxy",
    "image-resizer", "loyalty", "marketing-site", "metrics-gateway", "order-history", "partner-api",
    "price-engine", "reporting", "returns", "session-store", "tax-calculator", "translations", "warehouse",
)  # fmt: skip

PIPELINES = (
    "Build and test", "Release to staging", "Promote to production", "Nightly rebuild", "Hotfix",
    "Release candidate", "Base images", "Canary", "Rollback", "Security rescan", "Mirror to EU", "Cleanup",
)  # fmt: skip

# One in eight names of an awkward world. Each is known to break something: a path, a terminal, a spreadsheet,
# a shell, a browser, a database or a URL.
AWKWARD_NAMES = (
    "données/équipe A",
    "../../etc/passwd",
    "100% \"quoted\"; rm -rf 'x'",
    "=cmd|'/C calc'!A0",
    "<script>alert(1)</script>",
    "Robert'); DROP TABLE actions;--",
    "line one\nline two",
    "\x1b[31mred\x1b[0m",
    "..",
    "per%2Fcent",
    "東京 🚀 + ?page=2#top&x=y",
    "abc\u202egnp.exe",
    "very-long-" + "x" * 240,
    "back\\slash\ttab",
)

EMAILS = ("ada@example.com", "grace@example.com", "linus@example.com", "margaret@example.com")
# Name and address; they start executions, write revisions and approve.
PEOPLE = (
    ("Ada Lovelace", EMAILS[0]),
    ("Grace Hopper", EMAILS[1]),
    ("Linus Berg", EMAILS[2]),
    ("Margaret Hamilton", EMAILS[3]),
    ("Zoë Ångström", "zoe@example.com"),
    ("山田 太郎", "taro@example.com"),
)
FIRST_MEMBER_ID = 201
FIRST_GROUP_ID = 30
GROUPS = ("platform", "release-managers", "security", "on-call")

_AWKWARD_EVERY = 8
_AWKWARD_AT = 2


def is_awkward(index: int) -> bool:
    """Return whether the item at an index is one of the awkward ones."""
    return index % _AWKWARD_EVERY == _AWKWARD_AT


def workspace_domain(index: int) -> str:
    """Return the domain of the n-th workspace."""
    return _numbered(WORKSPACES, index, "-")


def workspace_index(domain: str) -> int | None:
    """Return the index of the workspace with this domain."""
    return _unnumbered(WORKSPACES, domain, "-")


def project_name(index: int, awkward: bool) -> str:
    """Return the slug of the n-th project of a workspace."""
    if not awkward:
        return _numbered(PROJECTS, index, "-")
    block, place = divmod(index, _AWKWARD_EVERY)
    if place == _AWKWARD_AT:
        return _numbered(AWKWARD_NAMES, block, " ")
    # The ordinary names continue without a gap after an awkward one.
    return _numbered(PROJECTS, index - block - (place > _AWKWARD_AT), "-")


def project_index(name: str, awkward: bool) -> int | None:
    """Return the index of the project with this slug."""
    plain = _unnumbered(PROJECTS, name, "-")
    if not awkward:
        return plain
    if plain is not None:
        block, place = divmod(plain, _AWKWARD_EVERY - 1)
        return block * _AWKWARD_EVERY + place + (place >= _AWKWARD_AT)
    block_or_none = _unnumbered(AWKWARD_NAMES, name, " ")
    return None if block_or_none is None else block_or_none * _AWKWARD_EVERY + _AWKWARD_AT


@lru_cache(maxsize=16)
def projects_by_name(size: int, awkward: bool) -> tuple[int, ...]:
    """Return the indexes of the first `size` projects, ordered by name."""
    return tuple(sorted(range(size), key=lambda index: project_name(index, awkward)))


def _numbered(words: Sequence[str], index: int, separator: str) -> str:
    round_number, place = divmod(index, len(words))
    return words[place] if round_number == 0 else f"{words[place]}{separator}{round_number + 1}"


@lru_cache(maxsize=8)
def _places(words: tuple[str, ...]) -> dict[str, int]:
    return {word: place for place, word in enumerate(words)}


def _unnumbered(words: tuple[str, ...], name: str, separator: str) -> int | None:
    places = _places(words)
    if name in places:
        return places[name]
    word, found, round_number = name.rpartition(separator)
    if (
        not found
        or word not in places
        or not round_number.isascii()
        or not round_number.isdigit()
        or round_number[0] == "0"
    ):
        return None
    return (int(round_number) - 1) * len(words) + places[word] if int(round_number) > 1 else None

"""The revisions of a project: who wrote what, and when; production gets what staging got before."""

from __future__ import annotations

from datetime import datetime, timedelta

from .company import PEOPLE
from .pipelines import timestamp
from .promotions import JsonObject
from .schedule import MINUTES_PER_DAY, minutes_after_first_night
from .seeded_random import SeededRandom

# The line of development, the day in the history, and a number that tells revisions of one day apart.
RevisionKey = tuple[str, int, int]
MAIN, PREVIEW, HOTFIX = "main", "preview", "hotfix"
_MESSAGES = (
    "Retry failed payments once", "Fix rounding of prices with two taxes", "Cache the catalogue for a minute",
    "Update base image to 3.12-slim", "Log the request id", "Remove the old search index", "Größere Bilder zulassen",
    "Bump dependencies", "Raise the memory limit of the worker\n\nIt was killed twice on Monday.", "Add a health check",
)  # fmt: skip
_BRANCHES = ("feature/new-basket", "feature/search-filters", "fix/flaky-login", "données/été")


def revision_hash(seed: int, workspace: int, project: int, key: RevisionKey) -> str:
    """Return the hash of a revision."""
    return SeededRandom(seed, "revision", workspace, project, *key).hex(40)


def revision(
    seed: int, workspace: int, project: int, key: RevisionKey, urls: tuple[str, str], first_night: datetime
) -> JsonObject:
    """Return a revision as an execution shows it."""
    found = revision_hash(seed, workspace, project, key)
    rng = SeededRandom(seed, "commit", workspace, project, *key)
    committed = first_night + timedelta(minutes=minutes_after_first_night(key[1], 0) - rng.below(MINUTES_PER_DAY // 2))
    author, committer = rng.below(len(PEOPLE)), rng.below(len(PEOPLE))
    return {
        "url": f"{urls[0]}/repository/commits/{found}",
        "html_url": f"{urls[1]}/repository/commit/{found}",
        "revision": found,
        "author_date": timestamp(committed - timedelta(minutes=rng.below(600)), 0),
        "commit_date": timestamp(committed, 0),
        "message": rng.choice(_MESSAGES) if key[0] != HOTFIX else "Hotfix: accept cards of the old terminal",
        "committer": _person(committer),
        "author": _person(author),
    }


def branch_name(seed: int, workspace: int, project: int, key: RevisionKey) -> str:
    """Return the branch that a revision is on."""
    if key[0] == MAIN:
        return "main"
    if key[0] == HOTFIX:
        return f"hotfix/{key[1]}-{key[2]}"
    return SeededRandom(seed, "branch", workspace, project, *key).choice(_BRANCHES)


def branch(name: str, urls: tuple[str, str]) -> JsonObject:
    """Return a branch as an execution shows it."""
    return {
        "url": f"{urls[0]}/repository/branches/{name}",
        "html_url": f"{urls[1]}/repository/branch/{name}",
        "name": name,
        "default": name == "main",
    }


def _person(index: int) -> JsonObject:
    name, email = PEOPLE[index]
    return {"name": name, "email": email}

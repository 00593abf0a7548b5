"""Workspaces, projects and pipelines as Buddy shows them in its lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from .company import PIPELINES, is_awkward
from .edge_cases import PIPELINE_EDGE_CASES, UNKNOWN_FIELD, make_pipeline_awkward
from .promotions import JsonObject
from .seeded_random import SeededRandom

_EPOCH = datetime(2024, 3, 1, 8, 5, 30, tzinfo=UTC)


class LastExecution(NamedTuple):
    """What a pipeline or an action shows of its last execution."""

    status: str
    revision: str | None


_REMOTE = {
    "definition_source": "REMOTE",
    "git_config_ref": "DYNAMIC",
    "git_config": {"path": "buddy.yml", "branch": "main", "project": "infrastructure"},
    "remote_path": "pipelines/release.yml",
    "remote_ref": "refs/heads/main",
    "remote_project_name": "infrastructure",
    "remote_parameters": [{"key": "SERVICE", "value": "checkout"}],
}
_SCHEDULE = {"type": "SCHEDULE", "start_date": "2026-01-05T04:00:00Z", "delay": 1440, "cron": "0 4 * * *"}


def date_text(index: int, digits: int) -> str:
    """Return a timestamp that grows with the index, with 0 to 3 fractional digits as Buddy sends them."""
    return timestamp(_EPOCH + timedelta(minutes=index), digits)


def timestamp(when: datetime, digits: int) -> str:
    """Return a moment, in whole seconds, with 0 to 3 fractional digits as Buddy sends them."""
    fraction = ("", ".3", ".33", ".007")[digits % 4]
    return f"{when:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def workspace_item(index: int, domain: str, api: str, html: str, awkward: bool) -> JsonObject:
    """Return a workspace as the list shows it."""
    name = domain.replace("-", " ").replace("_", " ").title()
    found: JsonObject = {
        "url": f"{api}/workspaces/{domain}",
        "html_url": f"{html}/{domain}",
        "id": 1 + index,
        "name": name,
        "domain": domain,
    }
    if awkward and index % 3 == 0:
        found["billing"] = {"plan": "pro", "seats": 12}
    return found


def project_item(index: int, name: str, url: str, html_url: str, awkward: bool) -> JsonObject:
    """Return a project as the list shows it; one in eight is closed."""
    found: JsonObject = {
        "url": url,
        "html_url": html_url,
        "name": name,
        "display_name": name.replace("-", " ").title(),
        "status": "CLOSED" if awkward and index % 8 == 4 else "ACTIVE",
        "access": "PUBLIC" if index % 9 == 7 else "PRIVATE",
        "create_date": date_text(index, index),
    }
    if awkward and is_awkward(index):
        found["owner"] = UNKNOWN_FIELD
        if index % 16 == 10:
            found.update(display_name=None, access=None)
            del found["create_date"]
    return found


# Each action includes its pipeline, and the actions of a pipeline are requested together.
@lru_cache(maxsize=256)
def pipeline_item(
    seed: int, pipeline_id: int, index: int, key: str, last: LastExecution, url: str, html_url: str, awkward: bool
) -> JsonObject:
    """Return a pipeline as the list shows it, with every documented field."""
    rng = SeededRandom(seed, "pipeline", key)
    remote = rng.one_in(8)
    disabled = rng.one_in(12)
    found: JsonObject = {
        "url": url,
        "html_url": html_url,
        "id": pipeline_id,
        "identifier": f"pipeline-{pipeline_id}",
        "name": PIPELINES[index % len(PIPELINES)],
        "definition_source": "LOCAL",
        "git_config_ref": "NONE",
        "refs": ["refs/heads/main"] if rng.below(3) else ["refs/heads/main", "refs/tags/v*"],
        "events": _events(rng),
        "loop": [],
        "priority": rng.choice(("NORMAL", "NORMAL", "HIGH", "LOW")),
        "disabled": disabled,
        "disabled_reason": "Too many failures" if disabled else None,
        "last_execution_status": last.status,
        "last_execution_revision": last.revision,
        "target_site_url": f"https://{key.replace('.', '-')}.example.com",
        "execution_message_template": "$BUDDY_RUN_COMMIT_SUBJECT",
        "create_date": date_text(pipeline_id, rng.below(4)),
        "pause_on_repeated_failures": 100,
        "clone_depth": rng.below(2) * 50,
        "resources": rng.choice(("DEFAULT", "NANO", "LARGE", "X2LARGE")),
        "tags": ["release"] if rng.one_in(3) else [],
        "folder": None,
        **_SWITCHES,
    }
    if remote:
        found.update(_REMOTE)
    if awkward and is_awkward(index + rng.below(8)):
        make_pipeline_awkward(found, rng.choice(PIPELINE_EDGE_CASES), rng)
    return found


_SWITCHES: JsonObject = {
    "always_from_scratch": False,
    "ignore_fail_on_project_status": False,
    "no_skip_to_most_recent": False,
    "terminate_stale_runs": True,
    "auto_clear_cache": False,
    "paused": False,
    "fetch_all_refs": True,
    "fail_on_prepare_env_warning": True,
    "concurrent_pipeline_runs": False,
    "do_not_create_commit_status": False,
    "stale": False,
    "waiting_for_push": False,
    "git_changeset_base": "LATEST_RUN",
    "filesystem_changeset_base": "CONTENTS",
    "cpu": "X64",
    "description_required": False,
}


def _events(rng: SeededRandom) -> list[JsonObject]:
    push = {"type": "PUSH", "refs": ["refs/heads/main"]}
    return rng.choice(([push], [], [push, {**_SCHEDULE, "timezone": "Europe/Warsaw"}], [{"type": "PULL_REQUEST",
        "events": ["OPENED"], "branches": ["main"]}]))  # fmt: skip

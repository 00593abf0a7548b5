"""What is gone is removed, once, and returns, once; what was not seen says nothing."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.query.staged_actions import action, said, together, told, world
from tests.query.staged_runs import Row, StagedRuns, run_of

GONE = {
    "its own GET said 404": world([], unread={1: "gone"}, pipelines={1: "failed"}),
    "not in the complete listing of its pipeline": world([]),
    "listed as another type": world([], unread={1: "not_promote_image"}),
    "pipeline not in the complete listing": world([], pipelines={}),
    "project not in the complete listing": world([], pipelines={}, project=None),
    "workspace not in the complete listing": world([], pipelines={}, project=None, workspace=None),
}
UNREAD = ("failed", "forbidden", "quarantined", "skipped", "fetched")
UNLISTED = ("failed", "forbidden", "gone", "skipped")
UNSEEN = {
    **{f"action {how}": world([], unread={1: how}) for how in UNREAD},
    **{f"pipeline {how}": world([], pipelines={1: how}) for how in UNLISTED},
    **{f"project {how}": world([], pipelines={}, project=how) for how in UNLISTED},
    **{f"workspace {how}": world([], pipelines={}, project=None, workspace=how) for how in UNLISTED},
}


def everywhere(cases: Iterable[str], **columns: Any) -> dict[str, list[Row]]:
    """A run in which every case has its action."""
    return together(dict.fromkeys(cases, world([action(1, **columns)])))


def test_an_action_that_is_gone_is_removed_once(tmp_path: Path) -> None:
    """What is truly gone is removed, once, leaves the last known actions, and returns, once, when it is back."""
    runs = StagedRuns(tmp_path)
    runs.collect(everywhere(GONE))
    removed = runs.collect(together(GONE))
    assert told(GONE, removed["action_changes"]) == {n: [(1, "removed", None, None, None)] for n in GONE}
    assert {row["previous_run_id"] for row in removed["action_changes"]} == {run_of(0)[0]}
    assert removed["last_known_actions"] == []
    assert [row["removed_run_id"] for row in removed["action_state"]] == [run_of(1)[0]] * len(GONE)
    assert runs.collect(together(GONE))["action_changes"] == []
    returned = runs.collect(everywhere(GONE, name="renamed meanwhile"))
    assert told(GONE, returned["action_changes"]) == {n: [(1, "returned", None, None, None)] for n in GONE}
    assert {row["previous_run_id"] for row in returned["action_changes"]} == {run_of(0)[0]}
    first_seen = [row["first_seen_run_id"] for row in returned["last_known_actions"]]
    assert first_seen == [run_of(0)[0]] * len(GONE)
    assert [row["removed_run_id"] for row in returned["action_state"]] == [None] * len(GONE)
    assert runs.collect(everywhere(GONE, name="renamed meanwhile"))["action_changes"] == []


def test_an_action_that_was_not_seen_is_not_removed(tmp_path: Path) -> None:
    """Whatever kept us from seeing an action says nothing: no change, and its last known row stays."""
    runs = StagedRuns(tmp_path)
    known = runs.collect(everywhere(UNSEEN, timeout=7))["last_known_actions"]
    assert {row["workspace"] for row in known} == set(UNSEEN)
    for _ in range(2):
        left = runs.collect(together(UNSEEN))
        assert left["action_changes"] == []
        assert left["last_known_actions"] == known
    seen = runs.collect(everywhere(UNSEEN, timeout=8))["action_changes"]
    assert told(UNSEEN, seen) == {name: [(1, "changed", "timeout", "7", "8")] for name in UNSEEN}
    assert {row["previous_run_id"] for row in seen} == {run_of(0)[0]}


def test_a_workspace_is_gone_only_where_the_list_was_asked(tmp_path: Path) -> None:
    """Without a complete list of workspaces (exact names were given) a missing workspace says nothing."""
    runs = StagedRuns(tmp_path, listed=[])
    runs.collect(world([action(1)]))
    assert runs.collect(world([], pipelines={}, project=None, workspace=None))["action_changes"] == []
    runs.listed = ("eu",)
    assert runs.collect(world([], pipelines={}, project=None, workspace=None))["action_changes"] == []
    runs.listed = ("us", "eu")
    assert len(runs.collect(world([], pipelines={}, project=None, workspace=None))["action_changes"]) == 1


def test_a_change_during_an_unseen_run_is_reported_once(tmp_path: Path) -> None:
    """A change that happened while we could not look is told when the action is seen again, against its last row."""
    runs = StagedRuns(tmp_path)
    runs.collect(world([action(1, timeout=1)]))
    assert runs.collect(world([], unread={1: "failed"}))["action_changes"] == []
    assert said(runs.collect(world([action(1, timeout=2)]))["action_changes"]) == [(1, "changed", "timeout", "1", "2")]
    assert runs.collect(world([action(1, timeout=2)]))["action_changes"] == []

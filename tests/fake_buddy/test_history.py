"""The history of executions: it fits the world and its nights, and holds what a client must cope with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

from collector.fake_buddy import SECRET_MARKER, FakeWorld
from tests.worlds import pipelines_of

COMPANY = FakeWorld(seed=7, projects=6, pipelines=4, actions=6)
Key = tuple[str, str, int, int]
Executions = dict[Key, dict[str, Any]]


def every_execution(world: FakeWorld) -> Executions:
    """Return every execution in full."""
    found = {}
    for workspace, project, pipeline_id in pipelines_of(world):
        pipeline = (str(workspace), str(project), int(pipeline_id))
        for item in world.executions(*pipeline):
            found[(*pipeline, item["id"])] = world.execution(*pipeline, item["id"])
    return found


@cache
def on(night: int) -> Executions:
    """Return every execution as it stands on a night."""
    return every_execution(COMPANY.at(night))


NIGHTS = range(1, 6)
ENDED = {"SUCCESSFUL", "FAILED", "TERMINATED", "SKIPPED", "HIBERNATING"}


def began(execution: dict[str, Any]) -> datetime:
    """Return when an execution or an element began."""
    return datetime.fromisoformat(execution["start_date"])


def promotions(execution: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the elements of promotions."""
    return [element for element in execution["action_executions"] if element["action"]["type"] == "PROMOTE_IMAGE"]


def promoted(executions: Executions, stage: str) -> Iterator[tuple[Key, dict[str, Any], dict[str, Any]]]:
    """Yield the successful elements of promotions to a stage; the stage is the last word of their names."""
    for key, execution in executions.items():
        for element in promotions(execution):
            name = element["action"]["name"].removesuffix(" image").replace(" image to", " to")
            if element["status"] == "SUCCESSFUL" and name.endswith(stage):
                yield key, execution, element


def test_the_same_seed_has_the_same_history() -> None:
    """Two worlds of one seed have the same executions on every night, whichever was asked for first."""
    again = FakeWorld(seed=7, projects=6, pipelines=4, actions=6).at(40).at(3)
    assert every_execution(again) == on(3)


def test_what_is_new_on_a_night_began_in_the_24_hours_before_it() -> None:
    """Every execution that a night adds began within 24 hours before its moment, and each night adds some."""
    for before, night in pairwise(NIGHTS):
        moment = COMPANY.at(night).moment
        new = [on(night)[key] for key in on(night).keys() - on(before).keys()]
        assert 5 < len(new) <= 3 * 24
        assert all(moment - timedelta(days=1) <= began(execution) < moment for execution in new)
        assert not on(before).keys() - on(night).keys()


def test_thirty_days_precede_the_first_night() -> None:
    """The history reaches back 30 days before night 1, and holds something in the last seven of them."""
    ages = [COMPANY.moment - began(execution) for execution in on(1).values()]
    assert timedelta(days=29) < max(ages) <= timedelta(days=30)
    assert min(ages) < timedelta(days=1)


def test_ids_rise_with_time() -> None:
    """Within a pipeline ids count from 1 without a gap, in the order in which the executions began."""
    for pipeline in pipelines_of(COMPANY):
        own = [on(5)[key] for key in sorted(on(5)) if key[:3] == pipeline]
        assert [execution["id"] for execution in own] == list(range(1, len(own) + 1))
        assert all(began(earlier) <= began(later) for earlier, later in pairwise(own))


def test_an_execution_that_has_ended_stays_as_it_is_unless_it_is_retried() -> None:
    """Between two nights only executions that had not ended change, and failed ones that were retried."""
    moved = [(old, on(5)[key]) for key, old in on(1).items() if without_actions(old) != without_actions(on(5)[key])]
    statuses = {(old["status"], new["status"]) for old, new in moved}
    assert all(old["status"] not in ENDED - {"FAILED"} for old, _ in moved)
    assert {new for old, new in statuses if old == "FAILED"} <= {"SUCCESSFUL"}
    assert moved


def without_actions(execution: dict[str, Any]) -> Any:
    """Return an execution without its actions, which show their own last execution."""
    return [{**element, "action": None} for element in execution["action_executions"]], execution["status"]


def test_times_lie_within_the_execution() -> None:
    """An element runs within its execution; what has not run has no times."""
    slack = timedelta(seconds=2)  # dates have a fraction of their own
    for execution in on(5).values():
        for element in execution["action_executions"]:
            if element["status"] in ("ENQUEUED", "NOT_EXECUTED", "SKIPPED"):
                assert element["start_date"] is None is element["finish_date"]
                continue
            assert began(execution) - slack <= began(element)
            if element["finish_date"] and execution.get("finish_date"):
                end = datetime.fromisoformat(execution["finish_date"])
                assert began(element) - slack <= datetime.fromisoformat(element["finish_date"]) <= end + slack


def test_pipelines_and_promotions_show_their_last_execution() -> None:
    """A pipeline shows status and revision of its newest execution, an action those of its own; INITIAL means none."""
    world = FakeWorld(seed=7, projects=6, pipelines=4, actions=6, awkward=False).at(5)
    statuses = set()
    for pipeline in pipelines_of(world):
        workspace, project, pipeline_id = str(pipeline[0]), str(pipeline[1]), int(pipeline[2])
        item, executions = world.item(pipeline), world.executions(workspace, project, pipeline_id)
        statuses.add(item["last_execution_status"])
        assert (item["last_execution_status"] == "INITIAL") == (not executions)
        if executions:
            assert item["last_execution_status"] == executions[0]["status"]
            assert item["last_execution_revision"] == executions[0]["to_revision"]["revision"]
        details = [world.execution(workspace, project, pipeline_id, one["id"]) for one in executions]
        for action in world.actions(workspace, project, pipeline_id):
            own = [
                element["status"]
                for execution in details
                for element in reversed(execution["action_executions"])
                if element["action"]["id"] == action["id"]
            ]
            ran = [status for status in own if status not in ("ENQUEUED", "NOT_EXECUTED", "SKIPPED")]
            expected = ran[0] if ran else "SKIPPED" if own else "INITIAL"
            assert action["last_execution_status"] == expected
    assert {"INITIAL", "SUCCESSFUL"} < statuses


def test_most_revisions_reach_staging_before_production() -> None:
    """Most production promotions are of a revision that staging had before, half of them within a day; some are not."""
    staged: dict[tuple[str, str, str], datetime] = {}
    for key, execution, element in promoted(on(5), "staging"):
        place = (*key[:2], execution["to_revision"]["revision"])
        staged[place] = min(began(element), staged.get(place, began(element)))
    waits, unstaged = [], 0
    for key, execution, element in promoted(on(5), "production"):
        seen = staged.get((*key[:2], execution["to_revision"]["revision"]))
        if seen is not None and seen <= began(element):
            waits.append(began(element) - seen)
        else:
            unstaged += 1
    assert 0.6 < len(waits) / (len(waits) + unstaged) < 0.99
    assert sorted(waits)[len(waits) // 2] < timedelta(days=1)


def test_a_rollback_promotes_an_earlier_revision_again() -> None:
    """A rollback is about a revision that this pipeline had promoted, and has promoted another one since."""
    found = 0
    for key, execution in on(5).items():
        if execution["comment"].startswith("Rollback"):
            found += 1
            before = [on(5)[(*key[:3], number)]["to_revision"]["revision"] for number in range(1, key[3])]
            assert execution["to_revision"]["revision"] in before[:-1]
    assert found > 5


def test_waiting_lasts_several_nights_and_ends() -> None:
    """Executions wait for an approval over nights, and then are approved or terminated."""
    waiting = [[key for key, one in on(night).items() if one["status"] == "WAITING_FOR_APPLY"] for night in NIGHTS]
    assert any(set(tonight) & set(tomorrow) for tonight, tomorrow in pairwise(waiting))
    ended = {on(5)[key]["status"] for night in waiting for key in night}
    assert ended & {"SUCCESSFUL", "TERMINATED"}
    approved = [element for one in on(5).values() for element in promotions(one) if "approver_id" in element]
    assert all(element["approval_date"] == element["finish_date"] for element in approved)
    assert approved


def test_everything_that_a_client_must_cope_with_occurs() -> None:
    """Failures, retries, loops, partial runs, elements of removed actions and elements that never ran all occur."""
    executions = list(on(5).values())
    elements = [(one, element) for one in executions for element in promotions(one)]
    assert any(element["status"] == "FAILED" and element["error_message"] for _, element in elements)
    assert any(one["status"] == "FAILED" and element["status"] == "ENQUEUED" for one, element in elements)
    assert any(one["status"] == "FAILED" and element["status"] == "SUCCESSFUL" for one, element in elements)
    assert any(one["status"] == "SUCCESSFUL" and element["status"] == "NOT_EXECUTED" for one, element in elements)
    assert any(one["status"] == "SUCCESSFUL" and element["status"] == "SKIPPED" for one, element in elements)
    assert any(one["status"] == "SUCCESSFUL" and element["status"] == "FAILED" for one, element in elements)
    assert any(one["status"] == "SKIPPED" for one in executions)
    assert any(one["status"] == "SUCCESSFUL" and not promotions(one) for one in executions)
    assert {"INPROGRESS", "TERMINATED"} <= {one["status"] for night in NIGHTS for one in on(night).values()}
    per_action = [[e["action"]["id"] for e in promotions(one)] for one in executions]
    assert any(len(ids) > len(set(ids)) for ids in per_action)
    listed = {item["id"] for p in pipelines_of(COMPANY) for item in COMPANY.at(5).actions(*map(typed, p))}
    assert {element["action"]["id"] for _, element in elements} - listed


def typed(step: str | int) -> Any:
    """Return a step of a path."""
    return step


def test_every_way_to_start_occurs() -> None:
    """Branches, tags, pull requests, every trigger, people and nobody occur."""
    executions = list(on(5).values())
    assert all(sum(one[name] is not None for name in ("branch", "tag", "pull_request")) == 1 for one in executions)
    for name in ("branch", "tag", "pull_request"):
        assert any(one[name] for one in executions)
    assert {one.get("triggeredOn") for one in executions} == {"CLICK", "EVENT", "SCHEDULE", None}
    assert {"hotfix", ""} < {one["comment"] for one in executions}
    creators = [one["creator"] and one["creator"]["name"] for one in executions]
    assert None in creators
    assert len(set(creators)) > 5


def test_awkward_executions() -> None:
    """In an awkward world branches are text, names are in snake case, and dates, statuses and ids are odd; else not."""
    executions = list(on(5).values())
    assert any(isinstance(one["branch"], str) for one in executions)
    assert any("triggered_on" in one and "triggeredOn" not in one for one in executions)
    assert any("finish_date" not in one for one in executions)
    assert any(one["status"] == "HIBERNATING" for one in executions)
    assert any("environment" in one for one in executions)
    lengths = {len(element["action_execution_id"]) for one in executions for element in one["action_executions"]}
    assert lengths == {14, 24}
    plain = list(every_execution(FakeWorld(awkward=False)).values())
    assert all("triggeredOn" in one and "finish_date" in one for one in plain)
    assert not any(isinstance(one["branch"], str) or one["status"] == "HIBERNATING" for one in plain)


def test_ids_of_elements_are_unique() -> None:
    """No two elements of the company share an id."""
    found = [element["action_execution_id"] for one in on(5).values() for element in one["action_executions"]]
    assert len(found) == len(set(found))


def test_every_secret_of_an_execution_is_marked() -> None:
    """Passed and outputted variables and log lines hold marked secrets; comments, messages and lists hold none."""
    text = [json.dumps(element) for one in on(5).values() for element in one["action_executions"]]
    assert sum(SECRET_MARKER in element for element in text) > 100
    kinds = ("passed_variables", "outputted_variables", "log")
    elements = [element for one in on(5).values() for element in one["action_executions"]]
    for kind in kinds:
        assert any(SECRET_MARKER in json.dumps(element.get(kind)) for element in elements)
    assert all(SECRET_MARKER not in json.dumps({**one, "action_executions": []}) for one in on(5).values())

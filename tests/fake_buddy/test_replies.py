"""The fake compared with the vendor's documents: fields, JSON types and enum values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from tests.fake_buddy.asking import get, path_of

REPLIES = Path(__file__).parents[1] / "replies"
# Awkward items deviate from the documents on purpose, so this world has none.
WORLD = FakeWorld(projects=20, pipelines=7, actions=6, awkward=False)
# Removed from the API in 2025, or a field of another type of action.
REMOVED = {"on", "deployment_excludes"}


def golden(name: str) -> Any:
    """Return a golden reply."""
    return json.loads((REPLIES / f"{name}.json").read_text(encoding="utf-8"))


def json_type(value: object) -> str:
    """Return the JSON name of a value's type."""
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def missing(sample: Any, served: Any, where: str = "$") -> list[str]:
    """Return the places where the served value lacks a field of the sample or has another type."""
    if json_type(sample) != json_type(served):
        return [f"{where}: {json_type(sample)} expected, {json_type(served)} served"]
    if isinstance(sample, dict):
        return [
            fault
            for name in sample.keys() - REMOVED
            for fault in (
                missing(sample[name], served[name], f"{where}.{name}") if name in served else [f"{where}.{name}"]
            )
        ]
    if isinstance(sample, list) and sample:
        return missing(sample[0], served[0], f"{where}[0]") if served else [f"{where}[0]"]
    return []


def promotions() -> Iterator[dict[str, Any]]:
    """Yield every promotion in full."""
    for project in WORLD.paths(("acme",)):
        for pipeline in WORLD.paths(project):
            for action in WORLD.paths(pipeline):
                item = WORLD.item(action)
                if item["type"] == "PROMOTE_IMAGE":
                    yield item


PROMOTIONS = list(promotions())


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBuddy]:
    """Serve the documented world."""
    with FakeBuddy(WORLD) as running:
        yield running


@pytest.mark.parametrize(
    ("sample", "path"),
    [
        ("workspaces", "/workspaces"),
        ("workspace", path_of("acme")),
        ("projects", path_of("acme", kind="projects")),
        ("pipelines_legacy", path_of("acme", "web-shop", kind="pipelines")),
        ("action_legacy", path_of("acme", "web-shop", 109, WORLD.actions("acme", "web-shop", 109)[0]["id"])),
    ],
)
def test_every_documented_field_is_served(fake: FakeBuddy, sample: str, path: str) -> None:
    """Every field of a documented sample is served, with the same JSON type."""
    assert missing(golden(sample), get(fake, path).json) == []


def executions() -> Iterator[dict[str, Any]]:
    """Yield every execution of some projects in full."""
    for project in islice(WORLD.paths(("acme",)), 4):
        for workspace, name, pipeline_id in WORLD.paths(project):
            for item in WORLD.executions(str(workspace), str(name), int(pipeline_id)):
                yield WORLD.execution(str(workspace), str(name), int(pipeline_id), item["id"])


EXECUTIONS = list(executions())


def test_some_execution_looks_like_the_documented_one() -> None:
    """Some execution has every field of the documented one, with the same JSON types; so has the list's envelope."""
    alike = [execution for execution in EXECUTIONS if missing(golden("execution"), execution) == []]
    served = {**get_executions(), "executions": alike[:1]}
    assert missing(golden("executions"), served) == []


def get_executions() -> dict[str, Any]:
    """Return a page of executions as it is served."""
    with FakeBuddy(WORLD) as fake:
        reply: dict[str, Any] = get(fake, path_of("acme", "web-shop", 109, kind="executions")).json
        return reply


def test_every_execution_has_the_documented_types() -> None:
    """Every documented field of an execution has its type or is null; only the first one has no `from_revision`."""
    sample = golden("execution")
    for execution in EXECUTIONS:
        absent = sample.keys() - execution.keys()
        assert absent == (set() if execution["id"] > 1 else {"from_revision"})
        assert all(json_type(execution[name]) in (json_type(sample[name]), "null") for name in sample.keys() - absent)


def test_every_element_has_the_documented_types() -> None:
    """A field of an element is documented and has the documented type or is null."""
    fields = golden("action_execution_fields")
    seen: set[str] = set()
    for execution in EXECUTIONS:
        for element in execution["action_executions"]:
            assert all(json_type(value) in (fields[name], "null") for name, value in element.items())
            seen |= element.keys()
    assert seen == fields.keys()


def test_only_documented_values_are_used_in_executions() -> None:
    """Statuses, triggers and priorities of executions and elements are documented ones."""
    enums = golden("enums")
    elements = [element for execution in EXECUTIONS for element in execution["action_executions"]]
    statuses = {item["status"] for item in (*EXECUTIONS, *elements)}
    assert statuses <= set(enums["last_execution_status"])
    assert {execution["triggeredOn"] for execution in EXECUTIONS} == set(enums["triggeredOn"])
    assert {execution["priority"] for execution in EXECUTIONS} == set(enums["priority"])


def test_an_empty_list_is_empty() -> None:
    """An empty list is an empty array with status 200, as documented."""
    with FakeBuddy(FakeWorld(projects=0)) as fake:
        reply = get(fake, path_of("acme", kind="projects"))
    assert reply.status == 200
    assert reply.json["projects"] == golden("projects_empty")["projects"]


def test_every_promotion_has_the_documented_fields() -> None:
    """A promotion has exactly the documented fields, with the documented types."""
    fields = golden("promote_image_fields")
    for action in PROMOTIONS:
        assert {name: json_type(value) for name, value in action.items()} == fields


def test_some_promotion_looks_like_the_documented_one() -> None:
    """Some promotion has the fields and types of the documented request at both ends."""
    sample = golden("promote_image_request")
    assert any(missing(sample, action) == [] for action in PROMOTIONS)


def test_only_documented_values_are_used() -> None:
    """Without awkward items every enum value is documented, and every documented trigger occurs."""
    enums = {name: values for name, values in golden("enums").items() if name not in ("triggeredOn", "priority")}
    used: dict[str, set[str]] = {name: set() for name in enums}
    for action in PROMOTIONS:
        for name in ("trigger_time", "run_next", "last_execution_status"):
            used[name].add(action[name])
        used["others"].add(action["permissions"]["others"])
        used["docker_registry"] |= {action[end].get("docker_registry") for end in ("src", "dest")} - {None}
        used["trigger_condition"] |= {rule["trigger_condition"] for rule in action["trigger_conditions"]}
    for name, values in used.items():
        assert values <= set(enums[name])
    assert used["trigger_time"] == set(enums["trigger_time"])
    assert used["trigger_condition"] == set(enums["trigger_condition"])
    assert used["docker_registry"] == set(enums["docker_registry"])


@pytest.mark.parametrize(
    ("sample", "fault", "status"),
    [
        ("rate_limit_403", Fault("limited", code=403), 403),
        ("api_disabled_400", Fault("api_disabled"), 400),
        ("frozen_403", Fault("frozen"), 403),
    ],
)
def test_errors_are_word_for_word(sample: str, fault: Fault, status: int) -> None:
    """Errors with a known message are sent with exactly that message."""
    with FakeBuddy(FakeWorld(), script=[fault]) as fake:
        reply = get(fake, "/workspaces")
    assert (reply.status, reply.json) == (status, golden(sample))

"""The world: deterministic, of any size, realistic, and awkward where promised."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from collector.fake_buddy import SECRET_MARKER, FakeWorld
from collector.fake_buddy.attachments import CONDITIONS
from collector.fake_buddy.company import AWKWARD_NAMES, project_index, project_name
from tests.worlds import actions_of

COMPANY = FakeWorld(workspaces=2, projects=10, pipelines=8, actions=6)


def every_action(world: FakeWorld) -> Iterator[dict[str, Any]]:
    """Return every action in full."""
    return map(world.item, actions_of(world))


PROMOTIONS = [action for action in every_action(COMPANY) if action["type"] == "PROMOTE_IMAGE"]


def test_same_seed_same_world() -> None:
    """Worlds of one seed are equal; another seed gives another world."""
    worlds = (FakeWorld(seed=seed, projects=3, pipelines=2) for seed in (5, 5, 6))
    first, second, other = (json.dumps(list(every_action(world))) for world in worlds)
    assert first == second
    assert first != other


def test_memory_does_not_grow_with_the_world() -> None:
    """A world of 10^12 actions computes its last action in under 3 MB."""
    tracemalloc.start()
    world = FakeWorld(workspaces=1000, projects=1000, pipelines=1000, actions=1000, awkward=False)
    pipeline = next(iter(world.paths(("acme-2", "warehouse-3"))))
    *_, last = world.paths(pipeline)
    assert world.item(last)["id"] == last[-1]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000


def test_the_counts_match_the_lists() -> None:
    """The computed counts equal those of reading every list."""
    for world in (COMPANY, COMPANY.at(9), FakeWorld(promote_share=0.2), FakeWorld(promote_share=1.0)):
        found = dict.fromkeys(world.count(), 0)
        for workspace in world.workspaces_list():
            found["workspaces"] += 1
            for project in world.projects(workspace["domain"]):
                found["projects"] += 1
                for pipeline in world.pipelines(workspace["domain"], project["name"]):
                    actions = world.actions(workspace["domain"], project["name"], pipeline["id"])
                    found["pipelines"] += 1
                    found["actions"] += len(actions)
                    found["promote_image_actions"] += sum(item["type"] == "PROMOTE_IMAGE" for item in actions)
        assert found == world.count()


def test_ids_are_unique() -> None:
    """No two actions of the company share an id, on any night."""
    for world in (COMPANY, COMPANY.at(40)):
        ids = [action["id"] for action in every_action(world)]
        assert len(ids) == len(set(ids))
        assert max(ids) < 2**31


@given(index=st.integers(0, 10**9), awkward=st.booleans())
def test_an_index_is_computed_from_a_name(index: int, awkward: bool) -> None:
    """The index of every project follows from its name alone."""
    assert project_index(project_name(index, awkward), awkward) == index


@given(name=st.text() | st.sampled_from(("checkout-api-0", "checkout-api-1", "checkout-api-02", "..-2", ".. 1")))
def test_only_existing_names_are_found(name: str) -> None:
    """A name that no project has is not found."""
    index = project_index(name, True)
    assert index is None or project_name(index, True) == name


def test_one_project_in_eight_is_awkward() -> None:
    """One name in eight is awkward, and every awkward name occurs."""
    names = [project["name"] for project in FakeWorld(projects=8 * len(AWKWARD_NAMES)).projects("acme", "create_date")]
    assert names[:2] == ["checkout-api", "web-shop"]
    assert [name for name in names if name in AWKWARD_NAMES] == list(AWKWARD_NAMES)
    assert len(set(names)) == len(names)


def test_an_awkward_world_has_empty_parents() -> None:
    """An awkward company has an empty workspace, an empty project, an empty pipeline and a closed project."""
    world = FakeWorld(workspaces=4, projects=8, pipelines=8)
    domains = [workspace["domain"] for workspace in world.workspaces_list()]
    projects = world.projects("acme", "create_date")
    assert world.projects(domains[3]) == []
    assert world.pipelines("acme", projects[6]["name"]) == []
    pipelines = world.pipelines("acme", "checkout-api", "id")
    assert world.actions("acme", "checkout-api", pipelines[6]["id"]) == []
    assert [project["status"] for project in projects].count("CLOSED") == 1


def test_a_plain_world_has_no_empty_parents() -> None:
    """Without `awkward` every parent has exactly the given number of children."""
    counts = FakeWorld(workspaces=4, projects=8, pipelines=8, actions=4, awkward=False).count()
    assert counts == {"workspaces": 4, "projects": 32, "pipelines": 256, "actions": 1024, "promote_image_actions": 512}


def test_every_kind_of_condition_and_variable_occurs() -> None:
    """Every trigger condition, every variable type and both names of the time zone occur."""
    conditions = [rule for action in PROMOTIONS for rule in action.get("trigger_conditions") or []]
    variables = [variable for action in PROMOTIONS for variable in action.get("variables") or []]
    assert {rule["trigger_condition"] for rule in CONDITIONS} <= {rule["trigger_condition"] for rule in conditions}
    assert any("zone_id" in rule for rule in conditions)
    assert any("timezone" in rule for rule in conditions)
    types = {"VAR", "FILE", "SSH_KEY", "SSH_PUBLIC_KEY", "GPG_KEY", "IOS_KEYCHAIN", "IOS_PROVISION_PROFILES"}
    assert types <= {variable.get("type") for variable in variables}
    assert {True, False} <= {variable.get("encrypted") for variable in variables}


def test_every_form_of_an_end_occurs() -> None:
    """Tags inside and beside images, both forms of an integration, ports, regions, variables and digests occur."""
    ends = [action[side] for action in PROMOTIONS for side in ("src", "dest")]
    text = json.dumps(ends)
    assert {"DOCKER_HUB", "AMAZON_ECR", "GOOGLE_ARTIFACT_REGISTRY", "OTHER", "QUAY"} <= {
        end.get("docker_registry") for end in ends
    }
    assert {str, dict} <= {type(end.get("integration")) for end in ends}
    assert any(set(end) == {"tag"} for end in ends)
    for part in ("GIT_HUB_CONTAINER_REGISTRY", "GITHUB_CONTAINER_REGISTRY", "@sha256:", "$BUDDY_RUN_TAG", ":5000"):
        assert part in text
    assert any(":" in (end.get("image") or "") and "tag" not in end for end in ends)


def test_the_questions_have_answers() -> None:
    """Promotions past staging, insecure registries, failures, disabled and unguarded promotions occur."""
    assert any(action["insecure_registry"] for action in PROMOTIONS)
    assert any(action.get("disabled") for action in PROMOTIONS)
    assert {"FAILED", "SUCCESSFUL", "INITIAL"} <= {action.get("last_execution_status") for action in PROMOTIONS}
    assert {"ON_WAIT_FOR_APPROVE", "ON_FULL_MOON"} <= {action.get("trigger_time") for action in PROMOTIONS}
    others = {(action.get("permissions") or {}).get("others") for action in PROMOTIONS}
    assert {"DENIED", "DEFAULT", "OBSERVE"} <= others
    assert any("dev" in action["name"] and "production" in action["name"] for action in PROMOTIONS)


def test_nulls_missing_and_unknown_fields_occur() -> None:
    """Some actions have nulls, lack fields or have unknown ones; all have id, type and both ends."""
    assert any("retry_count" in action and action["retry_count"] is None for action in PROMOTIONS)
    assert any("retry_count" not in action for action in PROMOTIONS)
    assert any("labels" in action and "platforms" in action["src"] for action in PROMOTIONS)
    assert all({"id", "type", "src", "dest", "pipeline"} <= set(action) for action in PROMOTIONS)


def test_every_secret_is_marked() -> None:
    """Every value of a variable, every password and every passphrase carries the marker."""
    secrets = [
        item[field]
        for action in every_action(COMPANY)
        for item in [*(action.get("variables") or []), action.get("src") or {}, action.get("dest") or {}]
        for field in ("value", "password", "passphrase")
        if item.get(field)
    ]
    assert len(secrets) > 50
    assert all(SECRET_MARKER in secret for secret in secrets)


def test_lists_contain_secrets_of_other_actions() -> None:
    """Lists include variables, and so secrets, of actions of other types."""
    listed = [
        item
        for project in COMPANY.projects("acme")
        for pipeline in COMPANY.pipelines("acme", project["name"])
        for item in COMPANY.actions("acme", project["name"], pipeline["id"])
    ]
    assert any(SECRET_MARKER in json.dumps(item) for item in listed if item["type"] != "PROMOTE_IMAGE")
    assert all(SECRET_MARKER not in json.dumps(item) for item in listed if item["type"] == "PROMOTE_IMAGE")

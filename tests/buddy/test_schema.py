"""Laws of the declarations: they are Buddy's fields, all of them, and only keys are required."""

from typing import Any

import msgspec
import pytest

from collector.buddy import schema
from collector.buddy.field_spec import BuddyObject, field_specs

OBJECTS: list[type[BuddyObject]] = [
    schema.ShortWorkspace, schema.ShortProject, schema.ShortPipeline, schema.ShortAction, schema.PromoteImage,
    schema.TriggerCondition, schema.Variable, schema.Principal, schema.Permissions, schema.NestedPipeline,
    schema.PromoteImageAction,
]  # fmt: skip
REQUIRED: dict[type[BuddyObject], dict[str, Any]] = {
    schema.ShortWorkspace: {"domain": "acme"},
    schema.ShortProject: {"name": "web"},
    schema.ShortPipeline: {"id": 7},
    schema.ShortAction: {"id": 9, "type": "FTP"},
    schema.Principal: {"id": 3},
}

# The vendor's page "Tag Docker Image", response body, top to bottom (last modified February 18, 2026).
VENDOR_PAGE = (
    "type", "url", "html_url", "id", "name", "current_revision", "trigger_time", "trigger_conditions", "run_next",
    "run_only_on_first_failure", "variables", "disabled", "timeout", "ignore_errors", "retry_count", "retry_interval",
    "last_execution_status", "pipeline", "permissions", "loop", "same_location", "src", "dest", "insecure_registry",
)  # fmt: skip
VENDOR_ENUMS = {
    "trigger_time": "ON_EVERY_EXECUTION,ON_SUCCESS,ON_FAILURE,ON_BACK_TO_SUCCESS,ON_WARNING,ON_WAIT_FOR_APPROVE,"
    "ON_TERMINATE",
    "run_next": "WAIT_ON_SUCCESS,IN_SOFT_PARALLEL,IN_HARD_PARALLEL",
    "last_execution_status": "INPROGRESS,ENQUEUED,TERMINATED,SUCCESSFUL,FAILED,INITIAL,NOT_EXECUTED,SKIPPED,"
    "TERMINATING,WAITING_FOR_APPLY,WAITING_FOR_VARIABLES,WAITING_FOR_SETTABLE_VARIABLES,WAITING_FOR_VT_SESSION",
}


def test_the_action_has_the_fields_of_the_vendors_page() -> None:
    """Every field of the vendor's page is declared, and no other."""
    assert {d.name for d in field_specs(schema.PromoteImageAction)} == set(VENDOR_PAGE)


@pytest.mark.parametrize("name", VENDOR_ENUMS)
def test_the_documented_values_are_the_vendors(name: str) -> None:
    """The documented values of an enumeration are those of the vendor's page, in its order."""
    declared = {d.name: d for d in field_specs(schema.PromoteImageAction)}
    assert ",".join(declared[name].values) == VENDOR_ENUMS[name]


@pytest.mark.parametrize("buddy_object", OBJECTS)
def test_every_field_has_a_meaning(buddy_object: type[BuddyObject]) -> None:
    """Every declaration has a meaning, which is the data dictionary."""
    assert [d.name for d in field_specs(buddy_object) if len(d.meaning) < 5] == []


@pytest.mark.parametrize("buddy_object", OBJECTS)
def test_only_what_addresses_are_built_from_is_required(buddy_object: type[BuddyObject]) -> None:
    """An object with only its keys is accepted, and without any one of them it is refused."""
    required = REQUIRED.get(buddy_object, {})
    msgspec.convert(required, buddy_object)
    for name in required:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({n: v for n, v in required.items() if n != name}, buddy_object)


@pytest.mark.parametrize("buddy_object", OBJECTS)
def test_null_and_missing_are_the_same(buddy_object: type[BuddyObject]) -> None:
    """Every optional field may be null, which equals missing."""
    required = REQUIRED.get(buddy_object, {})
    nulls = {d.name: None for d in field_specs(buddy_object)}
    assert msgspec.convert({**nulls, **required}, buddy_object) == msgspec.convert(required, buddy_object)


@pytest.mark.parametrize(
    ("buddy_object", "member"),
    [(v, d.name) for v in OBJECTS for d in field_specs(v) if d.values],
    ids=lambda part: part if isinstance(part, str) else part.__name__,
)
def test_an_unknown_value_of_an_enumeration_is_data(buddy_object: type[BuddyObject], member: str) -> None:
    """A value that is not documented is accepted like the documented ones."""
    read = msgspec.convert({**REQUIRED.get(buddy_object, {}), member: "QUITE_NEW"}, buddy_object)
    assert getattr(read, member) == "QUITE_NEW"

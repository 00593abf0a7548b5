"""Typed classes of executions, and the one spelling that the rest of the program sees of them.

An execution is one run of a pipeline; its elements are the executions of its actions (buddy-executions.md, sections 1
to 3). Sources disagree about spelling and shape, so `normalise_execution` comes before every check: `triggeredOn` or
`triggered_on`, the old `mode`, and a branch, tag, revision or pull request as an object or as text.
"""

import re
from typing import Annotated, Any

from collector.buddy.field_spec import BuddyObject, Int, field, field_specs
from collector.buddy.schema import PROMOTE_IMAGE, STATUSES, WEB_URL, Flag, Number, Text

# An element or an execution with one of these does not change any more, except by a retry.
ENDED_STATUSES = frozenset({"SUCCESSFUL", "FAILED", "TERMINATED", "SKIPPED", "NOT_EXECUTED"})
_OLD_MODES = {"MANUAL": "CLICK", "ON_EVERY_PUSH": "EVENT", "SCHEDULED": "SCHEDULE"}


class Member(BuddyObject, frozen=True, kw_only=True):
    """The person who started an execution, MemberView."""

    id: Annotated[Number, field("Numeric id of the person who started the execution")] = None
    name: Annotated[Text, field("Name of the person who started the execution")] = None


class GitRef(BuddyObject, frozen=True, kw_only=True):
    """A branch or a tag."""

    name: Annotated[Text, field("Name of the git ref")] = None


class PullRequest(BuddyObject, frozen=True, kw_only=True):
    """A pull request; its exact fields are not documented (buddy-executions.md, section 1)."""

    number: Annotated[str | Int | None, field("Number of the pull request, or how Buddy names it")] = None


class Revision(BuddyObject, frozen=True, kw_only=True):
    """A git revision."""

    revision: Annotated[Text, field("Git revision")] = None


class ShortExecution(BuddyObject, frozen=True, kw_only=True):
    """An item of GET …/executions, and the upper part of GET …/executions/:id, after `normalise_execution`."""

    id: Annotated[Int, field("Number of the execution, counted per pipeline")]
    status: Annotated[Text, field("Status of the execution", values=STATUSES)] = None
    triggered_on: Annotated[Text, field("What started the execution", values=("CLICK", "EVENT", "SCHEDULE"))] = None
    start_date: Annotated[Text, field("When the execution began (UTC)", column_type="timestamp")] = None
    finish_date: Annotated[
        Text, field("When the execution ended (UTC); NULL while it has not", column_type="timestamp")
    ] = None
    creator: Annotated[Member | None, field("Person who started the execution")] = None
    branch: Annotated[GitRef | None, field("Branch of the execution")] = None
    tag: Annotated[GitRef | None, field("Git tag of the execution")] = None
    pull_request: Annotated[PullRequest | None, field("Pull request of the execution")] = None
    from_revision: Annotated[Revision | None, field("Git revision that was deployed before")] = None
    to_revision: Annotated[Revision | None, field("Git revision that the execution ran on")] = None
    comment: Annotated[Text, field("Comment of the execution")] = None
    priority: Annotated[Text, field("Priority in the queue", values=("LOW", "NORMAL", "HIGH"))] = None
    refresh: Annotated[Flag, field("True when all files were deployed again")] = None
    html_url: Annotated[Text, field(WEB_URL)] = None


class ExecutedAction(BuddyObject, frozen=True, kw_only=True):
    """The action of an element of an execution."""

    id: Annotated[Number, field("Numeric id of the action; the action may be gone")] = None
    name: Annotated[Text, field("Name of the action when the execution was read")] = None
    type: Annotated[Text, field("Type of the action: PROMOTE_IMAGE")] = None


class ActionExecution(BuddyObject, frozen=True, kw_only=True):
    """An element of `action_executions`: one execution of one action (buddy-executions.md, section 2)."""

    action_execution_id: Annotated[str | Int | None, field("Id of the element: opaque text")] = None
    action: Annotated[ExecutedAction | None, field("Action that was executed")] = None
    status: Annotated[Text, field("Status of the element", values=STATUSES)] = None
    progress: Annotated[float | None, field("Progress of the element", unit="percent")] = None
    start_date: Annotated[Text, field("When the element began (UTC)", column_type="timestamp")] = None
    finish_date: Annotated[Text, field("When the element ended (UTC)", column_type="timestamp")] = None
    error_message: Annotated[Text, field("Buddy's message about the failure")] = None
    outputted_variables: Annotated[Any, field("Variables that the action set: a list of {key, value}, redacted")] = None


class Execution(ShortExecution, frozen=True, kw_only=True):
    """A single execution: the fields of the list, and its elements in the order in which they run."""

    action_executions: Annotated[list[ActionExecution] | None, field("Elements of the execution")] = None


def is_promotion(element: Any) -> bool:
    """Return whether an element of an execution is one of a promote-image action."""
    action = element.get("action") if isinstance(element, dict) else None
    return isinstance(action, dict) and action.get("type") == PROMOTE_IMAGE


def has_ended(document: dict[str, Any]) -> bool:
    """Return whether an execution has ended: by its status, and where that is unknown by its finish date."""
    status = document.get("status")
    return status in ENDED_STATUSES or (status not in STATUSES and document.get("finish_date") is not None)


def normalise_execution(document: dict[str, Any]) -> dict[str, Any]:
    """Return an execution with the declared names and shapes; nothing that was sent is lost."""
    found = _snake_case(document, ShortExecution)
    if found.get("triggered_on") is None and found.get("mode") is not None:
        mode = found.pop("mode")
        found["triggered_on"] = _OLD_MODES.get(mode, mode) if isinstance(mode, str) else mode
    for member in ("branch", "tag"):
        _as_object(found, member, "name")
    for member in ("from_revision", "to_revision"):
        _as_object(found, member, "revision")
    _as_object(found, "pull_request", "number")
    pull_request = found.get("pull_request")
    if isinstance(pull_request, dict):
        found["pull_request"] = _with_number(pull_request)
    if found.get("action_executions") is None and "actionExecutions" in found:
        found["action_executions"] = found.pop("actionExecutions")
    if isinstance(found.get("action_executions"), list):
        found["action_executions"] = [_normalise_element(each) for each in found["action_executions"]]
    return found


def _normalise_element(element: Any) -> Any:
    if not isinstance(element, dict):
        return element
    element = _snake_case(element, ActionExecution)
    if isinstance(identity := element.get("action_execution_id"), int) and not isinstance(identity, bool):
        element["action_execution_id"] = str(identity)
    return element


def _with_number(pull_request: dict[str, Any]) -> dict[str, Any]:
    """Return a pull request whose number is text, taken from the member that holds it."""
    member = next((name for name in ("number", "no", "id") if pull_request.get(name) is not None), None)
    if member is None or isinstance(pull_request[member], bool) or not isinstance(pull_request[member], int | str):
        return pull_request
    return {**{n: v for n, v in pull_request.items() if n != member}, "number": str(pull_request[member])}


def _as_object(document: dict[str, Any], member: str, name: str) -> None:
    value = document.get(member)
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        document[member] = {name: value}


def _snake_case(document: dict[str, Any], declared: type[BuddyObject]) -> dict[str, Any]:
    """Return a copy in which declared members that are spelled in camel case have their declared name."""
    found = dict(document)
    for name, camel in _CAMEL_NAMES[declared]:
        if camel in found and found.get(name) is None:
            found[name] = found.pop(camel)
    return found


_CAMEL_NAMES: dict[type[BuddyObject], list[tuple[str, str]]] = {
    declared: [
        (spec.name, camel)
        for spec in field_specs(declared)
        if (camel := re.sub(r"_(.)", lambda match: match[1].upper(), spec.name)) != spec.name
    ]
    for declared in (ShortExecution, ActionExecution)
}

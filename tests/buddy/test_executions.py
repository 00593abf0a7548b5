"""Laws of the one spelling of executions: nothing is lost, and a second pass changes nothing."""

import copy
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.buddy.executions import has_ended, is_promotion, normalise_execution

MODES = {"MANUAL": "CLICK", "ON_EVERY_PUSH": "EVENT", "SCHEDULED": "SCHEDULE"}
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(sorted(MODES))
NUMBERED = st.dictionaries(st.sampled_from(["number", "no", "id", "name", "title"]), LEAVES, max_size=4)
JSON = LEAVES | NUMBERED | st.lists(LEAVES, max_size=2)
ELEMENT = st.dictionaries(
    st.sampled_from([
        "action_execution_id", "actionExecutionId", "status", "start_date", "startDate", "finishDate", "action",
        "errorMessage", "error_message", "outputtedVariables", "outputted_variables", "log",
    ]),
    JSON,
    max_size=6,
)  # fmt: skip
ELEMENTS = LEAVES | st.lists(LEAVES | ELEMENT, max_size=3)
NAMES = (
    "id", "status", "triggered_on", "triggeredOn", "mode", "start_date", "startDate", "finish_date", "finishDate",
    "creator", "branch", "tag", "pull_request", "pullRequest", "from_revision", "fromRevision", "to_revision",
    "toRevision", "comment", "html_url", "htmlUrl", "unknown",
)  # fmt: skip
EXECUTION = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(NAMES, JSON), "action_executions": ELEMENTS, "actionExecutions": ELEMENTS}
)


def scalars(value: Any) -> "Counter[str]":
    """The scalars of a document; a number as its text, and an old mode as its name today."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return sum(map(scalars, value), Counter())
    return Counter() if value is None else Counter([MODES.get(str(value), str(value))])


@given(EXECUTION)
def test_nothing_is_lost_and_once_is_enough(document: dict[str, Any]) -> None:
    """Each scalar is still there, the document itself is unchanged, and a second pass changes nothing."""
    before = copy.deepcopy(document)
    found = normalise_execution(document)
    assert document == before
    assert scalars(found) == scalars(document)
    assert normalise_execution(found) == found


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"triggeredOn": "EVENT"}, {"triggered_on": "EVENT"}),
        ({"mode": "MANUAL"}, {"triggered_on": "CLICK"}),
        ({"mode": "WEBHOOK"}, {"triggered_on": "WEBHOOK"}),
        ({"triggered_on": "CLICK", "mode": "MANUAL"}, {"triggered_on": "CLICK", "mode": "MANUAL"}),
        ({"triggered_on": "CLICK", "triggeredOn": "EVENT"}, {"triggered_on": "CLICK", "triggeredOn": "EVENT"}),
        ({"triggered_on": None, "triggeredOn": "EVENT"}, {"triggered_on": "EVENT"}),
        ({"branch": "main", "tag": None}, {"branch": {"name": "main"}, "tag": None}),
        ({"branch": {"name": "main"}}, {"branch": {"name": "main"}}),
        ({"toRevision": "4f2a"}, {"to_revision": {"revision": "4f2a"}}),
        ({"pull_request": 17}, {"pull_request": {"number": "17"}}),
        ({"pullRequest": {"no": 17, "title": "x"}}, {"pull_request": {"number": "17", "title": "x"}}),
        ({"pull_request": {"title": "x"}}, {"pull_request": {"title": "x"}}),
        (
            {"actionExecutions": [{"actionExecutionId": 7, "startDate": None}, 3]},
            {"action_executions": [{"action_execution_id": "7", "start_date": None}, 3]},
        ),
        ({"action_executions": [], "actionExecutions": [1]}, {"action_executions": [], "actionExecutions": [1]}),
    ],
)
def test_each_spelling_has_one_name(sent: dict[str, Any], expected: dict[str, Any]) -> None:
    """Camel case, older names and texts in place of objects become the declared names and shapes."""
    assert normalise_execution(sent) == expected


@pytest.mark.parametrize(
    ("status", "finish_date", "ended"),
    [
        *((status, None, True) for status in ("SUCCESSFUL", "FAILED", "TERMINATED", "SKIPPED", "NOT_EXECUTED")),
        *((status, "2026-11-01T00:00:00Z", False) for status in ("INPROGRESS", "ENQUEUED", "WAITING_FOR_APPLY")),
        ("SOMETHING_NEW", None, False),
        ("SOMETHING_NEW", "2026-11-01T00:00:00Z", True),
        (None, "2026-11-01T00:00:00Z", True),
        (None, None, False),
    ],
)
def test_whether_an_execution_has_ended(status: str | None, finish_date: str | None, ended: bool) -> None:
    """A known status decides; an unknown one has ended when there is a finish date."""
    assert has_ended({"status": status, "finish_date": finish_date}) is ended


@pytest.mark.parametrize("element", [None, 3, "x", [], {}, {"action": None}, {"action": []}, {"action": {"type": 7}}])
def test_what_is_no_promotion(element: Any) -> None:
    """Only an element whose action has the type PROMOTE_IMAGE is a promotion, whatever its shape."""
    assert not is_promotion(element)
    assert is_promotion({"action": {"type": "PROMOTE_IMAGE"}})

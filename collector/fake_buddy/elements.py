"""The elements of one execution: what each action of the pipeline did in it, in the order in which they ran."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from .actions import APPROVAL, PROMOTION
from .company import FIRST_MEMBER_ID, PEOPLE, is_awkward
from .history import History, PastExecution
from .ids import Ids
from .pipelines import LastExecution, timestamp
from .promotions import SECRET_MARKER, JsonObject
from .schedule import DAYS_BEFORE, PRODUCTION, PipelineIndexes, night_of
from .seeded_random import SeededRandom
from .timeline import ActionIndexes

_ERRORS = (
    "unauthorized: authentication required",
    "manifest unknown: the tag does not exist in the registry",
    "denied: requested access to the resource is denied",
    "toomanyrequests: You have reached your pull rate limit.",
)
_SHOWN = ("url", "html_url", "id", "name", "type", "trigger_time", "last_execution_status", "disabled")
_SOMETIMES_SHOWN = ("run_next", "ignore_errors", "variables")
_WHY_SKIPPED = "Action has been skipped because trigger conditions were not met"
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_WITHOUT_TIMES = ("ENQUEUED", "NOT_EXECUTED", "SKIPPED")
_NOT_ENDED = ("INPROGRESS", "WAITING_FOR_APPLY")
# One pipeline in three had a promotion that was removed before night 1; its id is one that no other action has.
_REMOVED_ACTION_ID = 2_000_000_000
_REMOVED_ON_DAY = DAYS_BEFORE - 3


class Elements:
    """The `action_executions` of the executions of one night."""

    def __init__(self, ids: Ids, history: History) -> None:
        self._ids = ids
        self._history = history

    def of(self, pipeline: PipelineIndexes, number: int) -> list[JsonObject]:
        """Return the elements of an execution: one per action, more for a loop or after a retry."""
        execution = self._history.execution(pipeline, number)
        now, stopped_at = execution.course, self._history.stopped_at(pipeline, number)
        retried = execution.chapter == "retried" and now.resumed is not None
        # What ran before the execution was resumed, and what ran after.
        before: list[JsonObject] = []
        after: list[JsonObject] = []
        for slot in self._history.slots(pipeline, night_of(execution.day)):
            action = ActionIndexes(*pipeline, slot)
            status = self._history.element(action, number)
            if status is None:
                continue
            if retried and slot >= stopped_at:
                before += self._of_action(action, number, "FAILED" if slot == stopped_at else "ENQUEUED", "first")
                after += self._of_action(action, number, status, "again")
                continue
            found = list(self._of_action(action, number, status, "only"))
            if slot == stopped_at and execution.chapter in ("approved", "abandoned"):
                _decide(found, now.resumed is not None, SeededRandom(self._ids.seed, "decides", *action, number))
            (after if now.resumed is not None and slot > stopped_at else before).extend(found)
        (before if now.resumed is None else after).extend(self._of_removed_action(pipeline, number, execution))
        self._date(execution, before, after, number)
        return [*before, *after]

    def action(self, action: ActionIndexes, night: int) -> JsonObject:
        """Return an action as it was on a night, but with its last execution up to now."""
        return self._ids.action(action, night, self._history.last_of_action(action))

    def _of_action(self, action: ActionIndexes, number: int, status: str, attempt: str) -> Iterator[JsonObject]:
        night = night_of(self._history.execution((action.workspace, action.project, action.pipeline), number).day)
        detailed = self.action(action, night)
        for turn in range(len(detailed.get("loop") or ()) or 1):
            rng = SeededRandom(self._ids.seed, "element", *action, number, attempt, turn)
            yield self._element(detailed, rng, status)

    def _of_removed_action(
        self, pipeline: PipelineIndexes, number: int, execution: PastExecution
    ) -> Iterator[JsonObject]:
        removed = SeededRandom(self._ids.seed, "removed", *pipeline).one_in(3)
        if not removed or execution.day > _REMOVED_ON_DAY or execution.stage != PRODUCTION:
            return
        if execution.course.status == "SUCCESSFUL":
            slot = (
                _REMOVED_ACTION_ID - self._ids.action_id(ActionIndexes(*pipeline, 0)) - self._ids.pipeline_id(*pipeline)
            )
            action = self._ids.action(ActionIndexes(*pipeline, slot), 1, LastExecution("SUCCESSFUL", None))
            rng = SeededRandom(self._ids.seed, "element", *pipeline, number)
            yield self._element({**action, "name": "Promote to the old registry"}, rng, "SUCCESSFUL")

    def _element(self, action: JsonObject, rng: SeededRandom, status: str) -> JsonObject:
        more = _SOMETIMES_SHOWN if rng.one_in(4) else ()
        found: JsonObject = {
            "action_execution_id": self._opaque_id(rng),
            "status": status,
            "progress": _progress(status, rng),
            "start_date": None,
            "finish_date": None,
            "action": shown(action, more),
        }
        return {**found, **_about(action["type"], status, rng)}

    def _opaque_id(self, rng: SeededRandom) -> str:
        if self._ids.awkward and is_awkward(rng.below(8)):
            return "".join(rng.choice(_LETTERS) for _ in range(14))
        return rng.hex(24)

    def _date(self, execution: PastExecution, before: list[JsonObject], after: list[JsonObject], digits: int) -> None:
        """Add the times, in place: one element after the other, within the time that the execution has taken."""
        now = execution.course
        end = now.worked_until if now.finished is None else now.finished
        decided = end if now.resumed is None else now.resumed
        self._spread(before, now.begun, now.worked_until, digits)
        self._spread(after, decided, end, digits)
        for element in (*before, *after):
            for field in ("approval_date", "termination_date"):
                if field in element:
                    if execution.chapter in ("approved", "abandoned") and element in before:
                        element["finish_date"] = self._at(decided, digits)
                    element[field] = element["finish_date"]

    def _spread(self, elements: list[JsonObject], begun: float, end: float, digits: int) -> None:
        ran = [element for element in elements if element["status"] not in _WITHOUT_TIMES]
        for place, element in enumerate(ran):
            step = (end - begun) / len(ran)
            element["start_date"] = self._at(begun + step * place, digits)
            if element["status"] not in _NOT_ENDED:
                element["finish_date"] = self._at(begun + step * (place + 1), digits)

    def _at(self, minutes: float, digits: int) -> str:
        return timestamp(self._ids.first_night + timedelta(minutes=minutes), digits)


def shown(action: JsonObject, more: tuple[str, ...] = ()) -> JsonObject:
    """Return an action as an element shows it."""
    return {name: action[name] for name in (*_SHOWN, *more) if name in action}


def _progress(status: str, rng: SeededRandom) -> int:
    if status in ("SUCCESSFUL", "SKIPPED"):
        return 100
    return rng.below(100) if status in ("FAILED", "TERMINATED", "INPROGRESS") else 0


def _decide(elements: list[JsonObject], approved: bool, rng: SeededRandom) -> None:
    """Say who approved or terminated elements that have waited, in place; the times come later."""
    for element in elements:
        if approved:
            element.update(approver_id=_someone(rng), approval_date=None)
        elif element["status"] == "TERMINATED":
            element.update(terminator_id=_someone(rng), termination_date=None)


def _someone(rng: SeededRandom) -> int:
    return FIRST_MEMBER_ID + rng.below(len(PEOPLE))


def _about(kind: str, status: str, rng: SeededRandom) -> JsonObject:
    """Return the optional fields of an element: messages, variables and log lines, secrets among them."""
    secret = f"{SECRET_MARKER}{rng.hex(8)}"
    if status == "SKIPPED":
        return {"log": [_WHY_SKIPPED]}
    if status == "FAILED":
        message = rng.choice(_ERRORS) if kind == PROMOTION else "Exit code: 1"
        return {"error_message": message, "log": [f"TOKEN={secret}", message]}
    if status == "TERMINATED":
        return {"terminator_id": _someone(rng), "termination_date": None}
    if status != "SUCCESSFUL":
        return {}
    if kind == APPROVAL:
        return {
            "approver_id": _someone(rng),
            "approval_date": None,
            "passed_variables": [{"key": "NOTE", "value": secret}],
            "outputted_variables": [{"key": "BUDDY_APPROVING_ACTOR", "value": PEOPLE[rng.below(len(PEOPLE))][1]}],
        }
    found: JsonObject = {"outputted_variables": [{"key": "DEPLOY_TOKEN", "value": secret}]} if rng.one_in(3) else {}
    if rng.one_in(2):
        found["log"] = [f"login --password {secret}", f"Pushed sha256:{rng.hex(64)}", "Done"]
    return found

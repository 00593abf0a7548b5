"""Every fault of the server for every kind of request, compared with an undisturbed run."""

import time
from pathlib import Path
from typing import Any

import pytest

from collector.crawl.backoff import Limits
from collector.fake_buddy import FakeBuddy
from tests.faults.cases import Case, Target, matrix, sample
from tests.faults.company import WAITING
from tests.faults.conftest import FreshLake, Undisturbed
from tests.faults.invariants import COVERAGE_OF, GAPS, LISTS, unexpected_changes, violations, without_gone_executions
from tests.faults.ledger import Ledger
from tests.faults.published import Published, key_of, published, runs_of
from tests.faults.runs import CONCURRENCY, LONG_TIMEOUTS, SHORT_TIMEOUTS, SOON_STUCK, Result, run_collect

# The maximum duration of a run with one fault, on a busy machine; an undisturbed run takes half a second.
BOUNDED_S = 30.0
# Temporary failures are retried in one more round.
_ROUNDS = 1 + len(SHORT_TIMEOUTS.round_pauses_s)


def _named(pairs: list[tuple[Case, Target]]) -> list[object]:
    return [pytest.param(case, target, id=f"{case} - {target.name}") for case, target in pairs]


@pytest.mark.parametrize(("case", "target"), _named(sample()))
def test_each_fault_loses_no_row_without_a_gap(
    case: Case, target: Target, fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """Under a fault the rows are the same, or the run says by key what is missing; requests and time are bounded."""
    _check(case, target, fake, undisturbed, fresh_lake(), ledger)


@pytest.mark.faults
@pytest.mark.parametrize(("case", "target"), _named(matrix()))
def test_all_faults(
    case: Case, target: Target, fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """The same for every fault and kind of request, once and always; and the next run removes nothing."""
    lake = fresh_lake()
    _check(case, target, fake, undisturbed, lake, ledger)
    if case.outcome == "gap" and target.kind != "workspaces":
        _next_run(fake, lake, undisturbed)


def _check(case: Case, target: Target, fake: FakeBuddy, undisturbed: Undisturbed, lake: Path, ledger: Ledger) -> None:
    fake.script.add(case.on(target))
    began = time.monotonic()
    result = run_collect(fake, lake, 2, limits=_limits(case))
    took = time.monotonic() - began
    injected = sum(request.fault is not None for request in fake.arrivals)
    requests = len(fake.arrivals)
    fake.script.clear()

    if case.outcome == "same":
        seen = published(lake)
        found = violations(undisturbed.truth, seen)
        lost, false = len(found.lost), len(found.false)
        assert found.all == []
        assert result.exit_code == 0
        # The rows are those of an undisturbed run.
        assert seen.without() == undisturbed.truth.without()
    elif case.outcome == "resumes" or target.kind == "workspaces":
        lost, false = _not_published(case, target, result, lake, undisturbed, fake)
    else:
        lost, false = _with_a_gap(case, target, result, lake, undisturbed)
    ledger.note(case.fault, result.exit_code, injected=injected, lost=lost, false=false, target=target.name)
    assert injected >= 1
    assert requests <= undisturbed.requests + case.more_requests
    assert took < BOUNDED_S


def _limits(case: Case) -> Limits:
    if case.outcome == "resumes":
        return SOON_STUCK
    return (
        SHORT_TIMEOUTS
        if case.problem == "timeout" or case.fault in ("no answer", "a body that trickles")
        else LONG_TIMEOUTS
    )


def _with_a_gap(case: Case, target: Target, result: Result, lake: Path, undisturbed: Undisturbed) -> tuple[int, int]:
    """Check that the run is published and exactly one item has a gap, with a problem of that kind and key.

    If most promotions are gone with one workspace, a check has a warning too.
    """
    seen = published(lake)
    found = violations(undisturbed.truth, seen)
    later = target.page == 2
    # After a page that answered, an error only means that the list was not read completely.
    coverage = "failed" if later else COVERAGE_OF.get(case.problem or "", "failed")
    kind = "http_error" if later and case.problem == "gone" else case.problem
    assert found.all == []
    of_checks = [row["message"] for row in seen["problems"] if row["kind"] == "check"]
    collapsed = case.problem == "gone" and target.name == "projects, page 1"
    assert [message.partition(":")[0] for message in of_checks] == ["actions_did_not_collapse"] * collapsed
    (problem,) = (row for row in seen["problems"] if row["kind"] != "check")
    assert (problem["kind"], key_of(problem)) == (kind, target.key)
    assert problem["attempts"] == _attempts(case, target)
    assert _gaps(seen) == _expected_gaps(target, coverage)
    # What Buddy reports as gone is a fact and not a gap.
    assert result.exit_code == (0 if coverage == "gone" else 1)
    assert unexpected_changes(seen, gone=True) == []
    return len(found.lost), len(found.false)


def _gaps(run: Published) -> tuple[dict[Any, str], dict[Any, str], dict[Any, str]]:
    """Return the gaps: of items, of the executions of a pipeline, and of single executions."""
    return (
        {key_of(row): row["coverage"] for table in LISTS for row in run[table] if row["coverage"] in GAPS},
        {key_of(row): each for row in run["pipelines"] if (each := row["executions_coverage"]) in GAPS},
        {row["execution_id"]: row["coverage"] for row in run["executions"] if row["coverage"] in GAPS},
    )


def _expected_gaps(target: Target, coverage: str) -> tuple[dict[Any, str], dict[Any, str], dict[Any, str]]:
    gap = {target.key: coverage}
    if target.kind == "executions":
        return {}, gap, {}
    if target.kind == "execution":
        # Of an execution that is gone, nothing is missing.
        return {}, {} if coverage == "gone" else gap, {WAITING: coverage}
    # The executions of a pipeline that is gone are gone with it.
    return gap, gap if target.kind == "actions" and coverage == "gone" else {}, {}


def _attempts(case: Case, target: Target) -> int:
    if case.problem == "gone" and target.kind not in ("action", "execution") and target.page != 2:
        return 2  # the 404 of a listed parent is confirmed
    return 1 if case.more_requests == 0 or _recorded(case) else _ROUNDS * SHORT_TIMEOUTS.attempts


def _recorded(case: Case) -> bool:
    return case.problem in ("forbidden", "gone", "api_disabled", "frozen", "too_large", "redirect_refused") or (
        case.fault == "402"
    )


def _not_published(
    case: Case, target: Target, result: Result, lake: Path, undisturbed: Undisturbed, fake: FakeBuddy
) -> tuple[int, int]:
    """Check that nothing is published, with the right exit code, and that the next `collect` has every row."""
    assert result.summary is None
    assert len(runs_of(lake)) == 1
    nothing_seen = target.kind == "workspaces"
    expected = 3
    if nothing_seen and case.fault == "401":
        expected = 4
    elif nothing_seen and case.outcome == "gap":
        expected = {"forbidden": 4, "gone": 2}.get(COVERAGE_OF.get(case.problem or "", "failed"), 3)
    assert result.exit_code == expected
    before = len(fake.arrivals)
    again = run_collect(fake, lake, 2)
    assert again.exit_code == 0
    seen = published(lake)
    assert seen.without() == undisturbed.truth.without()
    assert len(runs_of(lake)) == 2
    if case.outcome == "resumes" and not nothing_seen:
        repeated = len(fake.arrivals) - undisturbed.requests
        assert again.summary is not None
        assert again.summary.resumed_count == 1
        assert repeated <= case.more_requests + CONCURRENCY, f"{before} requests, then {len(fake.arrivals)}"
    found = violations(undisturbed.truth, seen)
    return len(found.lost), len(found.false)


def _next_run(fake: FakeBuddy, lake: Path, undisturbed: Undisturbed) -> None:
    """Check that the next run is complete, removes nothing, and returns only what Buddy had reported as gone."""
    before = published(lake)
    removed = {key_of(row) for row in before["action_changes"] if row["change"] == "removed"}
    assert run_collect(fake, lake, 3).exit_code == 0
    after = published(lake)
    assert violations(without_gone_executions(undisturbed.truth, before), after).all == []
    assert {(row["change"], key_of(row)) for row in after["action_changes"]} == {("returned", key) for key in removed}
    assert len(after["last_known_actions"]) == len(undisturbed.truth["last_known_actions"])

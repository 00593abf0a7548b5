"""The matrix of a server's faults over every kind of request, each held against an undisturbed night."""

import time
from pathlib import Path

import pytest

from collector.crawl.backoff import Limits
from collector.fake_buddy import FakeBuddy
from tests.faults.catalogue import Case, Target, matrix, sample
from tests.faults.conftest import FreshLake, Undisturbed
from tests.faults.law import COVERAGE_OF, LISTS, falsely_changed, judged
from tests.faults.ledger import Ledger
from tests.faults.nights import CONCURRENCY, PATIENT, QUICK, SOON_STUCK, Result, night
from tests.faults.published import key_of, published, runs_of

# What no night with one fault may take, even on a busy machine; a healthy one takes half a second.
BOUNDED_S = 30.0
# What fails for a reason that passes is asked in one more round.
_ROUNDS = 1 + len(QUICK.round_pauses_s)


def _named(pairs: list[tuple[Case, Target]]) -> list[object]:
    return [pytest.param(case, target, id=f"{case} - {target.name}") for case, target in pairs]


@pytest.mark.parametrize(("case", "target"), _named(sample()))
def test_each_fault_costs_no_row_that_is_not_accounted_for(
    case: Case, target: Target, fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """A fault leaves the rows as they are, or the run says by key what is missing; within bounded requests and time."""
    _prove(case, target, fake, undisturbed, fresh_lake(), ledger)


@pytest.mark.faults
@pytest.mark.parametrize(("case", "target"), _named(matrix()))
def test_the_whole_matrix(
    case: Case, target: Target, fake: FakeBuddy, undisturbed: Undisturbed, fresh_lake: FreshLake, ledger: Ledger
) -> None:
    """The same for every fault on every kind of request, once and for ever; and the night after removes nothing."""
    lake = fresh_lake()
    _prove(case, target, fake, undisturbed, lake, ledger)
    if case.comes == "gap" and target.kind != "workspaces":
        _the_night_after(fake, lake, undisturbed)


def _prove(case: Case, target: Target, fake: FakeBuddy, undisturbed: Undisturbed, lake: Path, ledger: Ledger) -> None:
    fake.script.add(case.on(target))
    began = time.monotonic()
    result = night(fake, lake, 2, limits=_limits(case))
    took = time.monotonic() - began
    injected = sum(arrival.fault is not None for arrival in fake.arrivals)
    requests = len(fake.arrivals)
    fake.script.clear()

    if case.comes == "same":
        seen = published(lake)
        judgement = judged(undisturbed.truth, seen)
        lost, false = len(judgement.lost), len(judgement.false)
        assert judgement.broken == []
        assert result.exit_code == 0
        # With the very rows of an undisturbed night, the night after it is one too.
        assert seen.without() == undisturbed.truth.without()
    elif case.comes == "resumes" or target.kind == "workspaces":
        lost, false = _not_published(case, target, result, lake, undisturbed, fake)
    else:
        lost, false = _with_a_gap(case, target, result, lake, undisturbed)
    ledger.note(case.fault, result.exit_code, injected=injected, lost=lost, false=false)
    assert injected >= 1
    assert requests <= undisturbed.requests + case.more_requests
    assert took < BOUNDED_S


def _limits(case: Case) -> Limits:
    if case.comes == "resumes":
        return SOON_STUCK
    return QUICK if case.problem == "timeout" or case.fault in ("no answer", "a body that trickles") else PATIENT


def _with_a_gap(case: Case, target: Target, result: Result, lake: Path, undisturbed: Undisturbed) -> tuple[int, int]:
    """The night is published, and exactly one thing has a gap, with the problem of that kind and that key.

    Where most promotions are gone with one workspace, a check wonders at that, too.
    """
    seen = published(lake)
    judgement = judged(undisturbed.truth, seen)
    later = target.page == 2
    # Behind a page that answered, no refusal says more than that the list was not read to its end.
    coverage = "failed" if later else COVERAGE_OF.get(case.problem or "", "failed")
    kind = "http_error" if later and case.problem == "gone" else case.problem
    gaps = {key_of(row): row["coverage"] for table in LISTS for row in seen[table]}
    assert judgement.broken == []
    of_checks = [row["message"] for row in seen["problems"] if row["kind"] == "check"]
    collapsed = case.problem == "gone" and target.name == "projects, page 1"
    assert [message.partition(":")[0] for message in of_checks] == ["actions_did_not_collapse"] * collapsed
    (problem,) = (row for row in seen["problems"] if row["kind"] != "check")
    assert (problem["kind"], key_of(problem)) == (kind, target.key)
    assert problem["attempts"] == _attempts(case, target)
    assert {key for key, said in gaps.items() if said not in ("complete", "fetched", "not_promote_image")} == {
        target.key
    }
    assert gaps[target.key] == coverage
    # What Buddy says is gone is a fact and no gap in what was seen (design.md, section 5).
    assert result.exit_code == (0 if coverage == "gone" else 1)
    assert falsely_changed(seen, gone=True) == []
    return len(judgement.lost), len(judgement.false)


def _attempts(case: Case, target: Target) -> int:
    if case.problem == "gone" and target.kind != "action" and target.page != 2:
        return 2  # that a listed parent is gone is confirmed
    return 1 if case.more_requests == 0 or _recorded(case) else _ROUNDS * QUICK.attempts


def _recorded(case: Case) -> bool:
    return case.problem in ("forbidden", "gone", "api_disabled", "frozen", "too_large", "redirect_refused") or (
        case.fault == "402"
    )


def _not_published(
    case: Case, target: Target, result: Result, lake: Path, undisturbed: Undisturbed, fake: FakeBuddy
) -> tuple[int, int]:
    """Nothing is published and the exit code says why; the next `collect` has every row, under the same run id."""
    assert result.summary is None
    assert len(runs_of(lake)) == 1
    nothing_seen = target.kind == "workspaces"
    expected = 3
    if nothing_seen and case.fault == "401":
        expected = 4
    elif nothing_seen and case.comes == "gap":
        expected = {"forbidden": 4, "gone": 2}.get(COVERAGE_OF.get(case.problem or "", "failed"), 3)
    assert result.exit_code == expected
    before = len(fake.arrivals)
    again = night(fake, lake, 2)
    assert again.exit_code == 0
    seen = published(lake)
    assert seen.without() == undisturbed.truth.without()
    assert len(runs_of(lake)) == 2
    if case.comes == "resumes" and not nothing_seen:
        asked_again = len(fake.arrivals) - undisturbed.requests
        assert again.summary is not None
        assert again.summary.resumed_count == 1
        assert asked_again <= case.more_requests + CONCURRENCY, f"{before} requests, then {len(fake.arrivals)}"
    judgement = judged(undisturbed.truth, seen)
    return len(judgement.lost), len(judgement.false)


def _the_night_after(fake: FakeBuddy, lake: Path, undisturbed: Undisturbed) -> None:
    """The night after is whole again, removes nothing, and only what Buddy had called gone comes back, once."""
    before = published(lake)
    removed = {key_of(row) for row in before["action_changes"] if row["change"] == "removed"}
    assert night(fake, lake, 3).exit_code == 0
    after = published(lake)
    assert judged(undisturbed.truth, after).broken == []
    assert {(row["change"], key_of(row)) for row in after["action_changes"]} == {("returned", key) for key in removed}
    assert len(after["last_known_actions"]) == len(undisturbed.truth["last_known_actions"])

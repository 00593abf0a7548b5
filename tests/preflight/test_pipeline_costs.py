"""What pipelines cost to ask for, and which refresh is recommended."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from collector.crawl.records import ExecutionHistory, KnownExecution
from collector.preflight.pipeline_costs import PipelineCost, advised_refresh, daily_requests, total_asked

READ_AT = datetime(2026, 11, 20, 2, 15)
ROW = {"promotions": 3, "has_executions": True, "changes_per_day": None}
COSTS = st.builds(
    PipelineCost,
    promotions=st.integers(0, 20),
    has_executions=st.booleans(),
    executions_per_day=st.floats(0, 50),
    unended=st.integers(0, 3),
    changes_per_day=st.floats(0, 1),
)


def known(days_before: float, *, ended: bool = True) -> KnownExecution:
    """An execution that began so many days before the last reading."""
    return KnownExecution(int(days_before * 100), READ_AT - timedelta(days=days_before), ended, "x")


def test_executions_are_counted_per_day_of_the_time_that_is_known() -> None:
    """Over the last week, or over less where less is known; those that had not ended are read again."""
    executions = (known(0.5, ended=False), known(1), known(3), known(9))
    history = ExecutionHistory(READ_AT - timedelta(days=30), 1, executions)
    cost = PipelineCost.of(ROW, history, READ_AT, READ_AT + timedelta(days=2))
    assert (cost.executions_per_day, cost.unended, cost.idle_days, cost.changes_per_day) == (3 / 7, 1, 2.0, 3 / 7)
    history = ExecutionHistory(READ_AT - timedelta(days=2), 1, executions)
    assert PipelineCost.of(ROW, history, READ_AT, READ_AT).executions_per_day == 1.0
    assert PipelineCost.of({**ROW, "changes_per_day": 0.25}, None, READ_AT, READ_AT).changes_per_day == 0.25


def test_requests_by_kind() -> None:
    """A list of actions, each promotion, a list of executions and each execution; fractions are rounded in the sum."""
    cost = PipelineCost(promotions=3, has_executions=True, executions_per_day=0.5, unended=1)
    assert cost.asked(2) == {"actions": 1, "action": 3, "executions": 1, "execution": 2}
    assert PipelineCost(promotions=3, executions_per_day=9).asked(2)["execution"] == 0
    assert total_asked(cost.asked(2, 0.5) for _ in range(3)) == {
        "actions": 2,
        "action": 4,
        "executions": 2,
        "execution": 3,
    }


@given(st.lists(COSTS, max_size=20))
def test_a_longer_refresh_costs_less(costs: list[PipelineCost]) -> None:
    """A run each day takes the less the longer the refresh, and never more than a full one; executions are all read."""
    requests = [daily_requests(costs, days) for days in (0, 1, 2, 5, 30)]
    assert requests == sorted(requests, reverse=True)
    assert requests[-1] >= round(sum(each.executions_per_day for each in costs if each.has_executions)) - 1


def test_the_shortest_refresh_that_suffices_is_recommended() -> None:
    """Of 3,000 pipelines a fifth are asked each day; only a longer one than is set, and none where none suffices."""
    costs = [PipelineCost(promotions=6)] * 3000
    assert (daily_requests(costs, 0), daily_requests(costs, 5)) == (21_000, 4_200)
    assert advised_refresh(costs, 4_300, 0.0) == 5
    assert advised_refresh(costs, 4_300, 5.0) == 7
    assert advised_refresh(costs, 100, 0.0) is None

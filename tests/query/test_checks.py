"""Checks find what is wrong in a run, and say what it means."""

from pathlib import Path
from typing import Any

import pytest

from collector.errors import QueryError
from collector.lake.tables import ALL
from collector.query.checks import MAX_ROWS, Check, CheckRow, read_checks
from tests.query.staged_runs import Row, StagedRuns, run_of, write


def offenders(tmp_path: Path, rows: dict[str, list[Row]], **checks: str) -> list[CheckRow]:
    """What these checks find in a run of these rows."""
    with StagedRuns(tmp_path).run(rows) as run:
        return run.offenders(Check(name, text) for name, text in checks.items())


def test_offending_rows_carry_their_place(tmp_path: Path) -> None:
    """A row of a check is an offender with its message and whatever of the place the check gives."""
    found = offenders(
        tmp_path,
        {"actions": [{"installation": "us", "action_id": 7, "coverage": "odd"}]},
        odd="-- Coverage is known.\n-- warning\nselect 'odd: ' || coverage as message, installation, action_id "
        "from actions",
        none="-- Nothing.\n-- blocking\nselect 'never' as message from actions where false",
    )
    assert found == [CheckRow("odd", False, "odd: odd", installation="us", action_id=7)]


def test_our_blocking_checks_come_first() -> None:
    """Every check of sql/checks says what a row means; what stops the publish is said before what does not."""
    blocking = [check.blocking for check in read_checks()]
    assert set(blocking) == {True, False}
    assert blocking == sorted(blocking, reverse=True)


def test_a_notice_hides_nothing(tmp_path: Path) -> None:
    """What a check with the line `-- notice` finds is a notice, what a warning finds is a problem."""
    texts = {means: f"-- X.\n-- {means}\nselect 'row' as message" for means in ("notice", "warning")}
    found = offenders(tmp_path, {}, **texts)
    assert [(each.check, each.severity, each.blocking) for each in found] == [
        ("notice", "notice", False),
        ("warning", "problem", False),
    ]


def test_many_offenders_are_counted(tmp_path: Path) -> None:
    """A check that every row offends shows the first and counts the rest."""
    found = offenders(tmp_path, {}, x=f"-- X.\n-- blocking\nselect 'row' as message from range({MAX_ROWS + 5_000})")
    assert len(found) == MAX_ROWS + 1
    assert "5,000 more" in found[-1].message


@pytest.mark.parametrize("text", ["-- X.\nselect 1", "-- X.\n-- blocking\n-- warning\nselect 1"])
def test_a_check_says_what_a_row_means(text: str) -> None:
    """A check that is neither blocking nor a warning, or both, is an error."""
    with pytest.raises(QueryError, match="blocking"):
        _ = Check("x", text).blocking


def test_checks_see_the_night_and_the_state_before_it(tmp_path: Path) -> None:
    """Staged tables, the previous state, the computed changes and the declarations are all there to be checked."""
    run_id, _ = run_of(0)
    counted = write(
        tmp_path / "counted.parquet",
        "promote_image_actions",
        [{"run_id": run_id, "installation": "us", "action_id": n} for n in range(3)] + [{"run_id": "1"}],
    )
    text = """-- Everything is there.
-- blocking
select 'counts ' || run_id || ' ' || actions as message, installation from previous_counts
union all select 'changes ' || count(*), null from action_changes
union all select 'state ' || count(*), null from previous_action_state
union all select 'last ' || count(*), null from previous_last_known_actions
union all select 'enum ' || value, null from declared_values where table_name = 'variables' and value = 'CONTAINER'
union all select 'staged ' || count(*), null from staged_columns where table_name = 'actions'
union all select 'declared ' || count(*), null from declared_columns where table_name = 'actions'
"""
    action: dict[str, Any] = {"action_id": 1}
    rows = {"promote_image_actions": [action], "actions": [action], "runs": [{"installation": "us"}]}
    run = StagedRuns(tmp_path).run(rows, counted=[counted], last_complete_runs={"us": run_id, "eu": "1"})
    with run:
        found = run.offenders([Check("all", text)])
    assert [each.message for each in found] == [
        f"counts {run_id} 3",
        "changes 1",
        "state 0",
        "last 0",
        "enum CONTAINER",
        f"staged {len(ALL['actions'].column_names)}",
        f"declared {len(ALL['actions'].column_names)}",
    ]

"""Replies about executions that break the contract, or hold more than it: what they cost, and what is kept."""

from typing import Any

import pytest

from collector.fake_buddy import FakeBuddy, Fault
from tests.faults.company import PIPELINE, WAITING
from tests.faults.conftest import FreshLake, RunWithFaults
from tests.faults.published import Published, key_of, published
from tests.faults.runs import RecordingObserver, SimulatedCrash, crash_after_crawl, run_collect
from tests.sampling import some

KEY = ("us", *PIPELINE, None)
LIST, SINGLE = "*/pipelines/101/executions", f"*/pipelines/101/executions/{WAITING}"
# A wrong value: the request, the place of the value, the value; the coverage of the pipeline's executions, and that of
# the one execution which every run reads.
WRONG: list[tuple[str, str, Any, str, str]] = [
    ("executions", "executions[0].status", [1], "complete", "fetched"),
    ("executions", "executions[0].start_date", 7, "complete", "fetched"),
    ("executions", "executions[0].id", "x", "failed", "fetched"),
    ("executions", "executions[1].id", None, "failed", "fetched"),
    ("execution", "comment", 7, "failed", "failed"),
    ("execution", "branch", [], "failed", "failed"),
    ("execution", "id", WAITING - 1, "failed", "failed"),
    ("execution", "action_executions", None, "failed", "failed"),
    ("execution", "action_executions", {"0": {}}, "failed", "failed"),
    ("execution", "action_executions[0].status", 7, "failed", "failed"),
    ("execution", "action_executions[0].action.id", "x", "failed", "failed"),
]


def _seen(run: Published) -> tuple[str, list[str]]:
    """The coverage of the pipeline's executions, and of its single executions."""
    (pipeline,) = (row for row in run["pipelines"] if key_of(row) == KEY)
    return pipeline["executions_coverage"], [row["coverage"] for row in run["executions"] if key_of(row) == KEY]


@pytest.mark.parametrize(("kind", "json_path", "value", "coverage", "single"), some(WRONG, 0, 2, 6, 9))
def test_a_wrong_value_costs_its_execution_only(
    kind: str, json_path: str, value: Any, coverage: str, single: str, fake: FakeBuddy, run_with_faults: RunWithFaults
) -> None:
    """The problem has the JSON path; where the execution itself could be read, nothing is missing."""
    path = LIST if kind == "executions" else SINGLE
    fake.script.add(Fault("wrong_type", kind=kind, path=path, json_path=json_path, value=value, times=None))
    result, seen = run_with_faults("wrong type in an execution")
    assert [(row["kind"], key_of(row), row["json_path"]) for row in seen["problems"]] == [
        ("not_understood", KEY, f"$.{json_path}")
    ]
    assert _seen(seen) == (coverage, [single])
    assert result.exit_code == (0 if coverage == "complete" else 1)
    assert seen["action_changes"] == []


def test_half_a_character_costs_its_execution_only(
    fake: FakeBuddy, fresh_lake: FreshLake, run_with_faults: RunWithFaults
) -> None:
    """Half of a character makes one execution `failed`, whether the reply is new or replayed from the journal."""
    fake.script.add(Fault("half_character", kind="execution", path=SINGLE, json_path="comment", times=None))
    result, seen = run_with_faults("half a character in one text")
    assert [(row["kind"], row["json_path"]) for row in seen["problems"]] == [("not_understood", "$.comment")]
    assert (result.exit_code, _seen(seen)) == (1, ("failed", ["failed"]))
    resumed = fresh_lake()
    with pytest.raises(SimulatedCrash):
        run_collect(fake, resumed, 2, watcher=RecordingObserver(crash_after_crawl))
    requests = len(fake.arrivals)
    assert run_collect(fake, resumed, 2).exit_code == 1
    assert len(fake.arrivals) == requests
    assert published(resumed).without() == seen.without()


def test_unknown_fields_are_kept(fake: FakeBuddy, fresh_lake: FreshLake) -> None:
    """An undocumented field of an execution or of an element is in `extra` of its row."""
    new = {"new": [1, "two"]}
    fake.script.add(Fault("extra_field", kind="execution", json_path="x", value=new, nth=1))
    fake.script.add(Fault("extra_field", kind="execution", json_path="action_executions[0].x", value=new, nth=2))
    lake = fresh_lake()
    for number, table in ((2, "executions"), (3, "action_executions")):
        assert run_collect(fake, lake, number).exit_code == 0
        (row,) = published(lake)[table]
        assert '"x":{"new":[1,"two"]}' in row["extra"]


def test_a_failed_execution_is_read_in_the_next_run(fake: FakeBuddy, fresh_lake: FreshLake) -> None:
    """What could not be read is asked for again, and the executions are complete again from the same moment."""
    lake = fresh_lake()
    fake.world = fake.world.run(*PIPELINE).run(*PIPELINE)
    fake.script.add(Fault("status", kind="execution", path=f"*/executions/{WAITING + 1}", code=403, times=None))
    assert run_collect(fake, lake, 2).exit_code == 1
    assert sorted(_seen(published(lake))[1]) == ["fetched", "fetched", "forbidden"]
    fake.script.clear()
    fake.forget_arrivals()
    assert run_collect(fake, lake, 3).exit_code == 0
    asked = [int(request.path.rpartition("/")[2]) for request in fake.requests("execution")]
    assert sorted(asked) == [WAITING, WAITING + 1]
    assert _seen(published(lake))[0] == "complete"

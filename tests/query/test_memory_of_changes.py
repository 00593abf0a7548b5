"""The memory that changes take is bounded, however many and however wide the actions are."""

from pathlib import Path

import pytest

from collector.errors import NotPublished
from tests.query.staged_actions import action, world
from tests.query.staged_runs import Row, StagedRuns


@pytest.mark.parametrize("one_in", [50, 1])
def test_thousands_of_wide_actions_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_in: int
) -> None:
    """All pipelines have run, and one action in fifty or every one: changes are found share by share."""
    monkeypatch.setattr("collector.query.changes.SMALL_BYTES", 0)
    monkeypatch.setattr("collector.query.changes.RANGE_BYTES", 4 << 20)
    monkeypatch.setattr("collector.query.changes.COMPARED_BYTES", 2 << 20)
    monkeypatch.setattr("collector.query.changes.MEMORY_LIMIT", "120MB")
    pipeline = ",".join(f'"field_{n}":"value {n}"' for n in range(50))

    def wide(run: int) -> dict[str, list[Row]]:
        extra = f'{{"pipeline":{{{pipeline},"ran":{run}}},"x":1}}'
        return world(
            [action(n, extra=extra, current_revision=str(run if n % one_in == 0 else 0)) for n in range(4_500)]
        )

    runs = StagedRuns(tmp_path)
    runs.collect(wide(1))
    assert len(runs.collect(wide(2))["action_changes"]) == 4_500 // one_in


def test_actions_of_60_kb_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each action holds 60 kB, such as the YAML of its pipeline, less of them is held at a time."""
    for name, size in (("SMALL_BYTES", 0), ("RANGE_BYTES", 16 << 20), ("COMPARED_BYTES", 4 << 20)):
        monkeypatch.setattr(f"collector.query.changes.{name}", size)
    monkeypatch.setattr("collector.query.changes.MEMORY_LIMIT", "200MB")

    def wide(run: int) -> dict[str, list[Row]]:
        yaml = "y" * 60_000
        extras = {n: f'{{"pipeline":{{"ran":{run},"yaml":"{n} {yaml}"}}}}' for n in range(400)}
        return world([action(n, extra=extra, current_revision=str(run)) for n, extra in extras.items()])

    runs = StagedRuns(tmp_path)
    runs.collect(wide(1))
    assert len(runs.collect(wide(2))["action_changes"]) == 400


def test_a_run_that_does_not_fit_into_memory_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not published, every reply is kept, and the advice is not the one for SQL of a user."""
    monkeypatch.setattr("collector.query.changes.MEMORY_LIMIT", "4MB")
    rows = world([action(n, extra=f'{{"note":"{n} {"x" * 20_000}"}}') for n in range(300)])
    with pytest.raises(
        NotPublished, match="the end of the run needs more memory than it may use; every reply"
    ) as raised:
        StagedRuns(tmp_path).collect(rows)
    assert "report it" in str(raised.value.advice)

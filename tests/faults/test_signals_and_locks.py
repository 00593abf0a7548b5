"""Concurrent runs, stale locks, and signals: one run at a time, and every interrupted run can be resumed."""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy, Fault
from tests.faults.company import company
from tests.faults.ledger import Ledger
from tests.faults.process import Program, asked_targets, ended, journal_bytes, run_directory, settled_targets, until
from tests.faults.published import published, runs_of
from tests.sampling import some


@pytest.fixture(scope="module")
def _fake() -> Iterator[FakeBuddy]:
    with FakeBuddy(company(later=0).dated(datetime.now(UTC))) as serving:
        yield serving


@pytest.fixture
def fake(_fake: FakeBuddy) -> Iterator[FakeBuddy]:
    """Serve a small world; a test sets its latency."""
    _fake.forget_arrivals()
    yield _fake
    _fake.latency = 0.0
    _fake.script.clear()


def test_one_lake_takes_one_run_at_a_time(fake: FakeBuddy, tmp_path: Path, ledger: Ledger) -> None:
    """While a run holds the lake, another one exits 5, names the holder, sends no request and changes nothing."""
    lake = tmp_path / "lake"
    fake.latency = 0.25
    program = Program(fake, lake, COLLECTOR_CONCURRENCY="1")
    first = program.begin("collect")
    assert until(first, lambda: journal_bytes(lake) > 1_000)
    asked = len(fake.arrivals)
    second = program.run("collect")
    took = len(fake.arrivals) - asked
    assert second.code == 5, second.err
    assert str(first.pid) in second.err
    # The requests in that time are those of the first run.
    assert took <= second.seconds / fake.latency + 2
    fake.latency = 0.0
    done = ended(first)
    assert done.code == 0, done.err
    assert len(runs_of(lake)) == 1
    ledger.note("two `collect` at once", done.code, second.code, runs=2)


@pytest.mark.faults
def test_a_stale_lock_does_not_block(fake: FakeBuddy, tmp_path: Path, ledger: Ledger) -> None:
    """A lock file that no process holds does not block a run, whatever its content."""
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / ".lock").write_text('{"doing":"collect","pid":1,"host":"elsewhere","since":"2020-01-01T00:00:00Z"}\n')
    done = Program(fake, lake).run("collect")
    assert done.code == 0, done.err
    ledger.note("lock left by a dead process", done.code)


@pytest.mark.parametrize("number", some([signal.SIGTERM, signal.SIGINT], 0), ids=lambda number: number.name)
def test_a_signal_drains_and_the_run_is_resumed(
    number: signal.Signals, fake: FakeBuddy, tmp_path: Path, ledger: Ledger
) -> None:
    """A signal completes and keeps the requests in flight, exit 130; the next `collect` repeats none of them."""
    lake = tmp_path / "lake"
    fake.latency = 0.1
    program = Program(fake, lake)
    process = program.begin("collect")
    assert until(process, lambda: journal_bytes(lake) > 1_000)
    process.send_signal(number)
    first = ended(process)
    assert first.code == 130, first.err
    assert "again" in first.err
    asked, settled, run = asked_targets(fake), settled_targets(lake), run_directory(lake)
    # Every request that was sent has its reply in the journal.
    assert settled == asked
    assert runs_of(lake) == []
    fake.latency = 0.0
    fake.forget_arrivals()
    second = program.run("collect")
    assert second.code == 0, second.err
    assert run is not None
    assert runs_of(lake) == [run.name]
    assert len(fake.arrivals) == fake.expected_minimum() - sum(settled.values())
    assert published(lake)["runs"][0]["resumed_count"] == 1
    ledger.note(f"{number.name}, once", first.code, second.code, runs=2)


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_second_signal_ends_the_process_at_once(
    number: signal.Signals, fake: FakeBuddy, tmp_path: Path, ledger: Ledger
) -> None:
    """While a server does not answer, a second signal ends the process at once, exit 130, resumable."""
    lake = tmp_path / "lake"
    fake.script.add(Fault("hang", kind="actions", times=None))
    program = Program(fake, lake)
    process = program.begin("collect")
    assert until(process, lambda: len(fake.requests("actions")) >= 4)
    process.send_signal(number)
    assert until(process, _after(0.3))
    process.send_signal(number)
    began = time.monotonic()
    first = ended(process)
    assert first.code == 130, first.err
    assert time.monotonic() - began < 2.0
    fake.script.clear()
    second = program.run("collect")
    assert second.code == 0, second.err
    assert len(runs_of(lake)) == 1
    assert published(lake)["runs"][0]["resumed_count"] == 1
    ledger.note(f"{number.name}, twice", first.code, second.code, runs=2)


def _after(seconds: float) -> Callable[[], bool]:
    ends_at = time.monotonic() + seconds
    return lambda: time.monotonic() >= ends_at


@pytest.mark.faults
def test_an_abandoned_run_is_a_problem(fake: FakeBuddy, tmp_path: Path) -> None:
    """A run started with other settings is abandoned: the new run is complete and has a problem about it."""
    lake = tmp_path / "lake"
    fake.latency = 0.1
    program = Program(fake, lake)
    process = program.begin("collect")
    assert until(process, lambda: journal_bytes(lake) > 1_000)
    process.kill()
    ended(process)
    old = run_directory(lake)
    fake.latency = 0.0
    other = Program(fake, lake, COLLECTOR_VARIABLE_VALUES="keep").run("collect")
    assert other.code == 0, other.err
    assert old is not None
    assert old.name not in runs_of(lake)
    assert [(row["kind"], old.name in row["message"]) for row in published(lake)["problems"]] == [
        ("abandoned_run", True)
    ]
    shutil.rmtree(lake)

"""SIGKILL of a `collector collect` process at any moment, then `collect` again: the same rows."""

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld
from tests.faults.company import company
from tests.faults.ledger import Ledger
from tests.faults.process import (
    Program,
    asked_targets,
    ended,
    journal_bytes,
    killed,
    run_directory,
    settled_targets,
    unnamed_files,
    until,
)
from tests.faults.published import SNAPSHOTS, count_differences, published, runs_of
from tests.faults.runs import run_collect
from tests.sampling import some

KILLS = 240
LATENCY_S = 0.01


@dataclass(frozen=True)
class Undisturbed:
    """A lake with one run, and the next run undisturbed: its rows, requests, journal size and duration."""

    lake: Path
    rows: dict[str, list[dict[str, object]]]
    requests: "Counter[str]"
    journal_bytes: int
    seconds: float


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBuddy]:
    """Serve the second night, slowly enough that requests are in flight at the kill."""
    with FakeBuddy(_company().at(2), latency=LATENCY_S) as serving:
        yield serving


@pytest.fixture(scope="module")
def undisturbed(fake: FakeBuddy, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Return the undisturbed runs."""
    directory = tmp_path_factory.mktemp("undisturbed")
    lake = directory / "one"
    yesterday = datetime.now(UTC) - timedelta(days=1)
    fake.world = _company()
    # The name that the command line gives to a self-hosted Buddy.
    assert run_collect(fake, lake, now=lambda: yesterday, name="127.0.0.1").exit_code == 0
    fake.world = _company().at(2)
    fake.forget_arrivals()
    second = Path(shutil.copytree(lake, directory / "two"))
    process = Program(fake, second).begin("collect")
    longest, began = 0, 0.0
    while process.poll() is None:
        began = began or (time.monotonic() if run_directory(second) is not None else 0.0)
        longest = max(longest, journal_bytes(second))
        time.sleep(0.0005)
    seconds = time.monotonic() - began
    process.communicate()
    assert process.returncode == 0
    return Undisturbed(lake, _rows(second), asked_targets(fake), longest, seconds)


def _company() -> FakeWorld:
    """Return a company whose second night is now, because a process has a real clock."""
    return company(later=0).dated(datetime.now(UTC) - timedelta(days=1))


def _rows(lake: Path, run_id: str | None = None) -> dict[str, list[dict[str, object]]]:
    return published(lake, run_id).without(moments=True, runs=runs_of(lake))


# A moment of a run, as a condition on the lake that is checked repeatedly.
Moment = Callable[[Path], bool]


def moments(undisturbed: Undisturbed, rng: random.Random) -> dict[str, Moment]:
    """Return one random moment of every kind, by name."""
    length, files = rng.randrange(undisturbed.journal_bytes + 1), rng.randrange(1, 14)
    delay, seen = rng.uniform(0, undisturbed.seconds), [0.0]

    def later(lake: Path) -> bool:
        if not seen[0] and run_directory(lake) is not None:
            seen[0] = time.monotonic()
        return bool(seen[0]) and time.monotonic() >= seen[0] + delay

    return {
        "at any time": later,
        "in the crawl": lambda lake: journal_bytes(lake) >= length > 0,
        "in staging": lambda lake: _in_run(lake, "staging/*"),
        "in the changes": lambda lake: _in_run(lake, "spill"),
        "in the publish": lambda lake: unnamed_files(lake) >= files,
        "before the swap": lambda lake: (lake / "manifest.json.tmp").exists(),
        "after the swap": lambda lake: len(runs_of(lake)) == 2,
    }


def _in_run(lake: Path, pattern: str) -> bool:
    directory = run_directory(lake)
    return directory is not None and any(directory.glob(pattern))


def _kill_and_resume(
    name: str, seed: int, fake: FakeBuddy, undisturbed: Undisturbed, lake: Path, ledger: Ledger
) -> None:
    moment = moments(undisturbed, random.Random(seed))[name]
    shutil.copytree(undisturbed.lake, lake)
    program = Program(fake, lake)
    fake.forget_arrivals()
    process = program.begin("collect")
    until(process, lambda: moment(lake))
    first = killed(process)
    assert first.code in (-9, 0), first.err
    settled, asked, swapped = settled_targets(lake), asked_targets(fake), len(runs_of(lake)) == 2
    directory = run_directory(lake)
    fake.forget_arrivals()
    second = program.run("collect")
    assert second.code == 0, second.err
    runs = runs_of(lake)
    where = "after the swap" if swapped else name
    rows = _rows(lake, runs[1])
    if swapped:
        # The run was published before the kill; the next one is a new run without changes.
        assert published(lake)["action_changes"] == []
        rows = {**rows, **{name: undisturbed.rows[name] for name in SNAPSHOTS}}
    lost, false = count_differences(undisturbed.rows, rows)
    ledger.note(
        f"SIGKILL {where}, then `collect`", second.code, runs=2, injected=int(first.code == -9), lost=lost, false=false
    )
    assert rows == undisturbed.rows
    if swapped:
        assert len(runs) == 3
        return
    assert len(runs) == 2
    if settled:
        assert directory is not None
        assert runs[1] == directory.name
    # Only what the journal lacks is requested again.
    assert asked_targets(fake) == undisturbed.requests - settled
    assert asked <= undisturbed.requests
    assert run_directory(lake) is None


@pytest.mark.parametrize("name", some(["in the crawl", "in the publish"], 1))
def test_a_killed_run_is_resumed(
    name: str, fake: FakeBuddy, undisturbed: Undisturbed, tmp_path: Path, ledger: Ledger
) -> None:
    """After SIGKILL the next `collect` has the same rows under the same run id, and requests only what is missing."""
    _kill_and_resume(name, 7, fake, undisturbed, tmp_path / "lake", ledger)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(KILLS))
def test_hundreds_of_kills(
    seed: int, fake: FakeBuddy, undisturbed: Undisturbed, tmp_path: Path, ledger: Ledger
) -> None:
    """The same at random moments: half of them random times, half at visible steps of the run."""
    names = list(moments(undisturbed, random.Random(0)))
    name = names[0] if seed % 2 else names[1 + seed // 2 % (len(names) - 1)]
    _kill_and_resume(name, seed, fake, undisturbed, tmp_path / "lake", ledger)


@pytest.mark.faults
def test_a_run_killed_many_times_still_ends(
    fake: FakeBuddy, undisturbed: Undisturbed, tmp_path: Path, ledger: Ledger
) -> None:
    """A run killed up to twelve times ends under one run id and repeats only requests in flight."""
    lake = Path(shutil.copytree(undisturbed.lake, tmp_path / "lake"))
    program, rng = Program(fake, lake), random.Random(11)
    fake.forget_arrivals()
    kills = 0
    while kills < 12:
        process = program.begin("collect")
        enough = journal_bytes(lake) + rng.randrange(1, undisturbed.journal_bytes // 10)
        if not until(process, lambda enough=enough: journal_bytes(lake) >= enough):  # type: ignore[misc]
            break  # the run ended first
        assert killed(process).code == -9
        kills += 1
    else:
        process = program.begin("collect")
    assert ended(process).code == 0
    assert kills >= 5
    assert len(runs_of(lake)) == 2
    assert _rows(lake) == undisturbed.rows
    # Each kill repeats at most the requests in flight.
    assert sum((asked_targets(fake) - undisturbed.requests).values()) <= kills * 4
    ledger.note("SIGKILL, a dozen in a row", 0, injected=kills, runs=kills + 1)

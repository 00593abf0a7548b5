"""SIGKILL of a real `collector collect` at any moment, then `collect` again: as if nothing had happened."""

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy
from tests.faults.company import company
from tests.faults.ledger import Ledger
from tests.faults.nights import night
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
from tests.faults.published import compared, published, runs_of

KILLS = 240
LATENCY_S = 0.01


@dataclass(frozen=True)
class Undying:
    """A lake with one night, and what the next night is when nobody kills it: rows, requests, journal, length."""

    lake: Path
    rows: dict[str, list[dict[str, object]]]
    requests: "Counter[str]"
    journal_bytes: int
    seconds: float


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBuddy]:
    """A Buddy on its second night, slow enough that requests are under way when death comes."""
    with FakeBuddy(company(later=0).at(2), latency=LATENCY_S) as serving:
        yield serving


@pytest.fixture(scope="module")
def undying(fake: FakeBuddy, tmp_path_factory: pytest.TempPathFactory) -> Undying:
    """The undisturbed nights."""
    directory = tmp_path_factory.mktemp("undying")
    lake = directory / "one"
    yesterday = datetime.now(UTC) - timedelta(days=1)
    fake.world = company(later=0)
    # Under the name that the command line gives to a self-hosted Buddy.
    assert night(fake, lake, now=lambda: yesterday, name="127.0.0.1").exit_code == 0
    fake.world = company(later=0).at(2)
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
    return Undying(lake, _rows(second), asked_targets(fake), longest, seconds)


def _rows(lake: Path, run_id: str | None = None) -> dict[str, list[dict[str, object]]]:
    return published(lake, run_id).without(moments=True, runs=runs_of(lake))


# The moments that can be seen from outside, by name: each is a question asked of the lake again and again.
Moment = Callable[[Path], bool]


def moments(undying: Undying, rng: random.Random) -> dict[str, Moment]:
    """One moment of every kind, drawn anew."""
    length, files = rng.randrange(undying.journal_bytes + 1), rng.randrange(1, 14)
    delay, seen = rng.uniform(0, undying.seconds), [0.0]

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


def _die_and_go_on(name: str, seed: int, fake: FakeBuddy, undying: Undying, lake: Path, ledger: Ledger) -> None:
    moment = moments(undying, random.Random(seed))[name]
    shutil.copytree(undying.lake, lake)
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
        # A night that was published before the kill stands, and the next one is another, in which nothing changed.
        assert published(lake)["action_changes"] == []
        rows = {**rows, **{name: undying.rows[name] for name in ("last_known_actions", "action_state")}}
    lost, false = compared(undying.rows, rows)
    ledger.note(
        f"SIGKILL {where}, then `collect`", second.code, runs=2, injected=int(first.code == -9), lost=lost, false=false
    )
    assert rows == undying.rows
    if swapped:
        assert len(runs) == 3
        return
    assert len(runs) == 2
    if settled:
        assert directory is not None
        assert runs[1] == directory.name
    # Only what the journal lacks is asked for, and of that only what was under way a second time.
    assert asked_targets(fake) == undying.requests - settled
    assert asked <= undying.requests
    assert (run_directory(lake)) is None


@pytest.mark.parametrize("name", ["in the crawl", "in the publish"])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    name: str, fake: FakeBuddy, undying: Undying, tmp_path: Path, ledger: Ledger
) -> None:
    """After SIGKILL the next `collect` has the same rows under the same run id, and asks only for what is missing."""
    _die_and_go_on(name, 7, fake, undying, tmp_path / "lake", ledger)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(KILLS))
def test_hundreds_of_deaths(seed: int, fake: FakeBuddy, undying: Undying, tmp_path: Path, ledger: Ledger) -> None:
    """The same at random moments of the whole run: half of them drawn over its time, half at what can be seen of it."""
    names = list(moments(undying, random.Random(0)))
    name = names[0] if seed % 2 else names[1 + seed // 2 % (len(names) - 1)]
    _die_and_go_on(name, seed, fake, undying, tmp_path / "lake", ledger)


@pytest.mark.faults
def test_a_run_that_dies_again_and_again_still_ends(
    fake: FakeBuddy, undying: Undying, tmp_path: Path, ledger: Ledger
) -> None:
    """Killed up to a dozen times in a row, at moments that move on, one run id sees it through, hardly asking twice."""
    lake = Path(shutil.copytree(undying.lake, tmp_path / "lake"))
    program, rng = Program(fake, lake), random.Random(11)
    fake.forget_arrivals()
    deaths = 0
    while deaths < 12:
        process = program.begin("collect")
        enough = journal_bytes(lake) + rng.randrange(1, undying.journal_bytes // 10)
        if not until(process, lambda enough=enough: journal_bytes(lake) >= enough):  # type: ignore[misc]
            break  # it came to its end before it had written so much
        assert killed(process).code == -9
        deaths += 1
    else:
        process = program.begin("collect")
    assert ended(process).code == 0
    assert deaths >= 5
    assert len(runs_of(lake)) == 2
    assert _rows(lake) == undying.rows
    # At most the requests under way are repeated by each death.
    assert sum((asked_targets(fake) - undying.requests).values()) <= deaths * 4
    ledger.note("SIGKILL, a dozen in a row", 0, injected=deaths, runs=deaths + 1)

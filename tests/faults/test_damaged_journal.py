"""A journal truncated or corrupted at any byte: the intact part is used, the rest is requested again."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy
from tests.faults.company import company
from tests.faults.ledger import Ledger
from tests.faults.process import run_directory
from tests.faults.published import count_differences, published, runs_of
from tests.faults.runs import RecordingObserver, SimulatedCrash, crash_after_crawl, run_collect
from tests.sampling import some

DAMAGES = 200


@dataclass(frozen=True)
class Crawled:
    """A lake whose run crashed with a complete journal, and the rows and requests of an undisturbed run."""

    lake: Path
    rows: dict[str, list[dict[str, object]]]
    requests: int

    @property
    def journal(self) -> Path:
        """The journal's path inside a lake."""
        directory = run_directory(self.lake)
        assert directory is not None
        return (directory / "journal.jsonl").relative_to(self.lake)


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBuddy]:
    """Serve a small world."""
    with FakeBuddy(company(later=0)) as serving:
        yield serving


@pytest.fixture(scope="module")
def crawled(fake: FakeBuddy, tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    """Return the crashed run and the undisturbed one."""
    directory = tmp_path_factory.mktemp("crawled")
    assert run_collect(fake, directory / "undisturbed").exit_code == 0
    with pytest.raises(SimulatedCrash):
        run_collect(fake, directory / "crashed", watcher=RecordingObserver(crash_after_crawl))
    rows = published(directory / "undisturbed").without(runs=runs_of(directory / "undisturbed"))
    return Crawled(directory / "crashed", rows, len(fake.arrivals) // 2)


def _damaged(content: bytes, seed: int) -> bytes:
    """Truncate the content, flip one bit, or overwrite a range with zeros, at a random position."""
    rng = random.Random(seed)
    place = rng.randrange(len(content))
    if seed % 3 == 0:
        return content[:place]
    if seed % 3 == 1:
        return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]
    end = min(len(content), place + rng.randrange(1, 4096))
    return content[:place] + bytes(end - place) + content[end:]


def _resume(content: bytes, crawled: Crawled, fake: FakeBuddy, lake: Path, ledger: Ledger) -> None:
    shutil.copytree(crawled.lake, lake)
    (lake / crawled.journal).write_bytes(content)
    header = crawled.lake.joinpath(crawled.journal).read_bytes().split(b"\n")[0] + b"\n"
    fake.forget_arrivals()
    result = run_collect(fake, lake, seed=99)
    assert result.exit_code == 0
    rows = published(lake).without(runs=runs_of(lake))
    problems = rows.pop("problems")
    truth = {name: rows for name, rows in crawled.rows.items() if name != "problems"}
    lost, false = count_differences(truth, rows)
    ledger.note("journal cut or corrupted", result.exit_code, lost=lost, false=false)
    assert rows == truth
    if content.startswith(header):
        assert runs_of(lake) == [crawled.journal.parent.name]
        assert problems == []
    else:
        # The run id is not known: a new run starts, with a problem.
        assert [row["kind"] for row in problems] == ["abandoned_run"]
    assert len(fake.arrivals) <= crawled.requests
    assert run_directory(lake) is None


@pytest.mark.parametrize("seed", some(range(3), 0))
def test_a_damaged_journal_costs_requests_only(
    seed: int, fake: FakeBuddy, crawled: Crawled, tmp_path: Path, ledger: Ledger
) -> None:
    """The intact part of a damaged journal is used, and the rows are the same."""
    content = (crawled.lake / crawled.journal).read_bytes()
    _resume(_damaged(content, seed), crawled, fake, tmp_path / "lake", ledger)


def test_a_damaged_header_starts_a_new_run(fake: FakeBuddy, crawled: Crawled, tmp_path: Path, ledger: Ledger) -> None:
    """Without an intact first line the run is abandoned, with a problem."""
    content = (crawled.lake / crawled.journal).read_bytes()
    _resume(b"x" + content[1:], crawled, fake, tmp_path / "damaged", ledger)
    _resume(b"", crawled, fake, tmp_path / "empty", ledger)


@pytest.mark.faults
def test_a_journal_damaged_at_hundreds_of_positions(
    fake: FakeBuddy, crawled: Crawled, tmp_path: Path, ledger: Ledger
) -> None:
    """The same at random positions, and at and next to every end of a line."""
    content = (crawled.lake / crawled.journal).read_bytes()
    for seed in range(100, 100 + DAMAGES):
        _resume(_damaged(content, seed), crawled, fake, tmp_path / "lake", ledger)
        shutil.rmtree(tmp_path / "lake")
    ends = [place for place, byte in enumerate(content) if byte == ord("\n")]
    for place in [end + offset for end in ends for offset in (0, 1, 2)]:
        _resume(content[:place], crawled, fake, tmp_path / "lake", ledger)
        shutil.rmtree(tmp_path / "lake")

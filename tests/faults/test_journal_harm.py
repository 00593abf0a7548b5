"""A journal that was cut or corrupted at any byte: what is sound is used, the rest is asked for again."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy
from tests.faults.company import company
from tests.faults.ledger import Ledger
from tests.faults.nights import PowerCut, Watcher, cut_power, night
from tests.faults.process import run_directory
from tests.faults.published import compared, published, runs_of

HARMS = 200


@dataclass(frozen=True)
class Crawled:
    """A lake whose run died with its journal whole, and the rows and requests of the night that didn't."""

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
    """A small Buddy."""
    with FakeBuddy(company(later=0)) as serving:
        yield serving


@pytest.fixture(scope="module")
def crawled(fake: FakeBuddy, tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    """The two lakes."""
    directory = tmp_path_factory.mktemp("crawled")
    assert night(fake, directory / "whole").exit_code == 0
    with pytest.raises(PowerCut):
        night(fake, directory / "dead", watcher=Watcher(cut_power))
    rows = published(directory / "whole").without(runs=runs_of(directory / "whole"))
    return Crawled(directory / "dead", rows, len(fake.arrivals) // 2)


def _harmed(content: bytes, seed: int) -> bytes:
    """Cut, or one bit turned, or a stretch overwritten with zeros; at a place drawn over the whole."""
    rng = random.Random(seed)
    place = rng.randrange(len(content))
    if seed % 3 == 0:
        return content[:place]
    if seed % 3 == 1:
        return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]
    end = min(len(content), place + rng.randrange(1, 4096))
    return content[:place] + bytes(end - place) + content[end:]


def _go_on(content: bytes, crawled: Crawled, fake: FakeBuddy, lake: Path, ledger: Ledger) -> None:
    shutil.copytree(crawled.lake, lake)
    (lake / crawled.journal).write_bytes(content)
    header = crawled.lake.joinpath(crawled.journal).read_bytes().split(b"\n")[0] + b"\n"
    fake.forget_arrivals()
    result = night(fake, lake, seed=99)
    assert result.exit_code == 0
    rows = published(lake).without(runs=runs_of(lake))
    told = rows.pop("problems")
    truth = {name: rows for name, rows in crawled.rows.items() if name != "problems"}
    lost, false = compared(truth, rows)
    ledger.note("journal cut or corrupted", result.exit_code, lost=lost, false=false)
    assert rows == truth
    if content.startswith(header):
        assert runs_of(lake) == [crawled.journal.parent.name]
        assert told == []
    else:
        # Not even the run's name is sure: it is another run, and says so.
        assert [row["kind"] for row in told] == ["abandoned_run"]
    assert len(fake.arrivals) <= crawled.requests
    assert run_directory(lake) is None


@pytest.mark.parametrize("seed", range(3))
def test_a_harmed_journal_costs_requests_and_nothing_else(
    seed: int, fake: FakeBuddy, crawled: Crawled, tmp_path: Path, ledger: Ledger
) -> None:
    """Cut or corrupted anywhere, the journal is used as far as it is sound, and the dataset is the same."""
    content = (crawled.lake / crawled.journal).read_bytes()
    _go_on(_harmed(content, seed), crawled, fake, tmp_path / "lake", ledger)


def test_a_harmed_header_begins_another_run(fake: FakeBuddy, crawled: Crawled, tmp_path: Path, ledger: Ledger) -> None:
    """Without a sound first line the run can't be known: it is abandoned, with a problem that says so."""
    content = (crawled.lake / crawled.journal).read_bytes()
    _go_on(b"x" + content[1:], crawled, fake, tmp_path / "damaged", ledger)
    _go_on(b"", crawled, fake, tmp_path / "empty", ledger)


@pytest.mark.faults
def test_a_journal_harmed_at_hundreds_of_bytes(
    fake: FakeBuddy, crawled: Crawled, tmp_path: Path, ledger: Ledger
) -> None:
    """The same at random bytes, and at every end of a line and beside it."""
    content = (crawled.lake / crawled.journal).read_bytes()
    for seed in range(100, 100 + HARMS):
        _go_on(_harmed(content, seed), crawled, fake, tmp_path / "lake", ledger)
        shutil.rmtree(tmp_path / "lake")
    ends = [place for place, byte in enumerate(content) if byte == ord("\n")]
    for place in [end + beside for end in ends for beside in (0, 1, 2)]:
        _go_on(content[:place], crawled, fake, tmp_path / "lake", ledger)
        shutil.rmtree(tmp_path / "lake")

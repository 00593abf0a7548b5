"""8. Resume: how long an interrupted run reads before it asks anything new."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.clients.replay import write_journal
from tests.bench.measure import python, spread
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale

_SAID = """\
The journal of a crawl that was killed at its last reply is read back: sum, JSON, checks of the contract, frontier, rows.
*rows dropped* ends there; *rows staged* writes them to Parquet as a resumed run does."""
_COLUMNS = ("", "replies", "journal MiB", "wall s", "CPU s", "replies/s", "peak MiB")


def bench(scale: Scale) -> Section:
    """Replay one journal some times, both ways."""
    with TemporaryDirectory() as folder:
        journal = Path(folder) / "journal.jsonl"
        replies = write_journal(journal, scale.replies_replayed)
        size = journal.stat().st_size / 2**20
        rows, rates = [], []
        for name, arguments in (("rows dropped", ()), ("rows staged", (f"{folder}/staging",))):
            runs = [python("-m", "tests.bench.clients.replay", str(journal), *arguments) for _ in range(scale.runs)]
            wall = spread(r.said["replay_s"] for r in runs)
            cpu = spread(r.said["replay_cpu_s"] for r in runs)
            peak = spread(r.peak_mib for r in runs)
            rate = spread(replies / r.said["replay_s"] for r in runs)
            rates.append(rate.median)
            rows.append(
                (name, f"{replies:,}", f"{size:.0f}", f"{wall:.2f}", f"{cpu:.2f}", f"{rate:,.0f}", f"{peak:.0f}")
            )
    goal = Goal("replay, rows dropped", "≥ 20,000 replies/s", f"{rates[0]:,.0f}", rates[0] >= 20_000)
    staged = Goal("replay, rows staged", "≥ 20,000 replies/s", f"{rates[1]:,.0f}", rates[1] >= 20_000)
    return Section("8. Resume", _SAID, [Table(_COLUMNS, rows)], [goal, staged])

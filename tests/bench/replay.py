"""8. Resume: how long a resumed run replays its journal before it sends new requests."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.clients.replay import write_journal
from tests.bench.measure import python, spread
from tests.bench.report import Section, Table
from tests.bench.scale import Scale

_TEXT = """\
The journal of a crawl that was killed at its last reply is replayed: checksum, JSON, decoding, frontier, rows. *rows
dropped* ends there; *rows staged* writes the rows to Parquet, as a resumed run does."""
_COLUMNS = ("", "replies", "journal MiB", "wall s", "CPU s", "replies/s", "peak MiB")


def bench(scale: Scale) -> Section:
    """Replay one journal several times, both ways."""
    with TemporaryDirectory() as folder:
        journal = Path(folder) / "journal.jsonl"
        replies = write_journal(journal, scale.replayed_shape)
        size = journal.stat().st_size / 2**20
        rows = []
        for name, arguments in (("rows dropped", ()), ("rows staged", (f"{folder}/staging",))):
            runs = [python("-m", "tests.bench.clients.replay", str(journal), *arguments) for _ in range(scale.runs)]
            wall = spread(r.result["replay_s"] for r in runs)
            cpu = spread(r.result["replay_cpu_s"] for r in runs)
            peak = spread(r.peak_mib for r in runs)
            rate = spread(replies / r.result["replay_s"] for r in runs)
            rows.append(
                (name, f"{replies:,}", f"{size:.0f}", f"{wall:.2f}", f"{cpu:.2f}", f"{rate:,.0f}", f"{peak:.0f}")
            )
    return Section("8. Resume", _TEXT, [Table(_COLUMNS, rows)])

"""5. Growth: the cost of larger worlds."""

from tests.bench.buddy import Buddy, Shape
from tests.bench.measure import Measured, spread
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale

_TEXT = """\
A first run into an empty lake, complete process, no latency and no rate limit. Every promotion is one GET and one row,
and there are as many actions of other types. *on disk* is the published run, without the journal. *slope* is the cost
of one more promotion between one size and the next."""
_COLUMNS = ("promotions", "wall s", "of it finalize s", "CPU s", "peak MiB", "on disk MiB", "slope wall ms",
            "slope CPU ms", "slope bytes")  # fmt: skip


def bench(scale: Scale) -> Section:
    """Collect worlds of increasing size."""
    rows = []
    peaks: list[float] = []
    finalizing: list[float] = []
    before: tuple[float, ...] | None = None
    for shape in scale.growth:
        runs = _collect(shape, scale.runs)
        wall, cpu = spread(r.wall_s for r in runs), spread(r.cpu_s for r in runs)
        peak = spread(r.peak_mib for r in runs)
        finalize = spread(r.result["close_s"] for r in runs)
        disk = runs[0].result["lake_bytes"]
        here = (shape.promotions, wall.median, cpu.median, disk)
        rows.append(
            (f"{shape.promotions:,}", f"{wall:.1f}", f"{finalize:.1f}", f"{cpu:.1f}", f"{peak:.0f}",
             f"{disk / 2**20:.1f}", *_slopes(before, here))
        )  # fmt: skip
        peaks.append(peak.median)
        finalizing.append(finalize.median)
        before = here
    largest = f"{scale.growth[-1].promotions:,}"
    peak_mb = peaks[-1] * 1.048576
    finalize_s = finalizing[-1]
    goals = [
        Goal(f"peak memory at {largest}", "< 600 MB", f"{peak_mb:.0f} MB", peak_mb < 600, quoted=True),
        Goal(f"finalize at {largest}", "≤ 5 s", f"{finalize_s:.1f} s", finalize_s <= 5),
    ]
    return Section("5. Growth", _TEXT, [Table(_COLUMNS, rows)], goals)


def _collect(shape: Shape, runs: int) -> list[Measured]:
    with Buddy(shape) as buddy:
        return [buddy.ours() for _ in range(runs)]


def _slopes(before: tuple[float, ...] | None, here: tuple[float, ...]) -> tuple[str, str, str]:
    if before is None:
        return ("", "", "")
    count, wall, cpu, disk = (new - old for new, old in zip(here, before, strict=True))
    return (f"{wall / count * 1000:.2f}", f"{cpu / count * 1000:.2f}", f"{disk / count:.0f}")

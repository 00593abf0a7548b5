"""5. Growth: what five and twenty times the actions cost."""

from tests.bench.buddy import Buddy, Shape
from tests.bench.measure import Measured, spread
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale

_SAID = """\
A first night into an empty lake, whole process, no latency and no limit: every promotion is one GET and one row, and as many
actions of other types are listed beside it. *on disk* is the published night, without the journal. *slope* is the cost of
each further promotion between one size and the next."""
_COLUMNS = ("promotions", "wall s", "of it closing s", "CPU s", "peak MiB", "on disk MiB", "slope wall ms", "slope CPU ms",
            "slope bytes")  # fmt: skip


def bench(scale: Scale) -> Section:
    """Collect worlds of growing size."""
    rows = []
    peaks: list[float] = []
    before: tuple[float, ...] | None = None
    for shape in scale.growth:
        runs = _collect(shape, scale.runs)
        wall, cpu = spread(r.wall_s for r in runs), spread(r.cpu_s for r in runs)
        peak = spread(r.peak_mib for r in runs)
        closing = spread(r.said["close_s"] for r in runs)
        disk = runs[0].said["lake_bytes"]
        here = (shape.promotions, wall.median, cpu.median, disk)
        rows.append(
            (f"{shape.promotions:,}", f"{wall:.1f}", f"{closing:.1f}", f"{cpu:.1f}", f"{peak:.0f}", f"{disk / 2**20:.1f}",
             *_slopes(before, here))
        )  # fmt: skip
        peaks.append(peak.median)
        before = here
    largest = f"{scale.growth[-1].promotions:,}"
    ratio = peaks[-1] / peaks[0]
    goals = [
        Goal(f"peak memory at {largest}, of the smallest's", "≤ 1.25", f"{ratio:.2f}", ratio <= 1.25),
        Goal(f"peak memory at {largest}", "< 400 MB", f"{peaks[-1] * 1.048576:.0f} MB", peaks[-1] * 1.048576 < 400),
    ]
    return Section("5. Growth", _SAID, [Table(_COLUMNS, rows)], goals)


def _collect(shape: Shape, runs: int) -> list[Measured]:
    with Buddy(shape) as buddy:
        return [buddy.ours() for _ in range(runs)]


def _slopes(before: tuple[float, ...] | None, here: tuple[float, ...]) -> tuple[str, str, str]:
    if before is None:
        return ("", "", "")
    count, wall, cpu, disk = (new - old for new, old in zip(here, before, strict=True))
    return (f"{wall / count * 1000:.2f}", f"{cpu / count * 1000:.2f}", f"{disk / count:.0f}")

"""5. Growth: the cost of larger worlds."""

from tests.bench.buddy import Buddy, Shape
from tests.bench.measure import Measured, spread
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale

_TEXT = """\
A first run into an empty lake, complete process, no latency and no rate limit. Every promotion is one GET and one row,
and there are as many actions of other types; executions are left out, except in the last row, which is one run.
*on disk* is the published run, without the journal. *slope* is the cost of one more promotion between one size and the
next."""
_COLUMNS = ("promotions", "wall s", "of it finalize s", "CPU s", "peak MiB", "on disk MiB", "slope wall ms",
            "slope CPU ms", "slope bytes")  # fmt: skip


def bench(scale: Scale) -> Section:
    """Collect worlds of increasing size, and the largest one once with its executions."""
    rows = []
    before: tuple[float, ...] | None = None
    for shape in scale.growth:
        runs = _collect(shape, scale.runs, "off")
        here = _sizes(shape, runs)
        rows.append((f"{shape.promotions:,}", *_row(runs), *_slopes(before, here)))
        before = here
    largest = f"{scale.growth[-1].promotions:,}"
    whole = _collect(scale.growth[-1], 1, "7d")
    rows.append((f"{largest}, executions", *_row(whole), "", "", ""))
    peak_mib = max(spread(r.peak_mib for r in each).median for each in (runs, whole))
    finalize_s = spread(r.result["close_s"] for r in runs).median
    goals = [
        Goal(f"peak memory at {largest}", "< 600 MiB", f"{peak_mib:.0f} MiB", peak_mib < 600, quoted=True),
        Goal(f"finalize at {largest}", "≤ 5 s", f"{finalize_s:.1f} s", finalize_s <= 5),
    ]
    return Section("5. Growth", _TEXT, [Table(_COLUMNS, rows)], goals)


def _collect(shape: Shape, runs: int, executions: str) -> list[Measured]:
    with Buddy(shape) as buddy:
        return [buddy.ours(executions=executions) for _ in range(runs)]


def _row(runs: list[Measured]) -> tuple[str, ...]:
    wall, cpu = spread(r.wall_s for r in runs), spread(r.cpu_s for r in runs)
    finalize, peak = spread(r.result["close_s"] for r in runs), spread(r.peak_mib for r in runs)
    disk_mib = runs[0].result["lake_bytes"] / 2**20
    return f"{wall:.1f}", f"{finalize:.1f}", f"{cpu:.1f}", f"{peak:.0f}", f"{disk_mib:.1f}"


def _sizes(shape: Shape, runs: list[Measured]) -> tuple[float, ...]:
    wall, cpu = spread(r.wall_s for r in runs), spread(r.cpu_s for r in runs)
    return shape.promotions, wall.median, cpu.median, runs[0].result["lake_bytes"]


def _slopes(before: tuple[float, ...] | None, here: tuple[float, ...]) -> tuple[str, str, str]:
    if before is None:
        return ("", "", "")
    count, wall, cpu, disk = (new - old for new, old in zip(here, before, strict=True))
    return (f"{wall / count * 1000:.2f}", f"{cpu / count * 1000:.2f}", f"{disk / count:.0f}")

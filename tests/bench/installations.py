"""11. Many installations in one run: replies per second and memory of one process."""

from tests.bench.buddy import Buddy, Shape
from tests.bench.measure import spread
from tests.bench.report import Section, Table
from tests.bench.scale import Scale

_SHAPE = Shape(projects=1, pipelines=1, actions=4)
_LATENCY_S = 0.05
_TEXT = """\
One run of many small installations side by side, at the default concurrency of 16 and without a ceiling of requests per
second, against one Buddy behind {latency:.0f} ms of latency. Half of the limit on open files are connections; where
there are more installations than connections, each request has a connection of its own and waits for a free place."""
_COLUMNS = (
    "installations",
    "open files",
    "requests",
    "crawl s",
    "replies/s",
    "CPU ms per reply",
    "s in all",
    "peak MiB",
)


def bench(scale: Scale) -> Section:
    """Collect so many installations, each number of them several times."""
    rows = []
    with Buddy(_SHAPE, _LATENCY_S) as buddy:
        for installations, open_files in scale.installations:
            runs = [buddy.ours_many(installations, open_files) for _ in range(scale.runs)]
            replies, crawl_s = runs[0].result["replies"], spread(run.result["crawl_s"] for run in runs)
            cpu_ms = spread(1000 * run.result["crawl_cpu_s"] / replies for run in runs)
            wall_s, peak = spread(run.wall_s for run in runs), spread(run.peak_mib for run in runs)
            rate = spread(replies / run.result["crawl_s"] for run in runs)
            measured = (f"{crawl_s:.1f}", f"{rate:,.0f}", f"{cpu_ms:.2f}", f"{wall_s:.1f}", f"{peak:.0f}")
            rows.append((f"{installations:,}", f"{open_files:,}", f"{replies:,}", *measured))
    return Section("11. Many installations", _TEXT.format(latency=_LATENCY_S * 1000), [Table(_COLUMNS, rows)], [])

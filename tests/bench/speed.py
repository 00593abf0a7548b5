"""2 and 3. Speed on a server without a rate limit: without latency, then with latencies like those of a network."""

from dataclasses import dataclass

from tests.bench.buddy import Buddy, Shape
from tests.bench.measure import Measured, Spread, spread
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale

_TEXT = """\
Complete processes, from start to exit, with the same warm server on the same machine and 16 concurrent requests. *bare*
is an aiohttp loop that only GETs and parses JSON. *ours* does everything: redaction, journal, checks, changes, a
published lake (default settings without the ceiling of requests per second). *dlt* writes Parquet files; by default it
sends one request after another. Executions are left out, as bare and dlt do not read them; *ours, executions* is a
first run with those of 7 days. *in the crawl* excludes start-up and, for ours, finalize. The last column is the CPU
time of the server per reply, which shares the machine."""
_COLUMNS = ("client", "replies", "wall s", "replies/s, process", "replies/s, in the crawl", "CPU µs/reply, process",
            "CPU µs/reply, crawl", "server CPU µs/reply")  # fmt: skip
_SHOWN = {"dlt": "dlt, defaults", "dlt_parallel": "dlt, 16 at once", "ours_with_executions": "ours, executions"}
# dlt's default of one request after another is measured up to this latency.
_MAX_SEQUENTIAL_LATENCY_S = 0.05


@dataclass(frozen=True)
class Timed:
    """One run, with the requests and the CPU seconds of the server."""

    run: Measured
    requests: int
    server_s: float

    @property
    def rate(self) -> float:
        """Return the replies per second of the process."""
        return self.requests / self.run.wall_s

    @property
    def cpu_us(self) -> float:
        """Return the CPU microseconds per reply of the process."""
        return self.run.cpu_s / self.requests * 1e6

    @property
    def crawl_rate(self) -> float:
        """Return the replies per second of the crawl; 0 if unknown."""
        seconds: float = self.run.result.get("crawl_s", 0.0)
        return self.requests / seconds if seconds else 0.0

    @property
    def crawl_cpu_us(self) -> float:
        """Return the CPU microseconds per reply of the crawl; 0 if unknown."""
        seconds: float = self.run.result.get("crawl_cpu_s", 0.0)
        return seconds / self.requests * 1e6


Results = dict[str, list[Timed]]


def bench(scale: Scale) -> list[Section]:
    """Measure all three programs without latency and with each latency."""
    limit = race(scale.fast, 0.0, scale.runs, ("bare", "ours"))
    beside = race(scale.beside_dlt, 0.0, scale.runs, ("bare", "ours", *_dlt(scale, 0.0), "ours_with_executions"))
    small = race(scale.small, 0.0, scale.runs, ("bare", "ours", *_dlt(scale, 0.0), "ours_with_executions"))
    unlimited = Section(
        "2. Unlimited server, no latency",
        _TEXT
        + "\n\nThe largest world compares ours with the bare loop; a medium and a small world also with dlt. In the "
        "small one, most of the time is the fixed cost of a process (imports, checks, publishing).",
        [_table(limit), _table(beside), _table(small)],
        [
            _of_the_limit(limit),
            *_against_dlt(beside, "no latency", 5),
            *_against_dlt(small, "no latency, small world", 4),
        ],
    )
    far = [
        race(scale.beside_dlt, latency, scale.runs, ("bare", "ours", *_dlt(scale, latency)))
        for latency in scale.latencies_s
    ]
    shown = " ms, then ".join(f"{latency * 1000:.0f}" for latency in scale.latencies_s)
    distant = Section(
        "3. Latency",
        f"As above, the medium world, with {shown} ms before each reply. dlt's default of one request after another is "
        "not measured at the longest latency.",
        [_table(results) for results in far],
        _against_dlt(far[0], f"{scale.latencies_s[0] * 1000:.0f} ms", 1),
    )
    return [unlimited, distant]


def race(shape: Shape, latency_s: float, runs: int, names: tuple[str, ...]) -> Results:
    """Run the named programs alternately."""
    results: Results = {name: [] for name in names}
    with Buddy(shape, latency_s) as buddy:
        if "ours_with_executions" in names:
            buddy.ours_with_executions()  # fills the cache of the server, as the bare loop did with the rest
        for _ in range(runs):
            for name in names:
                results[name].append(Timed(*buddy.served(getattr(buddy, name))))
    return results


def _dlt(scale: Scale, latency_s: float) -> tuple[str, ...]:
    if not scale.dlt:
        return ()
    return ("dlt_parallel",) if latency_s > _MAX_SEQUENTIAL_LATENCY_S else ("dlt", "dlt_parallel")


def _table(results: Results) -> Table:
    return Table(_COLUMNS, [_row(name, runs) for name, runs in results.items()])


def _row(name: str, runs: list[Timed]) -> tuple[str, ...]:
    shown = _SHOWN.get(name, name)
    has_crawl = runs[0].crawl_rate > 0
    return (
        shown,
        f"{runs[0].requests:,}",
        f"{spread(t.run.wall_s for t in runs):.2f}",
        f"{_median(runs, 'rate'):,.0f}",
        f"{_median(runs, 'crawl_rate'):,.0f}" if has_crawl else "",
        f"{_median(runs, 'cpu_us'):,.0f}",
        f"{_median(runs, 'crawl_cpu_us'):,.0f}" if has_crawl else "",
        f"{spread(t.server_s / t.requests * 1e6 for t in runs).median:,.0f}",
    )


def _median(runs: list[Timed], what: str) -> Spread:
    return spread(getattr(each, what) for each in runs)


def _of_the_limit(results: Results) -> Goal:
    share = _median(results["ours"], "crawl_rate").median / _median(results["bare"], "crawl_rate").median
    return Goal("replies/s in the crawl, of the bare loop's", "≥ 0.50", f"{share:.2f}", share >= 0.5)


def _against_dlt(results: Results, where: str, wanted: int) -> list[Goal]:
    ours = results["ours"]
    goals = []
    for client, how in (("dlt", "its defaults"), ("dlt_parallel", "16 at once")):
        if client not in results:
            continue
        theirs = results[client]
        faster = _median(ours, "rate").median / _median(theirs, "rate").median
        quoted = (how, where) == ("its defaults", "no latency")
        goals.append(
            Goal(f"times dlt's speed ({how}), {where}", f"≥ {wanted}", f"{faster:.1f}", faster >= wanted, quoted)
        )
    return goals

"""4. A limited server: how much of the allowed budget is used, and how often the limit refuses."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from collector.fake_buddy import FakeBuddy, FakeWorld
from tests.bench.buddy import CONCURRENCY, TOKEN
from tests.bench.measure import python, spread
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Limit, Scale

_SAID = """\
The server admits so many requests in each window of its clock. *allowed* is that less the reserve of a quarter that we leave
to others, and less what a neighbour on the same token takes, a tenth. *used* is what was admitted of it, in the windows
between the first and the last, by the server's own log; *refused* counts the 429s of the whole night. The fixed-rate client
sends evenly at the allowed rate, which it was told; ours is told nothing. The four nights of a round run side by side, each
against a server of its own: they mostly wait."""
_COLUMNS = ("limit", "", "client", "used of the allowed", "refused", "wall s")
_NEIGHBOUR_SHARE = 10


@dataclass(frozen=True)
class Seen:
    """What the server saw of one night."""

    used: float
    refused: int
    wall_s: float


def bench(scale: Scale) -> Section:
    """Crawl under each limit, alone and with a neighbour."""
    rows, goals = [], []
    for limit in scale.limits:
        results: dict[tuple[str, str], list[Seen]] = {}
        for _ in range(scale.runs):
            for name, seen in _round(limit).items():
                results.setdefault(name, []).append(seen)
        told = f"{limit.requests:,} per {limit.window_s:g} s"
        for (company, client), nights in results.items():
            used, refused = spread(n.used for n in nights), spread(n.refused for n in nights)
            wall = spread(n.wall_s for n in nights)
            rows.append((told, company, client, f"{used:.3f}", f"{refused:.0f}", f"{wall:.1f}"))
            if (company, client) == ("alone", "ours"):
                goals.append(
                    Goal(f"share of the budget used, {told}", "≥ 0.97", f"{used.median:.3f}", used.median >= 0.97)
                )
                goals.append(Goal(f"refusals when alone, {told}", "0", f"{refused.high:.0f}", refused.high == 0))
    return Section("4. Limited server", _SAID, [Table(_COLUMNS, rows)], goals)


def _round(limit: Limit) -> dict[tuple[str, str], Seen]:
    with ThreadPoolExecutor(4) as side_by_side:
        nights = {
            (company, client): side_by_side.submit(_night, limit, program, neighbour)
            for company, neighbour in (("alone", 0), ("neighbour", limit.requests // _NEIGHBOUR_SHARE))
            for client, program in (("ours", _ours), ("fixed rate", _fixed_rate))
        }
        return {name: night.result() for name, night in nights.items()}


def _night(limit: Limit, program: Callable[[str, Limit, int], float], neighbour: int) -> Seen:
    shape = limit.shape
    world = FakeWorld(
        workspaces=shape.workspaces, projects=shape.projects, pipelines=shape.pipelines, actions=shape.actions,
        awkward=False,
    )  # fmt: skip
    with FakeBuddy(
        world, token=TOKEN, limit=limit.requests, window=limit.window_s, neighbour_per_window=neighbour
    ) as buddy:
        wall = program(buddy.url, limit, neighbour)
        arrivals = buddy.arrivals
    windows = sorted({arrival.window_index for arrival in arrivals})
    whole = range(windows[0] + 1, windows[-1])
    admitted = sum(arrival.admitted and arrival.window_index in whole for arrival in arrivals)
    used = admitted / (len(whole) * allowed(limit, neighbour)) if len(whole) else 0.0
    return Seen(used, sum(not arrival.admitted for arrival in arrivals), wall)


def allowed(limit: Limit, neighbour: int) -> int:
    """Return the requests of each window that are ours to spend."""
    return limit.requests - _reserve(limit) - neighbour


def _reserve(limit: Limit) -> int:
    return limit.requests // 4


def _ours(url: str, limit: Limit, neighbour: int) -> float:
    assert neighbour >= 0
    with TemporaryDirectory() as folder:
        lake, reserve = Path(folder) / "lake", str(_reserve(limit))
        return _run("ours", url, "--lake", str(lake), "--reserve", reserve)


def _fixed_rate(url: str, limit: Limit, neighbour: int) -> float:
    return _run("bare", url, "--rate", str(allowed(limit, neighbour) / limit.window_s))


def _run(client: str, url: str, *arguments: str) -> float:
    command = ("--url", url, "--token", TOKEN, "--concurrency", str(CONCURRENCY), *arguments)
    return python("-m", f"tests.bench.clients.{client}", *command).wall_s

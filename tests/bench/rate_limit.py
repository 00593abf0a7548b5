"""4. A server with a rate limit: the used share of the limit, and the refusals."""

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

_TEXT = """\
The server admits a number of requests per window of its clock. *allowed* is that number without the reserve of a
quarter and without the tenth that a neighbour, another client with the same token, takes. *used* is the share of it
that was admitted in the windows between the first and the last, by the server's log; *refused* counts the 429s of the
run. The fixed-rate client knows the allowed rate and sends evenly; ours knows nothing. The four runs of a round are
concurrent, each with its own server, because they mostly wait."""
_COLUMNS = ("limit", "", "client", "used of the allowed", "refused", "wall s")
_NEIGHBOUR_SHARE = 10


@dataclass(frozen=True)
class Seen:
    """What the server saw of one run."""

    used: float
    refused: int
    wall_s: float


def bench(scale: Scale) -> Section:
    """Run under each limit, alone and with a neighbour."""
    rows, goals = [], []
    for limit in scale.limits:
        results: dict[tuple[str, str], list[Seen]] = {}
        for _ in range(scale.runs):
            for name, seen in _round(limit).items():
                results.setdefault(name, []).append(seen)
        limit_text = f"{limit.requests:,} per {limit.window_s:g} s"
        for (company, client), runs in results.items():
            used, refused = spread(n.used for n in runs), spread(n.refused for n in runs)
            wall = spread(n.wall_s for n in runs)
            rows.append((limit_text, company, client, f"{used:.3f}", f"{refused:.0f}", f"{wall:.1f}"))
            if (company, client) == ("alone", "ours"):
                goals.append(
                    Goal(
                        f"share of the rate limit used, {limit_text}",
                        "≥ 0.97",
                        f"{used.median:.3f}",
                        used.median >= 0.97,
                        quoted=limit is scale.limits[-1],
                    )
                )
                goals.append(Goal(f"refusals when alone, {limit_text}", "0", f"{refused.high:.0f}", refused.high == 0))
    return Section("4. Limited server", _TEXT, [Table(_COLUMNS, rows)], goals)


def _round(limit: Limit) -> dict[tuple[str, str], Seen]:
    with ThreadPoolExecutor(4) as pool:
        futures = {
            (company, client): pool.submit(_run_once, limit, program, neighbour)
            for company, neighbour in (("alone", 0), ("neighbour", limit.requests // _NEIGHBOUR_SHARE))
            for client, program in (("ours", _ours), ("fixed rate", _fixed_rate))
        }
        return {name: future.result() for name, future in futures.items()}


def _run_once(limit: Limit, program: Callable[[str, Limit, int], float], neighbour: int) -> Seen:
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
    windows = sorted({request.window_index for request in arrivals})
    full = range(windows[0] + 1, windows[-1])
    admitted = sum(request.admitted and request.window_index in full for request in arrivals)
    used = admitted / (len(full) * allowed(limit, neighbour)) if len(full) else 0.0
    return Seen(used, sum(not request.admitted for request in arrivals), wall)


def allowed(limit: Limit, neighbour: int) -> int:
    """Return the number of requests that a client may send in each window."""
    return limit.requests - _reserve(limit) - neighbour


def _reserve(limit: Limit) -> int:
    return limit.requests // 4


def _ours(url: str, limit: Limit, neighbour: int) -> float:
    assert neighbour >= 0
    with TemporaryDirectory() as folder:
        lake, reserve = Path(folder) / "lake", str(_reserve(limit))
        return _run("ours", url, "--lake", str(lake), "--reserve", reserve, "--executions", "off")


def _fixed_rate(url: str, limit: Limit, neighbour: int) -> float:
    return _run("bare", url, "--rate", str(allowed(limit, neighbour) / limit.window_s))


def _run(client: str, url: str, *arguments: str) -> float:
    command = ("--url", url, "--token", TOKEN, "--concurrency", str(CONCURRENCY), *arguments)
    return python("-m", f"tests.bench.clients.{client}", *command).wall_s

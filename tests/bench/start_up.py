"""7. Start-up: the fixed time of commands."""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.buddy import Buddy
from tests.bench.measure import Measured, alternate, python, spread
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale

_TEXT = """\
Complete processes; the lake has one small run. `python -c pass` is the minimum of any Python program. Imports are lazy:
the help loads neither Arrow nor DuckDB nor aiohttp."""
# The seconds that a person who types a command accepts.
_MOST_S = {"`collector --help`": 0.4, "`collector ask what_changed`": 0.3, "`collector status`": 0.25}


def bench(scale: Scale) -> Section:
    """Run each command several times."""
    with TemporaryDirectory() as folder, Buddy(scale.small) as buddy:
        lake = Path(folder) / "lake"
        buddy.ours(lake, executions="7d")
        commands = {
            "`python -c pass`": ("-c", "pass"),
            "`collector --help`": ("-m", "collector", "--help"),
            "`collector ask`": ("-m", "collector", "ask"),
            "`collector ask what_changed`": ("-m", "collector", "ask", "what_changed"),
            "`collector sql 'select 1'`": ("-m", "collector", "sql", "select 1"),
            "`collector status`": ("-m", "collector", "status"),
        }
        runs = max(scale.runs, 2 * scale.runs - 1)
        results = alternate(runs, {name: _starter(command, lake) for name, command in commands.items()})
    rows = [
        (name, f"{spread(r.wall_s for r in each):.2f}", f"{spread(r.cpu_s for r in each):.2f}")
        for name, each in results.items()
    ]
    goals = []
    for name, most in _MOST_S.items():
        wall_s = spread(r.wall_s for r in results[name]).median
        goals.append(Goal(f"{name}, small lake", f"< {most} s", f"{wall_s:.2f} s", wall_s < most))
    return Section("7. Start-up", _TEXT, [Table(("command", "wall s", "CPU s"), rows)], goals)


def _starter(command: tuple[str, ...], lake: Path) -> Callable[[], Measured]:
    assert sys.executable
    return lambda: python(*command, environ={"COLLECTOR_LAKE": str(lake)})

"""`collector demo`: several nights that differ, collected from the fake Buddy on this machine, and what they
answer.
"""

import os
import random
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from collector.cli import terminal
from collector.cli.signals import night
from collector.cli.summary_line import one_line
from collector.errors import UsageError
from collector.settings.declarations import Installation, Settings
from collector.settings.parsers import directory, require_openable
from collector.settings.secret import Secret

_MARK: Final = ".demo"  # stands in a lake that the demo made, and so may make anew
_QUESTIONS: Final = ("promotions_by_registry", "what_changed", "failing_promotions")
_SEED: Final = 7
_HOUR: Final = timedelta(hours=2, minutes=15)  # when a careful person lets cron begin


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    lake: Annotated[
        str, typer.Option("--lake", metavar="PATH", help="Where the demo's lake goes; made anew each time.")
    ] = "./demo-lake",
    nights: Annotated[int, typer.Option("--nights", min=1, max=1000, metavar="N", help="How many nights.")] = 4,
) -> int:
    """Collect nights from a fake Buddy on this machine and show answers; no token, no network."""
    path = directory(lake, "--lake").absolute()
    require_openable(path)
    _make_room(path)
    from collector.cli import logging as logs

    logs.set_up("text", "error")
    sys.stdout.write(f"Collecting {nights} nights from a fake Buddy on this machine into {lake}\n\n")
    sys.stdout.flush()
    _collect(path, nights)
    shown = _answers(path, [name for name in _QUESTIONS if nights > 1 or name != "what_changed"])
    sys.stdout.write(shown + _what_next(lake))
    return 0


def _make_room(path: Path) -> None:
    """Empty the place of an earlier demo; anything else is somebody's."""
    if path.exists() and not (path / _MARK).exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(
            f"{path} is there already, and no demo made it.", "Name another directory: `collector demo --lake PATH`."
        )
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(parents=True, mode=0o750)
    (path / _MARK).write_text("Made by `collector demo`, which will make it anew.\n", encoding="utf-8")


def _collect(path: Path, nights: int) -> None:
    from collector.cli.progress import ProgressObserver
    from collector.fake_buddy import FakeBuddy, FakeWorld

    world = FakeWorld(seed=_SEED, workspaces=2, projects=5, pipelines=4, actions=6)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=nights - 1) + _HOUR
    rng = random.Random(_SEED)
    with FakeBuddy(world, max_per_page=20) as buddy:
        installation = Installation("demo", buddy.url, Secret(buddy.token), requests_per_second=0.0, reserve=0)
        settings = Settings((installation,), path)
        for number in range(1, nights + 1):
            buddy.world = world.at(night=number)
            now = _running_from(first + timedelta(days=number - 1))
            summary = night(settings, ProgressObserver(), now=now, rng=rng)
            sys.stdout.write(terminal.escape(one_line(summary)) + "\n")
            sys.stdout.flush()


def _running_from(began: datetime) -> Callable[[], datetime]:
    """The time of a simulated night, which runs as fast as ours: the lake cannot tell it from a real one."""
    start = time.monotonic()
    return lambda: began + timedelta(seconds=time.monotonic() - start)


def _answers(path: Path, questions: list[str]) -> str:
    from collector.cli.ask import in_words
    from collector.query.reader import open_lake

    lake = open_lake(path)
    width = terminal.width_of(sys.stdout) or 110
    parts = []
    for name in questions:
        answer = lake.ask(name)
        parts.append(f"\n$ collector ask {name}\n{in_words(answer, width, most=12)}")
    return "".join(parts)


def _what_next(lake: str) -> str:
    # `make demo` put the program into an environment that the person's shell does not know yet.
    activate = Path(sys.prefix) / "bin" / "activate"
    known = shutil.which("collector") is not None or not activate.exists()
    return "\n".join(
        [
            "",
            "What to type next:",
            *([] if known else [f"  . {os.path.relpath(activate)}"]),
            f"  export COLLECTOR_LAKE={shlex.quote(lake)}",
            "  collector ask                                  the questions",
            "  collector ask unguarded_production             one of them",
            '  collector sql "select * from promotions"       your own',
            "  collector status                               the nights",
            "  collector report -o report.html                a page to look at",
            "With BUDDY_TOKEN set (scopes WORKSPACE and EXECUTION_INFO), `collector doctor` and `collector collect`",
            "do it for real.",
            "",
        ]
    )

"""`collector demo`: several runs that differ, collected from the fake Buddy on this machine, and some answers."""

import os
import random
import shlex
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from collector.cli import terminal
from collector.cli.ask import footer
from collector.cli.collect import collect_with_signals, summary_line
from collector.cli.output import table_text
from collector.cli.question_help import program_questions
from collector.errors import UsageError
from collector.settings.declarations import Installation, Settings
from collector.settings.escape import escape
from collector.settings.lake_place import LakePlace, LakeUrl, lake_place
from collector.settings.parsers import require_openable
from collector.settings.secret import Secret

_MARKER: Final = ".demo"  # a file in every lake that a demo made, and so may replace
# The question `releases` has too many columns for a terminal: these tell what happened.
_LAST_NIGHT: Final = """\
select strftime(released_at, '%d %b %H:%M') as released_at, project, tag,
  left(revision, 8) as revision, creator_name as released_by
from releases
where environment = 'production' and run_id in (select run_id from selected_run)
order by releases.released_at desc"""
_QUESTIONS: Final = ("promotions_by_registry", "what_changed", "failing_promotions")  # the second needs two runs
_SEED: Final = 7
_MAX_ROWS: Final = 12
_NEXT_STEPS: Final = """
What to type next:
{activate}  export COLLECTOR_LAKE={lake}
  collector ask                                  list the questions
  collector ask unguarded_production             ask one of them
  collector ask in_production                    what is in production, since when and by whom
  collector sql "select * from promotions_now"   write your own
  collector ask nights                           show the runs: one is partial, one was refused by the rate limit
  collector status                               show how fresh the newest run is
  collector report -o report.html                write an HTML page
With BUDDY_TOKEN set (scopes WORKSPACE and PIPELINE_READ, or EXECUTION_INFO before August 2026),
`collector doctor` and `collector collect` work on your own workspaces.
"""


def demo(
    lake: Annotated[
        str, typer.Option("--lake", metavar="PATH|URL", help="The lake of the demo; a directory is replaced each time.")
    ] = "./demo-lake",
    nights: Annotated[int, typer.Option("--nights", min=1, max=1000, metavar="N", help="How many runs.")] = 4,
) -> int:
    """Collect several runs from a fake Buddy. Shows answers about them; needs no token and no network."""
    place = lake_place(lake, "--lake")
    if isinstance(place, Path):
        place = place.absolute()
        require_openable(place)
        _make_directory(place)
    else:
        _require_unused(place)
    from collector.cli import logging as logs

    logs.set_up("text", "error")
    sys.stdout.write(f"Collecting {nights} run{'s' * (nights != 1)} from a fake Buddy on this machine into {lake}\n\n")
    sys.stdout.flush()
    _collect(place, nights)
    from collector.query.reader import open_lake

    reader, width = open_lake(place), terminal.width_of(sys.stdout) or 110
    answers = {f'sql "{_LAST_NIGHT}"': reader.sql(_LAST_NIGHT)}
    answers |= {f"ask {name}": reader.ask(name) for name in (_QUESTIONS if nights > 1 else _QUESTIONS[::2])}
    known, looks = program_questions().all, terminal.looks_of(sys.stdout)
    for command, answer in answers.items():
        question = known.get(command.removeprefix("ask "))
        columns = question.answer if question else answer.table.column_names
        text = table_text(answer.table, width, _MAX_ROWS, answer=columns, looks=looks)
        sys.stdout.write(f"\n$ collector {command}\n{text}{footer(answer, width)}")
    # `make demo` installs into a virtual environment that the person's shell may not use yet.
    activate = Path(sys.prefix) / "bin" / "activate"
    needed = shutil.which("collector") is None and activate.exists()
    command = f"  . {os.path.relpath(activate)}\n" if needed else ""
    sys.stdout.write(_NEXT_STEPS.format(activate=command, lake=shlex.quote(lake)))
    return 0


def last_night(now: datetime) -> datetime:
    """Return the last moment at which cron would have started a run: 02:15 of this day, or of the day before."""
    time_of_run = timedelta(hours=2, minutes=15)
    return (now - time_of_run).replace(hour=0, minute=0, second=0, microsecond=0) + time_of_run


def _make_directory(path: Path) -> None:
    """Make an empty directory, in place of an earlier demo. Raises UsageError where anything else is in the way."""
    if path.exists():
        if not (path / _MARKER).exists() and (not path.is_dir() or any(path.iterdir())):
            raise UsageError(
                f"{path} exists and was not made by a demo.", "Name another directory: `collector demo --lake PATH`."
            )
        shutil.rmtree(path)
    path.mkdir(parents=True, mode=0o750)
    (path / _MARKER).write_text("Made by `collector demo`, which replaces this directory.\n", encoding="utf-8")


def _require_unused(place: LakeUrl) -> None:
    """Raise UsageError unless nothing is stored at the URL of a demo."""
    from collector.lake.lake import Lake

    if Lake.create(place).manifest.runs:
        raise UsageError(
            f"{place} is a lake already.", "Name another prefix: `collector demo --lake s3://BUCKET/PREFIX`."
        )


def _collect(place: LakePlace, nights: int) -> None:
    from collector.cli.progress import ProgressObserver
    from collector.fake_buddy import FakeBuddy, FakeWorld, Fault

    first = last_night(datetime.now(UTC)) - timedelta(days=nights - 1)
    # Each run reads executions that began in the 24 hours before it.
    world = FakeWorld(seed=_SEED, workspaces=2, projects=5, pipelines=4, actions=6, first_night=first)
    before_last, two_before = nights - 1, nights - 2
    if two_before > 1:  # so that this run is partial, and the next one complete
        world = world.forbid("globex-eu", "checkout-api", from_night=two_before, until=before_last)
    if before_last > 1:  # a field that nobody knows, from then on
        pipeline = world.pipelines("acme", "web-shop")[0]["id"]
        world = world.change("acme", "web-shop", pipeline, from_night=before_last, approval_policy="two-person")
    rng = random.Random(_SEED)
    with FakeBuddy(world, max_per_page=20) as buddy:
        installation = Installation("demo", buddy.url, Secret(buddy.token), requests_per_second=0.0, reserve=0)
        settings = Settings((installation,), place)
        for night in range(1, nights + 1):
            buddy.world = world.at(night)
            if night == before_last:
                buddy.script.add(Fault("limited", kind="action", nth=20, times=3, seconds=1))
            ahead = first + timedelta(days=night - 1) - datetime.now(UTC)
            now = lambda: datetime.now(UTC) + ahead  # noqa: B023, E731 - not called after this turn of the loop
            summary = collect_with_signals(settings, ProgressObserver(), now, rng)
            sys.stdout.write(escape(summary_line(summary)) + "\n")
            sys.stdout.flush()

"""9. Every question: what a person waits for an answer, on a year of nights, before and after `compact`."""

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.publish import publish
from collector.query.questions import Question, Questions
from collector.query.sql_files import sql_folder
from tests.bench.generated_nights import GeneratedNight, last_known, nights
from tests.bench.measure import Spread, python, spread
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale

_SAID = """\
{nights} nights of {actions:,} promote-image actions in an awkward world (tests/bench/generated_nights.py): other actions
beside them, and on every night fields and enum values that nobody documented. Each question is a command of its own,
`collector ask NAME`, from the start of Python to its end, with its default parameters."""
_RUNS = 3
_ANSWER_S = 2.0
_REPORT_MB = 5.0


def bench(scale: Scale) -> Section:
    """Build the lake, ask it everything, compact it, ask again."""
    runs = min(scale.runs, _RUNS)
    with TemporaryDirectory(prefix="bench-questions-") as folder:
        lake = Path(folder) / "lake"
        last = build(lake, scale.nights_asked, scale.actions_asked)
        questions = list(Questions(sql_folder()).all.values())[: scale.questions_asked]
        commands = {question.name: _asking(question, last) for question in questions}
        before, size = _timed(lake, commands, runs), _report(lake, runs)
        merged = merged_copy(lake, Path(folder) / "merged")
        after, size_after = _timed(merged, commands, runs), _report(merged, runs)
    rows = [(f"`ask {name}`", f"{before[name]:.2f}", f"{after[name]:.2f}") for name in commands]
    rows.append(("`report`", f"{size[0]:.2f}", f"{size_after[0]:.2f}"))
    asked = Table(("command", "before compact, s", "after, s"), rows)
    goals = []
    for when, found in (("before compact", before), ("after", after)):
        slowest = max(found, key=lambda name: found[name].median)
        s = found[slowest].median
        goals.append(Goal(f"slowest question, {when}", "< 2 s", f"{s:.2f} s ({slowest})", s < _ANSWER_S))
    mb = max(size[1], size_after[1])
    goals.append(Goal("the report", "< 5 MB", f"{mb:.2f} MB", mb < _REPORT_MB))
    said = _SAID.format(nights=scale.nights_asked, actions=scale.actions_asked)
    return Section("9. Every question", said, [asked], goals)


def build(path: Path, count: int, actions: int) -> GeneratedNight:
    """Publish so many nights into a new lake, and return the last."""
    lake = Lake.create(path)
    first: GeneratedNight | None = None
    for night in nights(count, actions, awkward=True):
        first = first or night
        tables = dict(night.tables)
        if night.number == count:
            tables["last_known_actions"] = last_known(night, first.run)
        with lake.writing("collect", night.run.finished_at):
            batches = {name: table.to_batches() for name, table in tables.items()}
            publish(lake, night.run, batches, now=night.run.finished_at)
    return night


def merged_copy(path: Path, copy: Path) -> Path:
    """Return a copy of the lake, of which every month is merged."""
    shutil.copytree(path, copy)
    lake = Lake.open(copy)
    now = lake.manifest.runs[-1].finished_at + timedelta(days=1)
    with lake.writing("compact", now):
        compact(lake, now=now, current_month=True)
    return copy


def _asking(question: Question, night: GeneratedNight) -> list[str]:
    """The command's arguments; what must be given is taken from the lake's first promotion."""
    promotion = night.tables["promote_image_actions"].slice(0, 1).to_pylist()[0]
    examples = {"action_id": promotion["action_id"], "image": "acme"}
    given = [f"{each.name}={examples[each.name]}" for each in question.parameters if each.required]
    return ["ask", question.name, *(word for pair in given for word in ("--param", pair))]


def _timed(lake: Path, commands: Mapping[str, list[str]], runs: int) -> dict[str, Spread]:
    return {
        name: spread(python("-m", "collector", *command, "--lake", str(lake)).wall_s for _ in range(runs))
        for name, command in commands.items()
    }


def _report(lake: Path, runs: int) -> tuple[Spread, float]:
    """Return the seconds that the report took, and its megabytes."""
    page = lake.parent / "report.html"
    seconds = [python("-m", "collector", "report", "--lake", str(lake), "-o", str(page)).wall_s for _ in range(runs)]
    return spread(seconds), page.stat().st_size / 1e6

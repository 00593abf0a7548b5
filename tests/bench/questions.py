"""9. Questions: the time of every question on a year of runs, before and after `compact`, and on several years."""

import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.publish import publish
from collector.query.kept_views import keep_views
from collector.query.questions import Question, Questions
from collector.query.sql_files import sql_folder
from tests.bench.generated_runs import GeneratedRun, generated_runs, last_known
from tests.bench.measure import Spread, python, spread
from tests.bench.repeated_years import repeat
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale

_TEXT = """\
{runs} runs of {actions:,} promote-image actions and {executions:,} executions each in an awkward world
(tests/bench/generated_runs.py), with actions of other types and with undocumented fields and enum values in every run.
Each question is a process, `collector ask NAME`, with its default parameters. {years} years are the year again and
again (tests/bench/repeated_years.py), compacted but for the last month. The rows of the views on which releases rest
are kept in the lake, as `collect` and `compact` keep them at their ends; the last row says how long that takes."""
_REPETITIONS = 3
_MAX_ANSWER_S = 0.8
_MAX_ANSWER_OF_YEARS_S = 1.5
_MAX_REPORT_S = 3.0
_MAX_REPORT_MB = 5.0


def bench(scale: Scale) -> Section:
    """Build the lake, ask all questions, compact it, and ask again."""
    runs = min(scale.runs, _REPETITIONS)
    with TemporaryDirectory(prefix="bench-questions-") as folder:
        lake = Path(folder) / "lake"
        last = build(lake, scale.queried_runs, scale.queried_actions, scale.queried_executions)
        questions = list(Questions(sql_folder()).all.values())[: scale.queried_questions]
        commands = {question.name: command(question, first_promotion(last)) for question in questions}
        keeping = [keep(lake)]
        before, size = _timed(lake, commands, runs), _report(lake, runs)
        merged = merged_copy(lake, Path(folder) / "merged")
        keeping.append(keep(merged))
        after, size_after = _timed(merged, commands, runs), _report(merged, runs)
        years = repeat(lake, merged, Path(folder) / "years", scale.queried_years).path
        keeping.append(keep(years))
        of_years, size_of_years = _timed(years, commands, runs), _report(years, runs)
    of = f"{scale.queried_years} years"
    rows = [
        (f"`ask {name}`", f"{before[name]:.2f}", f"{after[name]:.2f}", f"{of_years[name]:.2f}") for name in commands
    ]
    rows.append(("`report`", f"{size[0]:.2f}", f"{size_after[0]:.2f}", f"{size_of_years[0]:.2f}"))
    rows.append(("keeping the views", f"{keeping[0]:.2f}", f"{keeping[1]:.2f}", f"{keeping[2]:.2f}"))
    table = Table(("command", "before compact, s", "after, s", f"{of}, s"), rows)
    goals = []
    for when, found, most in (
        ("before compact", before, _MAX_ANSWER_S),
        ("after", after, _MAX_ANSWER_S),
        (of, of_years, _MAX_ANSWER_OF_YEARS_S),
    ):
        slowest = max(found, key=lambda name: found[name].median)
        s = found[slowest].median
        measured, quoted = f"{s:.2f} s ({slowest})", when == "before compact"
        goals.append(Goal(f"slowest question, {when}", f"< {most:g} s", measured, s < most, quoted))
    s = size[0].median
    goals.append(Goal("the report, before compact", f"< {_MAX_REPORT_S:g} s", f"{s:.2f} s", s < _MAX_REPORT_S))
    mb = max(size[1], size_after[1], size_of_years[1])
    goals.append(Goal("the report", "< 5 MB", f"{mb:.2f} MB", mb < _MAX_REPORT_MB))
    text = _TEXT.format(
        runs=scale.queried_runs,
        actions=scale.queried_actions,
        executions=scale.queried_executions,
        years=scale.queried_years,
    )
    return Section("9. Questions", text, [table], goals)


def build(path: Path, count: int, actions: int, executions: int) -> GeneratedRun:
    """Publish `count` runs of so many actions and executions into a new lake and return the last one."""
    lake = Lake.create(path)
    first: GeneratedRun | None = None
    for generated in generated_runs(count, actions, awkward=True, executions=executions):
        first = first or generated
        tables = dict(generated.tables)
        if generated.number == count:
            tables["last_known_actions"] = last_known(generated, first.run)
        with lake.writing("collect", generated.run.finished_at):
            batches = {name: table.to_batches() for name, table in tables.items()}
            publish(lake, generated.run, batches, now=generated.run.finished_at)
    return generated


def merged_copy(path: Path, copy: Path) -> Path:
    """Return a copy of the lake with all months merged."""
    shutil.copytree(path, copy)
    lake = Lake.open(copy)
    now = lake.manifest.runs[-1].finished_at + timedelta(days=1)
    with lake.writing("compact", now):
        compact(lake, now=now, current_month=True)
    return copy


def keep(path: Path) -> float:
    """Keep the views of the lake, as the commands that change it do at their ends; return the seconds."""
    lake = Lake.open(path)
    with lake.writing("bench", datetime.now(UTC)):
        started = time.perf_counter()
        keep_views(lake)
        return time.perf_counter() - started


def first_promotion(generated: GeneratedRun) -> dict[str, object]:
    """Return the promotion about which questions are asked."""
    found: dict[str, object] = generated.tables["promote_image_actions"].slice(0, 1).to_pylist()[0]
    return found


def arguments(question: Question, promotion: Mapping[str, object]) -> dict[str, object]:
    """Return the required parameters of a question: those of a promotion."""
    name = str(promotion["dest_image"] or promotion["src_image"])
    examples = {"action_id": promotion["action_id"], "image": name.rpartition("/")[2].partition(":")[0]}
    return {each.name: examples[each.name] for each in question.parameters if each.required}


def command(question: Question, promotion: Mapping[str, object]) -> list[str]:
    """Return the command that asks a question about a promotion."""
    pairs = [f"{name}={value}" for name, value in arguments(question, promotion).items()]
    return ["ask", question.name, *(word for pair in pairs for word in ("--param", pair))]


def _timed(lake: Path, commands: Mapping[str, list[str]], runs: int) -> dict[str, Spread]:
    return {
        name: spread(python("-m", "collector", *words, "--lake", str(lake)).wall_s for _ in range(runs))
        for name, words in commands.items()
    }


def _report(lake: Path, runs: int) -> tuple[Spread, float]:
    """Return the seconds and the megabytes of the report."""
    page = lake.parent / "report.html"
    seconds = [python("-m", "collector", "report", "--lake", str(lake), "-o", str(page)).wall_s for _ in range(runs)]
    return spread(seconds), page.stat().st_size / 1e6

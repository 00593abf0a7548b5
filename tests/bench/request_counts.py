"""1. Requests: those of the collector and of dlt, and the computed minimum, and those of many nights with a refresh."""

from tests.bench import nightly_requests
from tests.bench.buddy import Buddy, Shape
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale

_TEXT = """\
Requests that the server received in one run. The fake computes the minimum from its world: every list of more than one
page is read twice, because deletions shift pages (settling). *One reading* is the bare loop, which reads each list
once. dlt requests one more page of every paged list, because Buddy does not say which page is the last. All of them
leave out executions; the last two columns are a first run of ours with those of 7 days.

The second table: nights of one estate in which each night 2% of the pipelines run, which their list shows, and 0.5% of
the actions are edited, which no list shows (without executions; the requests are those that the crawl makes of a model
of Buddy). With a refresh, lists are requested every night, a pipeline that ran as well, and any other once within the
refresh. The age of an edit is that at the start of the run that read it. dlt has no refresh: every night it requests
everything."""


def bench(scale: Scale) -> Section:
    """Count once, because the number of requests does not vary."""
    rows, worst = [], 0.0
    for name, shape in scale.shapes.items():
        with Buddy(shape) as buddy:
            stats = buddy.stats(minimum=True)
            minimum, whole_minimum = stats["expected_minimum_without_executions"], stats["expected_minimum"]
            programs = [buddy.bare, buddy.ours, *([buddy.dlt] if scale.dlt else []), buddy.ours_with_executions]
            *counts, whole = [buddy.served(program)[1] for program in programs]
        worst = max(worst, counts[1] / minimum - 1, whole / whole_minimum - 1)
        rows.append((name, *(f"{n:,}" for n in (shape.promotions, minimum, *counts, whole_minimum, whole))))
    columns = ("world", "promotions", "minimum", "one reading", "ours", *(["dlt"] if scale.dlt else []),
               "minimum, executions", "ours, executions")  # fmt: skip
    goal = Goal("requests above the minimum", "≤ 2%", f"{worst:.1%}", worst <= 0.02, quoted=True)
    nights = scale.nights
    dlt = _dlt_of(Shape(projects=nights.projects, pipelines=nights.pipelines, actions=6)) if scale.dlt else None
    by_night, refresh_goal = nightly_requests.table(nights, dlt)
    return Section("1. Requests", _TEXT, [Table(columns, rows), by_night], [goal, refresh_goal])


def _dlt_of(shape: Shape) -> int:
    with Buddy(shape) as buddy:
        return buddy.served(buddy.dlt)[1]

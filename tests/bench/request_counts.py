"""1. Requests: those of the collector and of dlt, and the computed minimum, for three shapes of world."""

from tests.bench.buddy import Buddy
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale

_TEXT = """\
Requests that the server received in one run. The fake computes the minimum from its world: every list of more than one
page is read twice, because deletions shift pages (settling). *One reading* is the bare loop, which reads each list
once. dlt requests one more page of every paged list, because Buddy does not say which page is the last."""


def bench(scale: Scale) -> Section:
    """Count once, because the number of requests does not vary."""
    rows, worst = [], 0.0
    for name, shape in scale.shapes.items():
        with Buddy(shape) as buddy:
            minimum = buddy.stats(minimum=True)["expected_minimum"]
            programs = [buddy.bare, buddy.ours, *([buddy.dlt] if scale.dlt else [])]
            counts = [buddy.served(program)[1] for program in programs]
        worst = max(worst, counts[1] / minimum - 1)
        rows.append((name, f"{shape.promotions:,}", f"{minimum:,}", *(f"{count:,}" for count in counts)))
    columns = ("world", "promotions", "minimum", "one reading", "ours", *(["dlt"] if scale.dlt else []))
    goal = Goal("requests above the minimum", "≤ 2%", f"{worst:.1%}", worst <= 0.02, quoted=True)
    return Section("1. Requests", _TEXT, [Table(columns, rows)], [goal])

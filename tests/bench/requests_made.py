"""1. Requests: ours, dlt's, and the arithmetic minimum, on three shapes of world."""

from tests.bench.buddy import Buddy
from tests.bench.report import Goal, Section, Table
from tests.bench.scale import Scale

_SAID = """\
Requests that arrived at the server in one night. The minimum is computed by the fake from its world: every list that has
more than one page is read twice, because deletions shift pages (settling). *One reading* is what the bare loop asks, which
would not notice. dlt asks one page more of every paged list, because Buddy doesn't say which is the last."""


def bench(scale: Scale) -> Section:
    """Count once: requests don't vary."""
    rows, worst = [], 0.0
    for name, shape in scale.shapes.items():
        with Buddy(shape) as buddy:
            minimum = buddy.stats(minimum=True)["expected_minimum"]
            programs = [buddy.bare, buddy.ours, *([buddy.dlt] if scale.dlt else [])]
            asked = [buddy.served(program)[1] for program in programs]
        worst = max(worst, asked[1] / minimum - 1)
        rows.append((name, f"{shape.promotions:,}", f"{minimum:,}", *(f"{count:,}" for count in asked)))
    columns = ("world", "promotions", "minimum", "one reading", "ours", *(["dlt"] if scale.dlt else []))
    goal = Goal("requests above the minimum", "≤ 2%", f"{worst:.1%}", worst <= 0.02)
    return Section("1. Requests", _SAID, [Table(columns, rows)], [goal])

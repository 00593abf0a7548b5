"""How a night and a length of time are said to people."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.run.finalize import RunSummary


def one_line(summary: "RunSummary") -> str:
    """How a night went, in one line for a person."""
    took = (summary.finished_at - summary.started_at).total_seconds()
    changes = ", ".join(f"{count} {kind}" for kind, count in summary.changes.items() if count) or "nothing"
    problems = sum(summary.problems.values())
    # A complete night has problems too: what was odd without hiding anything that was asked for.
    where = "problems_last_night" if summary.status == "complete" else "coverage_last_night"
    gaps = f"; {problems} problem{'s' * (problems != 1)} (collector ask {where})" if problems else ""
    actions = summary.rows.get("promote_image_actions", 0)
    return (
        f"{summary.run_id} {summary.status}: {actions:,} promote-image actions; changed: {changes}; "
        f"{summary.requests:,} requests in {length(took)}{gaps}"
    )


def length(seconds: float) -> str:
    """A length of time in the two units that matter."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3_600} h {whole % 3_600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3_600} h"

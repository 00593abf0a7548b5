"""A plan as lines of text for people."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from collector.preflight.plan import Plan
from collector.settings.declarations import Settings
from collector.settings.durations import duration_text

_MAX_UNKNOWN = 5
_KINDS = {"action": "promote-image actions", "executions": "execution lists", "execution": "executions"}


def describe(plan: Plan, settings: Settings, now: datetime) -> Iterator[str]:
    """Yield a plan as lines of text."""
    globs = {"workspaces": plan.workspaces, "projects": plan.projects}
    filters = "; ".join(f"{name} {', '.join(patterns)}" for name, patterns in globs.items() if patterns)
    yield f"{plan.installation} ({plan.api_url}): {filters or 'everything that the token sees'}"
    if plan.requests is None:
        yield "  no earlier run shows how much there is: the lists are asked for level by level"
        return
    kinds = ", ".join(f"{count:,} for {_KINDS.get(kind, kind)}" for kind, count in plan.asked.items() if count)
    yield f"  about {plan.requests:,} requests: {kinds}"
    yield from (f"  cost unknown: {what}" for what in plan.unknown[:_MAX_UNKNOWN])
    if len(plan.unknown) > _MAX_UNKNOWN:
        yield f"  and {len(plan.unknown) - _MAX_UNKNOWN:,} more"
    if settings.refresh_s:
        yield (
            f"  {plan.due:,} of {plan.pipelines:,} pipelines are due (--refresh {duration_text(settings.refresh_s)}); "
            "the others are asked for only where their entry in the list has changed"
        )
    yield from _limits(plan, settings, now)
    yield from _advice(plan)


def _limits(plan: Plan, settings: Settings, now: datetime) -> Iterator[str]:
    """Say when the run ends, and what it does not reach."""
    seconds = plan.seconds
    if plan.most is not None and plan.requests:
        yield f"  it stops after about {plan.most:,} requests (--max-requests)"
        seconds = seconds and seconds * plan.most / plan.requests
    if plan.runs_needed is not None:
        yield f"  at this budget about {plan.runs_needed:,} runs read everything once"
    if seconds is not None:
        # Includes waiting as in the last run: the rate limit of today is known only after a request.
        end = f"{(now + timedelta(seconds=seconds)).astimezone(UTC):%H:%M} UTC"
        if settings.max_duration_s is not None and seconds > settings.max_duration_s:
            end += ", after the time limit (--max-duration)"
        yield f"  at the speed of the last run it would end at about {end}"


def _advice(plan: Plan) -> Iterator[str]:
    """Recommend a refresh where runs take long."""
    if plan.advised_refresh is None:
        return
    full, advised = (
        "" if seconds is None else f", {duration_text(seconds)}"
        for seconds in (plan.full_seconds, plan.advised_seconds)
    )
    at = " at what Buddy allows" if full else ""
    yield (
        f"  a full run needs {plan.full_requests:,} requests{full}{at}; with `--refresh {plan.advised_refresh}d` about "
        f"{plan.advised_requests:,}{advised}"
    )

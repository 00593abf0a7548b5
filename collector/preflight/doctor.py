"""The checks of `collector doctor`. Each returns results that say what is wrong and what to do about it.

No check prints anything, changes the lake, or sends any request but GET.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from collector.buddy.requests import Kind, Request
from collector.crawl.backoff import Limits
from collector.crawl.fetcher import Fetcher
from collector.crawl.rate_limiter import RateLimiter, RateLimiterState
from collector.errors import CollectorError, Stuck, Unauthorised
from collector.preflight.doctor_result import DoctorResult, failed, warning_if
from collector.preflight.forecast import RunCost, forecast
from collector.preflight.lake_checks import check_lake
from collector.preflight.token_checks import check_executions, check_token
from collector.settings.declarations import Installation, Settings
from collector.settings.globs import exact_names, selects
from collector.settings.tokens import TokenUnavailable

_MAX_CLOCK_SKEW_S: Final = 60.0  # beyond this, timestamps of rows and the age shown by `status` mislead
_ABOUT: Final = {Unauthorised: "token", Stuck: "budget"}
_NEED_TOKEN: Final = {
    "workspaces": "which workspaces it sees, and whether Buddy answers for each that is selected",
    "executions": "whether executions may be read",
    "budget": "whether the rate limit has room for a run",
    "clock": "whether this machine's clock agrees with Buddy's",
}
# A person waits for the answer, so there are fewer attempts than in a run.
_LIMITS: Final = Limits(attempts=2, retry_total_s=20.0, connect_s=8.0, read_s=15.0, total_s=20.0, stuck_after_s=60.0)


async def run_checks(
    settings: Settings,
    now: Callable[[], datetime],
    costs: Mapping[str, RunCost],
    execution_requests: Mapping[str, Request],
) -> AsyncIterator[tuple[str, DoctorResult]]:
    """Yield the result of every check with the name of its installation ("" for the lake).

    What a run is expected to cost, and a request that asks for executions, are by installation.
    """
    for result in check_lake(settings.lake, settings.after_run.files):
        yield "", result
    for installation in settings.installations:
        name = installation.name
        try:
            checks = _check_installation(settings, installation, now, costs.get(name), execution_requests.get(name))
            async for result in checks:
                yield name, result
        except TokenUnavailable as error:
            for result in without_token(error):
                yield name, result
        except CollectorError as error:
            about = next((about for kind, about in _ABOUT.items() if isinstance(error, kind)), "settings")
            yield name, DoctorResult("error", about, str(error), error.advice)


def without_token(error: TokenUnavailable) -> Iterator[DoctorResult]:
    """Return what can be said of an installation without a token: why there is none, and what was not checked."""
    yield DoctorResult("error", "token", str(error), error.advice)
    for about, question in _NEED_TOKEN.items():
        yield DoctorResult("skipped", about, f"not checked without a token: {question}")


async def _check_installation(
    settings: Settings,
    installation: Installation,
    now: Callable[[], datetime],
    cost: RunCost | None,
    execution_request: Request | None,
) -> AsyncIterator[DoctorResult]:
    """Check the token, each selected workspace, executions, the rate limit and the clock of one installation."""
    if installation.token_error is not None:
        raise installation.token_error
    limiter = RateLimiter(installation.requests_per_second, 0)
    async with Fetcher(installation, limiter, limits=_LIMITS, rng=random.Random(), now=now) as fetcher:
        result = await fetcher.get(Request(installation.name, Kind.TOKEN))
        for check in check_token(result, now()):
            yield check
        if result.status is None:
            return
        for check in await _check_workspaces(installation, fetcher):
            yield check
        yield await check_executions(fetcher, execution_request, wanted=settings.executions_s is not None)
    yield _check_budget(limiter.state, installation, cost, now(), settings.max_duration_s)
    yield _check_clock(limiter.state.skew_seconds)


async def _check_workspaces(installation: Installation, fetcher: Fetcher) -> list[DoctorResult]:
    names = exact_names(installation.workspaces)
    if names is None:
        result = await fetcher.get(Request(installation.name, Kind.WORKSPACES))
        if result.document is None:
            return [failed(result, "workspaces", "list of workspaces: ")]
        listed = [item.get("domain") for item in result.document["workspaces"] if isinstance(item, dict)]
        names = tuple(name for name in listed if isinstance(name, str) and selects(installation.workspaces, name))
        if not names:
            message = f"none of the {len(listed)} workspaces that the token sees is selected"
            advice = "Correct --workspace (BUDDY_WORKSPACE), or omit it to collect all."
            return [DoctorResult("error", "workspaces", message, advice)]
    first_pages = (Request(installation.name, Kind.PROJECTS, name, page=1, per_page=1) for name in names)
    results = await asyncio.gather(*(fetcher.get(request) for request in first_pages))
    return [
        DoctorResult("ok", f"workspace {name}", "reachable, its API is enabled")
        if result.document is not None
        else failed(result, f"workspace {name}")
        for name, result in zip(names, results, strict=True)
    ]


def _check_budget(
    state: RateLimiterState,
    installation: Installation,
    cost: RunCost | None,
    now: datetime,
    max_duration_s: float | None,
) -> DoctorResult:
    message = "Buddy announces no rate limit on this token"
    if state.remaining is not None and state.reset_at is not None:
        message = (
            f"{state.remaining:,} requests left until {state.reset_at:%H:%M:%S} UTC, "
            f"{installation.reserve} of them reserved for others"
        )
    if cost is None:
        return DoctorResult("ok", "budget", f"{message}; what a run costs is known after the first one")
    result = forecast(installation, cost, state, now, max_duration_s)
    message = f"{message}; if a run began now: {result.sentence}"
    advice = (
        "Lower --reserve, raise --max-duration, set --refresh (`collector collect --dry-run` recommends one), or ask "
        "Buddy's support for a higher limit."
    )
    return warning_if(result.late or result.ends_at is None, "budget", message, advice)


def _check_clock(skew_s: float | None) -> DoctorResult:
    if skew_s is None:
        return DoctorResult("ok", "clock", "Buddy's replies carry no date to compare with")
    message = f"this machine's clock and Buddy's are {abs(skew_s):,.0f} s apart"
    advice = "Set this machine's clock (NTP): the dates of runs would be wrong. The rate limit is kept regardless."
    return warning_if(abs(skew_s) > _MAX_CLOCK_SKEW_S, "clock", message, advice)

"""The checks of `collector doctor`. Each returns results that say what is wrong and what to do about it.

No check prints anything, changes the lake, or sends any request but GET.
"""

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from collector.buddy.requests import Kind, Request
from collector.crawl.backoff import Limits
from collector.crawl.fetcher import Fetcher
from collector.crawl.rate_limiter import RateLimiter, RateLimiterState
from collector.errors import CollectorError, LakeError, Stuck, Unauthorised
from collector.lake.lake import Lake
from collector.lake.lock import holder
from collector.lake.mount_probe import refusals
from collector.preflight.doctor_result import DoctorResult, failed, warning_if
from collector.preflight.forecast import RunCost, forecast
from collector.preflight.token_checks import check_executions, check_token
from collector.settings.declarations import Installation, Settings
from collector.settings.globs import exact_names, selects
from collector.settings.tokens import TokenUnavailable

_MAX_CLOCK_SKEW_S: Final = 60.0  # beyond this, timestamps of rows and the age shown by `status` mislead
_MIN_FREE_BYTES: Final = 200 * 2**20  # journal, staging and files of a run with tens of thousands of actions
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


def check_lake(path: Path, output_files: Collection[Path] = ()) -> Iterator[DoctorResult]:
    """Check that the lake can be read and written and has room for a run."""
    exists = (path / "manifest.json").exists() or any(path.glob("runs/*/journal*"))
    try:
        Lake.check(path, output_files)
        lake = Lake.open(path, published=False) if exists else None
    except LakeError as error:
        yield DoctorResult("error", "lake", str(error), error.advice)
        return
    parent = next(place for place in (path, *path.absolute().parents) if place.exists())
    if (place := _unwritable(parent, path)) is not None:
        advice = "Name another directory with --lake, or give this user write permission."
        yield DoctorResult("error", "lake", f"{place} cannot be written", advice)
        return
    # Permissions alone do not show what a mount supports, so the operations that a run needs are tried.
    refused = list(refusals(parent))
    for refusal in refused:
        yield DoctorResult(
            "warning" if refusal.consequence else "error",
            "file system",
            f"the file system of {parent} does not {refusal.operation}: {refusal.reason}",
            f"{refusal.consequence or 'A run would fail.'} To avoid this, put the lake on a local disk or another "
            "mount (--lake), or change the options of this mount.",
        )
    if not all(refusal.consequence for refusal in refused):
        return
    yield DoctorResult("ok", "lake", f"{path} can be written" + ("" if lake else " (it does not exist yet)"))
    yield _check_space(lake, parent)
    if (running := holder(path)) is not None:
        yield DoctorResult("ok", "lake", f"in use by {running}")
    elif lake is not None and (runs := lake.resumable_runs()):
        yield DoctorResult("ok", "lake", f"run {runs[-1]} was interrupted; the next `collector collect` resumes it")


def _unwritable(parent: Path, lake: Path) -> Path | None:
    for place in (parent, *lake.glob("runs/**/"), *lake.glob("tables/**/"), *lake.glob(".lock")):
        if not os.access(place, os.W_OK | os.X_OK if place.is_dir() else os.W_OK):
            return place
    return None


def _check_space(lake: Lake | None, parent: Path) -> DoctorResult:
    free = shutil.disk_usage(parent).free
    needed = _MIN_FREE_BYTES
    if lake is not None:
        lake_bytes = sum(size.bytes for size in lake.sizes().values())
        # Journal and staging of a run are several times as large as the files it adds; ten times is a careful bound.
        needed = max(needed, 10 * lake_bytes // max(1, len(lake.manifest.runs)))
    message = f"{free / 2**30:.1f} GiB free; a run temporarily needs about {needed / 2**20:,.0f} MiB"
    advice = "Free some space, or run `collector prune` or `collector compact`."
    return warning_if(free < needed, "space", message, advice)


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

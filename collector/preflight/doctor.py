"""What `collector doctor` looks at, before the first night and when something is wrong.

Every look yields findings: a value each, with what to do about it. Nothing here prints, and nothing but a GET
is sent.
"""

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from collector.buddy.requests import Kind, Request
from collector.crawl.backoff import Limits
from collector.crawl.fetch_result import FetchResult
from collector.crawl.fetcher import Fetcher
from collector.crawl.rate_limiter import RateLimiter
from collector.errors import CollectorError, LakeError, Stuck, Unauthorised
from collector.preflight.forecast import RateLimitSnapshot, RunCost, forecast
from collector.settings.declarations import Installation, Settings
from collector.settings.globs import exact_names, selects

if TYPE_CHECKING:
    from collector.lake.lake import Lake

Level = Literal["ok", "warning", "error"]
_SCOPES: Final = ("WORKSPACE", "EXECUTION_INFO")
_EXPIRES_SOON: Final = timedelta(days=14)
_SKEW_S: Final = 60.0  # beyond this, timestamps of rows and the age shown by `status` mislead
_LEAST_FREE: Final = 200 * 2**20  # bytes: journal, staging and files of a night of tens of thousands of actions
# A person waits for the answer: fewer tries than a night makes.
_LIMITS: Final = Limits(attempts=2, retry_total_s=20.0, connect_s=8.0, read_s=15.0, total_s=20.0, stuck_after_s=60.0)


@dataclass(frozen=True)
class DoctorResult:
    """One thing that was looked at: how it is, and what to do when it is not well."""

    level: Level
    about: str
    message: str
    advice: str = ""


def of_lake(path: Path, besides: Collection[Path] = ()) -> Iterator[DoctorResult]:
    """Whether the lake can be read and written, and has room for a night."""
    from collector.lake.lake import Lake
    from collector.lake.lock import holder

    try:
        Lake.examine(path, besides)
        lake: Lake | None = Lake.open(path, published=False) if _is_lake(path) else None
    except LakeError as error:
        yield DoctorResult("error", "lake", str(error), error.advice)
        return
    nearest = next(place for place in (path, *path.absolute().parents) if place.exists())
    shut = next(_unwritable(nearest, inside=nearest == path), None)
    if shut is not None:
        yield DoctorResult(
            "error",
            "lake",
            f"{shut} cannot be written",
            "Name another directory with --lake, or give this user the right.",
        )
        return
    mount = list(_mount(nearest))
    yield from mount
    if any(finding.level == "error" for finding in mount):
        return
    yield DoctorResult("ok", "lake", f"{path} can be written" + ("" if lake else " (it does not exist yet)"))
    yield _space(lake, nearest)
    if (at_work := holder(path)) is not None:
        yield DoctorResult("ok", "lake", f"at work in it just now: {at_work}")
    elif lake is not None and (waiting := lake.resumable_runs()):
        yield DoctorResult(
            "ok", "lake", f"the run {waiting[-1]} was interrupted; the next `collector collect` takes it up"
        )


def _is_lake(path: Path) -> bool:
    """Whether a run was published or at least begun there."""
    return (path / "manifest.json").exists() or any(path.glob("runs/*/journal*"))


def _unwritable(place: Path, *, inside: bool) -> Iterator[Path]:
    """Where a night would write and may not: at a place, and with `inside` in the directories of the lake there."""
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        yield place
    elif inside:
        folders = (folder for name in ("runs", "tables") for folder in (place / name, *(place / name).rglob("*")))
        yield from (each for each in folders if each.is_dir() and not os.access(each, os.W_OK | os.X_OK))
        lock = place / ".lock"
        if lock.exists() and not os.access(lock, os.W_OK):
            yield lock


def _mount(place: Path) -> Iterator[DoctorResult]:
    """What the file system does not do that a run asks of it, tried out: rights alone do not tell."""
    from collector.lake.mount_probe import refusals

    for refusal in refusals(place):
        said = f"the file system of {place} does not {refusal.what}: {refusal.why}"
        if refusal.consequence:
            yield DoctorResult(
                "warning",
                "file system",
                said,
                f"{refusal.consequence} If that matters, put the lake on a local disk or another mount (--lake).",
            )
        else:
            yield DoctorResult(
                "error",
                "file system",
                said,
                "A run would fail. Put the lake on a local disk or another mount (--lake), and copy it where it is wanted; "
                "or have this mount allow it.",
            )


def _space(lake: "Lake | None", place: Path) -> DoctorResult:
    free = shutil.disk_usage(place).free
    held = sum(size.bytes for size in lake.sizes().values()) if lake else 0
    nights = max(1, len(lake.manifest.runs)) if lake else 1
    # A night's journal and staging take several times what its files do; ten nights' worth is a careful
    # bound.
    needed = max(_LEAST_FREE, 10 * held // nights)
    said = f"{free / 2**30:.1f} GiB free, a night needs about {needed / 2**20:,.0f} MiB for a while"
    if free < needed:
        return DoctorResult("warning", "space", said, "Free some space, or `collector prune` and `collector compact`.")
    return DoctorResult("ok", "space", said)


async def of_installation(
    installation: Installation, now: Callable[[], datetime], last: RunCost | None, max_duration_s: float | None
) -> AsyncIterator[DoctorResult]:
    """Whether the token is good for a night, which workspaces it reaches, whether the budget and the clock
    will do.
    """
    pace = RateLimiter(installation.requests_per_second, 0)
    async with Fetcher(installation, pace, limits=_LIMITS, rng=random.Random(), now=now) as fetcher:
        try:
            outcome = await fetcher.get(Request(installation.name, Kind.TOKEN))
            for finding in _token(outcome, now()):
                yield finding
            if outcome.status is None:
                return
            async for finding in _workspaces(installation, fetcher):
                yield finding
        except (Unauthorised, Stuck) as error:
            yield DoctorResult(
                "error", "token" if isinstance(error, Unauthorised) else "budget", str(error), error.advice
            )
            return
    yield _budget(pace, installation, last, now(), max_duration_s)
    yield _clock(pace)


def _token(outcome: FetchResult, now: datetime) -> Iterator[DoctorResult]:
    document = outcome.document
    if document is None:
        why = outcome.failure.message if outcome.failure else "no answer"
        level: Level = "warning" if outcome.status else "error"
        yield DoctorResult(
            level,
            "token",
            f"GET /user/token: {why}",
            "Check the URL (a self-hosted Buddy needs /api at its end), the network and the certificate."
            if outcome.status is None
            else "The scopes and the expiry of the token are not known; everything else is looked at below.",
        )
        return
    yield _scopes(document)
    yield _expiry(document, now)


def _scopes(document: dict[str, Any]) -> DoctorResult:
    held = document.get("scopes")
    if not isinstance(held, list):
        return DoctorResult("warning", "scopes", "Buddy does not say which scopes the token has", "")
    missing = [scope for scope in _SCOPES if scope not in held]
    if not missing:
        return DoctorResult("ok", "scopes", "the token has " + " and ".join(_SCOPES))
    return DoctorResult(
        "error",
        "scopes",
        f"the token lacks {' and '.join(missing)}",
        "Make a new one in Buddy (your profile, Security) with the scopes WORKSPACE and EXECUTION_INFO.",
    )


def _expiry(document: dict[str, Any], now: datetime) -> DoctorResult:
    written = document.get("expires_at")
    if written is None:
        return DoctorResult("ok", "expiry", "the token does not expire")
    try:
        expires = datetime.fromisoformat(str(written))
        expires = expires if expires.tzinfo else expires.replace(tzinfo=UTC)
    except ValueError:
        return DoctorResult("warning", "expiry", "the token's expiry cannot be read", "Look it up in Buddy.")
    left = expires - now
    if left < timedelta(0):
        return DoctorResult(
            "error",
            "expiry",
            f"the token expired on {expires:%Y-%m-%d}",
            "Make a new one and put it where the old one is.",
        )
    said = f"the token expires on {expires:%Y-%m-%d}, in {left.days} days"
    if left < _EXPIRES_SOON:
        return DoctorResult("warning", "expiry", said, "Make a new one before that night fails.")
    return DoctorResult("ok", "expiry", said)


async def _workspaces(installation: Installation, fetcher: Fetcher) -> AsyncIterator[DoctorResult]:
    names = exact_names(installation.workspaces)
    if names is None:
        outcome = await fetcher.get(Request(installation.name, Kind.WORKSPACES))
        if outcome.document is None:
            why = outcome.failure.message if outcome.failure else "no answer"
            yield DoctorResult(
                "error", "workspaces", f"the list of workspaces: {why}", _ADVICE.get(_kind(outcome), _ASK)
            )
            return
        listed = [item.get("domain") for item in outcome.document["workspaces"] if isinstance(item, dict)]
        names = tuple(name for name in listed if isinstance(name, str) and selects(installation.workspaces, name))
        if not names:
            yield DoctorResult(
                "error",
                "workspaces",
                f"none of the {len(listed)} workspaces that the token sees is selected",
                "Correct --workspace (BUDDY_WORKSPACE), or leave it out to collect all.",
            )
    for outcome in await asyncio.gather(*(fetcher.get(_first_page(installation, name)) for name in names)):
        name = outcome.request.workspace
        if outcome.document is not None:
            yield DoctorResult("ok", f"workspace {name}", "reachable, its API is enabled")
        else:
            why = outcome.failure.message if outcome.failure else "no answer"
            yield DoctorResult("error", f"workspace {name}", why, _ADVICE.get(_kind(outcome), _ASK))


def _first_page(installation: Installation, workspace: str) -> Request:
    return Request(installation.name, Kind.PROJECTS, workspace, page=1, per_page=1)


def _kind(outcome: FetchResult) -> str:
    return outcome.failure.kind if outcome.failure else ""


_ASK: Final = "Open it in Buddy with the token's user; if that works, run this again."
_ADVICE: Final = {
    "forbidden": "Give the token's user access to it, or exclude it: -w '!NAME'.",
    "gone": "There is none of that name, or the token may not see it: check --workspace in Buddy.",
    "api_disabled": "Enable the API in the workspace's settings (Security), or exclude it: -w '!NAME'.",
    "frozen": "The workspace is frozen: settle that with Buddy's billing, or exclude it: -w '!NAME'.",
    "connection": "Check the URL, the network and the certificate (--ca-bundle); proxies are not used.",
    "timeout": "Check the network; Buddy may also be slow at the moment.",
    "not_json": "The URL may be that of the web interface: a self-hosted API ends in /api.",
    "redirect_refused": "Set BUDDY_API_URL to the address that answers by itself; none is followed.",
}


def _budget(
    pace: RateLimiter, installation: Installation, last: RunCost | None, now: datetime, max_duration_s: float | None
) -> DoctorResult:
    state = pace.state
    if state.remaining is None or state.reset_at is None:
        said = "Buddy announces no rate limit on this token"
    else:
        said = (
            f"{state.remaining:,} requests left until {state.reset_at:%H:%M:%S} UTC, "
            f"{installation.reserve} of them for others"
        )
    if last is None:
        return DoctorResult("ok", "budget", f"{said}; the first night will tell what a night costs")
    purse = RateLimitSnapshot(state.remaining, state.reset_at, state.limit)
    begun_now = forecast(
        last,
        purse,
        reserve=installation.reserve,
        now=now,
        max_duration_s=max_duration_s,
        ceiling=installation.requests_per_second,
    )
    if begun_now.late or begun_now.ends_at is None:
        advice = "Lower --reserve, raise --max-duration, or ask Buddy's support for a higher limit."
        return DoctorResult("warning", "budget", f"{said}; begun now: {begun_now.words}", advice)
    return DoctorResult("ok", "budget", f"{said}; begun now: {begun_now.words}")


def _clock(pace: RateLimiter) -> DoctorResult:
    skew = pace.state.skew_seconds
    if skew is None:
        return DoctorResult("ok", "clock", "Buddy's replies carry no date to compare with")
    if abs(skew) > _SKEW_S:
        return DoctorResult(
            "warning",
            "clock",
            f"this machine's clock and Buddy's are {abs(skew):,.0f} s apart",
            "Set this machine's clock (NTP): dates of runs and ages would mislead. The rate limit is kept "
            "all the same.",
        )
    return DoctorResult("ok", "clock", f"within {max(1.0, abs(skew)):.0f} s of Buddy's")


async def everything(
    settings: Settings, now: Callable[[], datetime], last: dict[str, RunCost]
) -> AsyncIterator[tuple[str, DoctorResult]]:
    """All findings, each with the installation it is about ("" for the lake)."""
    for finding in of_lake(settings.lake, settings.after_run.files):
        yield "", finding
    for installation in settings.installations:
        if (token_error := installation.token_error) is not None:
            yield installation.name, DoctorResult("error", "token", str(token_error), token_error.advice)
            continue
        try:
            async for finding in of_installation(
                installation, now, last.get(installation.name), settings.max_duration_s
            ):
                yield installation.name, finding
        except CollectorError as error:
            yield installation.name, DoctorResult("error", "settings", str(error), error.advice)

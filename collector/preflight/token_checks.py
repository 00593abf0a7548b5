"""The checks of a token: its scopes, its expiry, and whether executions may be read with it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from collector.buddy.requests import Request
from collector.buddy.timestamps import parse_timestamp
from collector.crawl.fetch_result import FetchResult
from collector.crawl.fetcher import Fetcher
from collector.preflight.doctor_result import DoctorResult, failed, warning_if
from collector.settings.tokens import READING_SCOPES, SCOPES_TO_GIVE

_EXPIRES_SOON: Final = timedelta(days=14)
_NEW_TOKEN: Final = f"Create a token in Buddy (your profile, Security) with {SCOPES_TO_GIVE}."
_EXECUTIONS_ADVICE: Final = (
    f"Give the token the scope {' or '.join(READING_SCOPES)} and its user access to the pipeline, or read no "
    "executions: --executions off. Otherwise runs will be partial."
)


def check_token(result: FetchResult, now: datetime) -> Iterator[DoctorResult]:
    """Check what Buddy says of the token."""
    if result.document is not None:
        yield _check_scopes(result.document.get("scopes"))
        yield _check_expiry(result.document.get("expires_at"), now)
    elif result.status is None:
        advice = "Check the URL (a self-hosted Buddy needs /api at its end), the network and the certificate."
        yield failed(result, "token", "GET /user/token: ", advice)
    else:
        advice = "The scopes and the expiry of the token are unknown; the other checks go on."
        yield failed(result, "token", "GET /user/token: ", advice, "warning")


async def check_executions(fetcher: Fetcher, request: Request | None, *, wanted: bool) -> DoctorResult:
    """Check whether the executions of a pipeline can be read; `request` asks for them, None: no pipeline is known."""
    about = "executions"
    if not wanted:
        return DoctorResult("ok", about, "a run reads none (--executions off)")
    if request is None:
        message = "no earlier run shows a pipeline that promotes and has run, so none was asked for its executions"
        return DoctorResult("ok", about, message)
    result = await fetcher.get(request)
    what = f"those of pipeline {request.pipeline_id} of {request.workspace}/{request.project}"
    if result.document is not None:
        return DoctorResult("ok", about, f"{what} can be read")
    if result.failure is not None and result.failure.kind == "gone":
        return DoctorResult("ok", about, f"{what} are gone, and no other pipeline was asked")
    advice = _EXECUTIONS_ADVICE if result.failure is not None and result.failure.kind == "forbidden" else ""
    return failed(result, about, f"{what}: ", advice, "warning")


def _check_scopes(scopes: Any) -> DoctorResult:
    if not isinstance(scopes, list):
        return DoctorResult("warning", "scopes", "Buddy does not say which scopes the token has")
    reading = next((scope for scope in READING_SCOPES if scope in scopes), None)
    if reading is None:
        message = (
            f"the token has neither {' nor '.join(READING_SCOPES)}: "
            "it can read no pipelines, no actions and no executions"
        )
        return DoctorResult("error", "scopes", message, _NEW_TOKEN)
    if "WORKSPACE" in scopes:
        return DoctorResult("ok", "scopes", f"the token has WORKSPACE and {reading}")
    # Newer versions of Buddy need it less often, and where one needs it, the lists below are refused.
    return DoctorResult(
        "ok", "scopes", f"the token has {reading}; it lacks WORKSPACE, which Buddy may need for its lists"
    )


def _check_expiry(expires_at: Any, now: datetime) -> DoctorResult:
    if expires_at is None:
        return DoctorResult("ok", "expiry", "the token does not expire")
    if (expires := parse_timestamp(str(expires_at))) is None:
        return DoctorResult("warning", "expiry", "the token's expiry date cannot be read", "Look it up in Buddy.")
    left = expires.replace(tzinfo=UTC) - now
    if left < timedelta(0):
        advice = "Create a new token and replace the old one."
        return DoctorResult("error", "expiry", f"the token expired on {expires:%Y-%m-%d}", advice)
    message = f"the token expires on {expires:%Y-%m-%d}, in {left.days} days"
    return warning_if(left < _EXPIRES_SOON, "expiry", message, "Replace it before that day.")

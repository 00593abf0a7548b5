"""The results of the checks of `collector doctor`, and the one that a failed request gives."""

from dataclasses import dataclass
from typing import Final, Literal

from collector.crawl.fetch_result import FetchResult

Level = Literal["ok", "warning", "error", "skipped"]

_DEFAULT_ADVICE: Final = "Open it in Buddy as the token's user; if that works, run `collector doctor` again."
_ADVICE: Final = {
    "forbidden": "Give the token's user access to it, or exclude it: -w '!NAME'.",
    "gone": "It does not exist, or the token may not see it: check --workspace in Buddy.",
    "api_disabled": "Enable the API in the workspace's settings (Security), or exclude it: -w '!NAME'.",
    "frozen": "The workspace is frozen: settle the billing with Buddy, or exclude it: -w '!NAME'.",
    "connection": "Check the URL, the network, the certificate (--ca-bundle), and the proxy (--proxy).",
    "timeout": "Check the network; Buddy may also be slow at the moment.",
    "not_json": "The URL may be that of the web interface: a self-hosted API ends in /api.",
    "redirect_refused": "Set BUDDY_API_URL to the final address: redirects are not followed.",
}


@dataclass(frozen=True)
class DoctorResult:
    """The result of one check: its subject, what was found, and what to do unless the level is ok or skipped."""

    level: Level
    about: str
    message: str
    advice: str = ""


def warning_if(wrong: bool, about: str, message: str, advice: str) -> DoctorResult:
    """Return a warning with advice when something is wrong, else a result that is ok."""
    return DoctorResult("warning", about, message, advice) if wrong else DoctorResult("ok", about, message)


def failed(result: FetchResult, about: str, what: str = "", advice: str = "", level: Level = "error") -> DoctorResult:
    """Return what a request without a document means; `what` says in front of it what was asked for."""
    assert result.failure is not None  # there is no document
    advice = advice or _ADVICE.get(result.failure.kind, _DEFAULT_ADVICE)
    return DoctorResult(level, about, what + result.failure.message, advice)

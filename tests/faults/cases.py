"""The matrix of cases: every fault of the server, the requests that it hits, and the expected outcome of the run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from collector.fake_buddy import Fault
from tests.faults.company import ACTION, DISORDERED, LONG_PIPELINE, PIPELINE, PROJECT, WAITING

# The outcome of a run with a fault.
#   same      the rows of an undisturbed run
#   gap       published; one item has the coverage of the problem, and what is below it is missing
#   resumes   not published; the next `collect` resumes the run and has every row
Outcome = Literal["same", "gap", "resumes"]


@dataclass(frozen=True)
class Target:
    """A request: its kind, its path, its page, and the key of a problem about it."""

    name: str
    kind: str
    path: str
    page: int | None
    key: tuple[str | int | None, ...]


TARGETS = tuple(
    Target(name, kind, path, page, (*key, *[None] * (5 - len(key))))
    for name, kind, path, page, key in (
        ("workspaces", "workspaces", "/workspaces", None, ("us",)),
        ("projects, page 1", "projects", "/workspaces/acme/projects", 1, ("us", "acme")),
        ("projects, page 2", "projects", "/workspaces/acme/projects", 2, ("us", "acme")),
        ("pipelines, page 1", "pipelines", "/workspaces/acme/projects/checkout-api/pipelines", 1, ("us", *PROJECT)),
        ("pipelines, page 2", "pipelines", "/workspaces/acme/projects/checkout-api/pipelines", 2, ("us", *PROJECT)),
        ("actions", "actions", "*/pipelines/101/actions", None, ("us", *PIPELINE)),
        ("actions, page 2", "actions", "*/pipelines/102/actions", 2, ("us", *LONG_PIPELINE)),
        ("action", "action", "*/pipelines/101/actions/1002", None, ("us", *ACTION)),
        ("executions", "executions", "*/pipelines/101/executions", 1, ("us", *PIPELINE)),
        ("executions, page 2", "executions", "*/pipelines/110/executions", 2, ("us", *DISORDERED)),
        ("execution", "execution", f"*/pipelines/101/executions/{WAITING}", None, ("us", *PIPELINE)),
    )
)


@dataclass(frozen=True)
class Case:
    """A fault, how often it hits (None: always), and the expected outcome."""

    fault: str
    script: tuple[tuple[str, Any], ...]
    times: int | None
    outcome: Outcome
    problem: str | None = None
    # Requests that the fault may cost in addition to those of an undisturbed run.
    more_requests: int = 3

    def on(self, target: Target) -> Fault:
        """Return the fault for the fake's script."""
        return Fault(kind=target.kind, path=target.path, page=target.page, times=self.times, **dict(self.script))

    def __str__(self) -> str:
        return f"{self.fault}, {'always' if self.times is None else 'once'}"


def _script(do: str, **more: Any) -> tuple[tuple[str, Any], ...]:
    return (("do", do), *more.items())


# Temporary failures: retried, and given up if they persist.
RETRIED = {
    "500": (_script("status", code=500), "http_error"),
    "502": (_script("status", code=502), "http_error"),
    "503": (_script("status", code=503), "http_error"),
    "504": (_script("status", code=504), "http_error"),
    "500 that echoes": (_script("status", code=500, message="Something went wrong"), "http_error"),
    "reset before the reply": (_script("reset_before"), "connection"),
    "reset in the body": (_script("reset_during"), "connection"),
    "truncated body": (_script("truncate"), "connection"),
    "broken gzip": (_script("broken_gzip"), "connection"),
    "HTML with 200": (_script("html"), "not_json"),
    "204": (_script("status", code=204), "not_json"),
    "304": (_script("status", code=304), "http_error"),
    "empty body": (_script("empty_body"), "not_json"),
    "null instead of an object": (_script("wrong_shape"), "not_understood"),
    "a list instead of an object": (_script("wrong_shape", value=[1, {"id": 2}]), "not_understood"),
    "errors inside a 200": (_script("errors_in_200"), "http_error"),
    "a body that trickles": (_script("trickle", seconds=0.05), "timeout"),
    "no answer": (_script("hang"), "timeout"),
}
# Permanent failures: recorded at once.
RECORDED = {
    "403": (_script("status", code=403), "forbidden"),
    "404": (_script("status", code=404), "gone"),
    "410": (_script("status", code=410, message="Gone"), "gone"),
    "API disabled, 400": (_script("api_disabled"), "api_disabled"),
    "API disabled, 403": (_script("api_disabled", code=403), "api_disabled"),
    "frozen workspace": (_script("frozen"), "frozen"),
    "402": (_script("status", code=402, message="Payment required"), "http_error"),
    "a bomb of 64 MiB": (_script("bomb", n=1 << 26), "too_large"),
    "redirect": (_script("redirect"), "redirect_refused"),
    "permanent redirect": (_script("redirect", code=308), "redirect_refused"),
}
# The rate limit: all workers wait.
REFUSED = {
    "429, good reset": _script("limited"),
    "429, no reset": _script("limited", reset="absent"),
    "429, past reset": _script("limited", reset="past"),
    "429, absurd reset": _script("limited", reset="absurd"),
    "429, reset in words": _script("limited", reset="absurd", value="soon"),
    "429, reset below zero": _script("limited", reset="absurd", value="-1"),
    "429, skewed reset": _script("limited", reset="skewed"),
    '403 "Rate limit exceeded"': _script("limited", code=403),
}
HARMLESS = {"gzip body": _script("gzip"), "slow reply": _script("delay", seconds=0.1)}


def cases() -> Iterator[Case]:
    """Yield every fault that can hit any request, once and always."""
    for name, (script, problem) in RETRIED.items():
        yield Case(name, script, 1, "same")
        # All attempts, in both rounds.
        yield Case(name, script, None, "gap", problem, more_requests=6)
    for name, (script, problem) in RECORDED.items():
        yield Case(name, script, None, "gap", problem)
    for name, script in REFUSED.items():
        yield Case(name, script, 1, "same")
        yield Case(name, script, None, "resumes", more_requests=12)
    for name, script in HARMLESS.items():
        yield Case(name, script, None, "same", more_requests=0)
    yield Case("401", _script("status", code=401), None, "resumes")


def matrix() -> list[tuple[Case, Target]]:
    """Return every case for every kind of request."""
    return [(case, target) for case in cases() for target in TARGETS]


# The sample has each family of faults, each outcome and each target once or twice.
_SAMPLED = (
    "500, always", "reset in the body, once", "truncated body, always", "HTML with 200, once", "no answer, once",
    "204, always", "304, once",
    "403, always", "404, always", "API disabled, 400, always", "redirect, always", "429, good reset, once",
    "gzip body, always", "401, always",
)  # fmt: skip


def sample() -> list[tuple[Case, Target]]:
    """Return a part of the matrix that takes seconds."""
    by_name = {str(case): case for case in cases()}
    return [(by_name[name], TARGETS[number % len(TARGETS)]) for number, name in enumerate(_SAMPLED)]

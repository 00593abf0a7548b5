"""Scripted faults: an ordered list of rules that say which requests fail, and how; nothing is random.

A fault is plain data: a test can write it, Hypothesis can generate it and a JSON file can hold it. Only admitted
requests are counted: a 401 or a refusal by the rate limit does not use up a rule.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from .json_path import parse
from .responses import page_of
from .routes import KINDS, Route
from .world import FakeWorld

FAULTS: Mapping[str, str] = {
    "status": "answers with `code` and, if given, with `body` (text or JSON; none for 204 and 304) and `headers`",
    "limited": "refuses by the rate limit (`code` 429 or 403); `reset` is good, absent, past, absurd or skewed",
    "api_disabled": "answers that the API is disabled in this workspace (`code` 400 or 403)",
    "frozen": "answers that only active workspaces have access",
    "reset_before": "resets the connection before any byte of the reply",
    "reset_during": "resets the connection after half of the body",
    "truncate": "announces more bytes than it sends, then closes",
    "gzip": "sends the true reply compressed",
    "broken_gzip": "sends a compressed reply that cannot be inflated",
    "bomb": "sends a small reply that inflates to `n` bytes (1 GiB)",
    "html": "answers 200 with an HTML page",
    "empty_body": "answers 200 with an empty body",
    "wrong_shape": "answers 200 with the JSON of `value` (null) instead of an object",
    "errors_in_200": "answers 200 with a body of errors",
    "wrong_type": "puts `value` at `json_path` of the true reply",
    "half_character": "ends the text at `json_path` of the true reply with half of an emoji",
    "extra_field": "adds `value` at `json_path` to the true reply",
    "trickle": "sends one byte of the body every `seconds`, endlessly",
    "hang": "accepts the request and never answers",
    "redirect": "redirects (`code` 302) to the URL `to`",
    "delay": "sends the true reply after `seconds`",
    "ignore_page": "answers every page with page 1",
    "repeat_page": "answers page n with page n - 1",
    "clamp": "returns at most `n` items per page",
    "mutate": "changes the world before or after the reply (`when`): by the function `mutate`, or to `night`",
    "vanish": "answers 404 for this path and everything below it from now on",
}
RESETS = ("good", "absent", "past", "absurd", "skewed")


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule: which requests it matches, which of those it hits, and what it does to them.

    `kind`, `path` (a glob on the raw or the decoded path, or a regular expression after `re:`) and `page` must all
    match if they are given. Of the matching requests the rule hits the `nth` and the `times` - 1 after it; `times=None`
    means all after it. `lasting` replaces `times` by a number of seconds from the nth on. With `per_url` each URL is
    counted separately.
    """

    do: str
    kind: str | None = None
    path: str | None = None
    page: int | None = None
    nth: int = 1
    times: int | None = 1
    lasting: float | None = None
    per_url: bool = False
    code: int | None = None
    message: str | None = None
    body: Any = None
    headers: Mapping[str, str] | None = None
    reset: str = "good"
    json_path: str | None = None
    value: Any = None
    seconds: float = 0.0
    to: str = "http://127.0.0.2:9/"
    n: int | None = None
    night: int | None = None
    mutate: Callable[[FakeWorld], FakeWorld] | None = None
    when: str = "before"

    def __post_init__(self) -> None:
        _one_of("do", self.do, FAULTS)
        _one_of("reset", self.reset, RESETS)
        _one_of("when", self.when, ("before", "after"))
        if self.kind is not None:
            _one_of("kind", self.kind, KINDS)
        if self.do in ("wrong_type", "extra_field", "half_character"):
            parse(self.json_path or "")
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise ValueError("nth and times count from 1")

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Fault:
        """Return the fault that plain data describes; ValueError names unknown fields."""
        unknown = set(data) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        return cls(**data)

    def matches(self, route: Route) -> bool:
        """Return whether the rule applies to such a request."""
        if self.kind is not None and self.kind != route.kind:
            return False
        if self.page is not None and self.page != page_of(route):
            return False
        return self.path is None or _path_matches(self.path, route.raw_path)

    def hits(self, count: int, since_nth: float = 0.0) -> bool:
        """Return whether the rule hits its count-th matching request, `since_nth` seconds after the nth."""
        if self.lasting is not None:
            return count >= self.nth and since_nth < self.lasting
        return count >= self.nth and (self.times is None or count < self.nth + self.times)


class Script:
    """The ordered rules of a server; the first that hits a request decides, and every rule counts it."""

    def __init__(self, faults: Iterable[Fault] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._faults: list[Fault] = list(faults)
        self._counts: Counter[tuple[int, str]] = Counter()
        self._nth_at: dict[tuple[int, str], float] = {}
        self._vanished: set[str] = set()
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        """Append rules."""
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Remove all rules, their counts and the vanished paths."""
        with self._lock:
            self._faults.clear()
            self._counts.clear()
            self._nth_at.clear()
            self._vanished.clear()

    def hit(self, route: Route, target: str) -> Fault | None:
        """Count a request and return the fault that hits it, if any."""
        if not self._faults:
            return None
        with self._lock:
            hit = None
            for position, fault in enumerate(self._faults):
                if fault.matches(route):
                    key = (position, target if fault.per_url else "")
                    self._counts[key] += 1
                    if hit is None and fault.hits(self._counts[key], self._since_nth(fault, key)):
                        hit = fault
            if hit is not None and hit.do == "vanish":
                self._vanished.add(route.raw_path)
            return hit

    def _since_nth(self, fault: Fault, key: tuple[int, str]) -> float:
        if fault.lasting is None or self._counts[key] < fault.nth:
            return 0.0
        now = self._clock()
        return now - self._nth_at.setdefault(key, now)

    def has_vanished(self, raw_path: str) -> bool:
        """Return whether an earlier fault made a path, or one above it, vanish."""
        return any(raw_path == gone or raw_path.startswith(f"{gone}/") for gone in list(self._vanished))


def _one_of(field: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise ValueError(f"{field} must be one of {', '.join(known)}, not {value!r}")


def _path_matches(pattern: str, raw_path: str) -> bool:
    if pattern.startswith("re:"):
        return re.search(pattern[3:], raw_path) is not None
    return fnmatchcase(raw_path, pattern) or fnmatchcase(unquote(raw_path), pattern)

"""The law of a night, as a function: what breaks it, in words, when a disturbed night is held against the truth.

Every row of the disturbed night is a row of the truth; it may differ in its coverage alone, and then a problem says
why. Every row of the truth that is missing is missing below something that says so. `complete` means complete.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.faults.published import CRAWLED, KEY, Published, Row, key_of

# What tells the rows of one action apart.
_CHILD_KEYS: dict[str, tuple[str, ...]] = {
    "trigger_conditions": ("position",),
    "variables": ("position",),
    "permissions": ("principal_type", "principal_id"),
}
LISTS = ("workspaces", "projects", "pipelines", "actions")
# What a coverage says: not all of this was seen. `gone` says that Buddy has it no more, which only Buddy can mean.
GAPS = frozenset({"forbidden", "failed", "quarantined", "skipped", "gone"})
MISSED = GAPS - {"gone"}
_OF_THE_NIGHT = frozenset({"run_id", "run_date", "fetched_at"})
COVERAGE_OF = {
    "unauthorised": "forbidden", "forbidden": "forbidden", "api_disabled": "forbidden", "frozen": "forbidden",
    "gone": "gone", "deadline": "skipped",
}  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """What a night lost without saying so, and what it claimed falsely; both empty when it keeps the law."""

    lost: list[str]
    false: list[str]

    @property
    def broken(self) -> list[str]:
        """All that breaks the law."""
        return self.lost + self.false


def judged(truth: Published, night: Published, *, filtered: bool = False) -> Judgement:
    """Hold a night against the truth; `filtered` says that globs left something out, so `skipped` needs no problem."""
    false = [
        *_rows_not_of_the_truth(truth, night),
        *_gaps_without_a_problem(night, filtered=filtered),
        *_twice_covered(night),
        *_wrong_status(night, filtered=filtered),
    ]
    return Judgement(list(_losses_without_a_gap(truth, night)), false)


def _identity(table: str, row: Row) -> tuple[Any, ...]:
    return (*key_of(row), *(row[name] for name in _CHILD_KEYS.get(table, ())))


def _rows_not_of_the_truth(truth: Published, night: Published) -> Iterator[str]:
    unreadable = {key_of(row) for row in night["problems"] if row["kind"] == "not_understood"}
    for table in CRAWLED:
        known = {_identity(table, row): row for row in truth[table]}
        for row in night[table]:
            true = known.get(_identity(table, row))
            if true is None:
                yield f"{table}: {_identity(table, row)} is not in the truth"
                continue
            differs = {name for name in row if row[name] != true[name]} - _OF_THE_NIGHT
            if differs and table not in LISTS:
                yield f"{table}: {key_of(row)} differs in {sorted(differs)}"
            elif "coverage" in differs and row["coverage"] not in GAPS:
                yield f"{table}: {key_of(row)} claims {row['coverage']} where the truth is {true['coverage']}"
            elif differs - {"coverage", "extra"} and key_of(row) not in unreadable:
                yield f"{table}: {key_of(row)} differs in {sorted(differs)}"
            elif differs == {"extra"}:
                yield f"{table}: {key_of(row)} differs in extra alone"


def _losses_without_a_gap(truth: Published, night: Published) -> Iterator[str]:
    coverage = {key_of(row): row["coverage"] for table in LISTS for row in night[table]}
    if any(row["workspace"] is None and row["kind"] not in ("check", "abandoned_run") for row in night["problems"]):
        coverage[("us", None, None, None, None)] = "failed"
    for table in CRAWLED:
        there = {_identity(table, row) for row in night[table]}
        for row in truth[table]:
            if _identity(table, row) in there:
                continue
            key = key_of(row)
            holder = _holder(key if table not in LISTS else _parent(key), coverage)
            if coverage.get(holder) not in GAPS:
                yield f"{table}: {_identity(table, row)} is missing, and {holder} claims {coverage.get(holder)}"


def _parent(key: tuple[Any, ...]) -> tuple[Any, ...]:
    depth = sum(part is not None for part in key)
    return (*key[: depth - 1], *[None] * (len(KEY) - depth + 1))


def _holder(key: tuple[Any, ...], coverage: dict[tuple[Any, ...], str]) -> tuple[Any, ...]:
    """The nearest thing at or above a key that the night has a coverage for."""
    while key not in coverage and key[1] is not None:
        key = _parent(key)
    return key


def _gaps_without_a_problem(night: Published, *, filtered: bool) -> Iterator[str]:
    told: dict[tuple[Any, ...], set[str]] = {}
    for problem in night["problems"]:
        told.setdefault(key_of(problem), set()).add(COVERAGE_OF.get(problem["kind"], "failed"))
        if "page=" in (problem["request_path"] or "") and "page=1&" not in problem["request_path"]:
            # Behind a page that answered, any refusal leaves its list `failed`.
            told[key_of(problem)].add("failed")
    for table in LISTS:
        for row in night[table]:
            coverage, key = row["coverage"], key_of(row)
            if coverage not in GAPS or (coverage == "skipped" and filtered):
                continue
            wanted = "failed" if coverage == "quarantined" else coverage
            # Actions that nobody asked for any more, or whose token was withdrawn, are told once at their pipeline.
            heard = told.get(key, set()) | (told.get(_parent(key), set()) if table == "actions" else set())
            if wanted not in heard:
                yield f"{table}: {key} is {coverage} and no problem says so"


def _twice_covered(night: Published) -> Iterator[str]:
    for table in LISTS:
        seen = set()
        for row in night[table]:
            if key_of(row) in seen:
                yield f"{table}: {key_of(row)} is covered twice"
            seen.add(key_of(row))


def _wrong_status(night: Published, *, filtered: bool) -> Iterator[str]:
    missed = MISSED - ({"skipped"} if filtered else set())
    partial = any(row["coverage"] in missed for table in LISTS for row in night[table])
    partial |= any(
        row["workspace"] is None and row["kind"] not in ("check", "abandoned_run") for row in night["problems"]
    )
    if night.status != ("partial" if partial else "complete"):
        yield f"the run is called {night.status}"


def falsely_changed(night: Published, *, gone: bool = False) -> list[str]:
    """Return the changes of a night in which nothing changed, but for what Buddy itself called gone."""
    answered = {key_of(row) for row in night["actions"] if row["coverage"] == "gone"} if gone else set()
    return [
        f"{row['change']} {key_of(row)} {row['column_name']}"
        for row in night["action_changes"]
        if not (row["change"] == "removed" and key_of(row) in answered)
    ]

"""The invariants of a run under faults, checked by comparison with an undisturbed run (the truth).

Every row of the run is a row of the truth; only its coverage may differ, and then a problem says why. Every missing row
is below an item whose coverage shows a gap. `complete` means complete.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.faults.published import CRAWLED, KEY, Published, Row, key_of

# The columns that distinguish the rows of one action.
_CHILD_KEYS: dict[str, tuple[str, ...]] = {
    "trigger_conditions": ("position",),
    "variables": ("position",),
    "permissions": ("principal_type", "principal_id"),
}
LISTS = ("workspaces", "projects", "pipelines", "actions")
# Coverages of items that were not completely seen. `gone` means that Buddy answered that the item does not exist.
GAPS = frozenset({"forbidden", "failed", "quarantined", "skipped", "gone"})
MISSED = GAPS - {"gone"}
_PER_RUN = frozenset({"run_id", "run_date", "fetched_at"})
COVERAGE_OF = {
    "unauthorised": "forbidden", "forbidden": "forbidden", "api_disabled": "forbidden", "frozen": "forbidden",
    "gone": "gone", "deadline": "skipped",
}  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """The rows that a run lost without a gap, and its false claims."""

    lost: list[str]
    false: list[str]

    @property
    def broken(self) -> list[str]:
        """Return all violations."""
        return self.lost + self.false


def judged(truth: Published, night: Published, *, filtered: bool = False) -> Judgement:
    """Compare a run with the truth; with `filtered`, globs excluded something, so `skipped` needs no problem."""
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
            differs = {name for name in row if row[name] != true[name]} - _PER_RUN
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
        present = {_identity(table, row) for row in night[table]}
        for row in truth[table]:
            if _identity(table, row) in present:
                continue
            key = key_of(row)
            holder = _holder(key if table not in LISTS else _parent(key), coverage)
            if coverage.get(holder) not in GAPS:
                yield f"{table}: {_identity(table, row)} is missing, and {holder} claims {coverage.get(holder)}"


def _parent(key: tuple[Any, ...]) -> tuple[Any, ...]:
    depth = sum(part is not None for part in key)
    return (*key[: depth - 1], *[None] * (len(KEY) - depth + 1))


def _holder(key: tuple[Any, ...], coverage: dict[tuple[Any, ...], str]) -> tuple[Any, ...]:
    """Return the nearest key, at or above this one, for which the run has a coverage."""
    while key not in coverage and key[1] is not None:
        key = _parent(key)
    return key


def _gaps_without_a_problem(night: Published, *, filtered: bool) -> Iterator[str]:
    reported: dict[tuple[Any, ...], set[str]] = {}
    for problem in night["problems"]:
        reported.setdefault(key_of(problem), set()).add(COVERAGE_OF.get(problem["kind"], "failed"))
        if "page=" in (problem["request_path"] or "") and "page=1&" not in problem["request_path"]:
            # After a page that answered, any error of a later page makes the list `failed`.
            reported[key_of(problem)].add("failed")
    for table in LISTS:
        for row in night[table]:
            coverage, key = row["coverage"], key_of(row)
            if coverage not in GAPS or (coverage == "skipped" and filtered):
                continue
            wanted = "failed" if coverage == "quarantined" else coverage
            # Actions not requested any more, or with a revoked token, have one problem at their pipeline.
            causes = reported.get(key, set()) | (reported.get(_parent(key), set()) if table == "actions" else set())
            if wanted not in causes:
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
        yield f"the status of the run is {night.status}"


def falsely_changed(night: Published, *, gone: bool = False) -> list[str]:
    """Return the changes in a run without changes; with `gone`, except removals that Buddy reported."""
    reported = {key_of(row) for row in night["actions"] if row["coverage"] == "gone"} if gone else set()
    return [
        f"{row['change']} {key_of(row)} {row['column_name']}"
        for row in night["action_changes"]
        if not (row["change"] == "removed" and key_of(row) in reported)
    ]

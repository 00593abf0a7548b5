"""The invariants of a run under faults, checked by comparison with an undisturbed run (the truth).

Every row of the run is a row of the truth; only its coverage may differ, and then a problem says why. Every missing row
is below an item whose coverage shows a gap. `complete` means complete.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.faults.published import CRAWLED, KEY, Published, Row, key_of

# The columns that distinguish the rows of one action.
_CHILD_KEYS: dict[str, tuple[str, ...]] = {
    "trigger_conditions": ("position",),
    "variables": ("position",),
    "permissions": ("principal_type", "principal_id"),
    "executions": ("execution_id",),
    "action_executions": ("execution_id", "position"),
}
LISTS = ("workspaces", "projects", "pipelines", "actions")
EXECUTIONS = ("executions", "action_executions")
# Coverages of items that were not completely seen. `gone` means that Buddy answered that the item does not exist.
GAPS = frozenset({"forbidden", "failed", "quarantined", "skipped", "gone"})
MISSED = GAPS - {"gone"}
_PER_RUN = frozenset({"run_id", "run_date", "fetched_at"})
# What is known of the executions of a pipeline and is checked apart from its other columns.
_OF_EXECUTIONS = frozenset({"executions_coverage", "executions_from"})
COVERAGE_OF = {
    "unauthorised": "forbidden", "forbidden": "forbidden", "api_disabled": "forbidden", "frozen": "forbidden",
    "gone": "gone", "deadline": "skipped",
}  # fmt: skip


@dataclass(frozen=True)
class Violations:
    """The rows that a run lost without a gap, and its false claims."""

    lost: list[str]
    false: list[str]

    @property
    def all(self) -> list[str]:
        """Return all violations."""
        return self.lost + self.false


def violations(truth: Published, run: Published, *, filtered: bool = False) -> Violations:
    """Compare a run with the truth; with `filtered`, globs excluded something, so `skipped` needs no problem."""
    false = [
        *_rows_not_of_the_truth(truth, run),
        *_gaps_without_a_problem(run, filtered=filtered),
        *_false_claims_about_executions(truth, run, filtered=filtered),
        *_twice_covered(run),
        *_wrong_status(run, filtered=filtered),
    ]
    return Violations(list(_losses_without_a_gap(truth, run)), false)


def _identity(table: str, row: Row) -> tuple[Any, ...]:
    return (*key_of(row), *(row[name] for name in _CHILD_KEYS.get(table, ())))


def _rows_not_of_the_truth(truth: Published, run: Published) -> Iterator[str]:
    unreadable = {key_of(row) for row in run["problems"] if row["kind"] == "not_understood"}
    for table in CRAWLED:
        known = {_identity(table, row): row for row in truth[table]}
        for row in run[table]:
            true = known.get(_identity(table, row))
            if true is None:
                yield f"{table}: {_identity(table, row)} is not in the truth"
                continue
            differs = {name for name in row if row[name] != true[name]} - _PER_RUN - _OF_EXECUTIONS
            if table == "executions" and row["coverage"] in GAPS:
                # Its entry in the list has no elements, and where not even that was read, only its id is known.
                differs = {name for name in differs - {"coverage", "extra"} if row[name] is not None}
            if differs and table not in LISTS:
                yield f"{table}: {key_of(row)} differs in {sorted(differs)}"
            elif "coverage" in differs and row["coverage"] not in GAPS:
                yield f"{table}: {key_of(row)} claims {row['coverage']} where the truth is {true['coverage']}"
            elif differs - {"coverage", "extra"} and key_of(row) not in unreadable:
                yield f"{table}: {key_of(row)} differs in {sorted(differs)}"
            elif differs == {"extra"}:
                yield f"{table}: {key_of(row)} differs in extra alone"


def _losses_without_a_gap(truth: Published, run: Published) -> Iterator[str]:
    coverage = {key_of(row): row["coverage"] for table in LISTS for row in run[table]}
    if any(row["workspace"] is None and row["kind"] not in ("check", "abandoned_run") for row in run["problems"]):
        coverage[("us", None, None, None, None)] = "failed"
    of_executions = {key_of(row): row["executions_coverage"] for row in run["pipelines"]}
    of_execution = {(*key_of(row)[:4], row["execution_id"]): row["coverage"] for row in run["executions"]}
    for table in CRAWLED:
        present = {_identity(table, row) for row in run[table]}
        for row in truth[table]:
            if _identity(table, row) in present:
                continue
            key = key_of(row)
            if table in EXECUTIONS:
                key = (*key[:4], None)
                if {of_executions.get(key), of_execution.get((*key[:4], row["execution_id"]))} & GAPS:
                    continue
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


def _gaps_without_a_problem(run: Published, *, filtered: bool) -> Iterator[str]:
    reported = _reported(run)
    for table in LISTS:
        for row in run[table]:
            coverage, key = row["coverage"], key_of(row)
            if coverage not in GAPS or (coverage == "skipped" and filtered):
                continue
            wanted = "failed" if coverage == "quarantined" else coverage
            # Actions not requested any more, or with a revoked token, have one problem at their pipeline.
            causes = reported.get(key, set()) | (reported.get(_parent(key), set()) if table == "actions" else set())
            if wanted not in causes:
                yield f"{table}: {key} is {coverage} and no problem says so"


def _reported(run: Published) -> dict[tuple[Any, ...], set[str]]:
    """Return the coverages that the problems explain, by key."""
    reported: dict[tuple[Any, ...], set[str]] = {}
    for problem in run["problems"]:
        reported.setdefault(key_of(problem), set()).add(COVERAGE_OF.get(problem["kind"], "failed"))
        if "page=" in (problem["request_path"] or "") and "page=1&" not in problem["request_path"]:
            # After a page that answered, any error of a later page makes the list `failed`.
            reported[key_of(problem)].add("failed")
    return reported


def _false_claims_about_executions(truth: Published, run: Published, *, filtered: bool) -> Iterator[str]:
    """Compare the coverage of executions: a gap has a problem at its pipeline, and everything else is the truth."""
    expected = {key_of(row): row["executions_coverage"] for row in truth["pipelines"]}
    reported = _reported(run)
    single: dict[tuple[Any, ...], set[str]] = {}
    for row in run["executions"]:
        single.setdefault((*key_of(row)[:4], None), set()).add(row["coverage"])
    for row in run["pipelines"]:
        key, coverage = key_of(row), row["executions_coverage"]
        if coverage in GAPS:
            if coverage not in reported.get(key, set()) and not (coverage == "skipped" and filtered):
                yield f"pipelines: executions of {key} are {coverage} and no problem says so"
            if row["executions_from"] is not None:
                yield f"pipelines: executions of {key} are {coverage} and claim a beginning"
        elif coverage != expected.get(key, coverage):
            yield f"pipelines: executions of {key} claim {coverage} where the truth is {expected[key]}"
        elif single.get(key, set()) & MISSED:
            yield f"pipelines: executions of {key} claim {coverage}, but one of them was not read"


def _twice_covered(run: Published) -> Iterator[str]:
    for table in LISTS:
        seen = set()
        for row in run[table]:
            if key_of(row) in seen:
                yield f"{table}: {key_of(row)} is covered twice"
            seen.add(key_of(row))


def _wrong_status(run: Published, *, filtered: bool) -> Iterator[str]:
    missed = MISSED - ({"skipped"} if filtered else set())
    partial = any(row["coverage"] in missed for table in LISTS for row in run[table])
    partial |= any(row["executions_coverage"] in missed for row in run["pipelines"])
    partial |= any(
        row["workspace"] is None and row["kind"] not in ("check", "abandoned_run") for row in run["problems"]
    )
    if run.status != ("partial" if partial else "complete"):
        yield f"the status of the run is {run.status}"


def without_gone_executions(truth: Published, run: Published) -> Published:
    """Return the truth of the next run: an execution that this run found gone is not asked for again."""
    gone = {(*key_of(row)[:4], row["execution_id"]) for row in run["executions"] if row["coverage"] == "gone"}
    tables = {
        name: [row for row in rows if name not in EXECUTIONS or (*key_of(row)[:4], row["execution_id"]) not in gone]
        for name, rows in truth.tables.items()
    }
    return replace(truth, tables=tables)


def unexpected_changes(run: Published, *, gone: bool = False) -> list[str]:
    """Return the changes in a run without changes; with `gone`, except removals that Buddy reported."""
    reported = {key_of(row) for row in run["actions"] if row["coverage"] == "gone"} if gone else set()
    return [
        f"{row['change']} {key_of(row)} {row['column_name']}"
        for row in run["action_changes"]
        if not (row["change"] == "removed" and key_of(row) in reported)
    ]

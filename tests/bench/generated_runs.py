"""A year of runs without crawls: rows of one world, with a few changes per run.

In every run 2% of the actions have been executed, with a new status and revision, one in a thousand has another tag,
and every row has a new fetched_at. No action is added or removed after the first run. An awkward world also has actions
of other types, and undocumented fields and enum values in every run. Executions are drawn apart from the statuses.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from collector.buddy.decode import decode
from collector.buddy.requests import Request
from collector.crawl.fetch_result import Answered, RequestCost
from collector.crawl.frontier import Frontier
from collector.fake_buddy import FakeWorld
from collector.lake.flatten import flatten
from collector.lake.manifest import RunEntry
from collector.lake.projection import RunKey
from collector.lake.shared_columns import KEY_NAMES
from collector.lake.staging import record_batch
from collector.lake.tables import ACTION_CHANGES, ALL, LAST_KNOWN_ACTIONS, PROMOTE_IMAGE_ACTIONS, TABLES
from collector.run.reply_processor import selection
from tests.bench.clients.replay import BUDDY, redacted_reply
from tests.bench.generated_executions import GeneratedExecutions

FIRST_START = datetime(2025, 11, 1, 2, 15, tzinfo=UTC)
RAN_SHARE = 0.02
EDITED_SHARE = 0.001
_STATUSES = ("SUCCESSFUL", "SUCCESSFUL", "SUCCESSFUL", "FAILED")


@dataclass(frozen=True)
class GeneratedRun:
    """One run and its rows by table, sorted by the table's key."""

    number: int
    run: RunEntry
    tables: dict[str, pa.Table]


def run_of(number: int) -> RunEntry:
    """Return the run with a number; the first is 1."""
    at = FIRST_START + timedelta(days=number - 1)
    return RunEntry(
        run_id=f"{at:%Y%m%dT%H%M%SZ}-{number:06x}",
        run_date=at.date(),
        status="complete",
        started_at=at,
        finished_at=at + timedelta(minutes=20),
        collector_version="0",
        api_urls=[BUDDY.api_url],
        installations=[BUDDY.name],
    )


def generated_runs(
    count: int, actions: int, seed: int = 1, *, awkward: bool = False, executions: int = 0
) -> Iterator[GeneratedRun]:
    """Yield runs with about `actions` promote-image actions and so many executions in each run, oldest first."""
    rng = random.Random(seed)
    executed = GeneratedExecutions(executions, seed)
    tables = _world(actions, awkward)
    if executions:
        tables["pipelines"] = _with_executions(tables["pipelines"])
    previous: RunEntry | None = None
    for number in range(1, count + 1):
        run = run_of(number)
        changes = _added(tables, run) if previous is None else _change(tables, rng, run, previous)
        keyed = {name: _with_run_key(rows, run) for name, rows in tables.items()}
        if executions:
            keyed |= executed.of_run(run, keyed[PROMOTE_IMAGE_ACTIONS.name])
        yield GeneratedRun(number, run, {**keyed, "runs": _run_row(run), "action_changes": changes})
        previous = run


def last_known(generated: GeneratedRun, first: RunEntry) -> pa.Table:
    """Return last_known_actions after a run."""
    rows = generated.tables[PROMOTE_IMAGE_ACTIONS.name]
    for name, run_id in (("first_seen_run_id", first.run_id), ("last_seen_run_id", generated.run.run_id)):
        rows = rows.append_column(name, _same(run_id, len(rows)))
    return rows.select(LAST_KNOWN_ACTIONS.column_names)


def _world(actions: int, awkward: bool) -> dict[str, pa.Table]:
    """Return the tables of one crawl."""
    if awkward:
        world = FakeWorld(projects=max(1, actions // 400), pipelines=50, actions=20, promote_share=0.5)
    else:
        world = FakeWorld(projects=max(1, actions // 1000), pipelines=50, actions=20, promote_share=1.0, awkward=False)
    run = run_of(1)
    run_key = RunKey(run.run_id, run.run_date)
    frontier = Frontier(BUDDY.name, selection(BUDDY))
    rows: dict[str, list[tuple[object, ...]]] = {}
    while isinstance(request := frontier.next(), Request):
        document, body = redacted_reply(world, request)
        line = Answered(request, run.started_at, RequestCost(), body)
        for record in frontier.feed(line, decode(request, document)):
            for name, row in flatten(run_key, record):
                rows.setdefault(name, []).append(row)
    excess = {row[3:7] for row in rows[PROMOTE_IMAGE_ACTIONS.name][actions:]}
    found = {}
    for name, batch in rows.items():
        is_of_actions = set(KEY_NAMES) <= set(ALL[name].column_names)
        chosen = [row for row in batch if not is_of_actions or row[3:7] not in excess]
        table = pa.Table.from_batches([record_batch(ALL[name], chosen)])
        found[name] = table.sort_by([(key, "ascending") for key in ALL[name].key])
    return found


def _change(tables: dict[str, pa.Table], rng: random.Random, run: RunEntry, previous: RunEntry) -> pa.Table:
    """Change some actions in place and return the rows of action_changes."""
    name = PROMOTE_IMAGE_ACTIONS.name
    actions = tables[name]
    values = {
        column: actions[column].to_pylist() for column in ("last_execution_status", "current_revision", "dest_tag")
    }
    changed = []

    def change(row: int, column: str, new: str) -> None:
        if values[column][row] != new:
            changed.append((row, column, values[column][row], new))
            values[column][row] = new

    for row in rng.sample(range(len(actions)), int(len(actions) * RAN_SHARE)):
        change(row, "last_execution_status", rng.choice(_STATUSES))
        change(row, "current_revision", f"{rng.getrandbits(160):040x}")
    for row in rng.sample(range(len(actions)), max(1, int(len(actions) * EDITED_SHARE))):
        change(row, "dest_tag", f"v{rng.randrange(100)}.{rng.randrange(100)}")
    # Fetched one after another, in order.
    seconds = [run.started_at.replace(tzinfo=None) + timedelta(seconds=row // 25) for row in range(len(actions))]
    for column, new_values in (*values.items(), ("fetched_at", seconds)):
        index = actions.schema.get_field_index(column)
        actions = actions.set_column(index, column, pa.array(new_values, actions.schema.field(column).type))
    tables[name] = actions
    return _changes(actions, sorted(changed), run, previous)


def _with_executions(pipelines: pa.Table) -> pa.Table:
    """Return pipelines whose executions were all read, from a week before the first run."""
    known_from = (FIRST_START - timedelta(days=7)).replace(tzinfo=None)
    for column, value in (("executions_coverage", "complete"), ("executions_from", known_from)):
        index = pipelines.schema.get_field_index(column)
        found = pa.array([value] * len(pipelines), pipelines.schema.field(column).type)
        pipelines = pipelines.set_column(index, column, found)
    return pipelines


def _added(tables: dict[str, pa.Table], run: RunEntry) -> pa.Table:
    keys = tables[PROMOTE_IMAGE_ACTIONS.name].select(["installation", *KEY_NAMES]).to_pylist()
    rows = [(run.run_id, run.run_date, *key.values(), "added", "configuration", None, None, None, None) for key in keys]
    return pa.Table.from_batches([record_batch(ACTION_CHANGES, rows)])


def _changes(
    actions: pa.Table, changed: list[tuple[int, str, str | None, str]], run: RunEntry, previous: RunEntry
) -> pa.Table:
    keys = actions.select(["installation", *KEY_NAMES]).take([row for row, *_ in changed]).to_pylist()
    rows = [
        (
            run.run_id, run.run_date, *key.values(), "changed",
            "configuration" if column == "dest_tag" else "execution", column, old, new, previous.run_id,
        )
        for key, (_, column, old, new) in zip(keys, changed, strict=True)
    ]  # fmt: skip
    return pa.Table.from_batches([record_batch(ACTION_CHANGES, rows)])


def _with_run_key(rows: pa.Table, run: RunEntry) -> pa.Table:
    rows = rows.set_column(0, "run_id", _same(run.run_id, len(rows)))
    dates = pa.array([run.run_date], ALL["runs"].schema.field("run_date").type)
    return rows.set_column(1, "run_date", dates.take(pa.array([0] * len(rows))))


def _run_row(run: RunEntry) -> pa.Table:
    """Return the row of `runs` that a crawl would write."""
    values = {
        "run_id": run.run_id,
        "run_date": run.run_date,
        "installation": BUDDY.name,
        "status": run.status,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "resumed_count": 0,
        "collector_version": run.collector_version,
        "api_url": BUDDY.api_url,
        **dict.fromkeys(("requests", "retries", "refusals", "bytes_received", "problems"), 0),
        **dict.fromkeys(("paced_seconds", "paused_seconds"), 0.0),
    }
    row = tuple([values.get(name) for name in TABLES["runs"].column_names])
    return pa.Table.from_batches([record_batch(TABLES["runs"], [row])])


def _same(text: str, count: int) -> pa.Array:
    return pa.array([text]).take(pa.array([0] * count, pa.int8()))

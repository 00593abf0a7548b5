"""The cost of a question must not grow with the runs kept: the plan that duckdb ran is examined."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from collector.lake.database import Database
from collector.lake.manifest import RunEntry
from collector.lake.tables import TABLES
from collector.query.questions import Questions
from collector.query.sql_files import sql_folder
from collector.query.views import Views, view_sources

SQL = sql_folder()
QUESTIONS = Questions(SQL).all
RUNS = 6
ACTIONS = 40
PARSING = [n for n, q in QUESTIONS.items() if re.search("selected_(promotions|steps)|promotion_paths", q.sql)]


BEGAN = datetime(2026, 11, RUNS, 2, 15, tzinfo=UTC)
RUN = RunEntry(
    run_id=f"r{RUNS}", run_date=BEGAN.date(), status="complete", started_at=BEGAN, finished_at=BEGAN,
    collector_version="0.1.0",
)  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[Path]]]:
    """One file per run of the tables that the questions join."""
    folder = tmp_path_factory.mktemp("runs")
    found: dict[str, list[list[Path]]] = {}
    for table in ("promote_image_actions", "actions", "pipelines", "runs"):
        paths = []
        for run in range(1, RUNS + 1):
            rows = [_row(run, action) for action in range(ACTIONS)]
            paths.append(folder / f"{table}-{run}.parquet")
            known = [{n: v for n, v in row.items() if n in TABLES[table].column_names} for row in rows]
            pq.write_table(pa.Table.from_pylist(known, schema=TABLES[table].schema), paths[-1])
        found[table] = [paths]
    return found


def _row(run: int, action: int) -> dict[str, Any]:
    return {
        "run_id": f"r{run}", "run_date": date(2026, 11, run), "installation": "us", "workspace": "acme",
        "project": "shop", "pipeline_id": action, "action_id": action, "type": "PROMOTE_IMAGE", "position": 1,
        "coverage": "fetched", "src_docker_registry": "DOCKER_HUB", "src_image": f"acme/app{action}:dev",
        "dest_docker_registry": "DOCKER_HUB", "dest_image": f"acme/app{action}:prod",
        "last_execution_status": "FAILED",
    }  # fmt: skip


def _operators(nodes: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for node in nodes:
        yield node
        yield from _operators(node.get("children", []))


@pytest.fixture(scope="module")
def database(files: dict[str, list[list[Path]]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Every view over those files."""
    spill = tmp_path_factory.mktemp("spill")
    with Database([files["runs"][0][0].parent], spill, threads=1) as made:
        Views(lambda _: files, RUN, view_sources()).define(made)
        yield made


@pytest.mark.parametrize("name", PARSING)
def test_only_the_selected_run_is_parsed(name: str, database: Database) -> None:
    """The filter by run reaches the files before any image reference is parsed."""
    question = QUESTIONS[name]
    given = {parameter.name: "acme/app1" for parameter in question.parameters if parameter.required}
    explained = f"explain (analyze, format json) {question.sql}"
    plan = json.loads(database.rows(explained, question.bind(given) or None)[0]["explain_value"])
    scans = [
        operator["intermediate_rows"]
        for operator in _operators(plan["operator"])
        if operator["type"] == "TABLE_SCAN" and "src_image" in operator["extra_info"].get("Projections", ())
    ]
    assert scans, "an end is read"
    assert max(scans) <= ACTIONS

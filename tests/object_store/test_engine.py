"""Questions about a lake in a bucket on a Spark Connect server (Sail), which reads the bucket itself."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.lake.lake import Lake
from collector.query.engine.ask import EngineSession, ask_engine, plan
from collector.query.engine.spark import connected
from collector.query.reader import open_lake
from collector.settings.lake_place import LakeUrl
from tests.object_store.proxy import FaultProxy
from tests.object_store.test_runs import copied
from tests.query.engine.test_questions_on_sail import QUESTIONS, given, plain

pytestmark = pytest.mark.engines


@pytest.fixture
def server(proxy: FaultProxy) -> Iterator[str]:
    """The address of a server with the store's keys, and the right to go without TLS, in its environment."""
    environment = {**os.environ, "AWS_ALLOW_HTTP": "true"}
    command = [sys.executable, "-m", "tests.query.engine.sail"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"spark://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


def test_questions_are_answered_from_the_bucket(demo_lake: Path, place: LakeUrl, server: str) -> None:
    """The rows are DuckDB's, also with a recursion and of an earlier run, and no file of the lake comes here."""
    lake = Lake.open(copied(demo_lake, place))
    duckdb = open_lake(demo_lake)
    with connected(server) as spark:
        session = EngineSession(spark, lake, lake.manifest.latest)
        for name in ("promotions_by_registry", "unguarded_production", "path_of_image", "nights"):
            question = QUESTIONS[name]
            found = session.answer(plan(question, session.run), question.bind(given(question)))
            expected = duckdb.ask_with(name, given(question))
            assert plain(found.table.to_pylist()) == plain(expected.table.to_pylist()), name
    first = lake.manifest.runs[0].run_id
    found = ask_engine(lake, server, "promotions_by_registry", {}, run=first)
    assert plain(found.table.to_pylist()) == plain(duckdb.ask("promotions_by_registry", run=first).table.to_pylist())
    assert not lake.storage.readable.exists()

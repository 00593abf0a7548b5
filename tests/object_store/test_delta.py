"""A lake in a bucket as Delta Lake tables: the logs follow every change from every machine."""

import datetime as dt
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import polars
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from collector.fake_buddy import FakeBuddy
from collector.lake import delta
from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.prune import prune
from collector.lake.tables import TABLES
from collector.query.reader import open_lake
from collector.settings.lake_place import LakeUrl
from tests.lake.published_runs import NOW, RUN_TABLES, SOON, publish_run
from tests.lake.test_delta_readers import rows
from tests.object_store.collecting import WORLD, collect_run, machine
from tests.object_store.proxy import FaultProxy
from tests.object_store.test_runs import copied

OPTIONS = {"allow_http": "true"}


@pytest.fixture
def place(place: LakeUrl) -> LakeUrl:
    """The URL of a lake without a space, which Polars escapes twice."""
    return replace(place, url=place.url.replace(" ", "-"))


def url(place: LakeUrl, table: str) -> str:
    """Return the address of a table."""
    return f"{place.url}/tables/{table}"


def same_rows(place: LakeUrl, names: list[str]) -> None:
    """Assert that delta-rs and Polars read the rows of DuckDB from the bucket."""
    duckdb = open_lake(place)
    for name in names:
        expected = rows(duckdb.sql(f"from {name}").table, name)
        table = DeltaTable(url(place, name), storage_options=OPTIONS)
        assert rows(pa.table(table.to_pyarrow_table()), name) == expected, name
        assert rows(polars.read_delta(url(place, name), storage_options=OPTIONS).to_arrow(), name) == expected, name


def logs_are_right(lake: Lake) -> None:
    """Assert that each log names the live files, and versions.json every run."""
    for name in TABLES:
        live = {entry.path for entry in lake.entries(name)}
        assert {f"tables/{name}/{path}" for path in delta.read_state(lake.storage, name).adds} == live, name
    found = json.loads(lake.storage.read(delta.VERSIONS))
    assert [run["run_id"] for run in found["runs"]] == [run.run_id for run in lake.manifest.runs]
    assert found["manifest_sequence"] == lake.manifest.sequence


def test_the_logs_follow_publish_compact_and_prune(place: LakeUrl, proxy: FaultProxy) -> None:
    """No file of rows is fetched for the logs where it was written; other engines read the rows of DuckDB."""
    lake = Lake.create(place)
    for day in range(3):
        publish_run(lake, day, now=SOON)
        with lake.writing("test", SOON):
            delta.follow(lake, SOON, wanted=True)
    with lake.writing("test", SOON):
        compact(lake, now=NOW, current_month=True)
        delta.follow(lake, NOW)
        prune(lake, keep_days=21, now=SOON)
        delta.follow(lake, NOW)
    passed = proxy.take()
    assert not [each for each in passed if each.method == "GET" and each.path.endswith(".parquet")]
    commits = [each.path for each in passed if each.method == "PUT" and "/_delta_log/" in each.path]
    assert len(commits) == len(set(commits))
    logs_are_right(Lake.open(place))
    assert len(lake.manifest.runs) == 2
    same_rows(place, list(RUN_TABLES[:2]))


@pytest.mark.faults
def test_a_machine_that_comes_late_takes_no_file_from_a_log(place: LakeUrl, proxy: FaultProxy) -> None:
    """Another machine publishes, and writes the logs, before or while this one writes them for its own run."""
    here, there = Lake.create(place), Lake.create(machine(place, "other"))

    def publish_there(day: int) -> None:
        proxy.before = lambda request: None
        there.reload()
        publish_run(there, day, now=SOON)
        with there.writing("test", SOON):
            delta.follow(there, SOON, wanted=True)

    publish_run(here, 0, now=SOON)
    with here.locked("test", SOON):
        publish_there(1)
        delta.follow(here, SOON, wanted=True)
    logs_are_right(Lake.open(place))
    for day, request in ((2, "/actions/_delta_log/"), (4, "/tables/versions.json")):
        here.reload()
        publish_run(here, day, now=SOON)
        with here.locked("test", SOON):
            proxy.before = lambda each, day=day, request=request: (  # type: ignore[misc]
                publish_there(day + 1) if each.startswith("PUT") and request in each else None
            )
            delta.follow(here, SOON)
        assert there.manifest.sequence == day + 2
        logs_are_right(Lake.open(place))


@pytest.mark.faults
def test_every_table_of_the_demo(demo_lake: Path, place: LakeUrl, tmp_path: Path) -> None:
    """Every row and column of every table, before and after the files are merged."""
    copied(Path(shutil.copytree(demo_lake, tmp_path / "local")), place)
    lake, now = Lake.open(place), dt.datetime.now(dt.UTC)
    for change in (lambda: None, lambda: compact(lake, now=now, current_month=True)):
        with lake.writing("compact", now):
            change()
            delta.follow(lake, now, wanted=True)
        logs_are_right(lake)
        same_rows(place, list(TABLES))


@pytest.mark.faults
def test_eight_writers_at_once_keep_the_logs(place: LakeUrl) -> None:
    """Eight machines publish and write the logs at the same time: each run is in the manifest and in the logs."""
    names = [f"site-{number}" for number in range(8)]
    with FakeBuddy(WORLD) as buddy, ThreadPoolExecutor(8) as pool:
        runs = [
            pool.submit(collect_run, buddy, machine(place, name), name, seed=hash(name), table_format="delta")
            for name in names
        ]
        assert len({run.result().run_id for run in runs}) == 8
    lake = Lake.open(place)
    with lake.writing("catalog", NOW):
        delta.follow(lake, NOW)
    logs_are_right(lake)
    assert len(lake.manifest.runs) == 8
    same_rows(place, ["runs", "promote_image_actions"])

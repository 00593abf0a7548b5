"""Questions to a lake: about one run, with parameters, and always of one consistent set of runs."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import collector
from collector.errors import LakeError, QueryError
from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.lake.manifest import RunEntry
from collector.lake.publish import publish
from collector.lake.storage import FilesGone
from collector.lake.tables import ALL, TABLES
from collector.query.answer import Gap
from collector.query.carried import Carried
from collector.query.reader import LakeReader, select_run
from collector.query.views import Views, live_files, view_sources
from tests.query.staged_runs import HOME, Row

DAY = dt.timedelta(days=1)
FIRST = dt.datetime(2026, 11, 1, 2, 15, tzinfo=dt.UTC)


def run_entry(number: int, status: Any = "complete") -> RunEntry:
    """Return the n-th run."""
    at = FIRST + number * DAY
    return RunEntry(
        run_id=f"{at:%Y%m%dT%H%M%SZ}-{number:06x}",
        run_date=at.date(),
        status=status,
        started_at=at,
        finished_at=at + dt.timedelta(minutes=5),
        collector_version="0.1.0",
    )


def published(lake: Lake, number: int, rows: dict[str, list[Row]], status: str = "complete") -> RunEntry:
    """Publish the n-th run with these rows."""
    run = run_entry(number, status)
    stamp = {"run_id": run.run_id, "run_date": run.run_date}
    tables = {
        name: pa.Table.from_pylist([{**stamp, **row} for row in given], schema=ALL[name].schema).to_batches()
        for name, given in rows.items()
    }
    with lake.writing("collect", run.finished_at):
        publish(lake, run, tables, now=run.finished_at)
    return run


def action(number: int, **columns: Any) -> Row:
    """A promote-image action."""
    return {**HOME, "project": "web", "pipeline_id": 1, "action_id": number, **columns}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake.create(tmp_path / "it's a [lake]")
    published(lake, 0, {"promote_image_actions": [action(1)]})
    published(
        lake,
        1,
        {
            "promote_image_actions": [action(1), action(2)],
            "pipelines": [{**action(1), "coverage": "failed"}, {**action(1), "pipeline_id": 2, "coverage": "complete"}],
            "workspaces": [{**HOME, "coverage": "forbidden"}],
        },
        status="partial",
    )
    return lake


def ids(reader: LakeReader) -> list[tuple[str, int]]:
    """Run and number of all actions."""
    rows = reader.sql("select run_id, action_id from promote_image_actions order by all").table.to_pylist()
    return [(row["run_id"], row["action_id"]) for row in rows]


def test_sql_sees_every_run(lake: Lake) -> None:
    """The tables hold all published runs; their columns are the contract's, in order."""
    reader = collector.open_lake(lake.path)
    assert ids(reader) == [(run_entry(0).run_id, 1), (run_entry(1).run_id, 1), (run_entry(1).run_id, 2)]
    for name, table in TABLES.items():
        assert reader.sql(f"select * from {name}").table.column_names == list(table.column_names)


def test_sql_reads_and_only_reads(lake: Lake) -> None:
    """Through the front door too: what writes is refused, what lies outside the lake stays there."""
    reader = collector.open_lake(lake.path)
    files = sorted(lake.path.rglob("*"))
    target = str(lake.path / "tables" / "x.parquet").replace("'", "''")
    for text in (
        f"with x as (copy (select 1) to '{target}') select * from x",
        f"copy (select 1) to '{target}'",
        "from read_text('/etc/passwd')",
        f"from read_text('{str(lake.path / 'manifest.json').replace(chr(39), chr(39) * 2)}')",
    ):
        with pytest.raises(QueryError):
            reader.sql(text)
        with pytest.raises(QueryError):
            reader.stream(text).read_all()
    assert sorted(lake.path.rglob("*")) == files


def test_streams_and_answers_agree(lake: Lake) -> None:
    """An answer that is streamed has the rows of one that is held."""
    reader = collector.open_lake(lake.path)
    text = "select * from promote_image_actions order by all"
    assert reader.stream(text).read_all().equals(reader.sql(text).table)


def test_an_answer_names_its_run_and_what_that_is_missing(lake: Lake) -> None:
    """An answer about a partial run says how many things of which level are unknown, and why."""
    reader = collector.open_lake(lake.path)
    answer = reader.ask("promotions")
    assert answer.run is not None
    assert (answer.run.run_id, answer.run.status) == (run_entry(1).run_id, "partial")
    assert answer.missing == (Gap("workspace", "forbidden", 1), Gap("pipeline", "failed", 1))
    earlier = reader.ask("promotions", run=str(run_entry(0).run_date))
    assert earlier.run is not None
    assert (earlier.run.run_id, earlier.missing) == (run_entry(0).run_id, ())
    assert reader.ask("promotions", run=run_entry(0).run_id).table.equals(earlier.table)
    assert (len(earlier), len(answer)) == (1, 2)


@pytest.fixture
def carrying(tmp_path: Path) -> Lake:
    """A run that read two pipelines, and one that carried one of them, with an action of another type."""
    lake, read_at = Lake.create(tmp_path / "carrying"), FIRST.replace(tzinfo=None)
    both = [action(1, fetched_at=read_at), action(2, fetched_at=read_at)]
    listed = [action(1, coverage="fetched"), action(2, coverage="fetched"), action(3, coverage="not_promote_image")]
    conditions = [action(number, position=1) for number in (1, 2)]
    published(lake, 0, {"promote_image_actions": both, "actions": listed, "trigger_conditions": conditions})
    now = action(4, pipeline_id=2, fetched_at=read_at + DAY)
    published(
        lake,
        1,
        {
            "pipelines": [{**both[0], "coverage": "carried"}, {**now, "coverage": "complete"}],
            "promote_image_actions": [*both, now],
            "actions": [*({**each, "coverage": "carried"} for each in listed[:2]), listed[2],
                        {**now, "coverage": "fetched"}],
            "trigger_conditions": conditions,
        },
    )  # fmt: skip
    return lake


def test_an_answer_says_what_was_carried(carrying: Lake) -> None:
    """An answer that rests on promotions says how many were carried and when the oldest was read; others do not."""
    reader = collector.open_lake(carrying.path)
    carried = Carried(2, FIRST)
    assert reader.ask("promotions").carried == carried
    assert reader.sql("select count(*) from selected_promotions").carried == carried
    assert reader.ask("promotions", run=run_entry(0).run_id).carried is None
    assert reader.ask("problems_last_night").carried is None


def test_a_fresh_answer_has_only_what_the_run_read(carrying: Lake) -> None:
    """With `fresh`, carried rows of the run and the other actions of their pipelines are left out, and it is said."""
    reader = collector.open_lake(carrying.path)
    answer = reader.ask("promotions", fresh=True)
    assert answer.table.column("action_id").to_pylist() == [4]
    assert (answer.carried, answer.fresh) == (Carried(2, FIRST), True)
    assert len(reader.ask("promotions")) == 3
    assert len(reader.ask("promotions", run=run_entry(0).run_id, fresh=True)) == 2
    sources = view_sources()
    with Database([carrying.path / "tables"], carrying.path / "spill", threads=1) as database:
        Views(live_files(carrying), run_entry(1), sources, fresh=True).define(database)
        for table, ids in (("actions", [4]), ("promote_image_actions", [4]), ("trigger_conditions", [])):
            rows = database.rows(f"select action_id from {table} where run_id = '{run_entry(1).run_id}'")
            assert [row["action_id"] for row in rows] == ids
            assert database.columns(f"from {table}") == [(c.name, c.sql) for c in TABLES[table].columns]
        assert database.rows("select count(*) as n from pipelines")[0]["n"] == 2


def test_parameters_reach_the_question(lake: Lake) -> None:
    """Parameters are given as Python names or as a mapping, and a wrong one is refused."""
    reader = collector.open_lake(lake.path)
    assert reader.ask_with("what_changed", {"aspect": ""}).table.num_rows == 0
    assert reader.ask("what_changed", aspect="execution").table.num_rows == 0
    with pytest.raises(QueryError):
        reader.ask("what_changed", aspct="execution")
    with pytest.raises(QueryError) as failure:
        reader.ask("what_chnged")
    assert "what_changed" in failure.value.advice


def test_an_unknown_run_names_the_latest() -> None:
    """A run that is not there names the nearest and the newest; an empty lake has none."""
    runs = [run_entry(0), run_entry(1)]
    assert select_run(runs, "latest") == runs[1]
    assert select_run(runs, runs[0].run_id) == runs[0]
    assert select_run(runs, str(runs[0].run_date)) == runs[0]
    assert select_run([], "latest") is None
    for wanted in ("20261101T021500Z-00000f", "2025-01-01", "2026-13-99", "", "yesterday"):
        with pytest.raises(QueryError) as failure:
            select_run(runs, wanted)
        assert runs[1].run_id in failure.value.advice
    with pytest.raises(QueryError, match="nothing has been published"):
        select_run([], "2026-11-01")


def test_an_empty_lake_answers_with_nothing(tmp_path: Path) -> None:
    """Every question can be put to a lake in which nothing was published; nothing is its answer."""
    lake = Lake.create(tmp_path / "lake")
    with lake.writing("collect", FIRST):
        lake.commit(lake.manifest, FIRST)
    reader = collector.open_lake(lake.path)
    answer = reader.ask("promotions")
    assert (len(answer), answer.run, answer.missing) == (0, None, ())
    assert ids(reader) == []


def test_every_question_is_described(lake: Lake) -> None:
    """The list of questions says of each what it asks, what it takes and what it gives."""
    listed = {each["name"]: each for each in collector.open_lake(lake.path).questions()}
    assert len(listed) >= 10
    for each in listed.values():
        assert each.keys() == {"name", "description", "topic", "answer", "rule", "parameters", "columns"}
        assert each["columns"]
        assert all(column.keys() == {"name", "type"} for column in each["columns"])
        keys = {"name", "type", "default", "required", "description", "choices"}
        assert all(p.keys() == keys for p in each["parameters"])
    assert [p["name"] for p in listed["what_changed"]["parameters"]] == ["aspect"]


def test_every_view_is_shown(lake: Lake) -> None:
    """SHOW TABLES shows every table and view that is named; that each can be read is proved for the catalog."""
    reader = collector.open_lake(lake.path)
    shown = reader.sql("show tables").table.column("name").to_pylist()
    assert sorted(shown) == sorted(reader.views())


def test_a_question_begins_again_when_its_files_went_away(lake: Lake) -> None:
    """A reader whose files were merged away and swept asks the newer set; it never mixes the two."""
    stale = Lake.open(lake.path)
    opened: list[Lake] = []

    def opens() -> Lake:
        found = Lake.open(lake.path) if opened else stale
        opened.append(found)
        return found

    from collector.lake.compact import compact

    gone = [path for path, _ in stale.files("promote_image_actions")]
    with lake.writing("compact", FIRST + 40 * DAY):
        compact(lake, now=FIRST + 40 * DAY)
    for path in gone:
        path.unlink()
    assert len(ids(LakeReader(opens))) == 3
    assert len(opened) > 1


def test_a_lost_file_is_an_error(lake: Lake) -> None:
    """A file that the newest manifest names and that is not there is an error of the lake, at once."""
    for path, _ in lake.files("promote_image_actions"):
        path.unlink()
    with pytest.raises(FilesGone) as failure:
        ids(collector.open_lake(lake.path))
    assert isinstance(failure.value, LakeError)
    assert "verify" in failure.value.advice


@pytest.mark.parametrize("ask", [lambda r: r.sql("select 1"), lambda r: r.ask("promotions"), lambda r: r.questions()])
def test_a_missing_lake_is_an_error(tmp_path: Path, ask: Callable[[LakeReader], object]) -> None:
    """Where there is no lake, asking says how to make one."""
    with pytest.raises(LakeError) as failure:
        ask(collector.open_lake(tmp_path / "none"))
    assert "collector" in failure.value.advice

"""Views show exactly the files they are given, under the contract's columns."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyarrow import parquet as pq

from collector.lake.database import Database
from collector.lake.manifest import RunEntry
from collector.lake.sql_text import CurrentSchemaFiles, base_view
from collector.lake.tables import TABLES
from collector.query.sql_files import SqlFile, identifiers
from collector.query.views import Views, no_files
from tests.query.staged_runs import write

ACTIONS = TABLES["promote_image_actions"]


BEGAN = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
RUN = RunEntry(
    run_id="20261123T021500Z-7f3a9c", run_date=date(2026, 11, 23), status="partial", started_at=BEGAN,
    finished_at=BEGAN,
    collector_version="0.1.0",
)  # fmt: skip


def database(tmp_path: Path) -> Database:
    """A database that reads tmp_path."""
    return Database([tmp_path], tmp_path / "spill", threads=1)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_without_files_has_its_columns(tmp_path: Path, name: str) -> None:
    """An empty table is empty and not missing: every column with its type, no row."""
    with database(tmp_path) as empty:
        Views(no_files, None).define(empty, {name})
        assert empty.columns(f"select * from {name}") == [(c.name, c.sql) for c in TABLES[name].columns]
        assert empty.rows(f"select * from {name}") == []


def test_files_of_an_older_contract_have_nulls(tmp_path: Path) -> None:
    """A column that an old file lacks is NULL there, one that no file has is NULL everywhere."""
    old = write(tmp_path / "old.parquet", ACTIONS.name, [{"action_id": 1}], without=["timeout", "loop", "extra"])
    new = write(
        tmp_path / "new.parquet", ACTIONS.name, [{"action_id": 2, "timeout": 9, "loop": ["x"]}], without=["extra"]
    )
    with database(tmp_path) as found:
        found.define("actions", base_view(ACTIONS, [[old], [new]]))
        assert [name for name, _ in found.columns("from actions")] == list(ACTIONS.column_names)
        rows = found.rows("select action_id, timeout, loop, extra from actions order by action_id")
    assert rows == [
        {"action_id": 1, "timeout": None, "loop": None, "extra": None},
        {"action_id": 2, "timeout": 9, "loop": ["x"], "extra": None},
    ]


def test_columns_of_a_newer_collector_stay_hidden(tmp_path: Path) -> None:
    """What the contract does not know is not shown: `select *` has exactly its columns."""
    path = write(tmp_path / "a.parquet", "permissions", [{"principal_id": 1}])
    table = pq.read_table(path)
    pq.write_table(table.append_column("invented", table["principal_id"]), path)
    with database(tmp_path) as found:
        found.define("permissions", base_view(TABLES["permissions"], [[path]]))
        assert found.table("from permissions").column_names == list(TABLES["permissions"].column_names)


def test_folder_names_are_no_columns(tmp_path: Path) -> None:
    """run_month= in a path never becomes a column, whatever its value."""
    path = write(tmp_path / "run_month=not a date" / "a.parquet", "permissions", [{"principal_id": 1}])
    with database(tmp_path) as found:
        found.define("permissions", base_view(TABLES["permissions"], [[path]]))
        assert "run_month" not in found.table("from permissions").column_names


def test_only_named_files_are_seen(tmp_path: Path) -> None:
    """A file beside the live ones does not exist for a reader."""
    live = write(tmp_path / "live.parquet", "permissions", [{"principal_id": 1}])
    write(tmp_path / "orphan.parquet", "permissions", [{"principal_id": 2}])
    with database(tmp_path) as found:
        found.define("permissions", base_view(TABLES["permissions"], [[live]]))
        assert found.rows("select principal_id from permissions") == [{"principal_id": 1}]


def test_the_selected_run_is_one_row(tmp_path: Path) -> None:
    """selected_run is the run that was chosen, in an empty lake no row."""
    with database(tmp_path) as chosen:
        Views(no_files, RUN).define(chosen, {"selected_run"})
        assert chosen.rows("from selected_run") == [
            {
                "run_id": RUN.run_id,
                "run_date": RUN.run_date,
                "status": "partial",
                "started_at": BEGAN.replace(tzinfo=None),
            }
        ]
    with database(tmp_path) as empty:
        Views(no_files, None).define(empty, {"selected_run"})
        assert empty.rows("from selected_run") == []


def test_only_what_is_needed_is_made() -> None:
    """A query makes the views that it names and those they need; one that looks around makes all."""
    sources = {
        "clean": SqlFile("clean", "select * from permissions"),
        "fact": SqlFile("fact", "select * from clean join selected_run using (run_id)"),
        "other": SqlFile("other", "select * from variables"),
    }
    views = Views(no_files, RUN, sources)
    assert list(views.selects(identifiers("select * from FACT"))) == ["permissions", "selected_run", "clean", "fact"]
    assert list(views.selects(identifiers("select 1"))) == []
    assert len(views.selects(identifiers("show tables"))) == len(TABLES) + 1 + len(sources)
    assert set(views.selects()) == set(views.names)
    for words in (identifiers("select * from FACT"), identifiers("select 1"), identifiers("show tables"), None):
        assert {name for name in views.names if views.needs(name, words)} == set(views.selects(words))


@pytest.mark.parametrize("name", TABLES)
def test_files_of_today_s_contract_are_shown_as_any_others(tmp_path: Path, name: str) -> None:
    """The short way for files that have every column gives the same columns, types and rows as the long one."""
    table = TABLES[name]
    current = CurrentSchemaFiles(
        [write(tmp_path / "a.parquet", name, [{"installation": "us"}, {"installation": "eu"}])]
    )
    with database(tmp_path) as found:
        found.define("long", base_view(table, [list(current)]))
        found.define("short", base_view(table, [current]))
        assert found.columns("from short") == found.columns("from long")
        assert found.rows("from short") == found.rows("from long") != []

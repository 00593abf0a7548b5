"""catalog.duckdb shows any DuckDB client what our own views show."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import collector
from collector.lake.lake import Lake
from collector.lake.tables import TABLES
from collector.query import catalog, dictionary
from collector.query.catalog_stamp import CATALOG, is_current
from collector.query.views import SELECTED_RUN, view_sources
from tests.query.test_reader import action, lake, published

__all__ = ["lake"]  # the fixture


def test_another_client_reads_the_same_rows(lake: Lake, tmp_path: Path) -> None:
    """A plain duckdb in another process and directory reads every view of the catalog, the same rows as we do."""
    catalog.build(lake)
    reader = collector.open_lake(lake.path)
    script = (
        "import duckdb, sys\n"
        "c = duckdb.connect(sys.argv[1], read_only=True)\n"
        "for name in sys.argv[2:]:\n"
        "    print(c.execute(f'select count(*) from {name}').fetchone()[0])\n"
    )
    names = reader.views()
    path = str(lake.path / CATALOG)
    said = subprocess.run(
        [sys.executable, "-c", script, path, *names], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    ours = [reader.sql(f"select count(*) as n from {name}").table["n"][0].as_py() for name in names]
    assert [int(line) for line in said.stdout.split()] == ours
    assert set(view_sources()) <= set(names)


def test_older_clients_can_open_it(lake: Lake) -> None:
    """The file says the older storage version, which the command lines in use can read."""
    catalog.build(lake)
    with duckdb.connect() as client:
        client.execute(f"attach '{str(lake.path / CATALOG).replace(chr(39), chr(39) * 2)}' as c (read_only)")
        (tags,) = client.execute("select tags from duckdb_databases() where database_name = 'c'").fetchall()[0]
    assert "v1.2.0" in str(tags)


def test_it_is_rebuilt_when_the_lake_changed_or_moved(lake: Lake, tmp_path: Path) -> None:
    """The catalog is rebuilt after a new run or a move of the lake, and otherwise left alone."""
    catalog.ensure(lake)
    made = (lake.path / CATALOG).stat().st_mtime_ns
    catalog.ensure(lake)
    assert (lake.path / CATALOG).stat().st_mtime_ns == made
    published(lake, 5, {"promote_image_actions": [action(9)]})
    assert not is_current(lake)
    catalog.ensure(lake)
    assert is_current(lake)
    moved = Lake.open(Path(shutil.move(lake.path, tmp_path / "elsewhere")))
    assert not is_current(moved)
    catalog.ensure(moved)
    with duckdb.connect(str(moved.path / CATALOG), read_only=True) as client:
        assert client.execute("select count(*) from promote_image_actions").fetchall() == [(4,)]
        assert client.execute("select run_id from selected_run").fetchall()[0][0].endswith("000005")


def test_a_damaged_catalog_is_rebuilt(lake: Lake) -> None:
    """A file that is not a catalog is replaced."""
    (lake.path / CATALOG).write_bytes(b"garbage" * 1_000)
    assert not is_current(lake)
    catalog.ensure(lake)
    assert is_current(lake)


def test_a_catalog_that_a_client_changed_is_rebuilt(lake: Lake) -> None:
    """What a client wrote into the catalog is undone by the next command, although it left no log."""
    catalog.ensure(lake)
    with duckdb.connect(str(lake.path / CATALOG)) as writing:
        writing.execute("create or replace view runs as select 1 as mine")
    assert not is_current(lake)
    catalog.ensure(lake)
    assert is_current(lake)
    assert runs_seen(lake) == [(0,)]


def client(path: Path, *statements: str) -> "subprocess.Popen[str]":
    """Another process that has the catalog open for writing, after these statements; it ends when its stdin does."""
    script = (
        "import duckdb, sys\n"
        "c = duckdb.connect(sys.argv[1])\n"
        "for statement in sys.argv[2:]: c.execute(statement)\n"
        "print('ready', flush=True)\n"
        "for line in sys.stdin: c.execute(line); print('done', flush=True)\n"
    )
    command = [sys.executable, "-c", script, str(path), *statements]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def runs_seen(lake: Lake) -> list[tuple[int]]:
    """What a client that opens the catalog for reading counts."""
    with duckdb.connect(str(lake.path / CATALOG), read_only=True) as reading:
        rows: list[tuple[int]] = reading.execute("select count(*) from runs").fetchall()
    return rows


def test_a_dead_client_s_log_is_not_replayed_onto_the_next_catalog(lake: Lake) -> None:
    """The write-ahead log of a client that was killed is removed when the catalog is replaced, which then opens."""
    catalog.build(lake)
    path = lake.path / CATALOG
    with duckdb.connect(str(path)) as writing:
        writing.execute("create view mine as select 1")
    died = client(path, "drop view mine")
    died.kill()
    died.communicate()
    assert list(path.parent.glob("*.wal*"))
    published(lake, 5, {"promote_image_actions": [action(9)]})
    catalog.build(lake)
    assert list(path.parent.glob("*.wal*")) == []
    assert runs_seen(lake) == [(0,)]


def test_a_client_that_writes_neither_blocks_nor_breaks_the_next_catalog(lake: Lake) -> None:
    """The catalog is replaced while a client holds it for writing; what the client writes afterwards is undone
    by the next command.
    """
    catalog.build(lake)
    path = lake.path / CATALOG
    holding = client(path, "create view mine as select 1")
    published(lake, 5, {"promote_image_actions": [action(9)]})
    catalog.ensure(lake)
    assert runs_seen(lake) == [(0,)]
    holding.communicate("drop view mine\n")
    assert holding.returncode == 0
    late = client(path)
    catalog.build(lake)
    assert late.stdin is not None
    assert late.stdout is not None
    late.stdin.write("create view theirs as select 1\n")
    late.stdin.flush()
    assert late.stdout.readline() == "done\n"
    late.kill()
    late.communicate()
    assert list(path.parent.glob("*.wal*"))
    catalog.ensure(lake)
    assert is_current(lake)
    assert runs_seen(lake) == [(0,)]
    with duckdb.connect(str(path), read_only=True) as reading:
        assert reading.execute("select * from duckdb_views() where view_name = 'theirs'").fetchall() == []


@pytest.mark.parametrize("ending", ["wal", "wal.checkpoint", "wal.recovery"])
def test_any_log_beside_the_catalog_makes_it_rebuilt(lake: Lake, ending: str) -> None:
    """A catalog with a log beside it, under any name that DuckDB uses, is rebuilt without it; other files stay."""
    catalog.ensure(lake)
    path = lake.path / CATALOG
    (lake.path / f"{CATALOG}.{ending}").write_bytes(b"garbage" * 100)
    (lake.path / f"{CATALOG}.walrus").touch()
    assert not is_current(lake)
    catalog.ensure(lake)
    assert is_current(lake)
    assert sorted(each.name for each in lake.path.glob(f"{path.name}*")) == [path.name, f"{path.name}.walrus"]


def test_a_log_left_by_a_build_that_was_killed_is_no_hindrance(lake: Lake) -> None:
    """What a process that died while making the catalog left under the same names is removed first."""
    temporary = lake.path / f"{CATALOG}.{os.getpid()}.tmp"
    temporary.write_bytes(b"garbage" * 100)
    Path(f"{temporary}.wal").write_bytes(b"garbage" * 100)
    catalog.build(lake)
    assert runs_seen(lake) == [(0,)]
    assert not [path for path in lake.path.iterdir() if ".tmp" in path.name]


def test_it_begins_as_the_one_before(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a catalog has in common with the one before is not made again, and the result is the same as made anew; a
    catalog of another version, or one that was changed, is not used.
    """
    catalog.build(lake)
    published(lake, 5, {"promote_image_actions": [action(9)]})
    lake.reload()
    sizes, common_views = [], catalog._common_views
    monkeypatch.setattr(catalog, "_common_views", None)
    for _ in range(4):
        catalog.build(lake)
        sizes.append((lake.path / CATALOG).stat().st_size)
    assert sizes[2:] == sizes[:2]
    continued = content(lake)
    monkeypatch.setattr(catalog, "_fingerprint", lambda: "another")
    with pytest.raises(TypeError):  # _common_views is needed
        catalog.build(lake)
    monkeypatch.setattr(catalog, "_common_views", common_views)
    catalog.build(lake)
    assert content(lake) == continued
    with duckdb.connect(str(lake.path / CATALOG)) as writing:
        writing.execute("create or replace view nights as select 1")
    catalog.build(lake)
    assert content(lake) == continued


def test_its_fingerprint_is_the_same_in_every_process() -> None:
    """Python's hashes, which differ from process to process, decide nothing of it."""
    code = "from collector.query import catalog; print(catalog._fingerprint())"
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1


def content(lake: Lake) -> list[tuple[str | None, ...]]:
    """Every view with its SQL and comment, and every column with its type and comment."""
    views = "select view_name, '', sql, comment from duckdb_views() where not internal"
    columns = "select table_name, column_name, data_type, comment from duckdb_columns() where not internal"
    with duckdb.connect(str(lake.path / CATALOG), read_only=True) as client:
        return client.execute(f"{views} union all {columns} order by all").fetchall()


def test_its_mode_is_the_lake_s(lake: Lake) -> None:
    """0640 like every file of the lake, and nothing is left beside it."""
    catalog.build(lake)
    for name in (CATALOG, ".catalog"):
        assert stat.S_IMODE((lake.path / name).stat().st_mode) == 0o640
    assert not [path for path in lake.path.iterdir() if ".tmp" in path.name]


def test_a_client_that_has_the_old_one_open_keeps_it(lake: Lake) -> None:
    """Replacing is one rename: a session on the old catalog goes on undisturbed."""
    catalog.build(lake)
    with duckdb.connect(str(lake.path / CATALOG), read_only=True) as client:
        published(lake, 5, {"promote_image_actions": [action(9)]})
        catalog.ensure(lake)
        assert client.execute("select count(*) from promote_image_actions").fetchall() == [(3,)]


def test_a_failure_leaves_the_old_one(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the new one cannot be made the old one stays, and nothing half made remains."""
    catalog.build(lake)
    before = (lake.path / CATALOG).read_bytes()
    monkeypatch.setattr(catalog, "_ORIGIN", "nothing.there")
    with pytest.raises(Exception, match="nothing"):
        catalog.build(lake)
    assert (lake.path / CATALOG).read_bytes() == before
    assert not [path for path in lake.path.iterdir() if ".tmp" in path.name]


def test_a_catalog_for_another_place(lake: Lake, tmp_path: Path) -> None:
    """A catalog can be made for a path that does not exist here; where the lake is found there, it shows the same."""
    catalog.build(lake)
    there = tmp_path / "mounted" / "it's a lake"
    catalog.make(lake, tmp_path / "elsewhere.duckdb", str(there))
    shutil.copytree(lake.path, there)
    shutil.rmtree(lake.path / "tables")
    with duckdb.connect(str(tmp_path / "elsewhere.duckdb"), read_only=True) as client:
        assert client.execute("select count(*) from promote_image_actions").fetchall() == [(3,)]
        assert client.execute("select count(*) from promotions").fetchall() == [(3,)]
        assert client.execute("select function_name from duckdb_functions() where not internal").fetchall() == []


def test_everything_has_a_comment(lake: Lake) -> None:
    """Every view and column of the catalog has a comment: what `collector tables` says."""
    catalog.build(lake)
    with duckdb.connect(str(lake.path / CATALOG), read_only=True) as client:
        views = dict(client.execute("select view_name, comment from duckdb_views() where not internal").fetchall())
        columns = client.execute(
            "select table_name, column_name, comment from duckdb_columns() "
            "where not internal and table_name <> 'catalog_origin'"
        ).fetchall()
    assert set(views) == {*TABLES, SELECTED_RUN, *view_sources()}
    assert [name for name, comment in views.items() if not comment] == []
    assert [(view, column) for view, column, comment in columns if not comment] == []
    assert views["runs"] == "One row per run and installation."
    assert ("runs", "paused_seconds", "Time that the run was paused for Buddy's rate limit (s)") in columns
    assert ("releases", "released_at", "When the image was promoted (UTC)") in columns
    described = {
        (each.name, column.name) for each in (*dictionary.tables(), *dictionary.views()) for column in each.columns
    }
    assert {(view, column) for view, column, _ in columns} == described

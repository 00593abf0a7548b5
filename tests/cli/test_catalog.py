"""`collector catalog`: the catalog again, in the lake or as a file for clients that mount the lake elsewhere."""

import shutil
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from tests.cli.conftest import Program


def test_a_file_for_a_mount(program: Program, demo_lake: Path, tmp_path: Path) -> None:
    """`--root` writes a file whose views read the lake under that path; the lake itself is not touched."""
    before = (demo_lake / "catalog.duckdb").read_bytes()
    mounted = tmp_path / "mnt" / "lake"
    written = program("catalog", "--lake", str(demo_lake), "--root", str(mounted), "-o", "bi.duckdb")
    assert (written.code, written.out, written.err) == (0, "", "Wrote bi.duckdb\n")
    shutil.copytree(demo_lake, mounted)
    with duckdb.connect(str(tmp_path / "bi.duckdb"), read_only=True) as client:
        assert client.execute("select count(distinct run_id) from promotions").fetchone() == (4,)
        assert client.execute("select lake from catalog_origin").fetchone() == (str(mounted),)
    assert (demo_lake / "catalog.duckdb").read_bytes() == before


def test_without_a_file_the_lake_s_own_is_written(program: Program, demo_lake: Path, tmp_path: Path) -> None:
    """Without options the catalog in the lake is written for the place where the lake is, whatever it held before."""
    copy = Path(shutil.copytree(demo_lake, tmp_path / "copy"))
    (copy / "catalog.duckdb").write_bytes(b"garbage")
    assert program("catalog", "--lake", str(copy)).code == 0
    with duckdb.connect(str(copy / "catalog.duckdb"), read_only=True) as client:
        assert client.execute("select lake from catalog_origin").fetchone() == (str(copy),)


def test_what_cannot_be_meant_is_refused(program: Program, demo_lake: Path) -> None:
    """A relative root, a root without a file, and a file that cannot be written exit 2 and say what to do."""
    on_demo = ("catalog", "--lake", str(demo_lake))
    for arguments, advice in (
        (("--root", "mnt", "-o", "x.duckdb"), "not an absolute path"),
        (("--root", "/mnt/lake"), "name another file"),
        (("-o", "missing/x.duckdb"), "Name a file in a directory that you may write"),
    ):
        refused = program(*on_demo, *arguments)
        assert refused.code == 2
        assert advice.lower() in refused.err.lower()


def test_delta_logs_of_a_lake_that_exists(program: Program, demo_lake: Path, tmp_path: Path) -> None:
    """`--format delta` makes every table a Delta Lake table, and the commands that write keep it one."""
    copy = Path(shutil.copytree(demo_lake, tmp_path / "copy"))
    assert program("catalog", "--lake", str(copy), "--format", "delta").code == 0
    table = DeltaTable(copy / "tables" / "actions")
    files = len(table.file_uris())
    assert program("compact", "--lake", str(copy), "--current-month").code == 0
    table.update_incremental()
    assert (files, len(table.file_uris()), table.version()) == (4, 1, 1)
    refused = program("catalog", "--lake", str(copy), "--format", "delta", "-o", "x")
    assert refused.code == 2
    assert "wherever the lake is mounted" in refused.err
    # What keeps the logs from following is said, and what the command did stays done.
    (copy / "tables/actions/_delta_log/00000000000000000002.json.tmp").mkdir()
    (copy / "tables/runs/_delta_log/00000000000000000002.json.tmp").mkdir()
    pruned = program("prune", "--lake", str(copy), "--keep", "1d")
    assert pruned.code == 0
    assert "The Delta logs are not up to date" in pruned.err
    assert "Dropped" in pruned.out

"""Lakes of earlier versions open, are asked, and are collected onto."""

import hashlib
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from collector import open_lake
from collector.cli.main import run
from collector.errors import LakeError
from collector.lake.lake import Lake
from collector.lake.manifest import FORMAT
from collector.lake.table import schema_fingerprint
from collector.lake.tables import TABLES
from collector.lake.verify import verify
from collector.query.questions import Questions
from collector.query.sql_files import sql_folder
from tests.lakes.make import HERE, NIGHTS, WORLD, collect

KEPT = sorted(path.name for path in HERE.glob("format-*"))


@pytest.fixture(params=KEPT)
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a kept lake, at another place than where it was written."""
    path = tmp_path / "lake"
    shutil.copytree(HERE / request.param, path)
    return path


def test_every_released_format_is_kept() -> None:
    """From the first to the current one, each has its lake."""
    assert [f"format-{number}" for number in range(1, FORMAT + 1)] == KEPT


def test_it_opens_whole(lake: Path) -> None:
    """Every file is there with its hash, rows and columns; every table is read."""
    opened = Lake.open(lake)
    assert [each.kind for each in verify(opened)] == []
    assert len(opened.manifest.runs) == NIGHTS
    reader = open_lake(lake)
    for name, table in TABLES.items():
        assert reader.sql(f"select * from {name}").table.schema.names == list(table.column_names)


def test_every_question_is_answered(lake: Path) -> None:
    """Each question that needs no parameter is answered from it."""
    questions = Questions(sql_folder()).all
    names = [name for name in questions if not any(each.required for each in questions[name].parameters)]
    assert list(open_lake(lake).ask_all({name: {} for name in names})) == names


def test_a_night_is_collected_onto_it(lake: Path) -> None:
    """The next night is published onto it and says what changed since, not that everything is new."""
    assert collect(lake, NIGHTS + 1) == "complete"
    reader = open_lake(lake)
    counts = reader.sql("select run_id, change, count(*) as n from action_changes group by all").table.to_pylist()
    runs = [each.run_id for each in Lake.open(lake).manifest.runs]
    added = {row["run_id"]: row["n"] for row in counts if row["change"] == "added"}
    before = {tuple(path) for path in _promotions(NIGHTS)}
    assert added.get(runs[-1], 0) == len({tuple(path) for path in _promotions(NIGHTS + 1)} - before)
    assert added[runs[0]] == len(_promotions(1))


def _promotions(night: int) -> list[tuple[str | int, ...]]:
    world = WORLD.at(night=night)
    return [
        action
        for workspace in world.paths(())
        for project in world.paths(workspace)
        for pipeline in world.paths(project)
        for action in world.paths(pipeline)
        if world.item(action)["type"] == "PROMOTE_IMAGE"
    ]


def test_columns_it_lacks_are_null(lake: Path) -> None:
    """A column that came later is NULL in its nights and filled in those after; nothing else changes."""
    for entry in json.loads((lake / "manifest.json").read_text(encoding="utf-8"))["tables"]["promote_image_actions"]:
        _drop_column(lake, entry["path"], "same_location")
    for entry in json.loads((lake / "manifest.json").read_text(encoding="utf-8"))["tables"]["last_known_actions"]:
        _drop_column(lake, entry["path"], "same_location")
    assert [each.kind for each in verify(Lake.open(lake))] == []
    assert collect(lake, NIGHTS + 1) == "complete"
    nights = open_lake(lake).sql(
        "select run_id, count(*) as actions, count(same_location) as filled from promote_image_actions group by all "
        "order by run_id"
    )
    *old, new = nights.table.to_pylist()
    assert [row["filled"] for row in old] == [0] * NIGHTS
    assert 0 < new["filled"] <= new["actions"]


def _drop_column(lake: Path, relative: str, column: str) -> None:
    """Make a file of the lake one that an earlier version would have written."""
    path = lake / relative
    pq.write_table(pq.read_table(path).drop_columns([column]), path)
    manifest = json.loads((lake / "manifest.json").read_text(encoding="utf-8"))
    for entries in manifest["tables"].values():
        for entry in entries:
            if entry["path"] == relative:
                entry["bytes"] = path.stat().st_size
                entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
                entry["schema"] = schema_fingerprint(pq.read_schema(path))
    (lake / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_a_newer_format_is_refused(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lake of a format that is not known yet is left alone: advice, exit code 2, not a byte changed."""
    manifest = json.loads((lake / "manifest.json").read_text(encoding="utf-8"))
    (lake / "manifest.json").write_text(json.dumps({**manifest, "format": FORMAT + 1}), encoding="utf-8")
    before = {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()}
    assert run(["status", "--lake", str(lake)]) == 2
    assert "Upgrade the collector" in capsys.readouterr().err
    with pytest.raises(LakeError, match=f"format {FORMAT + 1}"):
        collect(lake, NIGHTS + 1)
    assert {path: path.read_bytes() for path in lake.rglob("*") if path.is_file()} == before

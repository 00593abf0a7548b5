"""`collector demo`: nights that differ, answers, and nobody's data touched."""

from pathlib import Path

import pytest

from collector.lake.lake import Lake
from tests.cli.conftest import Program


def test_nights_that_differ_and_answers(program: Program, tmp_path: Path) -> None:
    """At least three nights with a summary each, three answers among them what changed, and what to type
    next.
    """
    said = program("demo", "--nights", "3")
    assert said.code == 0, said.err
    runs = Lake.open(tmp_path / "demo-lake").manifest.runs
    assert len({run.run_date for run in runs}) == len(runs) == 3
    for run in runs:
        assert run.run_id in said.out
    assert said.out.count("$ collector ask ") == 3
    assert "$ collector ask what_changed" in said.out
    assert " changed" in said.out
    assert "What to type next" in said.out
    again = program("demo", "--nights", "1")
    assert again.code == 0
    assert len(Lake.open(tmp_path / "demo-lake").manifest.runs) == 1


@pytest.mark.parametrize("name", ["keep.txt", "manifest.json"])
def test_nobodys_lake_is_overwritten(program: Program, tmp_path: Path, name: str) -> None:
    """A directory that no demo made is refused and left as it is."""
    (tmp_path / "demo-lake").mkdir()
    (tmp_path / "demo-lake" / name).write_text("mine", encoding="utf-8")
    said = program("demo")
    assert said.code == 2
    assert "--lake" in said.err
    assert (tmp_path / "demo-lake" / name).read_text(encoding="utf-8") == "mine"
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert program("demo", "--lake", "file").code == 2

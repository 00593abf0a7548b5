"""`collector report` on the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

from collector.cli.main import run
from tests.report.lakes import MadeUpLake


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory without settings."""
    for name in ("COLLECTOR_LAKE", "COLLECTOR_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, ordinary_lake: Path) -> MadeUpLake:
    """A made-up lake instead of the one that the settings name."""
    monkeypatch.setenv("COLLECTOR_LAKE", str(ordinary_lake))
    lake = MadeUpLake(actions=1, runs=2)
    monkeypatch.setattr("collector.query.reader.open_lake", lambda path: lake)
    return lake


def test_the_page_is_written_here(here: Path, asked: MadeUpLake, capsys: pytest.CaptureFixture[str]) -> None:
    """Without flags the page is ./report.html and about the newest run; stderr says what was written."""
    assert run(["report"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "report.html" in err
    assert "<!DOCTYPE html>" in (here / "report.html").read_text(encoding="utf-8")
    assert asked.wanted == ["latest"]


def test_the_page_on_stdout(here: Path, asked: MadeUpLake, capsys: pytest.CaptureFixture[str]) -> None:
    """With `-o -` the page goes to stdout, about the requested run, and no file is written."""
    assert run(["report", "--run", "2026-11-20", "-o", "-"]) == 0
    out, err = capsys.readouterr()
    assert "<!DOCTYPE html>" in out
    assert err == ""
    assert asked.wanted[0] == "2026-11-20"
    assert list(here.iterdir()) == []


def test_no_lake_no_page(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing lake is an error with exit code 2."""
    assert run(["report"]) == 2
    assert "--lake" in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_the_report_loads_when_it_is_asked_for() -> None:
    """Other commands do not load the template engine."""
    code = "import sys, collector.cli.main; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

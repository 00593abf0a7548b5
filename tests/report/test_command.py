"""`collector report`, as a person types it."""

import subprocess
import sys
from pathlib import Path

import pytest

import collector
from collector.cli.main import run
from tests.report.lakes import MadeUpLake


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to work in, with nothing set."""
    for name in ("COLLECTOR_LAKE", "COLLECTOR_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, ordinary_lake: Path) -> MadeUpLake:
    """A lake with an answer to everything, in the place of the one that is named."""
    monkeypatch.setenv("COLLECTOR_LAKE", str(ordinary_lake))
    lake = MadeUpLake(actions=1, nights=2)
    monkeypatch.setattr(collector, "open_lake", lambda path: lake)
    return lake


def test_the_page_is_written_here(here: Path, asked: MadeUpLake, capsys: pytest.CaptureFixture[str]) -> None:
    """Without more words it is ./report.html on the newest night; what was written is said on stderr."""
    assert run(["report"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "report.html" in err
    assert "<!DOCTYPE html>" in (here / "report.html").read_text(encoding="utf-8")
    assert asked.asked[0][1] == "latest"


def test_the_page_on_stdout(here: Path, asked: MadeUpLake, capsys: pytest.CaptureFixture[str]) -> None:
    """With `-o -` it is the answer of the command, about the night that was asked for, and no file is made."""
    assert run(["report", "--run", "2026-11-20", "-o", "-"]) == 0
    out, err = capsys.readouterr()
    assert "<!DOCTYPE html>" in out
    assert err == ""
    assert asked.asked[0][1] == "2026-11-20"
    assert list(here.iterdir()) == []


def test_no_lake_no_page(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lake that is not there is said, with exit code 2."""
    assert run(["report"]) == 2
    assert "--lake" in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_the_report_loads_when_it_is_asked_for() -> None:
    """Other commands don't wait for the template engine."""
    code = "import sys, collector.cli.main; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Each benchmark runs at a tiny size; the measured values are not checked."""

from pathlib import Path

import pytest

from collector.lake.lake import Lake
from collector.lake.verify import verify
from collector.query.reader import open_lake
from tests.bench import large_lake
from tests.bench.__main__ import BENCHES, RESULTS, main
from tests.bench.report import END_QUOTED, QUOTED, Goal, Section, Table, document, goals_table
from tests.bench.saved_sections import load_all, save
from tests.bench.scale import QUICK


# Minutes of CPU in total: `make test` runs the first one, and `pytest -m bench` all of them.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.bench] if place else []) for place, name in enumerate(BENCHES)]
)
def test_every_benchmark_prints_its_sections(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """At the quick size each benchmark prints a section with a table, and its goals."""
    assert main(["--quick", "--only", name]) == 0
    printed = capsys.readouterr().out
    assert "\n## " in "\n" + printed
    assert "| goal" in printed


def test_the_results_are_one_markdown_document() -> None:
    """The file has the machine, all goals, and every section with its tables."""
    goal = Goal("speed", "≥ 1", "2", True)
    section = Section("1. Speed", "How fast.", [Table(("client", "s"), [("ours", "1.0")])], [goal])
    assert document("Machine: this one.", [section]) == (
        "# Benchmarks\n\n"
        "Written by `make bench`. Values are medians of alternating runs, with minimum and maximum in brackets.\n\n"
        "Machine: this one.\n\n"
        "<!-- quoted: written by `make bench` -->\n"
        "| goal | wanted | measured | reached |\n"
        "| ---- | -----: | -------: | ------: |\n"
        "<!-- end quoted -->\n\n"
        "## Goals\n\n"
        "| goal  | wanted | measured | reached |\n"
        "| ----- | -----: | -------: | ------: |\n"
        "| speed |    ≥ 1 |        2 |     yes |\n\n"
        "## 1. Speed\n\n"
        "How fast.\n\n"
        "| client |   s |\n"
        "| ------ | --: |\n"
        "| ours   | 1.0 |\n"
    )


def test_few_goals_are_quoted() -> None:
    """Only the goals that are marked so."""
    goals = [Goal(name, "≥ 1", "2", True, quoted=name == "speed") for name in ("speed", "other")]
    assert [row[0] for row in goals_table([Section("1.", "", [], goals)], quoted=True).rows] == ["speed"]


def test_the_quick_size_does_not_need_dlt() -> None:
    """dlt is installed for full benchmarks only."""
    assert QUICK.dlt is False


def test_results_are_saved_until_all_exist(tmp_path: Path) -> None:
    """Sections are loaded unchanged, in the order of the benchmarks, when the last one exists."""
    first, second = (
        Section(title, "So.", [Table(("a", "b"), [("c", "1")])], [Goal("g", "1", "2", True)]) for title in "12"
    )
    save(tmp_path / "saved", "later", [second])
    assert load_all(tmp_path / "saved", ["sooner", "later"]) is None
    save(tmp_path / "saved", "sooner", [second])
    save(tmp_path / "saved", "sooner", [first])
    loaded = load_all(tmp_path / "saved", ["sooner", "later"])
    assert loaded is not None
    assert list(map(str, loaded)) == [str(first), str(second)]
    assert loaded[0].goals[0] == first.goals[0]


def test_there_is_a_place_for_the_goals() -> None:
    """The document has both markers, in order."""
    before, _, after = RESULTS.read_text(encoding="utf-8").partition(QUOTED)
    assert before
    assert END_QUOTED in after


def test_the_large_lake_is_a_lake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Months that were written merged and runs that were published are one lake, which is asked."""
    folder = tmp_path / "lake"
    assert large_lake.main(["build", str(folder), "--runs", "45", "--actions", "40", "--executions", "5"]) == 0
    lake = Lake.open(folder)
    assert len(lake.manifest.runs) == 45
    assert verify(lake) == []
    changes = "select count(*) as n from action_changes where change = 'added' or column_name = 'dest_tag'"
    assert open_lake(folder).sql(changes).table.to_pylist()[0]["n"] >= 40
    assert large_lake.main(["ask", str(folder), "duckdb", "--questions", "history_of_action"]) == 0
    assert "| `history_of_action` | duckdb |" in capsys.readouterr().out

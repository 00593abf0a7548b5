"""The benchmarks work: each is run at a tiny size. What they measure is not looked at, for a test is no quiet machine."""

from pathlib import Path

import pytest

from tests.bench.__main__ import BEGIN, BENCHES, END, ROOT, main
from tests.bench.kept import all_kept, keep
from tests.bench.report import Goal, Section, Table, document
from tests.bench.scale import QUICK


# Minutes of CPU together: `make test` tries the first, and `pytest -m bench` all of them.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.bench] if place else []) for place, name in enumerate(BENCHES)]
)
def test_every_benchmark_runs_and_says_what_it_found(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """At the quick size each benchmark prints a section with a table, and the goals that it decides."""
    assert main(["--quick", "--only", name]) == 0
    printed = capsys.readouterr().out
    assert "\n## " in "\n" + printed
    assert "| goal" in printed


def test_the_results_are_one_markdown_document() -> None:
    """The file begins with the machine and all goals, then has every section with its tables."""
    goal = Goal("speed", "≥ 1", "2", True)
    section = Section("1. Speed", "How fast.", [Table(("client", "s"), [("ours", "1.0")])], [goal])
    assert document("Machine: this one.", [section]) == (
        "# Benchmarks\n\n"
        "Written by `make bench`. Figures are medians of alternating runs, with the least and the most in brackets.\n\n"
        "Machine: this one.\n\n"
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


def test_the_quick_size_needs_no_peer_installed() -> None:
    """dlt belongs to the benchmark extra, which the tests do without."""
    assert QUICK.dlt is False


def test_what_was_found_is_kept_until_all_is_there(tmp_path: Path) -> None:
    """Sections come back as they were, in the order of the benchmarks, and not before the last one is there."""
    first, second = (
        Section(title, "So.", [Table(("a", "b"), [("c", "1")])], [Goal("g", "1", "2", True)]) for title in "12"
    )
    keep(tmp_path / "kept", "later", [second])
    assert all_kept(tmp_path / "kept", ["sooner", "later"]) is None
    keep(tmp_path / "kept", "sooner", [second])
    keep(tmp_path / "kept", "sooner", [first])
    kept = all_kept(tmp_path / "kept", ["sooner", "later"])
    assert kept is not None
    assert list(map(str, kept)) == [str(first), str(second)]
    assert kept[0].goals[0] == first.goals[0]


def test_the_readme_has_a_place_for_the_goals() -> None:
    """Both markers stand in the README, in their order."""
    before, _, after = (ROOT / "README.md").read_text(encoding="utf-8").partition(BEGIN)
    assert before
    assert END in after

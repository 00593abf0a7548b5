"""Hostile names (paths, SQL, terminals, spreadsheets, HTML) are data from Buddy to every output."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

import collector
from collector.cli.main import run
from collector.fake_buddy import FakeBuddy, FakeWorld
from tests.faults.ledger import Ledger
from tests.faults.published import published
from tests.faults.runs import run_collect

NAMES = (
    "=cmd|'/C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\tlead", "../../etc/passwd", "..", ".", "/", "a/b", "%2e%2e%2f",
    "Robert'); DROP TABLE actions;--", '"; select * from read_csv(\'/etc/passwd\'); --', "$image", "{{7*7}}", "${HOME}",
    "\x1b]0;pwned\x07", "\x1b[2J\x1b[31mred", "line\none\r\ntwo", "nul\x00nul", "\x9b31m", "gpj.\u202eexe",
    "zero\u200bwidth",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a | b", "[x](javascript:alert(1))", "`ls`", "*bold*",
    "&amp;",
    " lead and trail ", "x" * 300, "東京 🚀", "e\u0301 vs é", "back\\slash", "comma, \"quote\"", "?page=2#frag&x=y",
    "percent % sign",
    "'", "''", "--", "/*", "*", "?", "[!x]", "null", "true", "1e3", "\ufeffbom",
)  # fmt: skip
# Characters that control a terminal or reverse its text.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def _hostile_execution(name: str) -> dict[str, Any]:
    """Return the fields of an execution in which every text is the name."""
    ref = {"name": name}
    action = {"id": 1, "name": name, "type": "PROMOTE_IMAGE"}
    element = {"action_execution_id": name, "status": "FAILED", "error_message": name, "action": action}
    return {
        "status": "FAILED", "comment": name, "creator": {"id": 1, "name": name}, "branch": ref, "tag": ref,
        "to_revision": {"revision": name, "message": name}, "action_executions": [element],
    }  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake with hostile names at every level."""
    world = FakeWorld(workspaces=1, projects=1, pipelines=1, actions=2, promote_share=1.0, awkward=False)
    project = world.projects("acme")[0]
    pipeline = world.pipelines("acme", "checkout-api")[0]
    action = world.action("acme", "checkout-api", 101, 1001)
    for number, name in enumerate(NAMES):
        world = world.add("acme", item={**project, "name": name, "display_name": name})
        world = world.add("acme", name, item={**pipeline, "id": 5000 + number, "name": name})
        own = {key: value for key, value in action.items() if key != "pipeline"}
        source = {**action["src"], "image": f"acme/{name}", "tag": name}
        world = world.add("acme", name, 5000 + number, item={**own, "id": 7000 + number, "name": name, "src": source})
        world = world.run("acme", name, 5000 + number, **_hostile_execution(name))
    world = world.add(item={**world.workspaces_list()[0], "domain": "../evil", "name": "=evil()", "id": 9})
    directory = tmp_path_factory.mktemp("hostile") / "lake"
    with FakeBuddy(world) as fake:
        result = run_collect(fake, directory)
        assert result.exit_code == 0, result.error
    return directory


def test_names_are_stored_unchanged(lake: Path, ledger: Ledger) -> None:
    """Every name of every level is in its row, unchanged, and was requested with its own path."""
    seen = published(lake)
    assert set(NAMES) <= {row["project"] for row in seen["projects"]}
    assert set(NAMES) <= {row["name"] for row in seen["pipelines"]}
    assert set(NAMES) <= {row["name"] for row in seen["promote_image_actions"]}
    assert set(NAMES) <= {row["src_tag"] for row in seen["promote_image_actions"]}
    for column in ("comment", "creator_name", "branch", "tag", "to_revision"):
        assert set(NAMES) <= {row[column] for row in seen["executions"]}
    for column in ("action_execution_id", "error_message", "action_name"):
        assert set(NAMES) <= {row[column] for row in seen["action_executions"]}
    assert {row["coverage"] for row in seen["projects"]} == {"complete"}
    assert {row["executions_coverage"] for row in seen["pipelines"]} <= {"complete", "not_needed"}
    assert "../evil" in {row["workspace"] for row in seen["workspaces"]}
    ledger.note("hostile names, at every level", 0, injected=4 * len(NAMES))


def test_no_name_is_part_of_a_path(lake: Path) -> None:
    """The files of the lake are named after tables, months and runs only, and no other file was created."""
    named = re.compile(
        r"(\.lock|\.status|manifest\.json|catalog\.duckdb|tables/[a-z_]+/run_month=\d{4}-\d{2}/[0-9TZa-f-]+\.parquet)$"
    )
    files = [str(path.relative_to(lake)) for path in lake.rglob("*") if path.is_file()]
    assert [name for name in files if not named.match(name)] == []
    assert [path.name for path in lake.parent.iterdir()] == ["lake"]


def _output(capsysbinary: pytest.CaptureFixture[bytes], lake: Path, *arguments: str) -> str:
    capsysbinary.readouterr()
    assert run([*arguments, "--lake", str(lake)]) == 0
    return capsysbinary.readouterr().out.decode()


QUESTIONS = ("promotions", "coverage_last_night", "moving_tags")


@pytest.mark.parametrize("question", QUESTIONS)
def test_names_are_data_in_every_output(question: str, lake: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """JSON has names unchanged, CSV has no formulas, Markdown no markup, and text no control characters."""
    rows = collector.open_lake(lake).ask(question).table.to_pylist()
    assert rows
    asked = ("ask", question, "--format")
    document = json.loads(_output(capsysbinary, lake, *asked, "json"))
    lines = _output(capsysbinary, lake, *asked, "jsonl")
    assert [json.loads(line) for line in lines.split("\n")[:-1]] == document
    texts = [[value for value in row.values() if isinstance(value, str)] for row in rows]
    assert [[value for value in row.values() if isinstance(value, str)] for row in document] == texts

    cells = list(csv.reader(io.StringIO(_output(capsysbinary, lake, *asked, "csv"), newline="")))
    assert {len(row) for row in cells} == {len(rows[0])}
    assert len(cells) == len(rows) + 1
    for row, shown in zip(rows, cells[1:], strict=True):
        for value, cell in zip(row.values(), shown, strict=True):
            if isinstance(value, str):
                assert cell in (value, f"'{value}")
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))

    markdown = _output(capsysbinary, lake, *asked, "markdown")
    assert len(markdown.split("\n")) == len(rows) + 3
    assert not re.search(r"(?<!\\)<", markdown)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in markdown.split("\n")[:-1]} == {len(rows[0]) + 1}
    for text in (markdown, _output(capsysbinary, lake, *asked, "text")):
        assert not _CONTROL.search(text)


def test_names_as_parameters_are_data(lake: Path) -> None:
    """A hostile name as a parameter is compared and never executed: it finds its rows and changes nothing."""
    before = sorted((str(path), path.stat().st_mtime_ns) for path in lake.rglob("*"))
    opened = collector.open_lake(lake)
    everything = opened.ask("promotions").table.num_rows
    for name in (
        "Robert'); DROP TABLE actions;--",
        "'",
        "--",
        "$image",
        "/*",
        "\"; select * from read_csv('/etc/passwd'); --",
    ):
        assert 0 < opened.ask("promotions", image=name).table.num_rows < everything
    assert [row["project"] for row in opened.ask("promotions", image="/東京 🚀").table.to_pylist()] == ["東京 🚀"]
    assert sorted((str(path), path.stat().st_mtime_ns) for path in lake.rglob("*")) == before

"""`collector status`: the last runs, and exit codes for a monitor."""

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.cli.status import exit_code, staleness
from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from tests.cli.conftest import Program


def test_status(on_demo: Program) -> None:
    """Every format shows the last runs, newest first, with coverage and cost; the columns are those
    that the docs list.
    """
    result = on_demo("status")
    assert result.code == 0
    assert "newest: " in result.out
    assert re.search(r"^  execution lists: \d+ complete", result.out, re.MULTILINE)
    runs = json.loads(on_demo("status", "--format", "json").out)
    run_ids = [run["run_id"] for run in runs]
    assert run_ids == sorted(run_ids, reverse=True)
    assert runs[0]["lake_nights"] == len(runs) >= 3
    for run in runs:
        levels = {each["level"] for each in run["coverage"]}
        assert levels == {"workspace", "project", "pipeline", "action", "execution list"}
        assert sum(part["requests"] for part in run["installations"]) == run["requests"] > 0
        assert run["started_at"].endswith("Z")
    assert [run["run_id"] for run in json.loads(on_demo("status", "--last", "2", "-f", "json").out)] == run_ids[:2]
    assert [json.loads(line)["run_id"] for line in on_demo("status", "-f", "jsonl").out.splitlines()] == run_ids
    operating = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
    block = operating.split("<!-- status:", 1)[1].split("<!-- end -->", 1)[0]
    assert list(runs[0]) == re.findall(r"^\| `(\w+)` \|", block, re.MULTILINE)


def test_status_agrees_with_the_tables(on_demo: Program) -> None:
    """The counts of each run are those of the view night_totals."""
    runs = json.loads(on_demo("status", "--format", "json").out)
    columns = "run_id, status, promotions as promote_image_actions, not_seen, problems, requests, retries, refusals"
    rows = json.loads(on_demo("sql", f"select {columns} from night_totals order by 1 desc", "-f", "json").out)
    assert [{name: run[name] for name in rows[0]} for run in runs] == rows[: len(runs)]


def test_status_before_the_first_published_run(program: Program, tmp_path: Path) -> None:
    """There are no rows and a monitor gets exit code 3; the interrupted run is named."""
    with FakeBuddy(FakeWorld(workspaces=1, projects=1, pipelines=1)) as buddy:
        buddy.script.add(Fault("status", kind="actions", code=401, times=None))
        program("collect", environ={"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token})
    (run_id,) = [path.name for path in (tmp_path / "lake" / "runs").iterdir()]
    result = program("status", "--max-age", "26h")
    assert result.code == 3
    assert f"interrupted: {run_id}" in result.out
    assert "STALE: no run has been published yet, limit 1 d 2 h" in result.out
    assert program("status", "--format", "json").out == "[]\n"


@pytest.mark.parametrize(
    ("age_s", "max_age_s", "line"),
    [
        (4.6, 1.0, "STALE: 4.6 s old, limit 1 s"),
        (0.5, 1.0, None),
        (4.6, None, None),
        (-7200.0, 60.0, "STALE: its start is 2 h 0 min in the future: check the clock, limit 1 min 0 s"),
        (None, 93_600.0, "STALE: no run has been published yet, limit 1 d 2 h"),
    ],
)
def test_a_stale_lake_says_why(age_s: float | None, max_age_s: float | None, line: str | None) -> None:
    """What makes the exit code 3 is said with the age and the limit."""
    assert staleness(age_s, max_age_s) == line


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_stale_lake_is_said_beside_the_rows(on_demo: Program, form: str) -> None:
    """The line is in the text for people, and on stderr where programs read the rows."""
    result = on_demo("status", "--max-age", "1s", "--format", form)
    assert result.code == 3
    shown, other = (result.out, result.err) if form == "text" else (result.err, result.out)
    assert "STALE: " in shown
    assert "limit 1 s" in shown
    assert "STALE" not in other


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_newest_run_from_the_future_is_stale(program: Program, demo_lake: Path, tmp_path: Path, form: str) -> None:
    """A run that started in the future has no age: status says how far ahead it is, and --max-age exits 3."""
    lake = Path(shutil.copytree(demo_lake, tmp_path / "ahead"))
    manifest = json.loads((lake / "manifest.json").read_text(encoding="utf-8"))
    manifest["runs"][-1]["started_at"] = (datetime.now(UTC) + timedelta(days=1461, hours=1)).isoformat()
    (lake / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    result = program("status", "--lake", str(lake), "--max-age", "26h", "--format", form)
    assert result.code == 3
    output = result.out if form == "text" else result.err
    assert manifest["runs"][-1]["run_id"] in output
    assert "its start is 1461 d" in output
    assert "check the clock" in output


@pytest.mark.parametrize(
    ("age_s", "run_status", "max_age_s", "code"),
    [
        (-1.0, "complete", 20.0, 3),
        (-1.0, "complete", None, 0),
        (10.0, "complete", None, 0),
        (10.0, "partial", None, 0),
        (10.0, "complete", 20.0, 0),
        (10.0, "partial", 20.0, 1),
        (30.0, "complete", 20.0, 3),
        (30.0, "partial", 20.0, 3),
        (None, None, 20.0, 3),
    ],
)
def test_the_exit_code_for_a_monitor(
    age_s: float | None, run_status: str | None, max_age_s: float | None, code: int
) -> None:
    """With --max-age: 0 fresh and complete, 1 fresh but partial, 3 stale or nothing published."""
    assert exit_code(age_s, run_status, max_age_s) == code


def test_max_age(on_demo: Program) -> None:
    """--max-age makes staleness an exit code, and must be a duration."""
    assert on_demo("status", "--max-age", "400d").code in (0, 1)
    assert on_demo("status", "--max-age", "1s").code == 3
    assert on_demo("status", "--max-age", "soon").code == 2

"""`collector ask`, `sql`, `shell`, `status`, `verify`: answers on the demo's lake, as a person or a program
gets them.
"""

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from collector.cli.ask import parameters
from collector.cli.status import verdict
from collector.errors import UsageError
from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from collector.lake.tables import TABLES
from tests.cli.conftest import Program
from tests.cli.test_main import ENVIRON


@pytest.fixture
def on(demo_lake: Path) -> dict[str, str]:
    """The environment that names the demo's lake."""
    return {"COLLECTOR_LAKE": str(demo_lake)}


def test_the_questions_are_listed(program: Program, on: dict[str, str]) -> None:
    """Without a name, every question is one line with its meaning; no lake is needed for that."""
    said = program("ask")
    assert said.code == 0
    assert len(said.out.splitlines()) >= 10
    assert any(line.startswith("what_changed ") and "?" in line for line in said.out.splitlines())
    assert program("ask", "--list").out == said.out


def test_the_list_for_programs(program: Program, on: dict[str, str]) -> None:
    """As JSON: name, description, parameters with their types and defaults, and columns of each question."""
    listed = json.loads(program("ask", "--list", "--format", "json", environ=on).out)
    for each in listed:
        assert list(each) == ["name", "description", "parameters", "columns"]
        assert each["description"].endswith("?")
        assert each["columns"]
        for parameter in each["parameters"]:
            assert list(parameter) == ["name", "type", "default", "required", "description"]


def test_an_answer_says_its_night(program: Program, on: dict[str, str]) -> None:
    """A table for people ends with how many rows there are and from which run."""
    said = program("ask", "promotions", environ=on)
    assert said.code == 0
    assert " rows · run 2" in said.out


def test_every_question_answers(program: Program, on: dict[str, str]) -> None:
    """Each question without required parameters gives valid JSON with the columns that the list promises."""
    for each in json.loads(program("ask", "--list", "--format", "json", environ=on).out):
        if not any(parameter["required"] for parameter in each["parameters"]):
            said = program("ask", each["name"], "--format", "json", environ=on)
            assert said.code == 0, said.err
            for row in json.loads(said.out)[:1]:
                assert list(row) == [column["name"] for column in each["columns"]], each["name"]


def test_show_is_the_sql(program: Program) -> None:
    """`--show` prints the SQL, to be copied and changed; no lake is needed for that."""
    said = program("ask", "what_changed", "--show")
    assert said.code == 0
    assert "action_changes" in said.out
    assert said.out.startswith("-- ")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("ask", "what_chnged"), "what_changed"),
        (("ask", "what_changed", "--param", "aspct=x"), "aspect"),
        (("ask", "what_changed", "--param", "aspect"), "NAME=VALUE"),
        (("ask", "what_changed", "--run", "20010101T000000Z-000000"), "run"),
        (("sql", "select * from promote_image_action"), "promote_image_actions"),
        (("sql", "selec 1"), "syntax"),
        (("sql", " "), "no SQL"),
        (("sql", "drop view runs"), "only read"),
        (("sql", "copy runs to 'x.csv'"), "only read"),
        (("sql", "select 1; select 2"), "one SELECT"),
        (("sql", "select * from read_csv('/etc/passwd')"), "only read"),
    ],
)
def test_wrong_questions(program: Program, on: dict[str, str], argv: tuple[str, ...], words: str) -> None:
    """Each mistake is one paragraph that points to the right thing, exit code 2, nothing on stdout."""
    said = program(*argv, environ=on)
    assert (said.code, said.out) == (2, "")
    assert words.lower() in said.err.lower()


@pytest.mark.parametrize(
    "argv", [("ask", "what_changed"), ("sql", "select 1 as x from runs"), ("status",), ("verify",)]
)
def test_no_lake(program: Program, argv: tuple[str, ...], tmp_path: Path) -> None:
    """Without a lake the paragraph says how to name or make one, and nothing is made."""
    said = program(*argv)
    assert (said.code, said.out) == (2, "")
    assert "--lake" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("content", "words"), [("{", "damaged"), ('{"format": 99}', "Upgrade")])
def test_a_lake_that_cannot_be_believed(program: Program, tmp_path: Path, content: str, words: str) -> None:
    """A damaged manifest and a newer format are told apart, and left as they are."""
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "manifest.json").write_text(content, encoding="utf-8")
    for command in (("ask", "what_changed"), ("sql", "select 1 from runs"), ("status",), ("verify",), ("compact",)):
        said = program(*command)
        assert said.code == 2
        assert words.lower() in said.err.lower()
    assert (tmp_path / "lake" / "manifest.json").read_text(encoding="utf-8") == content


def test_the_promised_columns(program: Program, on: dict[str, str]) -> None:
    """`select *` gives exactly the columns of the contract, in order, for every table."""
    for table in TABLES.values():
        rows = json.loads(program("sql", f"select * from {table.name} limit 1", "--format", "json", environ=on).out)
        for row in rows:
            assert tuple(row) == table.column_names


def test_sql_from_a_pipe(demo_lake: Path) -> None:
    """`-` reads the SQL from stdin, and the rows go to stdout alone."""
    done = subprocess.run(
        [sys.executable, "-m", "collector", "sql", "-", "--format", "jsonl", "--lake", str(demo_lake)],
        input="select 1 as one", capture_output=True, text=True, check=True, env=ENVIRON,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ('{"one":1}\n', "")


def test_formats_give_the_same_rows(program: Program, on: dict[str, str], tmp_path: Path) -> None:
    """JSON, JSON lines and Parquet hold the same rows of the same question."""
    from pyarrow import parquet

    as_json = json.loads(program("ask", "promotions", "--format", "json", environ=on).out)
    as_lines = [json.loads(line) for line in program("ask", "promotions", "-f", "jsonl", environ=on).out.splitlines()]
    assert as_json == as_lines
    assert program("ask", "promotions", "-f", "parquet", "-o", "p.parquet", environ=on).code == 0
    table: pa.Table = parquet.read_table(tmp_path / "p.parquet")
    assert table.num_rows == len(as_json) > 0


def test_the_shell_reads_a_pipe(demo_lake: Path) -> None:
    """Without a terminal, the shell answers the statements it is given and leaves."""
    done = subprocess.run(
        [sys.executable, "-m", "collector", "shell", "--lake", str(demo_lake)],
        input="select 1 as one;\nselect 2 as two;\n", capture_output=True, text=True, check=True, env=ENVIRON,
    )  # fmt: skip
    assert "one" in done.stdout
    assert "two" in done.stdout


def test_parameters() -> None:
    """NAME=VALUE: the value may hold further equals signs, a name is given once."""
    assert parameters(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(UsageError):
            parameters(wrong)


# --- status and verify


def test_status(program: Program, on: dict[str, str]) -> None:
    """The last nights with their cost, and the coverage of the newest."""
    said = program("status", environ=on)
    assert said.code == 0
    assert "nights" in said.out
    nights = json.loads(program("status", "--format", "json", environ=on).out)
    assert [night["run_id"] for night in nights] == sorted((n["run_id"] for n in nights), reverse=True)
    assert nights[0]["lake_nights"] == len(nights) >= 3
    for night in nights:
        assert {each["level"] for each in night["coverage"]} == {"workspace", "project", "pipeline", "action"}
        assert sum(part["requests"] for part in night["installations"]) == night["requests"] > 0
        assert night["started_at"].endswith("Z")
    two = json.loads(program("status", "--last", "2", "--format", "json", environ=on).out)
    assert [night["run_id"] for night in two] == [night["run_id"] for night in nights[:2]]
    lines = program("status", "--format", "jsonl", environ=on).out.splitlines()
    assert [json.loads(line)["run_id"] for line in lines] == [night["run_id"] for night in nights]


def test_the_columns_of_status_are_documented(program: Program, on: dict[str, str]) -> None:
    """docs/operating.md tells the columns that come out, in their order: scripts rely on them."""
    operating = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
    block = operating.split("<!-- status:", 1)[1].split("<!-- end -->", 1)[0]
    documented = re.findall(r"^\| `(\w+)` \|", block, re.MULTILINE)
    (night,) = json.loads(program("status", "--last", "1", "--format", "json", environ=on).out)
    assert list(night) == documented


def test_status_agrees_with_the_tables(program: Program, on: dict[str, str]) -> None:
    """What status says of each night is what its rows say."""
    nights = json.loads(program("status", "--format", "json", environ=on).out)
    told = "run_id, status, promotions as promote_image_actions, not_seen, problems, requests, retries, refusals"
    rows = json.loads(program("sql", f"select {told} from night_totals order by 1 desc", "-f", "json", environ=on).out)
    assert [{name: night[name] for name in row} for night, row in zip(nights, rows, strict=False)] == rows[
        : len(nights)
    ]


def test_status_of_a_lake_without_nights(program: Program, tmp_path: Path) -> None:
    """Before the first published night there are no rows, but a monitor is not told that all is well; what was interrupted
    is said.
    """
    with FakeBuddy(FakeWorld(workspaces=1, projects=1, pipelines=1)) as buddy:
        buddy.script.add(Fault("status", kind="actions", code=401, times=None))
        program("collect", environ={"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token})
    (run_id,) = [path.name for path in (tmp_path / "lake" / "runs").iterdir()]
    said = program("status", "--max-age", "26h")
    assert said.code == 3
    assert f"interrupted: {run_id}" in said.out
    assert program("status", "--format", "json").out == "[]\n"


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_newest_run_from_the_future_is_stale(program: Program, demo_lake: Path, tmp_path: Path, form: str) -> None:
    """A run that began in the future tells no age: status says how far ahead it lies, and --max-age exits 3."""
    lake = Path(shutil.copytree(demo_lake, tmp_path / "ahead"))
    manifest = json.loads((lake / "manifest.json").read_text(encoding="utf-8"))
    manifest["runs"][-1]["started_at"] = (datetime.now(UTC) + timedelta(days=1461, hours=1)).isoformat()
    (lake / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    said = program("status", "--lake", str(lake), "--max-age", "26h", "--format", form)
    assert said.code == 3
    told = said.out if form == "text" else said.err
    assert manifest["runs"][-1]["run_id"] in told
    assert "its start lies 1461 d" in told
    assert "check the clock" in told


@pytest.mark.parametrize(
    ("age", "how", "limit", "code"),
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
def test_what_a_monitor_sees(age: float | None, how: str | None, limit: float | None, code: int) -> None:
    """With --max-age: 0 fresh and complete, 1 fresh but partial, 3 stale or nothing published."""
    assert verdict(age, how, limit) == code


def test_max_age(program: Program, on: dict[str, str]) -> None:
    """Staleness is an exit code, and a length of time that is none is refused."""
    assert program("status", "--max-age", "400d", environ=on).code in (0, 1)
    assert program("status", "--max-age", "1s", environ=on).code == 3
    assert program("status", "--max-age", "soon", environ=on).code == 2


def test_verify(program: Program, on: dict[str, str]) -> None:
    """An intact lake is reported as intact."""
    said = program("verify", environ=on)
    assert (said.code, said.err) == (0, "")
    assert "all intact" in said.out


@pytest.mark.parametrize("command", ["status", "verify", "report"])
def test_whichever_command_comes_first_finds_the_move(
    program: Program, demo_lake: Path, tmp_path: Path, command: str
) -> None:
    """Not only a question: any command that looks at a moved lake makes its catalog anew."""
    import shutil

    moved = tmp_path / "moved"
    shutil.copytree(demo_lake, moved)
    before = (moved / "catalog.duckdb").stat().st_ino
    output = ("-o", str(tmp_path / "page.html")) if command == "report" else ()
    assert program(command, *output, "--lake", str(moved)).code == 0
    assert (moved / "catalog.duckdb").stat().st_ino != before


def test_a_moved_lake_gets_its_catalog_anew(program: Program, demo_lake: Path, tmp_path: Path) -> None:
    """The catalog's views need absolute paths: the next question after a move makes it anew, for any client."""
    import shutil

    moved = tmp_path / "moved"
    shutil.copytree(demo_lake, moved)
    assert program("ask", "promotions", "--lake", str(moved)).code == 0
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); "
        "print(c.sql('select count(*) from promote_image_actions').fetchall()[0][0])"
    )
    counted = subprocess.run(
        [sys.executable, "-c", code, str(moved / "catalog.duckdb")], cwd="/", capture_output=True, text=True, check=True
    )
    rows = json.loads(
        program("sql", "select count(*) as n from promote_image_actions", "-f", "json", "--lake", str(moved)).out
    )
    assert int(counted.stdout) == rows[0]["n"] > 0
    shown = subprocess.run(
        [sys.executable, "-c", "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); "
         "print(c.sql(\"select string_agg(sql, ' ') from duckdb_views() where not "
         "internal\").fetchall()[0][0])",
         str(moved / "catalog.duckdb")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(demo_lake) not in shown.stdout

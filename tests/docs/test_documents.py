"""docs/ compared with the program."""

import configparser
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from collector.after_run import metrics
from collector.cli.failures import EXIT_CODES
from collector.cli.man_pages import man_pages
from collector.errors import CollectorError
from collector.lake.tables import PROBLEM_KINDS
from collector.settings.declarations import SETTINGS
from tests.after_run.run_results import published

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OPERATING = (DOCS / "operating.md").read_text(encoding="utf-8")
UNITS = DOCS / "systemd"


def rows_of(name: str) -> dict[str, list[str]]:
    """Return the table between `<!-- name` and `<!-- end -->`: first cells, without backticks, to the other cells."""
    block = OPERATING.split(f"<!-- {name}:", 1)[1].split("<!-- end -->", 1)[0]
    lines = [line for line in block.splitlines() if line.startswith("| ")][2:]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return {first.strip("`"): rest for first, *rest in cells}


@pytest.mark.parametrize("name", ["tables.md", "questions.md", "architecture.md"])
def test_generated_documents_are_current(name: str) -> None:
    """The generated documents are those that `make docs` writes."""
    documents = runpy.run_path(str(DOCS / "generate.py"))["DOCUMENTS"]
    assert (DOCS / name).read_text(encoding="utf-8") == documents[name](), "run `make docs`"


def test_man_pages_are_current() -> None:
    """The man pages are those that the help gives, one for each command, and troff reads them without a warning."""
    pages = man_pages()
    assert {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "man").iterdir()} == pages, "run `make man`"
    assert "collector-ask.1" in pages
    if shutil.which("groff"):
        for name in pages:
            done = subprocess.run(
                ["groff", "-man", "-ww", "-Tutf8", DOCS / "man" / name], capture_output=True, text=True, check=True
            )
            assert done.stderr == ""
            assert done.stdout.startswith(name.removesuffix(".1").upper() + "(1)")


def test_every_exit_code_has_advice() -> None:
    """The documented codes are those of the program and of its errors, each with advice."""
    documented = rows_of("exit codes")
    assert {int(code) for code in documented} == set(EXIT_CODES)
    assert all(len(cells) == 2 and all(cells) for cells in documented.values())

    def below(kind: type[CollectorError]) -> set[int]:
        return {kind.exit_code}.union(*(below(each) for each in kind.__subclasses__()))

    assert below(CollectorError) <= set(EXIT_CODES)


def test_every_kind_of_problem_has_advice() -> None:
    """The documented kinds are those of the table `problems`, in its order, each with its meaning and advice."""
    documented = rows_of("problem kinds")
    assert tuple(documented) == PROBLEM_KINDS
    assert all(len(cells) == 2 and all(cells) for cells in documented.values())


def test_every_metric_is_documented() -> None:
    """The metrics are those that a night writes."""
    written = re.findall(
        r"^# TYPE (\S+) gauge$",
        metrics.metrics_text(published(), releases={"production": 1}, unguarded={"certain": 1}),
        re.MULTILINE,
    )
    assert list(rows_of("metrics")) == written


def test_settings_in_the_documents_exist() -> None:
    """Keys in the examples of collector.toml are settings."""
    known = {each.key for each in SETTINGS} | {"token_env", "token_file", "token_command"}
    for block in re.findall(r"```toml\n(.*?)```", OPERATING, re.DOTALL):
        keys = {line.partition(" = ")[0] for line in block.splitlines() if " = " in line}
        assert keys <= known


def test_links_are_valid() -> None:
    """Each relative link in docs/ and the README names an existing file."""
    for document in (*DOCS.glob("*.md"), ROOT / "README.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_the_units() -> None:
    """The service retries a resumable run only, and a partial run is not a failure."""
    service = configparser.ConfigParser(strict=False, interpolation=None)
    service.optionxform = str  # type: ignore[assignment,method-assign]
    service.read(UNITS / "buddy-collector.service", encoding="utf-8")
    unit = service["Service"]
    final = {int(code) for code in unit["RestartPreventExitStatus"].split()}
    good = {0, *(int(code) for code in unit["SuccessExitStatus"].split())}
    assert set(EXIT_CODES) - final - good == {3}
    assert set(EXIT_CODES) == final | good | {3}
    for name in re.findall(
        r"^Environment=(\w+)=", (UNITS / "buddy-collector.service").read_text("utf-8"), re.MULTILINE
    ):
        assert name == "BUDDY_TOKEN_FILE" or any(name in each.variables for each in SETTINGS)


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify`, where it is installed, reports nothing about the units."""
    command = [sys.executable, "-m", "collector", "collect", "--help"]
    for path in UNITS.iterdir():
        text = path.read_text(encoding="utf-8").replace("/opt/collector/bin/collector", sys.executable)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "verify", *(str(path) for path in sorted(tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_the_pipeline_of_buddy() -> None:
    """The pipeline runs at the time of the other examples and accepts a partial run."""
    text = (DOCS / "buddy.yml").read_text(encoding="utf-8")
    assert "- type: SCHEDULE\n      cron: 15 2 * * *\n      timezone: UTC\n" in text
    assert "type: BUILD" in text
    assert "collector collect --log-format json || [ $? -eq 1 ]" in text
    assert "\t" not in text
    for name in re.findall(r"(COLLECTOR_\w+)=", text):
        assert any(name in each.variables for each in SETTINGS)


def test_the_makefile_declares_each_target_once() -> None:
    """`make help` works without a warning: no target has two recipes."""
    environ = {"PATH": "/usr/bin:/bin"}  # without what a make around this test tells its children
    done = subprocess.run(["make", "help"], cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    assert "run lint and all tests" in done.stdout
    assert done.stderr == ""

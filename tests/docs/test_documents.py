"""docs/ against the program: nothing is missing, nothing is made up."""

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
from collector.errors import CollectorError
from collector.lake.tables import PROBLEM_KINDS
from collector.settings.declarations import SETTINGS
from tests.after_run.run_results import published

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OPERATING = (DOCS / "operating.md").read_text(encoding="utf-8")
UNITS = DOCS / "systemd"


def rows_of(name: str) -> dict[str, list[str]]:
    """The table between `<!-- name` and `<!-- end -->`: its first cells, without backticks, and the others."""
    block = OPERATING.split(f"<!-- {name}:", 1)[1].split("<!-- end -->", 1)[0]
    lines = [line for line in block.splitlines() if line.startswith("| ")][2:]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return {first.strip("`"): rest for first, *rest in cells}


@pytest.mark.parametrize("name", ["tables.md", "questions.md"])
def test_generated_documents_are_current(name: str) -> None:
    """What `make docs` would write is what is there."""
    made = runpy.run_path(str(DOCS / "generate.py"))["MADE"]
    assert (DOCS / name).read_text(encoding="utf-8") == made[name]()


def test_every_exit_code_has_advice() -> None:
    """The codes are those of the program, its errors have no others, and each says what to do."""
    documented = rows_of("exit codes")
    assert {int(code) for code in documented} == set(EXIT_CODES)
    assert all(len(cells) == 2 and all(cells) for cells in documented.values())

    def below(kind: type[CollectorError]) -> set[int]:
        return {kind.exit_code}.union(*(below(each) for each in kind.__subclasses__()))

    assert below(CollectorError) <= set(EXIT_CODES)


def test_every_kind_of_problem_has_advice() -> None:
    """The kinds are those of the table `problems`, in its order, and each says what it means and what to do."""
    documented = rows_of("problem kinds")
    assert tuple(documented) == PROBLEM_KINDS
    assert all(len(cells) == 2 and all(cells) for cells in documented.values())


def test_every_metric_is_documented() -> None:
    """The metrics are those that a night writes."""
    written = re.findall(r"^# TYPE (\S+) gauge$", metrics.metrics_text(published()), re.MULTILINE)
    assert list(rows_of("metrics")) == written


def test_settings_in_the_documents_exist() -> None:
    """Keys in the examples of collector.toml are settings."""
    known = {each.key for each in SETTINGS} | {"token_env", "token_file", "token_command"}
    for block in re.findall(r"```toml\n(.*?)```", OPERATING, re.DOTALL):
        keys = {line.partition(" = ")[0] for line in block.splitlines() if " = " in line}
        assert keys <= known


def test_links_lead_somewhere() -> None:
    """Each relative link in docs/ and the README names a file that is there."""
    for document in (*DOCS.glob("*.md"), ROOT / "README.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_the_units() -> None:
    """The service retries what is resumable and nothing else, a partial night is no failure, and both parse.

    Where systemd is installed, its own verifier is asked too.
    """
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


def test_the_units_as_systemd_sees_them(tmp_path: Path) -> None:
    """`systemd-analyze verify` finds nothing to say, the program's path apart."""
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
    """It runs every night, at the time of the other examples, and takes a partial night for a published one."""
    text = (DOCS / "buddy.yml").read_text(encoding="utf-8")
    assert "- type: SCHEDULE\n      cron: 15 2 * * *\n      timezone: UTC\n" in text
    assert "type: BUILD" in text
    assert "collector collect --log-format json || [ $? -eq 1 ]" in text
    assert "\t" not in text
    for name in re.findall(r"(COLLECTOR_\w+)=", text):
        assert any(name in each.variables for each in SETTINGS)

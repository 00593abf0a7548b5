"""The README is short and its lines are run; the tables of commands and settings in docs/ are those of the program.

`python -m tests.test_readme` writes these tables.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

from collector.cli.failures import EXIT_CODES
from collector.cli.main import app
from collector.settings.declarations import SETTINGS

README = Path(__file__).parents[1] / "README.md"


def commands() -> str:
    """Return each command with its help."""
    group = typer.main.get_command(app)
    rows = [(f"`{name}`", " ".join((each.help or "").split())) for name, each in group.commands.items()]  # type: ignore[attr-defined]
    return table(("command", "does"), rows)


def exit_codes() -> str:
    """Return each exit code with its meaning."""
    return table(("code", "means"), [(str(code), meaning) for code, meaning in EXIT_CODES.items()])


def settings() -> str:
    """Return each setting: its key, flag, variables, default and meaning."""
    rows = []
    for each in SETTINGS:
        flags = ", ".join(f"`{flag}`" for flag in each.flags)
        variables = ", ".join(f"`{name}`" for name in each.variables)
        default = f"`{each.default_text}`" if each.default_text else ""
        rows.append((f"`{each.key}`", flags, variables, default, each.meaning))
    return table(("key", "flag", "variable", "default", "meaning"), rows)


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# Each generated table with the document in docs/ that holds it.
GENERATED = {
    "commands": ("commands.md", commands),
    "exit codes": ("commands.md", exit_codes),
    "settings": ("settings.md", settings),
}


def block(name: str, text: str) -> re.Match[str]:
    found = re.search(rf"(<!-- {name}\b[^>]*-->\n)(.*?)(<!-- end -->)", text, re.DOTALL)
    assert found, f"there is no part {name!r}"
    return found


@pytest.mark.parametrize("name", GENERATED)
def test_generated_tables_are_current(name: str) -> None:
    """The tables of commands, exit codes and settings are those of the program."""
    document, make = GENERATED[name]
    text = (README.parent / "docs" / document).read_text(encoding="utf-8")
    assert block(name, text)[2].strip() == make(), "run: python -m tests.test_readme"


def test_it_is_short() -> None:
    """The README has fewer than 1,800 words and two small pictures."""
    text = README.read_text(encoding="utf-8")
    assert len(text.split()) < 1_800
    pictures = re.findall(r"^!\[.+\]\((.+)\)$", text, re.MULTILINE)
    assert len(pictures) == 2
    for picture in pictures:
        assert 1_000 < (README.parent / picture).stat().st_size < 150_000, picture


def test_every_flag_exists() -> None:
    """Every `--flag` in the README is one of the program's."""
    known = {"--port", "--help"}  # of the fake's own command line, and of all
    for each in typer.main.get_command(app).commands.values():  # type: ignore[attr-defined]
        known |= {name for parameter in each.params for name in (*parameter.opts, *parameter.secondary_opts)}
    text = README.read_text(encoding="utf-8")
    for flag in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)):
        assert flag in known, flag


def test_every_make_target_exists() -> None:
    """Every `make TARGET` in the README is in the Makefile, and `make help` lists it."""
    text, makefile = (README.read_text(encoding="utf-8"), (README.parent / "Makefile").read_text(encoding="utf-8"))
    for target in set(re.findall(r"make ([a-z]+)\b", text)) & set(re.findall(r"(?:`|\$ )make ([a-z]+)", text)):
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target


def shown_commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [line for each in blocks for line in each.splitlines() if line.strip()]


def test_the_commands_work(demo_lake: Path) -> None:
    """Every command in a `sh` block succeeds on the demo's lake."""
    assert len(shown_commands()) >= 6
    for line in shown_commands():
        run = line.replace("collector ", f"{shlex.quote(sys.executable)} -m collector ")
        environ = {"COLLECTOR_LAKE": str(demo_lake), "PYTHONPATH": str(README.parent), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(["bash", "-c", run], capture_output=True, text=True, check=False, env=environ)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout.strip(), line


def test_the_python_lines_work(demo_lake: Path) -> None:
    """The Python lines, run one after the other beside a `demo-lake`, print tables."""
    (block,) = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    command = [sys.executable, "-c", block]
    done = subprocess.run(command, cwd=demo_lake.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("run_date") >= 1
    assert "4 runs" in done.stdout


def rewrite() -> None:
    """Write the generated tables."""
    for name, (document, make) in GENERATED.items():
        path = README.parent / "docs" / document
        text = path.read_text(encoding="utf-8")
        found = block(name, text)
        path.write_text(text[: found.start(2)] + make() + "\n" + text[found.end(2) :], encoding="utf-8")


if __name__ == "__main__":
    rewrite()

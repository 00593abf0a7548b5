"""docs/extending.md, followed to the letter in a copy of the repository."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
_FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
_NAMED_PLACE = re.compile(
    r"In `(?P<file>[^`]+)`, (?:after the last field of the class `(?P<class>\w+)`"
    r"|at the beginning of the function `(?P<function>\w+)`), add$"
)
_CREATE = re.compile(r"Create `([^`]+)`:$")
_PLACE_ROW = re.compile(r"^\| `(collector/[^`]+)` \| (.+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block, and the text before it."""

    before: str
    language: str
    content: str


def examples() -> dict[str, list[Block]]:
    """Return the blocks of each example, by its heading."""
    found: dict[str, list[Block]] = {}
    start = 0
    for fence in _FENCE.finditer(TEXT):
        before = TEXT[start : fence.start()]
        for heading in re.findall(r"^## (.+)$", before, re.MULTILINE):
            found[heading] = []
        list(found.values())[-1].append(Block(" ".join(before.split()), fence[2], fence[3]))
        start = fence.end()
    return found


EXAMPLES = examples()


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_works(example: str, tmp_path: Path) -> None:
    """Each edit finds its place, and each command prints what the document shows."""
    for name in ("collector", "sql", "tests", "docs", "notebooks"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "lakes"))
    for path in (*ROOT.glob("*.toml"), *ROOT.glob("*.md"), ROOT / "Makefile"):
        if path.name != "collector.toml":
            shutil.copy(path, tmp_path)
    for block in EXAMPLES[example]:
        if found := _NAMED_PLACE.search(block.before):
            add_at(tmp_path / found["file"], found["class"], found["function"], block.content)
        elif found := _CREATE.search(block.before):
            path = tmp_path / found[1]
            assert not path.exists(), f"{found[1]} exists already"
            path.write_text(block.content, encoding="utf-8")
        else:
            assert block.language == "console", f"nothing says where this goes:\n{block.content}"
            for command, expected in commands(block.content):
                follow(command, expected, tmp_path)


def add_at(path: Path, class_name: str | None, function_name: str | None, content: str) -> None:
    """Put `content` below the last field of a class, or below the docstring of a function."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kind = ast.ClassDef if class_name else (ast.FunctionDef, ast.AsyncFunctionDef)
    (node,) = [
        node
        for node in ast.walk(ast.parse("".join(lines)))
        if isinstance(node, kind) and node.name == (class_name or function_name)
    ]
    above = [each for each in node.body if isinstance(each, ast.AnnAssign)] if class_name else node.body[:1]
    line = above[-1].end_lineno
    path.write_text("".join([*lines[:line], content, *lines[line:]]), encoding="utf-8")


def commands(console: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command with the lines that it prints."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, *expected = part.rstrip("\n").split("\n")
        yield command, expected


def follow(command: str, expected: list[str], folder: Path) -> None:
    """Run a command in the copy, and compare its output; … stands for anything."""
    assert command.startswith("python "), command
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("BUDDY_", "COLLECTOR_", "COV"))
    }
    done = subprocess.run(
        command.replace("python", f'"{sys.executable}"', 1),
        shell=True,
        cwd=folder,
        env={**environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    pattern = "\n".join(".*" if line == "…" else re.escape(line).replace("…", ".*") for line in expected)
    output = "\n".join(line.rstrip() for line in done.stdout.rstrip("\n").split("\n"))
    assert re.fullmatch(pattern, output, re.DOTALL), f"{command}\nprinted\n{output}\ninstead of\n" + "\n".join(expected)


def test_the_examples_are_complete() -> None:
    """A field, a setting and a question are worked examples."""
    assert list(EXAMPLES) == ["A field", "A setting", "A question"]


@pytest.mark.parametrize(("file", "what"), _PLACE_ROW.findall(TEXT))
def test_the_places_of_a_resource_exist(file: str, what: str) -> None:
    """Each file of the table exists and uses each name that the table mentions."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    names = {getattr(node, "name", None) or getattr(node, "id", None) for node in ast.walk(tree)}
    mentioned = {part for name in re.findall(r"`([\w.]+)`", what) for part in name.split(".")}
    assert mentioned - {"extra"} <= names

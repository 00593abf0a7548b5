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
_PLACE = re.compile(r"In `([^`]+)`, (?:after|replace)$")
_NAMED_PLACE = re.compile(
    r"In `(?P<file>[^`]+)`, (?:after the last field of the class `(?P<class>\w+)`"
    r"|at the beginning of the function `(?P<function>\w+)`), add$"
)
_CHANGES = ("add", "with")
_CREATE = re.compile(r"Create `([^`]+)`:$")


@dataclass(frozen=True)
class Block:
    """A fenced block, and the words right before it."""

    before: str
    language: str
    content: str


def examples() -> dict[str, list[Block]]:
    """The blocks of each example, by its heading."""
    found: dict[str, list[Block]] = {}
    start = 0
    for fence in _FENCE.finditer(TEXT):
        words = TEXT[start : fence.start()]
        for heading in re.findall(r"^## (.+)$", words, re.MULTILINE):
            found[heading] = []
        list(found.values())[-1].append(Block(" ".join(words.split()), fence[2], fence[3]))
        start = fence.end()
    return found


EXAMPLES = examples()


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_works(example: str, tmp_path: Path) -> None:
    """Each edit finds its place, each command says what the document says it does."""
    for name in ("collector", "sql", "tests", "docs", "notebooks"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "lakes"))
    for path in (*ROOT.glob("*.toml"), *ROOT.glob("*.md"), ROOT / "Makefile"):
        if path.name != "collector.toml":
            shutil.copy(path, tmp_path)
    anchor: tuple[Path, str] | None = None
    done = 0
    for block in EXAMPLES[example]:
        if found := _PLACE.search(block.before):
            anchor = (tmp_path / found[1], block.content)
        elif found := _NAMED_PLACE.search(block.before):
            add_at(tmp_path / found["file"], found["class"], found["function"], block.content)
        elif found := _CREATE.search(block.before):
            path = tmp_path / found[1]
            assert not path.exists(), f"{found[1]} is there already"
            path.write_text(block.content, encoding="utf-8")
        elif block.language == "console":
            for command, expected in commands(block.content):
                follow(command, expected, tmp_path)
        else:
            how = block.before.rpartition(" ")[2]
            assert how in _CHANGES, f"nothing says what to do with this:\n{block.content}"
            assert anchor is not None, f"nothing says where this goes:\n{block.content}"
            change(*anchor, block.content, keep=how == "add")
            anchor = None
        done += 1
    assert done > 2
    assert anchor is None


def change(path: Path, there: str, content: str, *, keep: bool) -> None:
    """Put `content` right below the one place where `there` stands, or in its stead."""
    # An instruction may show the beginning of a line.
    there, content = (there, content) if keep else (there.rstrip("\n"), content.rstrip("\n"))
    text = path.read_text(encoding="utf-8")
    assert text.count(there) == 1, f"{path.name} holds {text.count(there)} times:\n{there}"
    path.write_text(text.replace(there, there + content if keep else content), encoding="utf-8")


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
    """Each command with the lines that it is said to print."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, *expected = part.rstrip("\n").split("\n")
        yield command, expected


def follow(command: str, expected: list[str], folder: Path) -> None:
    """Run a command where the copy is, and compare what it prints; … stands for anything."""
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
    said = "\n".join(line.rstrip() for line in done.stdout.rstrip("\n").split("\n"))
    assert re.fullmatch(pattern, said, re.DOTALL), f"{command}\nsaid\n{said}\ninstead of\n" + "\n".join(expected)


def test_there_are_four_examples() -> None:
    """A field, a setting, a question and a resource."""
    assert list(EXAMPLES) == ["A field", "A setting", "A question", "A resource"]

"""docs/architecture.md compared with the source. Its generated parts are compared by test_documents."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.test_documents import DOCS, ROOT
from tests.test_floors import FLOORS

TEXT = (DOCS / "architecture.md").read_text(encoding="utf-8")
MODULES = {str(path.relative_to(ROOT / "collector")) for path in (ROOT / "collector").rglob("*.py")}


def part(name: str) -> str:
    """Return the part of the document between `<!-- name:` and `<!-- end -->`."""
    return TEXT.split(f"<!-- {name}:", 1)[1].split("<!-- end -->", 1)[0]


def names_of(path: Path) -> set[str]:
    """Return the functions, classes and methods that a module defines."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = (each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
            found |= {f"{node.name}.{each.name}" for each in inner}
    return found


@pytest.mark.parametrize("name", ["way", "words"])
def test_modules_and_names_in_the_tables_exist(name: str) -> None:
    """Each module in the tables exists and defines the function, class or method beside it."""
    references = re.findall(r"`([a-z_]+/[a-z_]+\.py)`(?: `([\w.]+)`)?", part(name))
    assert len(references) > 10
    wrong = [f"collector/{module} does not exist" for module, _ in references if module not in MODULES]
    wrong += [
        f"collector/{module} has no {defined}"
        for module, defined in references
        if module in MODULES and defined and defined not in names_of(ROOT / "collector" / module)
    ]
    assert wrong == [], f"correct the table {name!r} of docs/architecture.md"


def test_the_words_are_sorted() -> None:
    """The glossary is in alphabetical order, each term once."""
    terms = re.findall(r"^\| ([a-z -]+) \|", part("words"), re.MULTILINE)[1:]
    assert terms == sorted(set(terms))


def test_every_module_is_in_the_house() -> None:
    """The list names every module of the package and no other; run `make docs` if it does not."""
    listed, folder = set(), ""
    for line in part("house").splitlines():
        if line.startswith("**collector/"):
            folder = line.split("**")[1].removeprefix("collector/")
            listed.add(f"{folder}__init__.py")
        elif line.startswith("* `"):
            listed.add(folder + line.split("`")[1])
    assert listed == MODULES, f"run `make docs`: {listed ^ MODULES}"


def test_the_floors_are_those_that_are_enforced() -> None:
    """The table has the floors of tests/test_floors.py, the top floor first; run `make docs` if it does not."""
    rows = [line.strip("| ").split(" | ") for line in part("floors").splitlines() if line.startswith("| ")][2:]
    assert {floor: re.findall(r"`(.+?)`", modules) for floor, modules in rows} == FLOORS
    assert [floor for floor, _ in rows] == list(reversed(FLOORS))

"""The notebooks run, and the pictures kept in them are those that their code draws."""

import ast
import importlib.util
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAMES = ["01_tour", "02_promotion_map", "03_changes", "04_health"]
LONGEST_CELL = 16


def module(name: str) -> Any:
    """A module of the notebooks' folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, NOTEBOOKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


keep = module("keep")


def pictures(notebook: nbformat.NotebookNode) -> list[int]:
    """How many pictures each code cell shows."""
    return [
        sum("image/png" in output.get("data", {}) for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_the_four_notebooks_are_there() -> None:
    """The folder holds the tour, the map, the changes and the health, and nothing unnamed."""
    assert [path.stem for path in keep.notebooks()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_and_draws_what_is_kept(name: str, demo_lake: Path) -> None:
    """Every cell runs on a lake of a few nights and draws as many pictures as are kept with it."""
    path = NOTEBOOKS / f"{name}.ipynb"
    ran = keep.executed(path, demo_lake)
    kept = nbformat.read(path, as_version=4)
    assert pictures(ran) == pictures(kept)
    assert sum(pictures(kept)) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_the_kept_pictures_come_from_the_code(name: str) -> None:
    """The code that drew the kept pictures is the code that stands beside them, to the letter."""
    kept = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    assert kept.metadata["kept"]["code_sha256"] == keep.code_digest(kept), "run `make notebooks`"
    changed = nbformat.from_dict(kept)
    next(cell for cell in changed.cells if cell.cell_type == "code").source += "\n1"
    assert kept.metadata["kept"]["code_sha256"] != keep.code_digest(changed)


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_short_and_only_ask_and_draw(name: str) -> None:
    """No cell is longer than a screen's third, defines a function, or talks to a network."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        assert len(cell.source.splitlines()) <= LONGEST_CELL
        tree = ast.parse(cell.source)
        imported = {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module or "")])
        }
        assert imported <= {"os", "matplotlib", "pandas", "drawing", "collector"}
        assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(tree))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain/name:tag", "plain/name:tag"),
        ("$BUDDY_RUN_ID", r"\$BUDDY_RUN_ID"),
        ("two\nlines\x1b[31m", "two·lines·[31m"),
    ],
)
def test_a_label_is_inert(name: str, shown: str) -> None:
    """A name becomes a label without formulas of the drawing library, control characters or line breaks."""
    assert module("drawing").label(name) == shown


def test_a_long_name_is_shortened_in_the_middle() -> None:
    """Both ends of a long image reference stay readable."""
    shown = module("drawing").label("registry.example.internal:5000/" + "x" * 80 + "/service:production")
    assert len(shown) <= 48
    assert shown.startswith("registry")
    assert shown.endswith(":production")

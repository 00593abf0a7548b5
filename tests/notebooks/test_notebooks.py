"""The notebooks run, and their saved pictures are those of their code."""

import ast
import importlib.util
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAMES = ["01_tour", "02_promotion_map", "03_changes", "04_health", "05_releases"]
LONGEST_CELL = 16


def module(name: str) -> Any:
    """Return a module of the notebooks' folder, which is not a package."""
    spec = importlib.util.spec_from_file_location(name, NOTEBOOKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


keep = module("keep")


def pictures(notebook: nbformat.NotebookNode) -> list[int]:
    """Return the number of pictures of each code cell."""
    return [
        sum("image/png" in output.get("data", {}) for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_the_five_notebooks_are_there() -> None:
    """The folder has exactly the five notebooks."""
    assert [path.stem for path in keep.notebooks()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_and_draws_its_pictures(name: str, demo_lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell runs on a lake of a few runs and draws as many pictures as are saved with it."""
    monkeypatch.setenv("COLLECTOR_LAKE", str(demo_lake))  # the lake stays in no other test's environment
    path = NOTEBOOKS / f"{name}.ipynb"
    ran = keep.executed(path, demo_lake)
    kept = nbformat.read(path, as_version=4)
    assert pictures(ran) == pictures(kept)
    assert sum(pictures(kept)) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_the_saved_pictures_are_those_of_the_code(name: str) -> None:
    """The saved pictures were drawn by exactly the code in the notebook."""
    kept = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    assert kept.metadata["kept"]["code_sha256"] == keep.code_digest(kept), "run `make notebooks`"
    changed = nbformat.from_dict(kept)
    next(cell for cell in changed.cells if cell.cell_type == "code").source += "\n1"
    assert kept.metadata["kept"]["code_sha256"] != keep.code_digest(changed)


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_short_and_only_query_and_draw(name: str) -> None:
    """No cell is longer than 16 lines, defines a function, or imports another library."""
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
    """A label has no formula of the drawing library, no control character and no line break."""
    assert module("drawing").label(name) == shown


def test_a_long_name_is_shortened_in_the_middle() -> None:
    """A long label keeps its start and its end."""
    shown = module("drawing").label("registry.example.internal:5000/" + "x" * 80 + "/service:production")
    assert len(shown) <= 48
    assert shown.startswith("registry")
    assert shown.endswith(":production")

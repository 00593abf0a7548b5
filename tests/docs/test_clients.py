"""The recipes for other clients: where their libraries are installed, they are run on the demo's lake as written."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

CLIENTS = (Path(__file__).parents[2] / "docs/clients.md").read_text(encoding="utf-8")
# Magics of Jupyter are not Python, and a cell of marimo needs its program.
RECIPES = [
    each for each in re.findall(r"```python\n(.*?)```", CLIENTS, re.DOTALL) if not re.search(r"%sql|\bmo\.", each)
]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda each: each.split()[1])
def test_a_recipe_in_python(recipe: str, demo_lake: Path) -> None:
    """The recipe prints the runs of the lake."""
    for module in re.findall(r"^import (\w+)", recipe, re.MULTILINE):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    command = [sys.executable, "-c", recipe]
    done = subprocess.run(command, cwd=demo_lake.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "complete" in done.stdout


def test_every_query_is_answered(demo_lake: Path) -> None:
    """Every query of the recipes returns rows from the catalog, opened read-only."""
    queries = [each.split('"')[0].split(" order by")[0].strip() for each in re.findall(r"\bselect .*", CLIENTS)]
    with duckdb.connect(str(demo_lake / "catalog.duckdb"), read_only=True) as lake:
        assert len(queries) >= 6
        for query in queries:
            assert lake.sql(query).fetchall(), query

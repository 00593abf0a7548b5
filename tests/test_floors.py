"""The floors of the house: who may import whom, and where each outside library lives.

Read from the source, not from what happens to be loaded: an import inside a function counts like any other.
"""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import collector

ROOT = Path(collector.__file__).parent

# Bottom to top. A module is on the first floor whose list names it or its package.
FLOORS = {
    "words": [
        "errors",
        "secret",
        "proxies",
        "token_command",
        "config_values",
        "config_settings",
        "config_file",
        "settings",
    ],
    "what Buddy says": ["buddy"],
    "pure": [
        "crawl.backoff",
        "crawl.budget",
        "crawl.deferred",
        "crawl.frontier",
        "crawl.listing",
        "crawl.probing",
        "crawl.outcome",
        "crawl.redact",
        "crawl.reply",
        "crawl.tls",
        "crawl.verdict",
        "lake.flatten",
        "lake.tables",
        "night.forecast",
    ],
    "effects": [
        "crawl.bodies",
        "crawl.events",
        "crawl.fetch",
        "crawl.journal",
        "crawl.pace",
        "crawl.watch",
        "lake",
        "output_file",
        "query",
    ],
    "run": ["crawl"],
    "night": ["night"],
    "report": ["report"],
    "cli": ["cli"],
    "program": ["__main__"],
}
# The package itself names the version and opens lakes for notebooks: on no floor, so it imports inside
# functions only.
FACE = "collector"
FAKE = "fake_buddy"

HOMES = {
    "aiohttp": ["crawl.fetch", FAKE],
    "asyncio_throttle": ["crawl.pace"],
    "duckdb": ["query.engine"],
    "jinja2": ["report.page"],
    "prompt_toolkit": ["cli.prompting"],
    "pyarrow.fs": ["lake.storage"],
    "pyarrow.parquet": ["lake.parquet"],
    "rich": ["cli"],
    "stamina": ["crawl.fetch"],
    "structlog": ["cli", "crawl", "night"],  # anybody may log; only cli/logs.py configures
    "typer": ["cli"],
}
HEAVY = ("aiohttp", "duckdb", "jinja2", "matplotlib", "numpy", "pandas", "pyarrow", "rich", "structlog")


def modules() -> dict[str, ast.Module]:
    """Every module of the package by dotted name below `collector`."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__") or FACE
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = modules()


def imported(name: str, tree: ast.AST) -> set[str]:
    """Dotted names that `tree` imports, relative ones resolved; `from a import b` gives `a` and `a.b`."""
    is_package = (ROOT / Path(*name.split(".")) / "__init__.py").exists()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = ["collector", *name.split(".")]
                above = above[: len(above) - node.level + (1 if is_package else 0)]
                base = ".".join([*above, *([base] if base else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


def ours(name: str, tree: ast.AST) -> set[str]:
    """The modules of the package that `tree` imports, by their names below `collector`."""
    below = {
        each.removeprefix("collector.") for each in imported(name, tree) if each.startswith("collector.")
    }
    return {each for each in below if each in MODULES} - {name}


def within(name: str, place: str) -> bool:
    return name == place or name.startswith(place + ".")


def floor(name: str) -> int:
    for number, places in enumerate(FLOORS.values()):
        if any(within(name, place) for place in places):
            return number
    raise AssertionError(f"{name} stands on no floor: add it to FLOORS")


HOUSE = sorted(name for name in MODULES if name != FACE and not within(name, FAKE))


@pytest.mark.parametrize("name", HOUSE)
def test_a_module_imports_only_from_floors_below(name: str) -> None:
    """Below, or beside it in the same package; effects of different packages never know one another."""
    for other in ours(name, MODULES[name]):
        if within(other, FAKE):
            assert within(name, "cli"), f"{name} imports the fake"
            continue
        beside = other.split(".")[0] == name.split(".")[0] or floor(name) == 0
        assert floor(other) < floor(name) or (floor(other) == floor(name) and beside), (
            f"{name} imports {other}"
        )


def test_no_module_imports_itself_by_a_detour() -> None:
    """The imports of the house have an order."""
    graph = {name: ours(name, MODULES[name]) - {"__main__"} for name in HOUSE}
    assert list(TopologicalSorter(graph).static_order())


def test_the_fake_shares_nothing_with_the_client() -> None:
    """Two equal mistakes cannot cancel where no code is common."""
    for name, tree in MODULES.items():
        if within(name, FAKE):
            assert all(within(other, FAKE) for other in ours(name, tree)), name
            assert not any(each.startswith("collector.") and not within(each.removeprefix("collector."), FAKE)
                           for each in imported(name, tree)), name  # fmt: skip


def test_the_face_imports_inside_functions_only() -> None:
    """`import collector` costs nothing: what opens a lake is imported when one is opened."""
    tree = MODULES[FACE]
    top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert not ours(FACE, ast.Module(body=list(top), type_ignores=[]))


@pytest.mark.parametrize("library", HOMES)
def test_a_library_has_one_home(library: str) -> None:
    """Each outside library is imported, and its exceptions translated, in one place."""
    for name, tree in MODULES.items():
        if any(within(each, library) for each in imported(name, tree)):
            assert any(within(name, home) for home in HOMES[library]), f"{name} imports {library}"


def test_help_loads_nothing_heavy() -> None:
    """Importing the whole command line loads no library that answers nothing by itself."""
    code = f"import sys, collector.cli.main; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

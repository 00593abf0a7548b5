"""The house: who may import whom, where each outside library lives, and that a class name means one thing.

The source is read, not what happens to be loaded: an import inside a function or under TYPE_CHECKING counts like any
other.
"""

import ast
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import collector

ROOT = Path(collector.__file__).parent

# Bottom to top. A module is on the first floor whose list names it or its package.
FLOORS = {
    "settings and errors": ["_version", "errors", "extras", "settings"],
    "buddy": ["buddy"],
    "crawl, pure": [
        "crawl.announced_times",
        "crawl.backoff",
        "crawl.carrying",
        "crawl.classify",
        "crawl.connections",
        "crawl.deferred_requests",
        "crawl.execution_crawl",
        "crawl.execution_history",
        "crawl.execution_reading",
        "crawl.fetch_result",
        "crawl.frontier",
        "crawl.list_crawl",
        "crawl.pagination",
        "crawl.pipeline_readings",
        "crawl.principal_crawl",
        "crawl.problems",
        "crawl.promotion_crawl",
        "crawl.rate_limit_state",
        "crawl.records",
        "crawl.redaction",
        "crawl.refresh_plan",
        "crawl.request_queue",
        "crawl.selection",
        "crawl.window_share",
    ],
    "crawl, effects, and lake": ["crawl", "lake"],
    "query": ["query"],
    "run": ["run"],
    "report": ["report"],
    "around a run": ["after_run", "preflight"],
    "cli": ["cli"],
    "program": ["__main__"],
}
# The package's own file is what notebooks import: it is on no floor, and imports inside functions only.
PACKAGE = "collector"
FAKE = "fake_buddy"

HOMES = {
    "aiohttp": ["crawl.fetcher", "crawl.http_session", "crawl.connection_errors", FAKE],
    "asyncio_throttle": ["crawl.rate_limiter"],
    "difflib": ["settings.suggestions"],
    "duckdb": ["lake.database"],
    "jinja2": ["report.page"],
    "obstore": ["lake.object_storage"],
    "prometheus_client": ["after_run.metrics"],
    "prompt_toolkit": ["cli.shell"],
    "pyarrow.fs": ["lake.local_storage"],
    "pyspark": ["query.engine.spark"],
    "sqlglot": ["query.engine"],
    "pyarrow.parquet": ["lake.parquet"],
    "rich": ["cli"],
    "structlog": ["cli", "crawl", "run", "preflight", "after_run"],  # anyone may log; only cli/logging.py configures
    "typer": ["cli"],
}
HEAVY = (
    "aiohttp",
    "asyncio",
    "duckdb",
    "jinja2",
    "matplotlib",
    "msgspec",
    "numpy",
    "pandas",
    "prometheus_client",
    "pyarrow",
    "rich",
    "structlog",
)


def modules() -> dict[str, ast.Module]:
    """Return every module of the package by its dotted name below `collector`."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__") or PACKAGE
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = modules()


def imported(name: str, tree: ast.AST) -> set[str]:
    """Return the dotted names that `tree` imports, relative ones resolved; `from a import b` gives `a` and `a.b`."""
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


def own_imports(name: str, tree: ast.AST) -> set[str]:
    """Return the modules of the package that `tree` imports, by their names below `collector`."""
    below = {each.removeprefix("collector.") for each in imported(name, tree) if each.startswith("collector.")}
    return {each for each in below if each in MODULES} - {name}


def within(name: str, place: str) -> bool:
    """Return whether a module is `place` or inside it."""
    return name == place or name.startswith(place + ".")


def floor(name: str) -> int:
    """Return the number of the floor that a module is on, 0 at the bottom."""
    for number, places in enumerate(FLOORS.values()):
        if any(within(name, place) for place in places):
            return number
    raise AssertionError(f"{name} is on no floor: add it to FLOORS")


HOUSE = sorted(name for name in MODULES if name != PACKAGE and not within(name, FAKE))


@pytest.mark.parametrize("name", HOUSE)
def test_a_module_imports_only_from_floors_below(name: str) -> None:
    """A module imports from floors below its own, or from its own package."""
    for other in own_imports(name, MODULES[name]):
        if within(other, FAKE):
            assert within(name, "cli"), f"{name} imports the fake"
            continue
        same_package = other.split(".")[0] == name.split(".")[0] or floor(name) == 0
        assert floor(other) < floor(name) or (floor(other) == floor(name) and same_package), f"{name} imports {other}"


@pytest.mark.parametrize("name", HOUSE)
def test_no_module_imports_the_package_itself(name: str) -> None:
    """`import collector` is for users: inside, it would be an import of a floor above."""
    if name == "__main__":
        return
    assert "collector" not in imported(name, MODULES[name]), f"{name} imports the package"


def test_there_is_no_import_cycle() -> None:
    """The imports of the house, and those of the fake, have an order; TYPE_CHECKING imports count."""
    for group in (HOUSE, [name for name in MODULES if within(name, FAKE) and name != FAKE]):
        graph = {name: own_imports(name, MODULES[name]) & set(group) for name in group}
        assert list(TopologicalSorter(graph).static_order())


def test_the_fake_shares_nothing_with_the_client() -> None:
    """The fake imports nothing of the client, so that two equal mistakes cannot cancel."""
    for name, tree in MODULES.items():
        if within(name, FAKE):
            outside = [
                each
                for each in imported(name, tree)
                if within(each, "collector") and not within(each.removeprefix("collector."), FAKE)
            ]
            assert not outside, f"{name} imports {outside}"


def test_the_package_imports_inside_functions_only() -> None:
    """`import collector` loads no library: what opens a lake is imported when one is opened."""
    tree = MODULES[PACKAGE]
    top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert own_imports(PACKAGE, ast.Module(body=list(top), type_ignores=[])) <= {"_version"}


@pytest.mark.parametrize("library", HOMES)
def test_a_library_has_one_home(library: str) -> None:
    """Each outside library is imported, and its exceptions are translated, in one place."""
    for name, tree in MODULES.items():
        if any(within(each, library) for each in imported(name, tree)):
            assert any(within(name, home) for home in HOMES[library]), f"{name} imports {library}"


def test_a_class_name_means_one_thing() -> None:
    """A module-level class name is used once in the whole package."""
    names = Counter(node.name for tree in MODULES.values() for node in tree.body if isinstance(node, ast.ClassDef))
    assert [name for name, count in names.items() if count > 1] == []


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, in which nothing is imported yet."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_help_loads_nothing_heavy() -> None:
    """Importing the whole command line loads no library that `--help` does not need."""
    code = f"import sys, collector.cli.main; print([name for name in {HEAVY} if name in sys.modules])"
    done = run_python(code)
    assert done.stdout.strip() == "[]"


def test_a_value_that_needs_no_conversion_loads_no_converter() -> None:
    """A command whose options are texts, flags and defaults runs without pydantic, by which typer converts others."""
    code = """if True:
        import sys
        from collector.cli.main import run
        print(run(["prune", "--dry-run", "--lake", "nowhere", "--keep", "1d"]), "pydantic" in sys.modules)
        print(run(["status", "--last", "zero"]), "pydantic" in sys.modules)
    """
    done = run_python(code)
    assert done.stdout.splitlines() == ["2 False", "2 True"]
    assert "There is no lake" in done.stderr
    assert "'--last'" in done.stderr


def test_short_commands_load_neither_arrow_nor_duckdb_where_they_need_none(demo_lake: Path) -> None:
    """`status` reads small files; of `ask`, only a Parquet file is written from Arrow."""
    code = f"""if True:
        import sys
        from collector.cli.main import run
        for command in (["status", "-f", "text"], ["ask", "what_changed"], ["ask", "what_changed", "-f", "json"]):
            run([*command, "--lake", {str(demo_lake)!r}, "-o", "/dev/null"])
            print([name for name in ("duckdb", "pyarrow") if name in sys.modules])
    """
    done = run_python(code)
    assert done.stdout.splitlines() == ["[]", "['duckdb']", "['duckdb']"]


def test_a_run_loads_what_only_some_runs_need_when_they_need_it() -> None:
    """Neither Arrow's functions, by which files are merged, nor the library of metrics is loaded for every run."""
    needed = "collector.run.collect, collector.after_run.steps"
    code = f"import sys, {needed}; print({{'pyarrow', 'pyarrow.compute', 'prometheus_client'}} & set(sys.modules))"
    done = run_python(code)
    assert done.stdout.strip() == "{'pyarrow'}"


def test_memory_that_arrow_frees_goes_back_to_the_system() -> None:
    """A process that is begun as the command line begins it has Arrow take memory from the system."""
    code = """if True:
        from collector.cli.process import start_process
        start_process()
        import pyarrow
        print(pyarrow.default_memory_pool().backend_name)
    """
    done = run_python(code)
    assert done.stdout.strip() == "system"

"""Write the generated documents, and the generated parts of docs/architecture.md, from the program: `make docs`."""

import ast
import re
from functools import partial
from pathlib import Path

from collector.cli.man_pages import man_pages
from collector.cli.tables import markdown
from collector.query import dictionary
from collector.query.questions import Questions
from collector.query.sql_files import sql_folder

HERE = Path(__file__).parent
ROOT = HERE.parent
_GENERATED = "<!-- Written by `make docs`; do not edit. -->\n"


def tables() -> str:
    """Return the data dictionary."""
    parts = [
        f"{_GENERATED}# The tables and views\n",
        "The output of `collector tables`: every table and view of a lake, with every column. Missing and null are "
        "both NULL; timestamps are UTC. Each run adds rows to the tables; the views are made from them.\n",
        *map(markdown, dictionary.tables()),
        "# The views\n",
        "`sql/clean` and `sql/facts` hold their SQL. A name means the same thing in each view, "
        "unless it says otherwise.\n",
        *map(markdown, dictionary.views()),
    ]
    return "\n".join(parts)


def questions() -> str:
    """Return the questions, each with its parameters."""
    parts = [
        f"{_GENERATED}# The questions\n",
        "`collector ask NAME --param name=value` answers one; `--show` prints its SQL, `--run` selects another run. "
        "The columns named here are shown on every terminal; `--format json` has more.\n",
    ]
    for name, question in Questions(sql_folder()).all.items():
        lines = [f"## {name}", "", question.description, "", f"Topic {question.topic}; {', '.join(question.answer)}."]
        if question.parameters:
            lines.append("")
        for each in question.parameters:
            how = "required" if each.required else f"default {_default(each.default)}"
            takes = f"; one of {', '.join(map(_default, each.choices))}" if each.choices else ""
            lines.append(f"* `{each.name}` ({each.type}, {how}{takes}): {each.description}")
        if question.rule:
            lines += ["", f"Rule: {question.rule}"]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def architecture() -> str:
    """Return docs/architecture.md with its generated parts."""
    text = (HERE / "architecture.md").read_text(encoding="utf-8")
    for name, lines in {"floors": floors(), "house": house()}.items():
        before, _, rest = text.partition(f"<!-- {name}: ")
        comment, _, rest = rest.partition("\n")
        text = f"{before}<!-- {name}: {comment}\n{lines}<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return text


def floors() -> str:
    """Return the floors of tests/test_floors.py as a table, the top floor first."""
    module = ast.parse((ROOT / "tests" / "test_floors.py").read_text(encoding="utf-8"))
    found: dict[str, list[str]] = next(
        ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "FLOORS"
    )
    rows = [f"| {floor} | {', '.join(f'`{name}`' for name in modules)} |" for floor, modules in reversed(found.items())]
    return "\n".join(["| floor | modules |", "| --- | --- |", *rows, ""])


def house() -> str:
    """Return a list of every module of the package with the first sentence of its docstring."""
    lines = []
    for folder in sorted({path.parent for path in (ROOT / "collector").rglob("*.py")}):
        lines += [f"\n**{folder.relative_to(ROOT)}/** {first_sentence(folder / '__init__.py')}\n"]
        modules = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
        lines += [f"* `{path.name}`: {first_sentence(path)}" for path in modules]
    return "\n".join(lines).lstrip() + "\n"


def first_sentence(path: Path) -> str:
    """Return the first sentence of a module's docstring on one line."""
    text = " ".join((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.?!])\s+(?=[A-Z`])", text)[0]


def _default(value: object) -> str:
    return "none" if value is None else f"`{value}`" if value != "" else "empty"


DOCUMENTS = {"tables.md": tables, "questions.md": questions, "architecture.md": architecture}
DOCUMENTS |= {f"man/{name}": partial(str, text) for name, text in man_pages().items()}

if __name__ == "__main__":
    for name, make in DOCUMENTS.items():
        (HERE / name).write_text(make(), encoding="utf-8")

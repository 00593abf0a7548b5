"""Writes docs/tables.md and docs/questions.md from the program itself: `make docs`. A test compares."""

from pathlib import Path

from collector.cli.tables import markdown
from collector.lake.tables import TABLES
from collector.query.questions import Questions
from collector.query.sql_files import sql_folder

HERE = Path(__file__).parent
_MADE = "<!-- Made by `make docs`; do not edit. -->\n"


def tables() -> str:
    """The data dictionary."""
    return (
        f"{_MADE}# The tables\n\n"
        "What `collector tables` says: every table and column of a lake. "
        "Missing and null are both NULL; timestamps are UTC.\n\n" + markdown(list(TABLES.values()))
    )


def questions() -> str:
    """The questions, each with its parameters."""
    parts = [
        f"{_MADE}# The questions\n",
        "`collector ask NAME --param name=value` answers one; `--show` prints its SQL, `--run` asks about another night.\n",
    ]
    for name, question in Questions(sql_folder()).all.items():
        lines = [f"## {name}", "", question.description]
        for each in question.parameters:
            how = "required" if each.required else f"default {_default(each.default)}"
            lines += [
                "" if each is question.parameters[0] else None,
                f"* `{each.name}` ({each.type}, {how}): {each.description}",
            ]
        parts.append("\n".join(line for line in lines if line is not None) + "\n")
    return "\n".join(parts)


def _default(value: object) -> str:
    return "none" if value is None else f"`{value}`" if value != "" else "empty"


MADE = {"tables.md": tables, "questions.md": questions}

if __name__ == "__main__":
    for name, make in MADE.items():
        (HERE / name).write_text(make(), encoding="utf-8")

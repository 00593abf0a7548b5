"""The commands of `collector shell` that are not SQL: ask, .tables, .schema, \\d, .help."""

import shlex
import sys
from typing import TYPE_CHECKING, Final

from collector.cli import terminal
from collector.cli.ask import footer, parse_parameters
from collector.cli.output import show_rows, show_text
from collector.cli.question_help import program_questions, question_list
from collector.errors import QueryError, UsageError
from collector.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from collector.query.reader import LakeReader

GREETING: Final = "Type one SELECT and end it with a semicolon, `ask` or `.help`. Tab completes; Ctrl-D exits.\n"
_HELP: Final = """\
SELECT …;                   answer it; a statement may have several lines, Ctrl-C drops it
ask                         list the questions
ask QUESTION [NAME=VALUE]…  answer a question
.tables, \\dt                list the tables and views
.schema NAME, \\d NAME       list the columns of a table or view
.help, \\?                   show this list
.exit, \\q, Ctrl-D           exit
Long answers are shown by $PAGER, or less; PAGER=cat shows them at once.
"""
_EXITS: Final = ("exit", "quit", ".exit", ".quit", "\\q")


def words() -> set[str]:
    """Return what Tab completes beside SQL: the commands and the questions."""
    return {"ask", ".tables", ".schema", ".help", ".exit", *program_questions().all}


def is_exit(line: str) -> bool:
    """Return whether a line ends the prompt."""
    return line.strip().rstrip(";").lower() in _EXITS


def run(reader: "LakeReader", line: str) -> bool:
    """Carry out a command; return False for a line that is none."""
    command, _, rest = line.rstrip(";").partition(" ")
    rest = rest.strip()
    match command.lower():
        case "ask":
            _ask(reader, rest)
        case ".help" | "\\?":
            show_text(_HELP)
        case ".schema" | "\\d" if rest:
            _show_columns(reader, rest)
        case ".tables" | ".schema" | "\\d" | "\\dt":
            show_text("".join(f"{name}\n" for name in reader.views()))
        case other if other.startswith((".", "\\")):
            raise UsageError(f"There is no command {command!r}.", ".help lists them.")
        case _:
            return False
    return True


def _ask(reader: "LakeReader", rest: str) -> None:
    try:
        name, *pairs = shlex.split(rest) or [""]
    except ValueError as error:
        raise UsageError(f"The line cannot be read: {error}.", "Close the quotes.") from error
    width = terminal.width_of(sys.stdout)
    if not name:
        show_text(question_list(width))
        return
    answer = reader.ask_with(name, parse_parameters(pairs))
    asked = program_questions()[name]
    show_rows(answer.table, asked.answer, footer(answer, width), oldest_first=asked.is_oldest_first)


def _show_columns(reader: "LakeReader", name: str) -> None:
    from collector.cli.text_table import draw_list, wrap
    from collector.query import dictionary

    width = terminal.width_of(sys.stdout)
    for found in (*dictionary.tables(), *dictionary.views([name])):
        if found.name == name:
            rows = [(f"  {column.name}", column.type, column.meaning) for column in found.columns]
            show_text(wrap(f"{name}: {found.grain}\n", width) + draw_list(rows, width))
            return
    advice = f"{did_you_mean(name, reader.views())}.tables lists them."
    raise QueryError(f"there is no table or view {name!r}", advice=advice)

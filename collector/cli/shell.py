"""The interactive prompt of `collector shell`: the duckdb command line where it is installed, else a small
one of ours.

Ours has the same powers as `collector sql`: it reads. The duckdb command line opens the catalogue read-only.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collector.cli import failures, terminal
from collector.cli import output as rows
from collector.errors import CollectorError

if TYPE_CHECKING:
    from collector.query.reader import LakeReader

_KEYWORDS: Final = tuple(
    sorted(
        {"all", "and", "as", "asc", "avg", "case", "count", "desc", "describe", "distinct", "else", "end", "from"}
        | {"group by", "having", "in", "is null", "join", "left join", "like", "limit", "max", "min", "not", "on"}
        | {
            "or",
            "order by",
            "select",
            "show tables",
            "sum",
            "summarize",
            "then",
            "union",
            "using",
            "when",
            "where",
            "with",
        }
    )
)
_HELP: Final = "One SELECT, ended with a semicolon. Tables and views complete with Tab; `exit` or Ctrl-D leaves.\n"


def converse(reader: "LakeReader", lake: Path) -> int:
    """Read statements and answer them until the end of input."""
    views = reader.views()  # opens the lake, so that a missing one is told at once
    if not sys.stdin.isatty():
        return _from(sys.stdin.read().split(";"), reader)
    official = shutil.which("duckdb")
    catalogue = lake / "catalog.duckdb"
    if official and catalogue.is_file():
        sys.stdout.flush()
        os.execv(official, [official, "-readonly", str(catalogue)])
    return _prompt(reader, views)


def _from(statements: list[str], reader: "LakeReader") -> int:
    for statement in statements:
        if statement.strip():
            sys.stdout.write(rows.as_text(reader.sql(statement).table, terminal.width_of(sys.stdout)))
    return 0


def _prompt(reader: "LakeReader", views: list[str]) -> int:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory

    from collector.lake.tables import TABLES

    columns = {column.name for table in TABLES.values() for column in table.columns}
    past = _history_file()
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(past)),
        completer=WordCompleter(sorted({*views, *columns, *_KEYWORDS}), ignore_case=True),
    )
    sys.stdout.write(_HELP)
    written = ""
    while True:
        try:
            line = session.prompt("     ...> " if written else "collector> ")
        except KeyboardInterrupt:
            written = ""
            continue
        except EOFError:
            return 0
        if not written and line.strip().rstrip(";").lower() in ("exit", "quit", ".exit", ".quit"):
            return 0
        written += line + "\n"
        if written.strip() and written.rstrip().endswith(";"):
            _answer(reader, written.rstrip().rstrip(";"))
            written = ""


def _answer(reader: "LakeReader", statement: str) -> None:
    """A mistake is told and forgiven: the prompt goes on."""
    try:
        _from([statement], reader)
    except CollectorError as error:
        failures.report(error)


def _history_file() -> Path:
    """Where typed statements are remembered (XDG base directories), readable by their writer only."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    past = Path(state) / "collector" / "history"
    past.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    past.touch(mode=0o600)
    return past

"""`collector shell`: an SQL prompt, that of the duckdb command line where it is installed, else a small one.

Both only read: the small one does what `collector sql` does, and the duckdb command line opens the catalog read-only.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from collector.cli import failures, options
from collector.cli.ask import open_reader
from collector.cli.output import write_rows
from collector.errors import CollectorError

if TYPE_CHECKING:
    from collector.query.reader import LakeReader

_HELP: Final = "Type one SELECT and end it with a semicolon. Tab completes names; `exit` or Ctrl-D exits.\n"


def shell(lake: options.Lake = None, config: options.Config = None) -> int:
    """Open an SQL prompt on the lake. It is the duckdb command line where that is installed."""
    reader = open_reader(lake, config)
    views = reader.views()  # opens the lake, so that a missing one is reported at once
    if not sys.stdin.isatty():
        for statement in sys.stdin.read().split(";"):
            _answer(reader, statement)
        return 0
    duckdb = shutil.which("duckdb")
    place = options.lake_path(lake, config)
    if duckdb and isinstance(place, Path) and (catalog := place / "catalog.duckdb").is_file():
        sys.stdout.flush()
        os.execv(duckdb, [duckdb, "-readonly", str(catalog)])
    _prompt(reader, views)
    return 0


def _answer(reader: "LakeReader", statement: str) -> None:
    if statement.strip():
        write_rows(reader.sql(statement).table, options.RowFormat.text, None)


def _prompt(reader: "LakeReader", views: list[str]) -> None:
    """Answer statements until the end of input; a mistake in one is reported and the next is asked for."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory

    from collector.lake.tables import TABLES

    # The file of typed statements, in the XDG state directory, which only its owner may read.
    history = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state", "collector", "history")
    history.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    history.touch(mode=0o600)
    columns = {column.name for table in TABLES.values() for column in table.columns}
    keywords = reader.sql("select keyword_name from duckdb_keywords()").table["keyword_name"].to_pylist()
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(history)),
        completer=WordCompleter(sorted({*views, *columns, *keywords}), ignore_case=True),
    )
    sys.stdout.write(_HELP)
    statement = ""
    while True:
        try:
            line = session.prompt("     ...> " if statement else "collector> ")
        except KeyboardInterrupt:
            statement = ""
            continue
        except EOFError:
            return
        if not statement and line.strip().rstrip(";").lower() in ("exit", "quit", ".exit", ".quit"):
            return
        statement += line + "\n"
        if statement.rstrip().endswith(";"):
            try:
                _answer(reader, statement.rstrip().rstrip(";"))
            except CollectorError as error:
                failures.report(error)
            statement = ""

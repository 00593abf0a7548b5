"""`collector shell`: an SQL prompt with the commands that people know from sqlite3, psql and duckdb.

It only reads, as `collector sql` does. With --duckdb it is the duckdb command line, on the catalog opened read-only.
"""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import failures, options, shell_commands
from collector.cli.ask import open_reader
from collector.cli.output import show_rows
from collector.errors import CollectorError, UsageError
from collector.settings.lake_place import LakePlace, LakeUrl

if TYPE_CHECKING:
    from collector.query.reader import LakeReader


def shell(
    duckdb: Annotated[
        bool, typer.Option("--duckdb", help="Open the duckdb command line, which must be installed, instead.")
    ] = False,
    lake: options.Lake = None,
    config: options.Config = None,
) -> int:
    """Open an SQL prompt on the lake. It answers SELECTs and `ask QUESTION`, and knows .tables, .schema and .help."""
    reader = open_reader(lake, config)
    views = reader.views()  # opens the lake, so that a missing one is reported at once
    if duckdb:
        _become_duckdb(options.lake_path(lake, config))
    if sys.stdin.isatty():
        _prompt(reader, views)
    else:
        _answer_all(reader, sys.stdin)
    return 0


def _become_duckdb(place: LakePlace) -> None:
    if isinstance(place, LakeUrl):
        raise UsageError(
            "--duckdb needs a lake on this machine.",
            f"A duckdb with the extension httpfs attaches {place}/catalog.duckdb.",
        )
    program, catalog = shutil.which("duckdb"), place / "catalog.duckdb"
    if program is None or not catalog.is_file():
        missing = "The duckdb command line is not installed" if program is None else f"{catalog} does not exist"
        raise UsageError(f"{missing}.", "`collector shell` without --duckdb needs neither.")
    sys.stdout.flush()
    os.execv(program, [program, "-readonly", str(catalog)])


def _answer_all(reader: "LakeReader", lines: Iterable[str]) -> None:
    """Answer the statements and commands of a pipe; a mistake ends it."""
    statement = ""
    for line in lines:
        if statement.strip() or not shell_commands.run(reader, line.strip()):
            *whole, statement = (statement + line).split(";")
            for text in whole:
                _answer(reader, text)
    _answer(reader, statement)


def _answer(reader: "LakeReader", statement: str) -> None:
    if statement.strip():
        show_rows(reader.sql(statement).table)


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
    words = {*views, *columns, *keywords, *shell_commands.words()}
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(history)), completer=WordCompleter(sorted(words), ignore_case=True)
    )
    sys.stdout.write(shell_commands.GREETING)
    statement = ""
    while True:
        try:
            line = session.prompt("     ...> " if statement else "collector> ")
        except KeyboardInterrupt:
            statement = ""
            continue
        except EOFError:
            return
        if not statement and shell_commands.is_exit(line):
            return
        try:
            if not statement and shell_commands.run(reader, line.strip()):
                continue
            statement += line + "\n"
            if statement.rstrip().endswith(";"):
                whole, statement = statement.rstrip().rstrip(";"), ""
                _answer(reader, whole)
        except CollectorError as error:
            failures.report(error)

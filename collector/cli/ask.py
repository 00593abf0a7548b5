"""`collector ask`, `sql` and `shell`: answers from the lake."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import options, terminal
from collector.errors import UsageError

if TYPE_CHECKING:
    from collector.query.answer import Answer
    from collector.query.questions import Questions
    from collector.query.reader import LakeReader


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("ask")(ask)
    app.command("sql")(sql)
    app.command("shell")(shell)


Run = Annotated[
    str, typer.Option("--run", metavar="RUN", help="The night asked about: a run_id, a date (YYYY-MM-DD) or latest.")
]


def ask(
    question: Annotated[
        str | None, typer.Argument(metavar="[QUESTION]", help="Without one, the questions are listed.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter of the question; repeatable.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the questions.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print the question's SQL, to copy and change.")] = False,
    run: Run = "latest",
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.RowsFormat = options.RowFormat.text,
    output: options.Output = None,
) -> int:
    """Answer a question about the lake; without a name, list the questions."""
    if question is None or listed:
        _list(None if question is None else [question], lake, config, form, output)
        return 0
    if show:
        # The SQL belongs to the program: it can be read before there is a lake.
        sys.stdout.write(_questions()[question].sql.rstrip() + "\n")
        return 0
    answer = _reader(lake, config).ask_with(question, parameters(param or []), run=run)
    _give(answer, form, output)
    return 0


def sql(
    statement: Annotated[
        str, typer.Argument(metavar="SQL|-", help="One SELECT; - (or nothing, in a pipe) reads it from stdin.")
    ] = "-",
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.RowsFormat = options.RowFormat.text,
    output: options.Output = None,
) -> int:
    """Answer any SELECT over the tables and views; nothing can be changed by it."""
    # At a terminal with nothing to read, waiting for input would look like hanging.
    text = statement if statement != "-" else "" if sys.stdin.isatty() else sys.stdin.read()
    if not text.strip():
        raise UsageError("There is no SQL.", 'Write it in quotes: collector sql "select * from runs".')
    from collector.cli import output as rows

    reader = _reader(lake, config)
    if form in (options.RowFormat.text, options.RowFormat.markdown):
        answer = reader.sql(text)
        rows.write(answer.table, form, output)
        if form is options.RowFormat.text and output is None:
            _note(_counted(answer.table.num_rows))
    else:
        rows.write(reader.stream(text), form, output)
    return 0


def shell(lake: options.Lake = None, config: options.Config = None) -> int:
    """Open an interactive SQL prompt on the lake (the duckdb command line where it is installed)."""
    from collector.cli.shell import converse

    return converse(_reader(lake, config), options.lake_path(lake, config))


def parameters(written: list[str]) -> dict[str, str]:
    """`name=value` pairs as a mapping; raises UsageError for anything else."""
    found: dict[str, str] = {}
    for pair in written:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--param {pair!r} is not NAME=VALUE.", "Write it like --param days=7.")
        if name.strip() in found:
            raise UsageError(f"--param {name.strip()} is given twice.", "Give it once.")
        found[name.strip()] = value
    return found


def in_words(answer: "Answer", width: int | None, most: int | None = None) -> str:
    """An answer for a person: the rows, how many, from which night, and what that night is missing."""
    from collector.cli import output as rows

    table = answer.table if most is None else answer.table.slice(0, most)
    text = rows.as_text(table, width)
    left = answer.table.num_rows - table.num_rows
    return text + (f"… and {left:,} more\n" if left else "") + _foot(answer) + "\n"


def _give(answer: "Answer", form: options.RowFormat, output: str | None) -> None:
    from collector.cli import output as rows

    rows.write(answer.table, form, output)
    if form is options.RowFormat.text and output is None:
        sys.stdout.write(_foot(answer) + "\n")
    elif answer.missing:
        # The rows must stay machine-readable, and the gap must not stay unsaid.
        _note(_foot(answer))


def _foot(answer: "Answer") -> str:
    if answer.run is None:
        return f"{_counted(answer.table.num_rows)} · no night has been published yet"
    run = answer.run
    said = f"{_counted(answer.table.num_rows)} · run {run.run_id} ({run.run_date}, {run.status})"
    if not answer.missing:
        return said
    gaps = ", ".join(f"{gap.count:,} {gap.level} {gap.coverage}" for gap in answer.missing)
    return f"{said}\nThis night is incomplete: {gaps}. `collector ask coverage_last_night` says which."


def _counted(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _note(text: str) -> None:
    sys.stderr.write("".join(terminal.escape(line) + "\n" for line in text.split("\n")))


def _questions() -> "Questions":
    from collector.query.questions import Questions
    from collector.query.sql_files import sql_folder

    return Questions(sql_folder())


def _reader(lake: str | None, config: str | None) -> "LakeReader":
    from collector.query.reader import open_lake

    opened = options.open_lake(lake, config)
    options.settle_catalog(opened)
    return open_lake(opened.path)


def _list(
    only: list[str] | None, lake: str | None, config: str | None, form: options.RowFormat, output: str | None
) -> None:
    """The questions: one line each for people, everything there is to know for programs."""
    from collector.cli import output as rows

    if form is options.RowFormat.text:
        rows.write_text(_listing(terminal.width_of(sys.stdout)), output)
        return
    import pyarrow as pa

    every = [each for each in _reader(lake, config).questions() if only is None or each["name"] in only]
    rows.write(pa.Table.from_pylist(every), form, output)


def _listing(width: int | None) -> str:
    import textwrap

    questions = _questions().all
    widest = max((len(name) for name in questions), default=0)
    lines = []
    for name, question in questions.items():
        takes = ", ".join(each.name + ("" if each.required else "?") for each in question.parameters)
        said = question.description + (f" [{takes}]" if takes else "")
        room = max(30, width - widest - 2) if width else 10_000
        first, *rest = textwrap.wrap(said, room) or [""]
        lines.append(f"{name:<{widest}}  {first}")
        lines += [" " * (widest + 2) + line for line in rest]
    return "".join(line + "\n" for line in lines)

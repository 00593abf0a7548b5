"""`collector ask`: answers to the questions of sql/questions, and their list."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import completion, options, terminal
from collector.cli.failures import keep_exit_code
from collector.cli.output import write_rows, write_text
from collector.cli.question_help import program_questions, question_help, question_list
from collector.errors import UsageError
from collector.settings.escape import escape

if TYPE_CHECKING:
    from collector.query.answer import Answer, PlainAnswer
    from collector.query.reader import LakeReader

RunOption = Annotated[
    str,
    typer.Option(
        "--run",
        metavar="RUN",
        help="The run to ask about: a run_id, a date (YYYY-MM-DD) or latest.",
        autocompletion=completion.runs,
    ),
]


def ask(
    question: Annotated[
        str | None,
        typer.Argument(
            metavar="QUESTION", help="The question; default: list the questions.", autocompletion=completion.questions
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="NAME=VALUE",
            help="A parameter of the question; repeatable.",
            autocompletion=completion.parameters,
        ),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the questions.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print the question's SQL, to copy and change.")] = False,
    fail_if_rows: Annotated[
        bool, typer.Option("--fail-if-rows", help="Exit 1 when the answer has rows: a gate in CI.")
    ] = False,
    run: RunOption = "latest",
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            metavar="ADDRESS",
            help="Let a Spark Connect server answer that sees the same files: spark://host:15002 or sc://host:15002.",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Use only what this run itself read, nothing carried (--refresh).")
    ] = False,
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.RowsFormat = None,
    output: options.Output = None,
    explain: Annotated[
        bool, typer.Option("--help", "-h", help="Show this message, or with QUESTION what it asks, takes and answers.")
    ] = False,
    *,
    context: typer.Context,
) -> int:
    """Answer a question about the lake. Without a name, list the questions."""
    form = options.row_format(form, output)
    if explain:
        width = terminal.width_of(sys.stdout)
        write_text(context.get_help() + "\n" if question is None else question_help(question, width), None)
        return 0
    if question is None or listed:
        _list_questions(question, lake, config, form, output)
        return 0
    asked = program_questions()[question]
    if show:
        write_text(asked.sql.rstrip() + "\n", None)
        return 0
    parameters = parse_parameters(param or [])
    answer: Answer | PlainAnswer
    if engine is None:
        reader = open_reader(lake, config)
        # Only a Parquet file is written from Arrow.
        asking = reader.ask_with if form is options.RowFormat.parquet else reader.ask_plainly
        answer = asking(question, parameters, run=run, fresh=fresh)
    elif fresh:
        raise UsageError("--fresh and --engine cannot be combined.", "Leave one out: DuckDB answers with --fresh.")
    else:
        from collector.query.engine.ask import ask_engine

        opened = options.open_lake(lake, config)
        answer = ask_engine(opened, engine, question, parameters, run=run, say=_say)
    with keep_exit_code():
        write_rows(answer.table, form, output, asked.answer, oldest_first=asked.is_oldest_first)
        for note in answer.notes:
            sys.stderr.write(f"{escape(note)}\n")
        _write_footer(answer, form, output)
    return 1 if fail_if_rows and len(answer) else 0


def _write_footer(answer: "Answer | PlainAnswer", form: options.RowFormat, output: str | None) -> None:
    if form is options.RowFormat.text and output is None:
        if not terminal.quiet:
            sys.stdout.write(footer(answer, terminal.width_of(sys.stdout)))
    elif answer.missing or answer.age:
        # The rows must stay readable for programs, and gaps and old rows must be reported all the same.
        sys.stderr.write(footer(answer, terminal.width_of(sys.stderr)))


def _say(what: str) -> None:
    sys.stderr.write(f"collector: {escape(what)}\n")


def open_reader(lake: str | None, config: str | None) -> "LakeReader":
    """Return a reader of the lake that the options name, whose catalog is up to date afterwards."""
    from collector.query.reader import open_lake

    place = options.lake_path(lake, config)
    options.settle_catalog(options.open_lake(lake, config))
    return open_lake(place)


def parse_parameters(pairs: list[str]) -> dict[str, str]:
    """Return NAME=VALUE pairs as a mapping. Raises UsageError for anything else, and for a name that is given twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip()
        if not equals or not name:
            raise UsageError(f"--param {pair!r} is not NAME=VALUE.", "Write it like --param days=7.")
        if name in found:
            raise UsageError(f"--param {name} is given twice.", "Give it once.")
        found[name] = value
    return found


def footer(answer: "Answer | PlainAnswer", width: int | None) -> str:
    """Return how many rows an answer has, how sure they are, of which run, what is missing or old, and its rule."""
    from collector.cli.text_table import wrap
    from collector.query.certainty import rows_in_words

    run = answer.run
    origin = f"run {run.run_id} ({run.run_date}, {run.status})" if run else "no run has been published yet"
    footer = f"{rows_in_words(answer.table)} · {origin}"
    if answer.missing:
        gaps = ", ".join(f"{gap.count:,} {gap.level} {gap.coverage}" for gap in answer.missing)
        footer += f"\nThis run is incomplete: {gaps}. `collector ask coverage_last_night` shows the details."
    age = f" · {answer.age}" if answer.age else ""
    rule = f"\nRule: {answer.rule}" if answer.rule else ""
    return wrap(f"{footer}{age}{rule}\n", width)


def _list_questions(
    only: str | None, lake: str | None, config: str | None, form: options.RowFormat, output: str | None
) -> None:
    """Write one line per question for people, and everything about each of them for programs."""
    if form is options.RowFormat.text:
        write_text(question_list(terminal.width_of(sys.stdout)), output)
        return
    import pyarrow as pa

    if form is options.RowFormat.tsv:
        described = [question.described() for question in program_questions().all.values()]
        rows = [{name: each[name] for name in ("topic", "name", "description")} for each in described]
    else:
        rows = open_reader(lake, config).questions()
    write_rows(pa.Table.from_pylist([row for row in rows if only in (None, row["name"])]), form, output)

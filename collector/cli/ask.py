"""`collector ask`: answers to the questions of sql/questions, and their list."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import options, terminal
from collector.cli.output import write_rows, write_text
from collector.errors import UsageError
from collector.settings.escape import escape

if TYPE_CHECKING:
    from collector.query.questions import Questions
    from collector.query.reader import Answer, LakeReader

RunOption = Annotated[
    str, typer.Option("--run", metavar="RUN", help="The run to ask about: a run_id, a date (YYYY-MM-DD) or latest.")
]


def ask(
    question: Annotated[
        str | None, typer.Argument(metavar="[QUESTION]", help="The question; default: list the questions.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter of the question; repeatable.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the questions.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print the question's SQL, to copy and change.")] = False,
    run: RunOption = "latest",
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.RowsFormat = options.RowFormat.text,
    output: options.Output = None,
) -> int:
    """Answer a question about the lake. Without a name, list the questions."""
    if question is None or listed:
        _list_questions(question, lake, config, form, output)
        return 0
    if show:
        write_text(_questions()[question].sql.rstrip() + "\n", None)
        return 0
    answer = open_reader(lake, config).ask_with(question, parse_parameters(param or []), run=run)
    write_rows(answer.table, form, output)
    for note in answer.notes:
        sys.stderr.write(f"{escape(note)}\n")
    if form is options.RowFormat.text and output is None:
        sys.stdout.write(footer(answer, terminal.width_of(sys.stdout)))
    elif answer.missing:
        # The rows must stay readable for programs, and the gap must be reported all the same.
        sys.stderr.write(footer(answer, terminal.width_of(sys.stderr)))
    return 0


def open_reader(lake: str | None, config: str | None) -> "LakeReader":
    """Return a reader of the lake that the options name, whose catalog is up to date afterwards."""
    from collector.query.reader import open_lake

    opened = options.open_lake(lake, config)
    options.settle_catalog(opened)
    return open_lake(opened.path)


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


def footer(answer: "Answer", width: int | None) -> str:
    """Return how many rows an answer has, how sure they are, by which rule, of which run, and what it is missing."""
    from collector.cli.text_table import wrap
    from collector.query.certainty import rows_in_words

    run = answer.run
    origin = f"run {run.run_id} ({run.run_date}, {run.status})" if run else "no run has been published yet"
    footer = f"{rows_in_words(answer.table)} · {origin}\n"
    if answer.rule:
        footer += f"Rule: {answer.rule}\n"
    if answer.missing:
        gaps = ", ".join(f"{gap.count:,} {gap.level} {gap.coverage}" for gap in answer.missing)
        footer += f"This run is incomplete: {gaps}. `collector ask coverage_last_night` shows the details.\n"
    return wrap(footer, width)


def _questions() -> "Questions":
    """Return the questions of the program, which can be read before there is a lake."""
    from collector.query.questions import Questions
    from collector.query.sql_files import sql_folder

    return Questions(sql_folder())


def _list_questions(
    only: str | None, lake: str | None, config: str | None, form: options.RowFormat, output: str | None
) -> None:
    """Write one line per question for people, and everything about each of them for programs."""
    if form is not options.RowFormat.text:
        import pyarrow as pa

        questions = [each for each in open_reader(lake, config).questions() if only in (None, each["name"])]
        write_rows(pa.Table.from_pylist(questions), form, output)
        return
    from collector.cli.text_table import draw_list

    rows = []
    for name, question in _questions().all.items():
        parameters = ", ".join(each.name + ("" if each.required else "?") for each in question.parameters)
        rows.append((name, question.description + (f" [{parameters}]" if parameters else "")))
    write_text(draw_list(rows, terminal.width_of(sys.stdout)), output)

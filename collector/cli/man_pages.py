"""The man pages, made from the help: `collector.1`, and one page for each command."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import typer

from collector.cli.main import app

_AFTER: Final = "Exit codes: "  # how the epilog of a command begins, if it has one
_SUMMARY: Final = "collect Buddy's promote\\-image actions every night, and ask what changed"


def man_pages() -> Mapping[str, str]:
    """Return each page by its file name."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("collector", [], resilient_parsing=True, help_option_names=["-h", "--help"])
    pages = {"collector.1": _page("collector", _SUMMARY, group, context, _commands(group.commands))}
    for name, command in group.commands.items():
        own = command.make_context(name, [], parent=context, resilient_parsing=True)
        summary = _text(command.get_short_help_str())
        pages[f"collector-{name}.1"] = _page(
            f"collector {name}", summary, command, own, ["SEE ALSO", ".BR collector (1)"]
        )
    return pages


def _page(title: str, summary: str, command: Any, context: Any, last: list[str]) -> str:
    name = title.replace(" ", "-")
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f'.TH {name.upper()} 1 "" collector "collector"', ".SH NAME", f"{_text(name)} \\- {summary}"]
    lines += [".SH SYNOPSIS", f".B {_text(title)}", _text(usage), ".SH DESCRIPTION", *_paragraphs(command.help)]
    lines += [".SH OPTIONS", *_options(command, context)]
    if epilog := command.epilog:
        heading = ".SH EXIT STATUS" if epilog.startswith(_AFTER) else ".SH NOTES"
        lines += [heading, *_paragraphs(epilog.removeprefix(_AFTER))]
    return "\n".join([*lines, f".SH {last[0]}", *last[1:]]) + "\n"


def _commands(commands: Mapping[str, Any]) -> list[str]:
    lines = ["COMMANDS"]
    for name, command in commands.items():
        lines += [".TP", f".BR collector\\-{_text(name)} (1)", _text(command.get_short_help_str())]
    return lines


def _options(command: Any, context: Any) -> Iterator[str]:
    """Yield what the help says of each argument and option."""
    for parameter in command.get_params(context):
        names, about = parameter.get_help_record(context) or ("", "")
        if names:
            yield from (".TP", f".B {_text(names)}", _text(" ".join(about.split())))


def _paragraphs(text: str | None) -> Iterator[str]:
    for paragraph in (text or "").split("\n\n"):
        yield from (".PP", _text(" ".join(paragraph.split())))


def _text(text: str) -> str:
    """Return text that troff shows as it is."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped

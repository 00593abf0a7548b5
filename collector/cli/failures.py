"""How a failure is told: one paragraph on stderr that says what happened and what to do, and an exit code."""

import sys
import textwrap
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from typer.exceptions import TyperException

from collector.cli import terminal
from collector.cli.streams import StdoutError
from collector.errors import CollectorError, NotPublished, SettingsError, UsageError

# The promise that scripts rely on; the README's table and `collect --help` are made from it.
EXIT_CODES: Final = {
    0: "published, complete",
    1: "published, partial (problems recorded)",
    2: "settings or usage",
    3: "not published, resumable",
    4: "refused by Buddy (token, scope) with nothing to publish",
    5: "another run holds the lake",
    6: "failed a blocking check, nothing published",
    130: "interrupted, resumable",
}


def report(error: CollectorError) -> int:
    """Tell an understood failure; returns its exit code."""
    from collector.cli import logging as logs

    if logs.for_programs():
        logs.failed(error.exit_code, str(error), error.advice)
    else:
        _tell(paragraph(str(error), error.advice))
    return error.exit_code


def report_usage(wrong: TyperException) -> int:
    """Tell what is wrong with a command line; returns 2."""
    context = getattr(wrong, "ctx", None)
    command = context.command_path if context is not None else "collector"
    _tell(paragraph(_words(wrong), f"`{command} --help` shows what can be said."))
    return UsageError.exit_code


def report_unexpected(bug: Exception) -> int:
    """Tell a failure that nobody foresaw, with its traceback but no variables; returns 3, for nothing was
    published by it.
    """
    from collector.cli import logging as logs

    what, advice = ("This is a fault of the program, not of yours", "What was published before stands. Please report ")
    look = "they hold no token, but look before you post."
    if logs.for_programs():
        logs.failed(NotPublished.exit_code, what, f"{advice}the exception; {look}", bug)
    else:
        lines = traceback.format_exception(bug)
        sys.stderr.write(terminal.without_secrets("".join(lines)))
        _tell(paragraph(what, f"{advice}the lines above; {look}"))
    return NotPublished.exit_code


def output_failed(error: StdoutError) -> int:
    """Tell that what a command shows could not be written (`> FILE` on a full disk) and return 2; a reader that has had
    enough (`| head`) is no failure: nothing is said and 0 is returned.
    """
    if error.reader_left:
        return 0
    return report(
        SettingsError(
            f"The output could not be written: {error.strerror}.",
            "Make room where it goes, or send it elsewhere, and run the command again.",
        )
    )


@contextmanager
def done_anyway() -> Iterator[None]:
    """Around a command that says what it did: what cannot be written of that is a warning, and the exit code stays."""
    try:
        yield
        sys.stdout.flush()
    except StdoutError as error:
        if not error.reader_left:
            _tell(paragraph(f"The output could not be written: {error.strerror}.", "The command did its work."))


@contextmanager
def until_reader_leaves() -> Iterator[None]:
    """Around the output of a command whose exit code is an answer by itself: a reader that leaves does not change it."""
    try:
        yield
        sys.stdout.flush()
    except StdoutError as error:
        if not error.reader_left:
            raise


def paragraph(message: str, advice: str) -> str:
    """`collector: Message. Advice.` as one paragraph that a terminal cannot be tricked by."""
    said = " ".join(_sentence(part) for part in (message, advice) if part.strip())
    return f"collector: {terminal.escape(terminal.without_secrets(said))}"


def _sentence(text: str) -> str:
    words = " ".join(text.split())
    # A path or a flag keeps its spelling; a word begins the sentence with a capital.
    first = words[:1].upper() + words[1:] if words.split(" ")[0].isalpha() else words
    return first if first.endswith((".", "!", "?", ":")) else first + "."


def _words(wrong: TyperException) -> str:
    describe = getattr(wrong, "format_message", None)
    return str(describe()) if callable(describe) and str(describe()) else "The command line cannot be understood"


def _tell(text: str) -> None:
    width = terminal.width_of(sys.stderr)
    sys.stderr.write((text if width is None else textwrap.fill(text, width, break_long_words=False)) + "\n")
    sys.stderr.flush()

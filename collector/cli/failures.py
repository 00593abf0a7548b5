"""How a failure is reported: one paragraph on stderr that says what happened and what to do, and an exit code."""

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
from collector.settings.escape import escape

# Scripts rely on these codes; the README's table and `collect --help` are made from them.
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


def report_failure(error: CollectorError) -> int:
    """Report an expected failure and return its exit code."""
    from collector.cli import logging as logs

    if logs.is_json():
        logs.log_failure(error.exit_code, str(error), error.advice)
    else:
        _write_paragraph(str(error), error.advice)
    return error.exit_code


def report_usage(error: TyperException) -> int:
    """Report a command line that cannot be parsed and return 2."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "collector"
    format_message = getattr(error, "format_message", str)
    message = str(format_message()) or "The command line cannot be parsed"
    _write_paragraph(message, f"`{command} --help` lists the options.")
    return UsageError.exit_code


def report_unexpected(error: Exception) -> int:
    """Report a bug with its traceback, but without variables, and return 3, because nothing was published."""
    from collector.cli import logging as logs

    message = "This is a bug in the program"
    advice = "Everything published before is unchanged. Please report the {}; it holds no token, but check it first."
    if logs.is_json():
        logs.log_failure(NotPublished.exit_code, message, advice.format("exception"), error)
    else:
        sys.stderr.write(terminal.without_secrets("".join(traceback.format_exception(error))))
        _write_paragraph(message, advice.format("traceback above"))
    return NotPublished.exit_code


def report_output_error(error: StdoutError) -> int:
    """Report that stdout could not be written (`> FILE` on a full disk) and return 2.

    When the reader of a pipe has ended (`| head`), nothing is reported and 0 is returned.
    """
    if error.reader_left:
        return 0
    return report_failure(
        SettingsError(
            f"The output could not be written: {error.strerror}.",
            "Free some space there, or write it elsewhere, and run the command again.",
        )
    )


@contextmanager
def warn_on_output_error() -> Iterator[None]:
    """Around a command that reports what it did: a failure to write the report is a warning; the exit code stays."""
    try:
        yield
        sys.stdout.flush()
    except StdoutError as error:
        if not error.reader_left:
            _write_paragraph(f"The output could not be written: {error.strerror}.", "The command was carried out.")


@contextmanager
def ignore_closed_pipe() -> Iterator[None]:
    """Around the output of a command whose exit code is a result: a reader that ends early does not change the code."""
    try:
        yield
        sys.stdout.flush()
    except StdoutError as error:
        if not error.reader_left:
            raise


def _write_paragraph(message: str, advice: str) -> None:
    """Write `collector: Message. Advice.` to stderr, without secrets and escaped, wrapped on a terminal."""
    text = " ".join(_sentence(part) for part in (message, advice) if part.strip())
    text = f"collector: {escape(terminal.without_secrets(text))}"
    width = terminal.width_of(sys.stderr)
    sys.stderr.write((text if width is None else textwrap.fill(text, width, break_long_words=False)) + "\n")
    sys.stderr.flush()


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    # A word begins the sentence with a capital; a path or a flag keeps its spelling.
    if text.split(" ")[0].isalpha():
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", ":")) else text + "."

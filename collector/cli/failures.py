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

# Scripts rely on these codes; the table in docs/commands.md and `collect --help` are made from them.
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


def report(error: Exception) -> int:
    """Report a failure and return its exit code; when the reader of stdout has ended (`| head`), report nothing."""
    match error:
        case CollectorError():
            return _report(error.exit_code, str(error), error.advice, error if terminal.verbose else None)
        case StdoutError():
            advice = "Free some space there, or write it elsewhere, and run the command again."
            return 0 if error.reader_left else _report(SettingsError.exit_code, str(error), advice)
        case TyperException():
            command = getattr(getattr(error, "ctx", None), "command_path", "collector")
            _write_paragraph(error.format_message(), f"`{command} --help` lists the options.")
            return UsageError.exit_code
    # A bug: its traceback has no variables, and nothing was published.
    advice = "Everything published is unchanged. Please report the traceback; it holds no token, but check it first."
    return _report(NotPublished.exit_code, "This is a bug in the program", advice, error)


def _report(exit_code: int, message: str, advice: str, exception: Exception | None = None) -> int:
    import structlog

    from collector.cli import logging as logs

    if logs.is_json():
        log = structlog.get_logger()
        log.error("failed", exit_code=exit_code, why=message, advice=advice or None, exc_info=exception)
        return exit_code
    if exception is not None:
        sys.stderr.write(terminal.without_secrets("".join(traceback.format_exception(exception))))
    _write_paragraph(message, advice)
    return exit_code


@contextmanager
def keep_exit_code(*, done: bool = False) -> Iterator[None]:
    """Around the output of a command whose exit code is a result: a reader that ends early does not change the code.

    When the command is `done` and only reports what it did, no failure of the output changes it: others are warnings.
    """
    try:
        yield
        sys.stdout.flush()
    except StdoutError as error:
        if done and not error.reader_left:
            _write_paragraph(str(error), "The command was carried out.")
        elif not error.reader_left:
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

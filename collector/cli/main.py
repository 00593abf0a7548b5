"""The command line: its commands in the order in which people meet them, and how failures become exit codes.

Two rules: nothing heavy is imported here or at the top of a command module, because `collector --help` must answer at
once; and the program exits with no code but those in `EXIT_CODES`.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer._click.core import Context, Parameter
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import Exit

from collector.cli import ask, catalog, collect, compact, demo, doctor, failures, fake_buddy, init, prune  # isort: skip
from collector.cli import completion, options, report, shell, sql, status, tables, terminal, verify  # isort: skip
from collector.cli.given_values import as_given
from collector.errors import Interrupted, UsageError


class Command(TyperCommand):
    """A command whose short help is its first sentence, never cut."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Return the parameters, and `--help`."""
        return as_given(super().get_params(ctx))

    def get_short_help_str(self, limit: int = 0) -> str:
        """Return the first sentence of the help, whatever the `limit`: it is wrapped."""
        return " ".join((self.help or "").split("\n\n")[0].split()).partition(". ")[0].rstrip(".")


class _Program(TyperGroup):
    """The commands, and the options that stand before a command."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Return the parameters, and `--help`."""
        return as_given(super().get_params(ctx))


app = typer.Typer(
    name="collector",
    cls=_Program,
    help="Collect Buddy's promote-image actions every night, keep every run, and ask what changed.",
    add_completion=False,
    rich_markup_mode=None,  # plain help: half the start-up time, and docs/commands.md can be compared with it
    pretty_exceptions_enable=False,  # a pretty traceback prints local variables, tokens among them
)


def _add(command: Callable[..., Any], epilog: str | None = None, *, own_help: bool = False) -> None:
    app.command(cls=Command, epilog=epilog, add_help_option=not own_help)(options.with_common_options(command))


def help(words: Annotated[list[str] | None, typer.Argument(metavar="COMMAND", help="The command.")] = None) -> int:
    """Show the help of a command; `help ask QUESTION` that of a question."""
    return _run_command([*(words or ()), "--help"])


_add(collect.collect, collect.EPILOG)
_add(demo.demo)
_add(ask.ask, own_help=True)
_add(sql.sql)
_add(shell.shell)
_add(report.report)
_add(tables.tables)
_add(catalog.catalog)
_add(status.status, status.EPILOG)
_add(doctor.doctor, "Exit codes: 0 no problem found; 1 warnings; 2 a run would fail.")
_add(verify.verify, "Exit codes: 0 every file is intact; 2 a file is damaged.")
_add(compact.compact)
_add(prune.prune)
_add(init.init)
# The options of `fake-buddy`, and its `--help`, are those of the fake's own argument parser.
_PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True}
app.command(cls=Command, context_settings=_PASS_ON, add_help_option=False)(fake_buddy.fake_buddy)
_add(completion.completion, completion.EPILOG)
_add(help)


def _show_version(requested: bool) -> None:
    if requested:
        from collector.cli.version import version_text

        sys.stdout.write(version_text() + "\n")
        sys.stdout.flush()
        raise Exit(0)


@app.callback()
@options.with_common_options
def _global_options(
    version: bool = typer.Option(
        False,
        "--version",
        "-V",
        help="Show the version and the commit, and exit.",
        callback=_show_version,
        is_eager=True,
    ),
) -> None:
    pass


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code; failures are reported on stderr."""
    terminal.forget_options()
    try:
        return _run_command(argv or ["--help"])
    except Exit as request:
        # `collector` alone shows the help, and fails because a script should notice.
        return request.exit_code if argv else UsageError.exit_code
    except SystemExit as request:
        # The fake's own argument parser ends this way.
        return request.code if isinstance(request.code, int) else 0
    except KeyboardInterrupt:
        return Interrupted.exit_code
    except Exception as error:
        return failures.report(error)


def _run_command(argv: Sequence[str]) -> int:
    # Not `app()`: it would turn a closed pipe into exit code 1, which here means "published, partial".
    command = typer.main.get_command(app)
    if instruction := os.environ.get(completion.VARIABLE):
        return completion.complete(command, instruction)
    width = (terminal.width_of(sys.stdout) or 80) - 2
    names = ["-h", "--help"]
    with command.make_context("collector", list(argv), terminal_width=width, help_option_names=names) as context:
        exit_code = command.invoke(context)
        sys.stdout.flush()
    return exit_code if isinstance(exit_code, int) else 0

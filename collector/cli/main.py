"""The command line: its commands in the order in which people meet them, and how failures become exit codes.

Two rules: nothing heavy is imported here or at the top of a command module, because `collector --help` must answer at
once; and the program exits with no code but those in `EXIT_CODES`.
"""

import sys
from collections.abc import Sequence

import typer
from typer.exceptions import Exit

from collector.cli import ask, catalog, collect, compact, demo, doctor, failures, fake_buddy, init, prune  # isort: skip
from collector.cli import report, shell, sql, status, tables, verify  # isort: skip
from collector.errors import Interrupted, UsageError

app = typer.Typer(
    name="collector",
    help="Collect Buddy's promote-image actions every night, keep every run, and ask what changed.",
    add_completion=False,
    rich_markup_mode=None,  # plain help: half the start-up time, and the README can be compared with it
    pretty_exceptions_enable=False,  # a pretty traceback prints local variables, tokens among them
)
app.command(epilog=collect.EPILOG)(collect.collect)
app.command()(demo.demo)
app.command()(ask.ask)
app.command()(sql.sql)
app.command()(shell.shell)
app.command()(report.report)
app.command()(tables.tables)
app.command()(catalog.catalog)
app.command(epilog=status.EPILOG)(status.status)
app.command(epilog="Exit codes: 0 no problem found; 1 warnings; 2 a run would fail.")(doctor.doctor)
app.command(epilog="Exit codes: 0 every file is intact; 2 a file is damaged.")(verify.verify)
app.command()(compact.compact)
app.command()(prune.prune)
app.command()(init.init)
# The options of `fake-buddy`, and its `--help`, are those of the fake's own argument parser.
_PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True}
app.command(context_settings=_PASS_ON, add_help_option=False)(fake_buddy.fake_buddy)


def _show_version(requested: bool) -> None:
    if requested:
        from collector.cli.version import version_text

        sys.stdout.write(version_text() + "\n")
        sys.stdout.flush()
        raise Exit(0)


@app.callback()
def _global_options(
    version: bool = typer.Option(
        False, "--version", help="Show the version and the commit, and exit.", callback=_show_version, is_eager=True
    ),
) -> None:
    pass


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code; failures are reported on stderr."""
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
    with command.make_context("collector", list(argv)) as context:
        exit_code = command.invoke(context)
        sys.stdout.flush()
    return exit_code if isinstance(exit_code, int) else 0

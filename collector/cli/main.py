"""The program: its commands in the order in which people meet them, and the one place where failures become
exit codes.

Rules for whoever edits this file: nothing heavy is imported here or by the command modules at their top,
because `collector --help` must answer at once; and no exit code but those in `EXIT_CODES` ever leaves the
program.
"""

import io
import sys
from collections.abc import Sequence

import typer
from typer.exceptions import Exit, TyperException

from collector._version import __version__
from collector.cli import ask as asking
from collector.cli import collect as collecting
from collector.cli import compact, demo, doctor, prune, status
from collector.cli import fake_buddy as fake
from collector.cli import init as starting
from collector.cli import report as reporting
from collector.cli import tables as reading
from collector.cli import verify as upkeep
from collector.cli.failures import output_failed, report, report_unexpected, report_usage
from collector.cli.streams import StdoutError
from collector.errors import CollectorError, Interrupted, UsageError

app = typer.Typer(
    name="collector",
    help="Collect Buddy's promote-image actions every night, keep every night, and ask what changed.",
    add_completion=False,
    rich_markup_mode=None,  # plain help: half the start-up time, and the README can be compared with it
    pretty_exceptions_enable=False,  # a pretty traceback prints local variables, tokens among them
)
for _module in (collecting, demo, asking, reporting, reading, status, doctor, upkeep, compact, prune, starting, fake):
    _module.add_to(app)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"collector {__version__}\n")
        sys.stdout.flush()
        raise Exit(0)


@app.callback()
def _global(
    version: bool = typer.Option(
        False, "--version", help="Show the version and leave.", callback=_version, is_eager=True
    ),
) -> None:
    pass


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code; whatever fails is told on stderr."""
    # A name that the terminal's encoding lacks is shown escaped instead of ending the program.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _command(argv or ["--help"])
    except Exit as leaving:
        # A bare `collector` asks for nothing: it shows the help, but a script should notice.
        return leaving.exit_code if argv else UsageError.exit_code
    except SystemExit as leaving:
        # The fake's own command line ends like this.
        return leaving.code if isinstance(leaving.code, int) else 0
    except TyperException as wrong:
        return report_usage(wrong)
    except CollectorError as error:
        return report(error)
    except StdoutError as error:
        return output_failed(error)
    except KeyboardInterrupt:
        return Interrupted.exit_code
    except Exception as bug:
        return report_unexpected(bug)


def _command(argv: Sequence[str]) -> int:
    # Not `app()`: it would turn a closed pipe into exit code 1, which here means "published, partial".
    command = typer.main.get_command(app)
    with command.make_context("collector", list(argv)) as context:
        answer = command.invoke(context)
        sys.stdout.flush()
    return answer if isinstance(answer, int) else 0

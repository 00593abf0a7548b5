"""`python -m collector` and the `collector` script."""

import atexit
import os
import sys
from contextlib import suppress
from typing import NoReturn

from collector.cli.main import run
from collector.cli.streams import prepare_streams


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    prepare_streams()
    leave(run(sys.argv[1:]))


def leave(exit_code: int) -> NoReturn:
    """End the process at once: to take apart all that was imported takes an eighth of the time of most commands.

    What was registered for the end is done, such as removing temporary directories.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # what could not be written was reported
            stream.flush()
    os._exit(exit_code)


if __name__ == "__main__":
    main()

"""`python -m collector` and the `collector` script."""

import sys
from contextlib import suppress

from collector.cli.main import run
from collector.cli.streams import prepare_streams


def main() -> None:
    """Run the command line and exit with its code."""
    prepare_streams()
    exit_code = run(sys.argv[1:])
    with suppress(OSError):  # what could not be written was reported, and the interpreter must not report it again
        sys.stdout.flush()
    sys.exit(exit_code)


if __name__ == "__main__":
    main()

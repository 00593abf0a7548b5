"""`python -m collector` and the `collector` script."""

import sys
from typing import NoReturn

from collector.cli.leaving import leave
from collector.cli.main import run
from collector.cli.streams import prepare_streams


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    prepare_streams()
    leave(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

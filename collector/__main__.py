"""`python -m collector` and the `collector` script."""

import sys

from collector.cli.leaving import leave
from collector.cli.main import run
from collector.cli.streams import prepare_streams


def main() -> None:
    """Run the command line and leave with its exit code."""
    prepare_streams()
    leave(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

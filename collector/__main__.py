"""`python -m collector` and the `collector` script."""

import sys

from collector.cli.leaving import leave
from collector.cli.main import run


def main() -> None:
    """Run the command line and leave with its exit code."""
    leave(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

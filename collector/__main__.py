"""`python -m collector` and the `collector` script."""

import sys
from typing import NoReturn

from collector.cli.main import run
from collector.cli.process import exit_process, start_process
from collector.cli.streams import prepare_streams


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    start_process()
    prepare_streams()
    exit_process(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

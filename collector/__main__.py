"""`python -m collector` and the `collector` script."""

import gc
import sys

from collector.cli.main import run


def main() -> None:
    """Run the command line and leave with its exit code."""
    code = run(sys.argv[1:])
    if "duckdb" in sys.modules:
        # What an error's traceback still holds of a database is freed now: at the interpreter's end the
        # database would complain of it, forty lines below the one paragraph that says what happened.
        gc.collect()
    sys.exit(code)


if __name__ == "__main__":
    main()

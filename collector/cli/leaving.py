"""The end of the process."""

import atexit
import os
import sys
from contextlib import suppress
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process at once: Python would take thousands of modules apart one by one, for nobody.

    And worse, a database that an error's traceback still holds would complain of it, forty lines below the one paragraph
    that says what happened. Whoever asked to be told of the end (temporary directories) is told.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # its reader is gone, or a library has closed it
            stream.flush()
    os._exit(code)

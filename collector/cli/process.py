"""The start and the end of the process."""

import atexit
import gc
import os
import sys
from contextlib import suppress
from typing import Final, NoReturn

# So many new objects before Python looks for cycles among them; by default 700.
_OBJECTS: Final = 20_000


def start_process() -> None:
    """Prepare the process for its imports: to look for garbage among what they make takes a tenth of their time.

    Arrow, which reads this when it is imported, is to take memory from the system: its own allocator keeps what is
    freed, which is some 100 MiB at the end of a large run.
    """
    gc.set_threshold(_OBJECTS)
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def exit_process(exit_code: int) -> NoReturn:
    """End the process at once: to take apart all that was imported takes an eighth of the time of most commands.

    What was registered for the end is done, such as removing temporary directories.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # what could not be written was reported
            stream.flush()
    os._exit(exit_code)

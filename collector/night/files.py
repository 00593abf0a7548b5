"""Files that others read while we write them: whole at every moment, the old content or the new."""

import os
import tempfile
from pathlib import Path

# Read by other users: the node exporter, a mail job.
_MODE = 0o644


def replace_file(path: Path, content: str) -> None:
    """Make `content` (written as UTF-8) the content of `path` in one step; raises OSError and leaves nothing behind."""
    # The name begins with a dot and has another ending, so that no collector of *.prom files picks it up half written.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _MODE)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise

"""The directories of runs in progress: <lake>/runs/<run_id>/ with a journal, staging, and raw replies.

They are local by design: a journal is appended to and cut, which an object store cannot do.
"""

from __future__ import annotations

import datetime as dt
import random
import re
import shutil
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

from collector.errors import LakeError
from collector.lake.local_files import make_directory
from collector.lake.manifest import RUN_ID
from collector.lake.storage import translating

FOLDER = "runs"
STAGING = "staging"
# How the names of a journal, of kept raw replies, and of a journal whose rows failed a check begin.
JOURNAL_PREFIX = "journal"
RAW_PREFIX = "raw"
REJECTED_PREFIX = "rejected"
# In object storage, what shows other machines that a run is in progress and its id taken.
CLAIM = "journal.claim"
# The number of requests that a limited run has sent.
REQUESTS_SENT = "requests-sent"
OWN_PREFIXES = (JOURNAL_PREFIX, REJECTED_PREFIX, RAW_PREFIX, STAGING, REQUESTS_SENT, "spill", "catalog.duckdb")

_RUN_ID = re.compile(RUN_ID)


def new_run_id(now: dt.datetime, rng: random.Random, newest: str | None = None) -> str:
    """Return a run id that sorts after `newest`, the largest id in the lake: `20261123T021500Z-7f3a9c`.

    It holds the time `now` (with a zone) when that is a later second than that of `newest`. Within the same second, and
    when the clock was set back, it is the id that follows `newest`: the order of ids is the order of runs, and
    `started_at` and `run_date` say when a run began.
    """
    run_id = f"{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}-{rng.getrandbits(24):06x}"
    if newest is None or run_id.partition("-")[0] > newest.partition("-")[0]:
        return run_id
    second, _, number = newest.partition("-")
    if number != "ffffff":
        return f"{second}-{int(number, 16) + 1:06x}"
    return f"{started_at(newest) + dt.timedelta(seconds=1):%Y%m%dT%H%M%SZ}-000000"


def started_at(run_id: str) -> dt.datetime:
    """Return the time in a run id, UTC: when the run began, unless the clock was set back.

    Raises LakeError when it is not a run id.
    """
    with suppress(ValueError):
        if _RUN_ID.match(run_id):
            return dt.datetime.strptime(run_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    raise LakeError(f"{run_id!r} is not a run id", advice="A run id looks like 20261123T021500Z-7f3a9c.")


class RunDirectories:
    """The directories below <lake>/runs."""

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER

    def path(self, run_id: str) -> Path:
        """Return the directory of a run, whether or not it exists yet."""
        return self._folder / run_id

    def create(self, run_id: str) -> Path:
        """Create the directory of a run with mode 0750 unless it exists. Raises LakeError when runs/ is a link."""
        path = self.path(run_id)
        if self._folder.is_symlink():
            raise LakeError(
                f"{self._folder} is a symbolic link; the collector follows none inside a lake",
                advice="Make it a directory (or a mount); --lake itself may be a link.",
            )
        with translating(path):
            make_directory(path)
        return path

    def staging(self, run_id: str) -> Path:
        """Return the directory of a run's staged rows."""
        return self.path(run_id) / STAGING

    def all(self) -> list[str]:
        """Return the runs that have a directory, oldest first, without other names and symbolic links."""
        return sorted(self.contents())

    def contents(self) -> dict[str, list[str]]:
        """Return the names in the directory of each run."""
        if not self._folder.is_dir() or self._folder.is_symlink():
            return {}
        with translating(self._folder):
            found = [path for path in self._folder.iterdir() if _RUN_ID.match(path.name)]
            directories = [path for path in found if path.is_dir() and not path.is_symlink()]
            return {path.name: [item.name for item in path.iterdir()] for path in directories}

    def resumable(self, published: Container[str]) -> list[str]:
        """Return the unpublished runs that left a journal, oldest first; the last one is to be resumed."""
        return sorted(
            run_id
            for run_id, names in self.contents().items()
            if run_id not in published and any(name.startswith(JOURNAL_PREFIX) for name in names)
        )

    def remove(self, run_id: str, *, keep_raw: bool = False) -> None:
        """Remove what a run keeps in its directory, with `keep_raw` except its raw replies, and the directory if empty.

        Files of others stay. A directory that does not exist is no error.
        """
        path = self.path(run_id)
        if not path.is_dir() or path.is_symlink() or self._folder.is_symlink():
            return
        with translating(path):
            for item in sorted(path.iterdir()):
                if not item.name.startswith(OWN_PREFIXES) or (keep_raw and item.name.startswith(RAW_PREFIX)):
                    continue
                if item.is_dir() and not item.is_symlink():
                    shutil.rmtree(item)
                else:
                    item.unlink(missing_ok=True)
            if not any(path.iterdir()):
                path.rmdir()

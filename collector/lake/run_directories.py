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
from collector.lake.manifest import RUN_ID
from collector.lake.storage import make_directory, translating

FOLDER = "runs"
STAGING = "staging"
# How the names of a journal, of kept raw replies, and of a journal whose rows failed a check begin.
JOURNAL_PREFIX = "journal"
RAW_PREFIX = "raw"
REJECTED_PREFIX = "rejected"
_OWN_PREFIXES = (JOURNAL_PREFIX, REJECTED_PREFIX, RAW_PREFIX, STAGING, "spill", "catalog.duckdb")

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


def is_file_of_run(path: str) -> bool:
    """Return whether a path relative to the lake is that of a file which a run keeps in its directory."""
    folder, run_id, name, *_ = [*path.split("/"), "", "", ""]
    return folder == FOLDER and _RUN_ID.match(run_id) is not None and name.startswith(_OWN_PREFIXES)


def started_at(run_id: str) -> dt.datetime:
    """Return the time in a run id, UTC: when the run began, unless the clock was set back.

    Raises LakeError when it is not a run id.
    """
    try:
        return dt.datetime.strptime(_require_run_id(run_id)[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        raise _not_a_run_id(run_id) from None


class RunDirectories:
    """The directories below <lake>/runs."""

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER

    def path(self, run_id: str) -> Path:
        """Return the directory of a run, whether or not it exists yet."""
        return self._folder / _require_run_id(run_id)

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
        if not self._folder.is_dir() or self._folder.is_symlink():
            return []
        with translating(self._folder):
            found = [path for path in self._folder.iterdir() if _RUN_ID.match(path.name)]
            return sorted(path.name for path in found if path.is_dir() and not path.is_symlink())

    def resumable(self, published: Container[str]) -> list[str]:
        """Return the unpublished runs that left a journal, oldest first; the last one is to be resumed."""
        return [run_id for run_id in self.all() if run_id not in published and self._holds(run_id, (JOURNAL_PREFIX,))]

    def unfinished(self) -> list[str]:
        """Return the runs that left a journal, also one that was rejected, oldest first."""
        return [run_id for run_id in self.all() if self._holds(run_id, (JOURNAL_PREFIX, REJECTED_PREFIX))]

    def only_raw(self) -> list[str]:
        """Return the runs with raw replies and no journal, as after publishing, oldest first."""
        unfinished = set(self.unfinished())
        return [run_id for run_id in self.all() if run_id not in unfinished and self._holds(run_id, (RAW_PREFIX,))]

    def remove(self, run_id: str, *, keep_raw: bool = False) -> None:
        """Remove what a run keeps in its directory, with `keep_raw` except its raw replies, and the directory if empty.

        Files of others stay. A directory that does not exist is no error.
        """
        path = self.path(run_id)
        if not path.is_dir() or path.is_symlink() or self._folder.is_symlink():
            return
        with translating(path):
            for item in sorted(path.iterdir()):
                if not item.name.startswith(_OWN_PREFIXES) or (keep_raw and item.name.startswith(RAW_PREFIX)):
                    continue
                if item.is_dir() and not item.is_symlink():
                    shutil.rmtree(item)
                else:
                    item.unlink(missing_ok=True)
            if not any(path.iterdir()):
                path.rmdir()

    def remove_empty(self) -> bool:
        """Remove the folder of all runs if it is empty, and return whether it is gone."""
        with suppress(OSError):
            self._folder.rmdir()
        return not self._folder.exists()

    def _holds(self, run_id: str, prefixes: tuple[str, ...]) -> bool:
        with translating(self.path(run_id)):
            return any(item.name.startswith(prefixes) for item in self.path(run_id).iterdir())


def _require_run_id(run_id: str) -> str:
    if not _RUN_ID.match(run_id):
        raise _not_a_run_id(run_id)
    return run_id


def _not_a_run_id(text: str) -> LakeError:
    return LakeError(f"{text!r} is not a run id", advice="A run id looks like 20261123T021500Z-7f3a9c.")

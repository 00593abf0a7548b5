"""The checks of the place where the lake is or will be: a directory, or object storage and a directory beside it."""

import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from collector.errors import CollectorError, LakeError
from collector.lake.lake import Lake
from collector.lake.lock import holder
from collector.lake.mount_probe import refusals
from collector.lake.sizes import table_sizes
from collector.preflight.doctor_result import DoctorResult, warning_if
from collector.settings.lake_place import LakePlace, LakeUrl

_MIN_FREE_BYTES: Final = 200 * 2**20  # journal, staging and files of a run with tens of thousands of actions


def check_lake(place: LakePlace, output_files: Collection[Path] = ()) -> Iterator[DoctorResult]:
    """Check that the lake can be read and written and that this machine has room for a run."""
    return _check_url(place) if isinstance(place, LakeUrl) else _check_directory(place, output_files)


def _check_url(place: LakeUrl) -> Iterator[DoctorResult]:
    try:
        Lake.check(place)
        lake = Lake.create(place)
        lake.storage.require_conditions()
    except CollectorError as error:
        yield DoctorResult("error", "lake", str(error), error.advice)
        return
    if place.assume_single_writer:
        message = "--assume-single-writer: a run is lost if another machine publishes at the same time"
        advice = "Use it only for a store that ignores conditional puts, and write from one machine."
        yield DoctorResult("warning", "lake", message, advice)
    new = "" if lake.manifest.runs else " (it does not exist yet)"
    yield from _check_file_system(place.work_root, lake, f"{place} can be written{new}")


def _check_directory(path: Path, output_files: Collection[Path]) -> Iterator[DoctorResult]:
    exists = (path / "manifest.json").exists() or any(path.glob("runs/*/journal*"))
    try:
        Lake.check(path, output_files)
        lake = Lake.open(path, published=False) if exists else None
    except LakeError as error:
        yield DoctorResult("error", "lake", str(error), error.advice)
        return
    parent = next(place for place in (path, *path.absolute().parents) if place.exists())
    if (place := _unwritable(parent, path)) is not None:
        advice = "Name another directory with --lake, or give this user write permission."
        yield DoctorResult("error", "lake", f"{place} cannot be written", advice)
        return
    yield from _check_file_system(parent, lake, f"{path} can be written" + ("" if lake else " (it does not exist yet)"))


def _check_file_system(place: Path, lake: Lake | None, writable: str) -> Iterator[DoctorResult]:
    """Check the directory of journals and lock; `writable` says that the lake can be written if that can be."""
    # Permissions alone do not show what a mount supports, so the operations that a run needs are tried.
    refused = list(refusals(place))
    for refusal in refused:
        yield DoctorResult(
            "warning" if refusal.consequence else "error",
            "file system",
            f"the file system of {place} does not {refusal.operation}: {refusal.reason}",
            f"{refusal.consequence or 'A run would fail.'} To avoid this, put the lake on a local disk or another "
            "mount (--lake), or change the options of this mount.",
        )
    if not all(refusal.consequence for refusal in refused):
        return
    yield DoctorResult("ok", "lake", writable)
    yield _check_space(lake, place)
    if lake is None:
        return
    if (running := holder(lake.path)) is not None:
        yield DoctorResult("ok", "lake", f"in use by {running}")
    elif runs := lake.resumable_runs():
        yield DoctorResult("ok", "lake", f"run {runs[-1]} was interrupted; the next `collector collect` resumes it")


def _unwritable(parent: Path, lake: Path) -> Path | None:
    for place in (parent, *lake.glob("runs/**/"), *lake.glob("tables/**/"), *lake.glob(".lock")):
        if not os.access(place, os.W_OK | os.X_OK if place.is_dir() else os.W_OK):
            return place
    return None


def _check_space(lake: Lake | None, parent: Path) -> DoctorResult:
    free = shutil.disk_usage(parent).free
    needed = _MIN_FREE_BYTES
    if lake is not None:
        lake_bytes = sum(size.bytes for size in table_sizes(lake.manifest).values())
        # Journal and staging of a run are several times as large as the files it adds; ten times is a careful bound.
        needed = max(needed, 10 * lake_bytes // max(1, len(lake.manifest.runs)))
    message = f"{free / 2**30:.1f} GiB free; a run temporarily needs about {needed / 2**20:,.0f} MiB"
    advice = "Free some space, or run `collector prune` or `collector compact`."
    return warning_if(free < needed, "space", message, advice)

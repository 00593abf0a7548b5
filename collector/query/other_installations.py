"""A run may have read some of the installations only, where several machines share a lake: the runs of the others."""

from collections.abc import Mapping
from typing import Final

from collector.lake.manifest import Manifest, RunEntry

_NAMED: Final = 3


def other_installations(manifest: Manifest, run: RunEntry | None) -> str | None:
    """Return a sentence that names the last runs of installations that `run` did not read; None where it read all."""
    others = manifest.of_other_installations(run) if run is not None else {}
    if run is None or not others:
        return None
    return (
        f"Run {run.run_id} read {_named(dict.fromkeys(run.installations))} only. The last runs of other installations "
        f"are {_named({name: other.run_id for name, other in others.items()})}: ask about one with --run."
    )


def _named(things: Mapping[str, str | None]) -> str:
    named = [f"{name} {run_id or ''}".rstrip() for name, run_id in sorted(things.items())]
    more = len(named) - _NAMED
    return ", ".join(named[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")

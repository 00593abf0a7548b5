"""What `collector --version` says: the version, and the commit that was installed where that is known."""

import subprocess
from pathlib import Path
from typing import Final

from collector._version import __version__

_PACKAGE: Final = Path(__file__).parents[1]


def version_text(package: Path = _PACKAGE) -> str:
    """Return `collector 0.2.0 (commit 1a2b3c4d5e6f)`; a commit with `-dirty` had uncommitted changes."""
    commit = _commit(package)
    return f"collector {__version__}" + (f" (commit {commit})" if commit else "")


def _commit(package: Path) -> str:
    """Return the commit that the build wrote into the package, or that of the clone it runs in."""
    written = package / "commit.txt"
    if written.is_file():
        return written.read_text(encoding="ascii").strip()
    clone = package.parent
    if not (clone / ".git").exists():
        return ""
    command = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    try:
        done = subprocess.run(command, cwd=clone, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()

"""A hook of the build: writes the commit into the wheel and the sdist, so that `collector --version` can name it.

The commit is `$BUILD_COMMIT` where a container is built without .git, else git's answer. An sdist brings the file.
"""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommitHook(BuildHookInterface):
    """Adds collector/commit.txt to what is built; an editable install asks git when it runs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file beside the build, and name it to hatchling."""
        commit = os.environ.get("BUILD_COMMIT") or self._commit_of_clone()
        if version == "editable" or not commit:
            return
        self._scratch = tempfile.TemporaryDirectory()
        path = Path(self._scratch.name, "commit.txt")
        path.write_text(commit + "\n", encoding="ascii")
        build_data["force_include"][str(path)] = "collector/commit.txt"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the file again."""
        if hasattr(self, "_scratch"):
            self._scratch.cleanup()

    def _commit_of_clone(self) -> str:
        if not Path(self.root, ".git").exists():
            return ""
        command = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=True).stdout.strip()

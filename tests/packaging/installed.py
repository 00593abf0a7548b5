"""Build the wheel and the sdist, install each into an empty environment, and run the program in an empty directory.

`python -m tests.packaging.installed` is `make package`. It needs a package index, and leaves both files in dist/.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from collector import __version__

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"


def run(*command: str | Path, cwd: Path = ROOT, code: int = 0) -> str:
    """Run a command to its end and return all its output; any other exit code than `code` ends everything."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("BUDDY_", "COLLECTOR_"))}
    environ.pop("PYTHONPATH", None)
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if done.returncode != code:
        sys.exit(f"{' '.join(map(str, command))} exited {done.returncode}, not {code}:\n{said}")
    return said


def try_out(package: Path, scratch: Path) -> None:
    """Install one file without extras; run a demo; be told which extra `report` needs; add it; write a report."""
    home, empty = scratch / "environment", scratch / "empty"
    venv.create(home, with_pip=True)
    empty.mkdir()
    pip = (home / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--constraint", ROOT / "constraints.txt", package)
    collector = home / "bin/collector"
    version = run(collector, "--version", cwd=empty)
    require(f"collector {__version__}" in version, version)
    answers = run(collector, "demo", cwd=empty)
    require("$ collector ask what_changed" in answers and "What to type next:" in answers, answers)
    missing = run(collector, "report", "--lake", "demo-lake", cwd=empty, code=2)
    require("promote-image-collector[report]" in missing, missing)
    run(*pip, "--constraint", ROOT / "constraints.txt", f"{package}[report]")
    run(collector, "report", "--lake", "demo-lake", cwd=empty)
    require((empty / "report.html").stat().st_size > 100_000, "the report is too small")
    print(f"{package.name}: {version.strip()}: installed, demo, report")


def require(holds: bool, said: str) -> None:
    """End everything where the program did not say what it should."""
    if not holds:
        sys.exit(f"unexpected output:\n{said}")


def main() -> None:
    """Build, check the metadata, and try out the wheel and the sdist."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "hatchling", "build", "-d", DIST)
    packages = sorted(DIST.iterdir())
    run(sys.executable, "-m", "twine", "check", "--strict", *packages)
    for package in packages:
        with tempfile.TemporaryDirectory() as scratch:
            try_out(package, Path(scratch))


if __name__ == "__main__":
    main()

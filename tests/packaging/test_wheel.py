"""What is published: the wheel and the sdist, built from this clone, and the program that runs from the wheel alone."""

import email
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from collector import __version__
from collector.extras import DISTRIBUTION, EXTRAS
from tests.shared import made_once

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMMIT = "1a2b3c4d5e6f"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel and the sdist, built as of one commit."""

    def make(folder: Path) -> Path:
        command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder / "dist")]
        environ = {**os.environ, "BUILD_COMMIT": COMMIT}
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return folder / "dist"

    return made_once(tmp_path_factory, "built", make)


@pytest.fixture
def wheel(built: Path) -> zipfile.ZipFile:
    """The wheel, opened."""
    (path,) = built.glob("*.whl")
    return zipfile.ZipFile(path)


def metadata(wheel: zipfile.ZipFile) -> Message:
    """The wheel's METADATA."""
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(wheel.read(name))


def test_the_metadata(wheel: zipfile.ZipFile) -> None:
    """The wheel has the project's name, this version, its licence, its README, and the declared extras."""
    said = metadata(wheel)
    assert (said["Name"], said["Version"]) == (DISTRIBUTION, __version__)
    assert said["License-Expression"] == "MIT"
    assert said["Description-Content-Type"] == "text/markdown"
    assert said.get_payload(decode=True) == (ROOT / "README.md").read_bytes()
    assert said.get_all("Provides-Extra") == sorted(PROJECT["optional-dependencies"])


def test_twine_accepts_both(built: Path) -> None:
    """`twine check --strict` accepts the wheel and the sdist."""
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, built.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_the_wheel_holds_the_program_only(wheel: zipfile.ZipFile) -> None:
    """Every module, question and template is in the wheel, and nothing from outside the package."""
    names = {name for name in wheel.namelist() if not name.startswith("promote_image_collector-")}
    assert {name.partition("/")[0] for name in names} == {"collector"}
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "collector").rglob("*.py")}
    queries = {f"collector/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "sql").rglob("*.sql")}
    assert sources | queries | {"collector/py.typed"} <= names
    pages = {path.name for path in (ROOT / "docs" / "man").iterdir()}
    assert {name.rpartition("/")[2] for name in wheel.namelist() if "/share/man/man1/" in name} == pages


def test_the_sdist_builds_the_same_wheel(built: Path, wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """A wheel built from the sdist, without git, has the same files and the same commit."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    environ = {name: value for name, value in os.environ.items() if name != "BUILD_COMMIT"}
    subprocess.run(command, cwd=source, env=environ, capture_output=True, check=True)
    (again,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(again) as rebuilt:
        assert sorted(rebuilt.namelist()) == sorted(wheel.namelist())
        assert rebuilt.read("collector/commit.txt").decode().strip() == COMMIT


def test_the_program_from_the_wheel_alone(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """From an empty directory, the wheel's own files say version and commit and run a demo that ends with answers."""
    installed, empty = tmp_path / "installed", tmp_path / "empty"
    wheel.extractall(installed)
    empty.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("BUDDY_", "COLLECTOR_"))}
    environ["PYTHONPATH"] = str(installed)

    def collector(*argv: str) -> str:
        command = [sys.executable, "-P", "-m", "collector", *argv]
        done = subprocess.run(command, cwd=empty, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert collector("--version") == f"collector {__version__} (commit {COMMIT})\n"
    answers = collector("demo", "--nights", "1")
    assert "$ collector ask failing_promotions\n" in answers
    assert "What to type next:" in answers
    assert [path.name for path in empty.iterdir()] == ["demo-lake"]


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_is_declared(extra: str) -> None:
    """Each extra that a message names brings its modules, and the base brings none of them."""
    declared = " ".join(PROJECT["optional-dependencies"][extra])
    for module in EXTRAS[extra]:
        assert module in declared
        assert not any(module in each for each in PROJECT["dependencies"])

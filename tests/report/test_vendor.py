"""The libraries inside the report are exactly the files that the note beside them names."""

import hashlib
import re
from pathlib import Path

import pytest

import collector.report
from collector.report import page

VENDOR = Path(collector.report.__file__).parent / "vendor"
SCRIPTS = VENDOR.parent / "scripts"
NOTE = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (VENDOR / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and "sha256 |" not in line and "---" not in line
]


@pytest.mark.parametrize("line", NOTE, ids=lambda line: line[2])
def test_a_library_is_the_file_that_the_note_names(line: list[str]) -> None:
    """Byte for byte; its licence stands beside it and travels in the page."""
    _, version, name, digest, licence, integrity = line
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert integrity.startswith("sha512-")
    assert "Permission is hereby granted" in (VENDOR / licence).read_text(encoding="utf-8")


def test_the_note_names_every_file() -> None:
    """No library without a line, no line without a library, no licence left behind."""
    files = {file.name for file in VENDOR.iterdir() if file.suffix != ".md"}
    licences = {file for file in files if file.endswith(".LICENSE")}
    assert {line[2] for line in NOTE} == files - licences
    assert licences == {f"{name}.LICENSE" for name in ("cytoscape", "cytoscape-dagre", "dagre", "uPlot")}


@pytest.mark.parametrize("file", [*VENDOR.glob("*.js"), *SCRIPTS.glob("*.js")], ids=lambda file: file.name)
def test_a_script_cannot_end_its_element(file: Path) -> None:
    """No inlined script holds the end of a script or the beginning of a comment."""
    text = file.read_text(encoding="utf-8").lower()
    assert "</script" not in text
    assert "<!--" not in text


@pytest.mark.parametrize("file", list(SCRIPTS.glob("*.js")), ids=lambda file: file.name)
def test_our_scripts_never_make_elements_of_text(file: Path) -> None:
    """What comes from outside becomes text and checked links only."""
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|fetch\(", text)


def test_every_script_of_ours_is_in_the_page() -> None:
    """Each file of scripts/ is inlined."""
    assert {file.name for file in SCRIPTS.glob("*.js")} == set(page._SCRIPTS)

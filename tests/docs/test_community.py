"""The files for people who take part: they name existing things, and the changelog keeps its form."""

import re
from pathlib import Path

import pytest

from collector import __version__

ROOT = Path(__file__).parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
SECTIONS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


def test_the_changelog_begins_with_this_version() -> None:
    """The newest part of the changelog is the version of the program, released or in preparation."""
    newest, text = re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", CHANGELOG, re.MULTILINE)[0]
    if newest == "Unreleased":
        released = re.findall(r"^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$", CHANGELOG, re.MULTILINE)
        assert __version__ in text or released[:1] == [__version__]
    else:
        assert re.fullmatch(rf"{re.escape(__version__)} - \d{{4}}-\d\d-\d\d", newest)


def test_the_sections_of_the_changelog() -> None:
    """Each part has the sections of Keep a Changelog, in their order and each once."""
    for part in CHANGELOG.split("\n## ")[1:]:
        found = re.findall(r"^### (.+)$", part, re.MULTILINE)
        assert found == [each for each in SECTIONS if each in found]


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_and_targets_exist(name: str) -> None:
    """Every relative link names a file, and every `make` target is in the Makefile."""
    text, makefile = (ROOT / name).read_text(encoding="utf-8"), (ROOT / "Makefile").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / link).exists(), link
    for target in re.findall(r"(?:`|\$ )make ([a-z]+)", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target

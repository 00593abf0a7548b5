"""uv.lock and constraints.txt: both pin the same versions, of what pyproject.toml declares now."""

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
LOCKED = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_both_pin_the_same_versions() -> None:
    """pip with constraints.txt and uv with uv.lock install the same versions."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[^\s#]", text, re.MULTILINE))
    assert sorted(pinned) == sorted(
        (package["name"], package["version"]) for package in LOCKED if package["name"] != PROJECT["name"]
    )


def test_the_lock_belongs_to_the_project() -> None:
    """What the lock was made of is what the project declares, for each extra; otherwise `make lock` was forgotten."""
    (own,) = (package for package in LOCKED if package["name"] == PROJECT["name"])
    locked = {
        (re.sub(r"extra == '(.*)'", r"\1", each.get("marker", "")), each["name"] + each["specifier"])
        for each in own["metadata"]["requires-dist"]
    }
    extras = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    assert locked == {(extra, each) for extra, declared in extras.items() for each in declared}


def test_the_lock_names_public_places_only() -> None:
    """Everything in the lock comes from PyPI, and has a hash."""
    for package in LOCKED:
        if package["name"] == PROJECT["name"]:
            continue
        assert package["source"] == {"registry": "https://pypi.org/simple"}
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files
        assert all(urlsplit(file["url"]).netloc == "files.pythonhosted.org" for file in files)
        assert all(file["hash"].startswith("sha256:") for file in files)

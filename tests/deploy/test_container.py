"""The image and the compose example: what they copy, mount and set exists, and agrees with the program."""

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from collector import __version__
from collector.cli.failures import EXIT_CODES
from collector.settings.declarations import SETTINGS

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = ROOT / "deploy/compose"
SERVICES: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))["services"]
KNOWN = {"BUDDY_TOKEN_FILE", *(name for each in SETTINGS for name in each.variables)}


def test_the_build_has_what_it_needs() -> None:
    """What the Dockerfile copies is let through by .dockerignore, exists, and includes what the build reads."""
    copied = {name for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()}
    let_through = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert copied == set(let_through)
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {project["project"]["readme"], *project["project"]["license-files"], *wheel["packages"]}
    assert needed | set(wheel["force-include"]) | {"hatch_build.py", "pyproject.toml"} <= copied


def test_the_image_is_not_root() -> None:
    """The image runs as a user that owns the lake's directory, and is healthy after a fresh run, also a partial one."""
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert "COLLECTOR_LAKE=/lake\n" in DOCKERFILE
    assert "VOLUME /lake\n" in DOCKERFILE
    assert "collector status --max-age 26h > /dev/null || [ $? -eq 1 ]" in DOCKERFILE
    assert EXIT_CODES[1].startswith("published")


def test_the_settings_of_compose_exist() -> None:
    """Each variable of the collector is one that it reads; the metrics are written where they are read."""
    values = SERVICES["collector"]["environment"]
    assert set(values) <= KNOWN
    assert SERVICES["collector"]["image"].endswith(f":{__version__}")
    folder = Path(values["COLLECTOR_METRICS_FILE"]).parent
    assert f"--collector.textfile.directory={folder}" in SERVICES["node-exporter"]["command"]


def test_the_files_of_compose_exist() -> None:
    """Each file that is mounted from the repository exists, and the catalog is at the collector's path."""
    for name, service in SERVICES.items():
        for source in (volume.split(":")[0] for volume in service.get("volumes", [])):
            if source.startswith(".") and source != "./plugins":  # the plugin is downloaded
                assert (COMPOSE / source).exists(), f"{name}: {source}"
    assert "lake:/lake:ro" in SERVICES["grafana"]["volumes"]
    sources = yaml.safe_load((COMPOSE / "grafana/datasources.yaml").read_text(encoding="utf-8"))["datasources"]
    lake = next(each for each in sources if each["uid"] == "buddy-lake")
    assert lake["jsonData"] == {"path": "/lake/catalog.duckdb", "readOnly": True}


def test_the_night_begins_on_time() -> None:
    """The shell arithmetic of the loop sleeps until the next 02:15 UTC, never zero and at most a day."""
    (script,) = SERVICES["collector"]["command"]
    (formula,) = re.findall(r"sleep \$\$\(\( (.+) \)\)", script)
    formula = formula.replace("$$(date +%s)", "now")
    for now, expected in ((0, 8100), (8099, 1), (8100, 86400), (8101, 86399), (1_796_000_000, None)):
        seconds = eval(formula, {"now": now})  # the same operators as in the shell, of positive numbers
        assert 0 < seconds <= 86400
        assert (now + seconds) % 86400 == 8100
        assert expected in (None, seconds)


def test_the_workflows_and_templates_are_yaml() -> None:
    """Every file of .github parses, and a release publishes without a stored secret."""
    for path in (ROOT / ".github").rglob("*.yml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8")), path
    release = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
    assert release["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")

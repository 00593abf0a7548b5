"""The page: the template filled in, the scripts inlined, and the policy under which nothing else can run.

The policy names the hash of every script and style of the page, so a script that came in with a name would not
run even if the escaping failed, and no request can leave. The one home of jinja2.
"""

import base64
import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from collector._version import __version__
from collector.report.contents import LEVELS, Contents
from collector.report.escape import json_block
from collector.report.findings import SEVERITIES
from collector.report.rows import MOST_ROWS

_HERE: Final = Path(__file__).parent
_VENDORED: Final = ("cytoscape.min.js", "cytoscape-dagre.min.js", "uPlot.iife.min.js")
_OURS: Final = ("marks.js", "rows.js", "graph.js", "map.js", "trends.js", "main.js")
# cytoscape would add this element itself, which the policy forbids; it leaves one that is there alone.
_CYTOSCAPE_STYLE: Final = ".__________cytoscape_container { position: relative; }"
_SOURCE_MAP: Final = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)  # developer tools would ask for it
# Page and data stay under 5 MB, to be sent around and opened on a phone: long names leave room for fewer rows.
_MOST_DATA_BYTES: Final = 4_000_000
_MOST_ROWS: Final = (MOST_ROWS, 300, 100, 30)
_LICENCES: Final = ("cytoscape", "cytoscape-dagre", "dagre", "uPlot")


def render(contents: Contents) -> str:
    """The whole page as HTML. Only what this package itself holds is marked `safe` in the template."""
    scripts = [_script(_HERE / "vendor" / name) for name in _VENDORED]
    # One script: its files share their functions, and nothing of them is visible outside.
    ours = "".join(_script(_HERE / "scripts" / name) for name in _OURS)
    scripts.append('(() => {\n"use strict";\n' + ours + "})();\n")
    styles = [_read(_HERE / "vendor" / "uPlot.min.css"), _read(_HERE / "page.css")]
    template = _templates().get_template("page.html")
    return template.render(
        contents=contents,
        night=contents.night,
        levels=LEVELS,
        severities=SEVERITIES,
        data=_data(contents),
        policy=_policy(scripts, [*styles, _CYTOSCAPE_STYLE]),
        scripts=scripts,
        styles=styles,
        cytoscape_style=_CYTOSCAPE_STYLE,
        licences=[(name, _read(_HERE / "vendor" / f"{name}.LICENSE").strip()) for name in _LICENCES],
        version=__version__,
    )


def _data(contents: Contents) -> str:
    text = ""
    for most in _MOST_ROWS:
        text = json_block(contents.document(most))
        if len(text.encode()) <= _MOST_DATA_BYTES:
            break
    return text


def _policy(scripts: list[str], styles: list[str]) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "script-src " + " ".join(map(_hash, scripts)),
            "style-src " + " ".join(map(_hash, styles)),
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _script(path: Path) -> str:
    return _SOURCE_MAP.sub("", _read(path))


@cache
def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"moment": _moment, "iso": _iso, "counted": _counted}
    return environment


def _moment(when: datetime) -> str:
    return f"{_utc(when):%Y-%m-%d %H:%M} UTC"


def _iso(when: datetime) -> str:
    return f"{_utc(when):%Y-%m-%dT%H:%M:%SZ}"


def _utc(when: datetime) -> datetime:
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"

"""The page: the template filled in, the scripts inlined, and the policy under which nothing else can run.

The policy holds the hash of every script and style of the page, so that a script inside a name would not run even if
the escaping failed, and no request can be sent. The one home of jinja2.
"""

import base64
import gzip
import hashlib
import re
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from collector._version import __version__
from collector.report.contents import COVERAGES, WITHOUT_GAP, ReportContents, utc_text
from collector.report.findings import FINDINGS, SEVERITIES
from collector.report.releases import DAYS, GAPS
from collector.report.rows import MAX_ROWS, ROWS_WITHOUT_SCRIPTS

_HERE: Final = Path(__file__).parent
_VENDOR: Final = _HERE / "vendor"
_VENDORED: Final = ("cytoscape.min.js", "cytoscape-dagre.min.js", "uPlot.iife.min.js")
_SCRIPTS: Final = (
    "elements.js", "address.js", "tables.js", "graph.js", "map.js", "search.js", "trends.js", "timeline.js", "main.js",
)  # fmt: skip
# cytoscape would add this element itself, which the policy forbids; it leaves an existing one as it is.
_CYTOSCAPE_STYLE: Final = ".__________cytoscape_container { position: relative; }"
_SOURCE_MAP: Final = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)  # developer tools would ask for it
# The page stays under 3 MB, to be mailed and opened on a phone: long names leave room for fewer rows.
_MAX_DATA_BYTES: Final = 1_500_000
_ROW_LIMITS: Final = (MAX_ROWS, 300, 100, 30)


def render(contents: ReportContents) -> str:
    """Return the page as HTML. Only what this package itself holds is marked `safe` in the template."""
    scripts = [_SOURCE_MAP.sub("", _read(f"vendor/{name}")) for name in _VENDORED]
    # One script: its files share their functions, and none of them is visible outside.
    scripts.append(
        '(async () => {\n"use strict";\n' + "".join(_read(f"scripts/{name}") for name in _SCRIPTS) + "})();\n"
    )
    styles = [_read("vendor/uPlot.min.css"), _read("page.css")]
    templates = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters |= {
        "utc": lambda moment: f"{moment:%Y-%m-%d %H:%M} UTC",
        "iso": utc_text,
        "number": "{:,}".format,
        "counted": lambda count, thing: f"{count:,} {thing}{'' if count == 1 else 's'}",
    }
    return templates.get_template("page.html").render(
        contents=contents,
        run=contents.run,
        coverages=COVERAGES,
        without_gap=WITHOUT_GAP,
        severities=SEVERITIES,
        findings=FINDINGS,
        days=DAYS,
        gaps=GAPS,
        rows_without_scripts=ROWS_WITHOUT_SCRIPTS,
        data=_data(contents),
        policy=_policy(scripts, [*styles, _CYTOSCAPE_STYLE]),
        scripts=scripts,
        styles=styles,
        cytoscape_style=_CYTOSCAPE_STYLE,
        licences=[
            (path.stem, path.read_text(encoding="utf-8").strip()) for path in sorted(_HERE.glob("vendor/*.LICENSE"))
        ],
        version=__version__,
    )


def _data(contents: ReportContents) -> str:
    for max_rows in _ROW_LIMITS:
        text = packed(contents.document(max_rows))
        if len(text) <= _MAX_DATA_BYTES:
            break
    return text


def packed(document: Any) -> str:
    """Return JSON, compressed, as text that may stand inside any element; names take most of it, and repeat."""
    return base64.b64encode(gzip.compress(msgspec.json.encode(document), mtime=0)).decode()


def _policy(scripts: list[str], styles: list[str]) -> str:
    def hashes(texts: list[str]) -> str:
        digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
        return " ".join(f"'sha256-{digest}'" for digest in digests)

    rules = f"default-src 'none'; script-src {hashes(scripts)}; style-src {hashes(styles)}; img-src data:"
    return f"{rules}; base-uri 'none'; form-action 'none'"


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")

"""How a terminal is written to: in colour or not, with links or not; and which values have a colour."""

import os
import re
from dataclasses import dataclass
from typing import Final, TextIO
from zlib import crc32

# Columns whose values are words of a known set; other columns hold names and are never coloured.
_COLOURED_COLUMNS: Final = frozenset(
    ("status", "last_execution_status", "coverage", "executions_coverage", "outcome", "change", "severity", "finding")
)
_COLOURS: Final = {
    "red": ("FAILED", "failed", "error", "removed", "forbidden", "quarantined", "unguarded"),
    "yellow": ("TERMINATED", "terminated", "warning", "changed", "partial", "skipped", "gone", "rolled_back"),
    "green": ("SUCCESSFUL", "successful", "complete", "added", "released", "fetched"),
    "cyan": ("INPROGRESS", "ENQUEUED", "returned", "carried"),
    "dim": ("INITIAL", "notice", "not_asked", "not_needed"),
}
_COLOUR_OF: Final = {value: colour for colour, values in _COLOURS.items() for value in values}
# What a terminal is told (SGR) for each word of a style.
_CODES: Final = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}
_LINK: Final = re.compile(r"https?://[^\s\\\"'<>`]+")
_LINK_TERMINALS: Final = ("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio", "zed")


@dataclass(frozen=True)
class Looks:
    """What may be used beside plain text."""

    colour: bool = False
    links: bool = False

    @property
    def title(self) -> str:
        """The style of a heading."""
        return "bold" if self.colour else ""

    def of_value(self, column: str, value: str) -> str:
        """Return the style of a value in a column, empty for none."""
        return _COLOUR_OF.get(value, "") if self.colour and column in _COLOURED_COLUMNS else ""

    def link(self, url: str) -> str:
        """Return the style that makes a text a link to `url`, empty where there can be none."""
        return f"link {url}" if self.links and _LINK.fullmatch(url) else ""


PLAIN: Final = Looks()


def styled(text: str, style: str) -> str:
    """Return a text in a style of `Looks`: words of colours, then perhaps `link` and its address."""
    words, _, url = style.partition("link ")
    if text and words:
        text = f"\x1b[{';'.join(str(_CODES[word]) for word in words.split())}m{text}\x1b[0m"
    # The id joins the lines of one link.
    return f"\x1b]8;id={crc32(url.encode())};{url}\x1b\\{text}\x1b]8;;\x1b\\" if text and url else text


def looks_of(stream: TextIO, colour: str = "auto") -> Looks:
    """Return the looks of a stream; `colour` is auto, always or never. A terminal has colour unless NO_COLOR is set."""
    on_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    coloured = colour == "always" or (colour == "auto" and on_terminal and not os.environ.get("NO_COLOR"))
    return Looks(coloured, colour != "never" and on_terminal and _shows_links())


def _shows_links() -> bool:
    """Return whether this terminal is one of those known to show a link (OSC 8) on a text."""
    environ = os.environ
    if environ.get("FORCE_HYPERLINK"):
        return environ["FORCE_HYPERLINK"] != "0"
    return (
        environ.get("TERM_PROGRAM") in _LINK_TERMINALS
        or environ.get("TERM", "").startswith(("xterm-kitty", "alacritty", "foot", "xterm-ghostty"))
        or bool(environ.get("WT_SESSION") or environ.get("KONSOLE_VERSION"))
        or (environ.get("VTE_VERSION", "").isdigit() and int(environ["VTE_VERSION"]) >= 5000)
    )

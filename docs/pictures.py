"""Make the README's two pictures from a demo lake: `make pictures` (needs Chromium)."""

import fcntl
import html
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from contextlib import suppress
from pathlib import Path

from PIL import Image

from collector import open_lake
from collector.report import collect_contents, render
from tests.report.browser import Page

HERE = Path(__file__).parent
COMMAND = ("status",)
COLUMNS, LINES = 110, 24
_STYLE = "font: 14px ui-monospace, Menlo, Consolas, 'Liberation Mono', monospace"
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\x1b\]8;[^\x1b\a]*(?:\x1b\\\\|\a)")
_LETTER, _LINE, _EDGE = 8.45, 19, 16


def report(lake: Path, target: Path) -> None:
    """Draw the first screen of the report on the newest run."""
    reader = open_lake(lake)
    made_at = reader.sql("select max(finished_at) as at from runs").to_arrow()["at"][0].as_py()
    with tempfile.TemporaryDirectory() as folder:
        page, picture = Path(folder, "report.html"), Path(folder, "report.png")
        page.write_text(render(collect_contents(reader, "latest", made_at)), encoding="utf-8")
        with Page(Path(folder, "profile")) as browser:
            browser.open(page, width=1200, height=900)
            browser.picture(picture)
        # 64 colours: a quarter of the size, and nobody sees the difference.
        with Image.open(picture) as full:
            full.convert("RGB").quantize(64).save(target, optimize=True)


def terminal(lake: Path, target: Path) -> None:
    """Draw a command and its answer as text in a window."""
    lines = [f"$ collector {' '.join(COMMAND)}", *_shown(lake).splitlines()[:LINES]]
    width, height = round(COLUMNS * _LETTER + 2 * _EDGE), len(lines) * _LINE + 2 * _EDGE
    texts = "\n".join(
        f'<text xml:space="preserve" x="{_EDGE}" y="{_EDGE + _LINE * number + 14}">{html.escape(line[:COLUMNS])}</text>'
        for number, line in enumerate(lines)
    )
    target.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        '<rect width="100%" height="100%" rx="8" fill="#18202a"/>\n'
        f'<g fill="#e6ebf2" style="{_STYLE}">\n{texts}\n</g>\n</svg>\n',
        encoding="utf-8",
    )


def _shown(lake: Path) -> str:
    """Return what the command shows on a terminal of so many columns, without colours and links."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    command = [sys.executable, "-m", "collector", *COMMAND]
    environ = {**os.environ, "COLLECTOR_LAKE": str(lake), "NO_COLOR": "1"}
    text = b""
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environ):
        os.close(theirs)
        with suppress(OSError):  # how the end of a terminal is told
            while part := os.read(ours, 4096):
                text += part
    os.close(ours)
    return _CONTROL.sub("", text.decode()).replace("\r\n", "\n").replace(str(lake.absolute()), "demo-lake")


if __name__ == "__main__":
    made = Path(sys.argv[1])
    report(made, HERE / "report.png")
    terminal(made, HERE / "terminal.svg")

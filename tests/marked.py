"""Generated parts of the README: text between two markers, which are HTML comments."""

from pathlib import Path


def put_between(readme: Path, begin: str, end: str, text: str) -> None:
    """Replace the text between two markers of a README; raise ValueError if a marker is missing."""
    before, begun, rest = readme.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"{readme} lacks a marker: {begin} … {end}")
    readme.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")

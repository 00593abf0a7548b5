"""Generated parts of documents: text between two markers, which are HTML comments."""

from pathlib import Path


def put_between(document: Path, begin: str, end: str, text: str) -> None:
    """Replace the text between two markers of a document; raise ValueError if a marker is missing."""
    before, begun, rest = document.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"{document} lacks a marker: {begin} … {end}")
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")

"""Parts of the README that programs write: text between two markers, which are HTML comments."""

from pathlib import Path


def put_between(readme: Path, begin: str, end: str, text: str) -> None:
    """Put `text` between two markers of a README; raises ValueError when it has no such place."""
    before, begun, rest = readme.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"{readme} has no place for the table: {begin} … {end}")
    readme.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")

"""What each benchmark found, kept until all of them have been run."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tests.bench.report import Section


def keep(folder: Path, name: str, sections: Sequence[Section]) -> None:
    """Keep what one benchmark found, in place of what it found before."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_bytes(msgspec.json.encode(sections))


def all_kept(folder: Path, names: Iterable[str]) -> list[Section] | None:
    """Return the sections of all these benchmarks in their order, None while one of them is missing."""
    files = [folder / f"{name}.json" for name in names]
    if not all(file.exists() for file in files):
        return None
    decode = msgspec.json.Decoder(list[Section]).decode
    return [section for file in files for section in decode(file.read_bytes())]

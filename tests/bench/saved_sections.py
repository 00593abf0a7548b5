"""The results of benchmarks, saved until all of them exist."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tests.bench.report import Section


def save(folder: Path, name: str, sections: Sequence[Section]) -> None:
    """Save the sections of one benchmark, replacing earlier ones."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_bytes(msgspec.json.encode(sections))


def load_all(folder: Path, names: Iterable[str]) -> list[Section] | None:
    """Return the sections of all benchmarks in this order; None if one is missing."""
    files = [folder / f"{name}.json" for name in names]
    if not all(file.exists() for file in files):
        return None
    decode = msgspec.json.Decoder(list[Section]).decode
    return [section for file in files for section in decode(file.read_bytes())]

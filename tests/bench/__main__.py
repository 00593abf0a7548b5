"""`python -m tests.bench`: run all benchmarks; write docs/benchmarks.md.

The result of each benchmark is saved, so that an interrupted run continues with `--only` and the missing ones. The
file is written when all results exist. `--quick` runs tiny sizes in seconds and saves nothing.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench import (
    growth,
    installations,
    long_lake,
    machine,
    object_store,
    questions,
    rate_limit,
    replay,
    request_counts,
    speed,
    start_up,
)
from tests.bench.report import Section, document, goals_table
from tests.bench.saved_sections import load_all, save
from tests.bench.scale import FULL, QUICK, Scale

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "benchmarks.md"
SAVED = ROOT / ".bench"  # `make bench` removes it first

BENCHES: dict[str, Callable[[Scale], Section | list[Section]]] = {
    "requests": request_counts.bench,
    "speed": speed.bench,
    "rate_limit": rate_limit.bench,
    "growth": growth.bench,
    "long_lake": long_lake.bench,
    "start_up": start_up.bench,
    "replay": replay.bench,
    "questions": questions.bench,
    "object_store": object_store.bench,
    "installations": installations.bench,
}


def run(name: str, scale: Scale) -> list[Section]:
    """Run one benchmark and print its sections."""
    sys.stderr.write(f"{name} …\n")
    found = BENCHES[name](scale)
    sections = found if isinstance(found, list) else [found]
    for section in sections:
        print(section, end="\n\n", flush=True)
    return sections


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the selected benchmarks; a missed goal is reported and is not a failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Run the benchmarks.")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to test that everything works")
    parser.add_argument("--only", nargs="+", choices=list(BENCHES), default=list(BENCHES))
    options = parser.parse_args(arguments)
    # Described first, because the benchmarks load the machine.
    description = machine.describe()
    found = []
    for name in options.only:
        sections = run(name, QUICK if options.quick else FULL)
        found += sections
        if not options.quick:
            save(SAVED, name, sections)
    print(goals_table(found))
    if not options.quick and (every := load_all(SAVED, BENCHES)) is not None:
        RESULTS.write_text(document(description, every), encoding="utf-8")
        sys.stderr.write(f"wrote {RESULTS}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.bench`: all nine benchmarks, to the terminal and to RESULTS.md beside this file.

`--quick` proves in seconds that they work and writes nothing; `--only NAME…` runs some of them and prints.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench import (
    every_question,
    growth,
    long_lake,
    machine,
    rate_limit,
    replay,
    requests_made,
    speed,
    start_up,
)
from tests.bench.report import Section, document, goals_table
from tests.bench.scale import FULL, QUICK, Scale

RESULTS = Path(__file__).with_name("RESULTS.md")

BENCHES: dict[str, Callable[[Scale], Section | list[Section]]] = {
    "requests": requests_made.bench,
    "speed": speed.bench,
    "rate_limit": rate_limit.bench,
    "growth": growth.bench,
    "long_lake": long_lake.bench,
    "start_up": start_up.bench,
    "replay": replay.bench,
    "questions": every_question.bench,
}


def run(names: Sequence[str], scale: Scale) -> list[Section]:
    """Run the named benchmarks in order, printing each as it comes."""
    sections: list[Section] = []
    for name in names:
        sys.stderr.write(f"{name} …\n")
        found = BENCHES[name](scale)
        for section in found if isinstance(found, list) else [found]:
            print(section, end="\n\n", flush=True)
            sections.append(section)
    return sections


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; a goal that is missed is told, and is no failure."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure a night beside its peers."
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything works")
    parser.add_argument("--only", nargs="+", choices=list(BENCHES), default=list(BENCHES))
    given = parser.parse_args(arguments)
    # Before the load that we are.
    where = machine.described()
    sections = run(given.only, QUICK if given.quick else FULL)
    print(goals_table(sections))
    if not given.quick and given.only == list(BENCHES):
        RESULTS.write_text(document(where, sections), encoding="utf-8")
        sys.stderr.write(f"wrote {RESULTS}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

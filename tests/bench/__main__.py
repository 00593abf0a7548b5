"""`python -m tests.bench`: all benchmarks, to the terminal, to RESULTS.md beside this file, and their goals to the README.

What each has found is kept, so that a long run that was broken off goes on with `--only` those that are missing, and one can
be measured again: the file is written once all of them are there. `--quick` proves in seconds that they work, and keeps
nothing.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench import every_question, growth, long_lake, machine, rate_limit, replay, requests_made, speed, start_up
from tests.bench.kept import all_kept, keep
from tests.bench.report import Section, document, goals_table
from tests.bench.scale import FULL, QUICK, Scale
from tests.marked import put_between

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("RESULTS.md")
KEPT = ROOT / ".bench"  # `make bench` begins without it
BEGIN, END = "<!-- goals: written by `make bench` -->", "<!-- end goals -->"

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


def run(name: str, scale: Scale) -> list[Section]:
    """Run one benchmark and print what it found."""
    sys.stderr.write(f"{name} …\n")
    found = BENCHES[name](scale)
    sections = found if isinstance(found, list) else [found]
    for section in sections:
        print(section, end="\n\n", flush=True)
    return sections


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; a goal that is missed is told, and is no failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure a night beside its peers.")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything works")
    parser.add_argument("--only", nargs="+", choices=list(BENCHES), default=list(BENCHES))
    given = parser.parse_args(arguments)
    # Before the load that we are.
    where = machine.described()
    found = []
    for name in given.only:
        sections = run(name, QUICK if given.quick else FULL)
        found += sections
        if not given.quick:
            keep(KEPT, name, sections)
    print(goals_table(found))
    if not given.quick and (every := all_kept(KEPT, BENCHES)) is not None:
        RESULTS.write_text(document(where, every), encoding="utf-8")
        put_between(ROOT / "README.md", BEGIN, END, str(goals_table(every)))
        sys.stderr.write(f"wrote {RESULTS}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

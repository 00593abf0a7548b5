"""The fake Buddy as a process of its own: `python -m collector.fake_buddy --port 8080`.

Prints its URL on one line when the first request would be answered, and stops on SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from .faults import Fault
from .server import SCOPES, FakeBuddy
from .world import FakeWorld


def serve(fake: FakeBuddy) -> None:
    """Serve until SIGINT or SIGTERM, having printed the URL; for the main thread of a process."""
    signals = {signal.SIGINT, signal.SIGTERM}
    # Blocked before the server's thread starts, which inherits it: only the wait below may see them.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        with fake:
            _say(fake.url)
            signal.sigwait(signals)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _say(url: str) -> None:
    """Print the URL; where stdout takes nothing, it serves all the same, for whoever chose the port knows it."""
    try:
        print(url, flush=True)
    except OSError as error:
        # What is left in the buffer must not fail a second time, at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        with suppress(OSError):
            print(f"The address {url} could not be written to stdout: {error.strerror}.", file=sys.stderr)


def load_script(path: Path) -> list[Fault]:
    """Return the faults of a JSON file: one array of objects with the fields of a fault."""
    data: Any = msgspec.json.decode(path.read_bytes())
    if not isinstance(data, list):
        raise ValueError("a script is an array of faults")
    return [Fault.from_data(fault) for fault in data]


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, serve, and return the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        script = load_script(given.script) if given.script else []
        fake = _fake(given, script)
        serve(fake)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        parser.error(str(error))
    return 0


def _fake(given: argparse.Namespace, script: list[Fault]) -> FakeBuddy:
    world = FakeWorld(
        seed=given.seed,
        workspaces=given.workspaces,
        projects=given.projects,
        pipelines=given.pipelines,
        actions=given.actions,
        promote_share=given.promote_share,
        awkward=not given.plain,
        night=given.night,
    )
    named = {name: getattr(given, name) for name in _SERVER_OPTIONS if getattr(given, name) is not None}
    return FakeBuddy(world, script=script, scopes=given.scopes.split(","), **named)


_SERVER_OPTIONS = (
    "host", "port", "token", "max_per_page", "limit", "window", "refuse_with", "latency", "prefix",
    "clock_skew", "actions_carry_ends", "pages_every_list", "neighbour_per_window", "arrivals_kept",
    "bodies_kept", "expires_at",
)  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m collector.fake_buddy", description="A fake Buddy on a socket.")
    add = parser.add_argument
    add("--host")
    add("--port", type=int, default=0, help="0 picks a free one")
    add("--token")
    world = parser.add_argument_group("the world (counts are per parent)").add_argument
    world("--seed", type=int, default=1)
    for name, default in (("workspaces", 1), ("projects", 3), ("pipelines", 4), ("actions", 5), ("night", 1)):
        world(f"--{name}", type=int, default=default)
    world("--promote-share", type=float, default=0.5)
    world("--plain", action="store_true", help="without the awkward names and fields")
    manners = parser.add_argument_group("the server").add_argument
    manners("--limit", type=int, help="requests admitted in a window; needs --window")
    manners("--window", type=float, help="seconds")
    manners("--refuse-with", type=int, choices=(429, 403))
    manners("--latency", type=float, help="seconds before each reply")
    manners("--prefix", help="such as /api")
    manners("--clock-skew", type=float, help="seconds")
    manners("--max-per-page", type=int)
    manners("--actions-carry-ends", action="store_true", help="lists of actions show the ends of promotions")
    manners("--pages-every-list", action="store_true", help="lists of workspaces and of actions come in pages too")
    manners("--neighbour-per-window", type=int, help="requests of each window that somebody else spends")
    manners("--arrivals-kept", type=int, default=100_000, help="how long the log of arrivals may grow")
    manners("--bodies-kept", type=int, help="how many encoded replies are kept (4096)")
    manners("--scopes", default=",".join(SCOPES))
    manners("--expires-at", help="what /user/token says")
    manners("--script", type=Path, help="a JSON array of faults")
    return parser


if __name__ == "__main__":
    sys.exit(main())

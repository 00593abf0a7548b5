"""The fake Buddy as a process of its own: `python -m collector.fake_buddy --port 8080`.

Prints its URL on one line when it answers requests, then the lines with which a shell uses it, and stops on SIGINT or
SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from .faults import FAULTS, Fault
from .routes import KINDS
from .server import SCOPES, FakeBuddy
from .world import FakeWorld


def serve(fake: FakeBuddy) -> None:
    """Print how to use it and serve until SIGINT or SIGTERM; call it in the main thread."""
    signals = {signal.SIGINT, signal.SIGTERM}
    # Blocked before the server's thread starts, which inherits the mask: only `sigwait` receives them.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        with fake:
            _print_use(fake.url, fake.token)
            signal.sigwait(signals)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _print_use(url: str, token: str) -> None:
    """Print the URL and the token; if stdout cannot be written, say so on stderr and serve all the same."""
    lines = (f"export BUDDY_API_URL={shlex.quote(url)}", f"export BUDDY_TOKEN={shlex.quote(token)}")
    try:
        print("\n".join((url, "", "In another shell:", *(f"  {line}" for line in lines), "")), flush=True)
    except OSError as error:
        # The rest of the buffer must not fail again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        with suppress(OSError):
            print(f"The address {url} could not be written to stdout: {error.strerror}.", file=sys.stderr)


def load_script(path: Path) -> list[Fault]:
    """Return the faults of a JSON file: an array of objects with the fields of a fault."""
    data: Any = msgspec.json.decode(path.read_bytes())
    if not isinstance(data, list):
        raise ValueError("a script must be an array of faults")
    return [Fault.from_data(fault) for fault in data]


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, serve, and return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        script = load_script(options.script) if options.script else []
        fake = _fake(options, script)
        serve(fake)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        parser.error(str(error))
    return 0


def _fake(options: argparse.Namespace, script: list[Fault]) -> FakeBuddy:
    world = FakeWorld(
        seed=options.seed,
        workspaces=options.workspaces,
        projects=options.projects,
        pipelines=options.pipelines,
        actions=options.actions,
        promote_share=options.promote_share,
        awkward=not options.plain,
        night=options.night,
    )
    world = world.dated(options.moment or datetime.now(UTC))
    server_options = {name: getattr(options, name) for name in _SERVER_OPTIONS if getattr(options, name) is not None}
    return FakeBuddy(world, script=script, scopes=options.scopes.split(","), **server_options)


_SERVER_OPTIONS = (
    "host", "port", "token", "max_per_page", "limit", "window", "refuse_with", "latency", "prefix",
    "clock_skew", "actions_carry_ends", "pages_every_list", "neighbour_per_window", "arrivals_kept",
    "bodies_kept", "expires_at", "executions_forbidden", "executions_page_size", "scope_headers",
)  # fmt: skip


_SCRIPT_FORMAT = """\
The file of --script is a JSON array of faults, each an object. The first that hits a request decides. For example

  [{"do": "status", "code": 503, "kind": "projects", "nth": 2, "times": 3},
   {"do": "limited", "code": 429, "path": "*/pipelines/*/actions", "lasting": 5}]

answers the second to fourth list of projects with 503, and refuses lists of actions for five seconds.

Which requests a fault hits; all that are given must match:
  kind      one of """ + ", ".join(KINDS) + """
  path      a glob on the path, or a regular expression after re:
  page      this page of a list
  nth       from the nth matching request on (1)
  times     so many of them (1); null: all
  lasting   all within so many seconds from the nth on, instead of times
  per_url   true: count each URL separately
What it does, as `do`; words in `quotes` are fields of the fault:
""" + "\n".join(f"  {do:<15} {what}" for do, what in FAULTS.items()) + """
"""  # fmt: skip


def _moment(text: str) -> datetime:
    """Return a moment; without an offset it is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="collector fake-buddy",
        description="Serve a fake Buddy on a socket, for development. It prints its URL, and how to use it.",
        epilog=_SCRIPT_FORMAT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host")
    add("--port", type=int, default=0, help="default: a free one")
    add("--token")
    world = parser.add_argument_group("the world (counts are per parent)").add_argument
    world("--seed", type=int, default=1)
    for name, default in (("workspaces", 1), ("projects", 3), ("pipelines", 4), ("actions", 5), ("night", 1)):
        world(f"--{name}", type=int, default=default)
    world(
        "--moment", type=_moment, help="when this night is served, ISO 8601 (default: now); executions began before it"
    )
    world("--promote-share", type=float, default=0.5)
    world("--plain", action="store_true", help="without awkward names and fields")
    server = parser.add_argument_group("the server").add_argument
    server("--limit", type=int, help="requests admitted per window; needs --window")
    server("--window", type=float, help="seconds")
    server("--refuse-with", type=int, choices=(429, 403))
    server("--latency", type=float, help="seconds before each reply")
    server("--prefix", help="path before the API's own, for example /api")
    server("--clock-skew", type=float, help="seconds")
    server("--max-per-page", type=int)
    server("--actions-carry-ends", action="store_true", help="lists of actions include `src` and `dest` of promotions")
    server("--pages-every-list", action="store_true", help="lists of workspaces and of actions are paged too")
    server("--neighbour-per-window", type=int, help="requests of each window that another client spends")
    server("--arrivals-kept", type=int, default=100_000, help="requests kept in the log (default: 100000)")
    server("--bodies-kept", type=int, help="encoded replies kept in the cache (default: 4096)")
    server("--scopes", default=",".join(SCOPES))
    server("--scope-headers", choices=("0Auth", "OAuth"), help="spelling in the names of the headers with scopes")
    server("--executions-forbidden", action="store_true", help="answer 403 to executions")
    server("--executions-page-size", type=int, help="size of each page of executions, whatever is asked for")
    server("--expires-at", help="expiry of the token in the reply to /user/token")
    server("--script", metavar="FILE", type=Path, help="faults to inject: a JSON array, described below")
    return parser


if __name__ == "__main__":
    sys.exit(main())

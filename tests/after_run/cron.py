"""`make cron`: the README's crontab line, run by Debian's cron against a fake Buddy, and removed again.

Only its schedule (to every minute), its home and Buddy's address are replaced. Needs root; installs cron where it is
missing, runs a cron daemon of its own where none runs, and puts back the crontab that was there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.lake.lake import Lake

README = Path(__file__).parents[2] / "README.md"
_TIME_LIMIT_S = 150.0


def documented() -> str:
    """Return the crontab line of the README."""
    block = README.read_text(encoding="utf-8").split("```crontab", 1)[1].split("```", 1)[0]
    return " ".join(block.split())


def crontab(line: str, home: Path, url: str) -> str:
    """Return the crontab for this machine: every minute, in a home of its own."""
    every_minute, count = re.subn(r"^15 2 \* \* \*", "* * * * *", line)
    assert count == 1, "the documented line no longer begins at 02:15"
    return f"HOME={home}\nBUDDY_API_URL={url}\n{every_minute}\n"


def install() -> None:
    """Install Debian's cron where there is none."""
    if shutil.which("cron") is None:
        print("installing cron")
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "--quiet", "--quiet"], check=True)
        command = ["apt-get", "install", "--quiet", "--quiet", "--yes", "--no-install-recommends", "cron"]
        subprocess.run(command, check=True, env=environ)


@contextmanager
def daemon() -> Iterator[None]:
    """Run a cron daemon in the foreground, unless one runs already."""
    running = Path("/run/crond.pid")
    if running.exists() and Path(f"/proc/{running.read_text(encoding='ascii').strip()}").exists():
        yield
        return
    process = subprocess.Popen(["cron", "-f"])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def installed(text: str) -> Iterator[None]:
    """Install a crontab for this user, and restore the old one at the end."""
    before = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=False)
    subprocess.run(["crontab", "-"], input=text, text=True, check=True)
    try:
        yield
    finally:
        if before.returncode == 0:
            subprocess.run(["crontab", "-"], input=before.stdout, text=True, check=True)
        else:
            subprocess.run(["crontab", "-r"], check=False)


def main() -> int:
    """Run the check; return 0 when cron published a complete run."""
    if os.geteuid() != 0:
        sys.stderr.write("make cron needs root: it installs cron and runs a daemon.\n")
        return 1
    install()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        buddy = stack.enter_context(FakeBuddy(FakeWorld(workspaces=1, projects=2, pipelines=2, actions=3)))
        token = home / ".buddy-token"
        token.write_text(buddy.token + "\n", encoding="utf-8")
        token.chmod(0o600)
        (home / "collector" / "bin").mkdir(parents=True)
        (home / "collector" / "bin" / "collector").symlink_to(Path(sys.executable).parent / "collector")
        text = crontab(documented(), home, buddy.url)
        print(text)
        stack.enter_context(installed(text))
        stack.enter_context(daemon())
        ended = wait_for_the_end(home / "collector.log")
        assert all(arrival.authorised for arrival in buddy.arrivals)
        newest = Lake.open(home / "buddy-lake").manifest.latest if ended else None
    if ended is None or newest is None or ended.get("run_id") != newest.run_id or ended["exit_code"] != 0:
        print("cron published nothing")
        return 1
    print(f"cron published {newest.run_id}, {newest.status}")
    return 0


def wait_for_the_end(log: Path) -> dict[str, Any] | None:
    """Return the last event of the run from the log, whose lines are all JSON; None after the time limit."""
    ends = time.monotonic() + _TIME_LIMIT_S
    while time.monotonic() < ends:
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        for line in lines:
            ended: dict[str, Any] = json.loads(line)
            if ended["event"] in ("published", "failed"):
                print("\n".join(lines))
                return ended
        time.sleep(1)
    return None


if __name__ == "__main__":
    sys.exit(main())

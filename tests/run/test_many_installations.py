"""More installations than the limit on open files has room for share its connections, and none of them fails."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector import open_lake
from collector.fake_buddy import FakeBuddy, FakeWorld

WORLD = FakeWorld(workspaces=1, projects=1, pipelines=1, actions=4, awkward=False)
OPEN_FILES = 64


@pytest.mark.parametrize(
    ("installations", "concurrency", "in_turns"), [(12, 2, False), (60, 1, True)], ids=["fewer", "more"]
)
def test_more_connections_than_files(tmp_path: Path, installations: int, concurrency: int, in_turns: bool) -> None:
    """With a low limit on open files no request is wasted, whether each has a connection or they take turns; the log
    says once what each may have.
    """
    names = [f"buddy{number:02}" for number in range(installations)]
    with FakeBuddy(WORLD.dated(datetime.now(UTC)), latency=0.01) as buddy:
        source = f'api_url = "{buddy.url}"\ntoken_env = "THE_TOKEN"\n'
        tables = "".join(f"[installations.{name}]\n{source}" for name in names)
        (tmp_path / "collector.toml").write_text(f"requests_per_second = 0\n{tables}", encoding="utf-8")
        collect = 'exec "$0" -m collector collect --lake lake --log-format json'
        said = subprocess.run(
            ["bash", "-c", f"ulimit -n {OPEN_FILES}; {collect}", sys.executable],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "THE_TOKEN": buddy.token},
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr
        assert len(buddy.arrivals) == installations * buddy.expected_minimum()
    counted = open_lake(tmp_path / "lake").sql(
        "select installation, count(*) as n from promote_image_actions group by all"
    )
    found = {row["installation"]: row["n"] for row in counted.table.to_pylist()}
    assert found == dict.fromkeys(names, WORLD.count()["promote_image_actions"])
    log = [json.loads(line) for line in said.stderr.splitlines()]
    (reduced,) = (line for line in log if line["event"].startswith("fewer requests at once"))
    told = {name: reduced[name] for name in ("open_files", "installations", "concurrency", "in_turns")}
    assert told == {
        "open_files": OPEN_FILES,
        "installations": installations,
        "concurrency": concurrency,
        "in_turns": in_turns,
    }

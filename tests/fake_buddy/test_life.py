"""Start and stop: in a thread for tests, in a process for benchmarks; the log and the control requests."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import aiohttp
import pytest

import collector.fake_buddy
from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from collector.fake_buddy.__main__ import load_script, main
from tests.fake_buddy.asking import ask, get


def test_it_serves_a_sync_test_and_stops() -> None:
    """The server has one thread, from the start of the block to its end."""
    before = threading.active_count()
    with FakeBuddy(FakeWorld()) as fake:
        assert get(fake, "/workspaces").status == 200
        address = fake.url.partition("//")[2].split(":")
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address[0], int(address[1])), timeout=1)


def test_it_serves_an_async_test() -> None:
    """A coroutine uses it the same way, and it answers many requests at once."""

    async def many() -> list[int]:
        async with FakeBuddy(FakeWorld(), latency=0.1) as fake, aiohttp.ClientSession() as session:
            session.headers["Authorization"] = f"Bearer {fake.token}"

            async def one() -> int:
                async with session.get(f"{fake.url}/workspaces") as reply:
                    return reply.status

            return await asyncio.gather(*(one() for _ in range(50)))

    assert asyncio.run(asyncio.wait_for(many(), timeout=4)) == [200] * 50


def test_a_taken_port_is_an_error() -> None:
    """Starting on a port that is in use raises the error in the caller."""
    with FakeBuddy(FakeWorld()) as fake, pytest.raises(OSError, match="address already in use"):
        FakeBuddy(FakeWorld(), port=int(fake.url.rpartition(":")[2])).start()


def test_stopping_twice_is_allowed() -> None:
    """Stopping twice, or before the start, does nothing."""
    fake = FakeBuddy(FakeWorld())
    fake.stop()
    fake.start()
    fake.stop()
    fake.stop()


def test_the_log_is_ordered_and_can_be_bounded() -> None:
    """Requests are numbered in order and found by kind; the counts include those that left a bounded log."""
    with FakeBuddy(FakeWorld(), arrivals_kept=2) as fake:
        ask(fake, "/workspaces", "/user/token", "/workspaces?x=%20y")
        assert [request.number for request in fake.arrivals] == [2, 3]
        assert [request.query for request in fake.requests("workspaces")] == [{"x": " y"}]
        assert fake.counts() == {"requests": 3, "refused": 0, "kind:workspaces": 2, "kind:token": 1, "status:200": 3}
        fake.forget_arrivals()
        assert fake.arrivals == []
        assert fake.counts()["requests"] == 0


def test_control_requests() -> None:
    """Control requests read the counts, empty the log and set the night; they are not logged."""
    with FakeBuddy(FakeWorld()) as fake:
        get(fake, "/workspaces")
        stats = json.load(urlopen(f"{fake.url}/-/stats?minimum=1"))
        assert (stats["requests"], stats["expected_minimum"]) == (1, fake.expected_minimum())
        assert stats["expected_minimum_without_executions"] == fake.expected_minimum(None)
        assert stats["cpu_seconds"] > 0
        urlopen(Request(f"{fake.url}/-/night?n=2", method="POST")).close()
        urlopen(Request(f"{fake.url}/-/forget", method="POST")).close()
        assert fake.world.night == 2
        assert fake.arrivals == []
        with pytest.raises(HTTPError) as refused:
            urlopen(Request(f"{fake.url}/-/night?n=x", method="POST"))
        refused.value.close()
        assert refused.value.code == 404


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process(tmp_path: Path, ending: signal.Signals) -> None:
    """As a process it prints its URL and how to use it, serves the given world and script, and ends on a signal."""
    script = tmp_path / "script.json"
    script.write_text('[{"do": "status", "kind": "projects", "code": 503}]')
    options = ["--projects", "2", "--prefix", "/api", "--token", "t", "--script", str(script)]
    options += ["--moment", "2031-05-01T06:00", "--executions-page-size", "2", "--scope-headers", "OAuth"]
    root = Path(collector.fake_buddy.__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-m", "collector.fake_buddy", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        said = [process.stdout.readline().strip() for _ in range(5)]
        assert said == ["", "In another shell:", f"export BUDDY_API_URL={url}", "export BUDDY_TOKEN=t", ""]
        headers = {"Authorization": "Bearer t"}
        assert json.load(urlopen(Request(f"{url}/workspaces", headers=headers)))["workspaces"][0]["id"] == 1
        executions = f"{url}/workspaces/acme/projects/checkout-api/pipelines/101/executions"
        with urlopen(Request(executions, headers=headers)) as reply:
            assert reply.headers["X-OAuth-Scopes"] == "WORKSPACE, EXECUTION_INFO"
            assert [item["start_date"][:8] for item in json.load(reply)["executions"]] == ["2031-04-"] * 2
        with pytest.raises(HTTPError) as broken:
            urlopen(Request(f"{url}/workspaces/acme/projects", headers=headers))
        broken.value.close()
        assert broken.value.code == 503
        process.send_signal(ending)
        assert process.communicate(timeout=5) == ("", "")
    assert process.returncode == 0


def test_a_script_is_read_from_json(tmp_path: Path) -> None:
    """A script file is an array of faults; anything else raises ValueError."""
    file = tmp_path / "script.json"
    file.write_text('[{"do": "hang", "kind": "action", "times": null}]')
    assert load_script(file) == [Fault("hang", kind="action", times=None)]
    file.write_text("{}")
    with pytest.raises(ValueError, match="array of faults"):
        load_script(file)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("{", ["--script"], "truncated"),
        ("{}", ["--script"], "array of faults"),
        ('[{"do": "explode"}]', ["--script"], "do must be one of"),
        ("", ["--limit", "3"], "needs a window"),
    ],
)
def test_an_invalid_command_line_exits_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, options: list[str], message: str
) -> None:
    """An invalid script or limit ends the program with a message and exit code 2."""
    file = tmp_path / "script.json"
    file.write_text(content)
    with pytest.raises(SystemExit) as ended:
        main([*options, str(file)] if options == ["--script"] else options)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err

"""Token, values of variables and passwords do not leak: at any log level, in any file, on a terminal, by redirects."""

import base64
import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from collector.fake_buddy import SECRET_MARKER, FakeBuddy, FakeWorld, Fault
from tests.faults.ledger import Ledger
from tests.faults.process import Ended, Program, ended, journal_bytes, until
from tests.faults.published import published, runs_of
from tests.faults.runs import run_collect
from tests.sampling import some
from tests.worlds import pipelines_of

LEVELS = ("debug", "info", "warning", "error")
TOKEN = "f6b1c2d3-e4a5-4b6c-8d7e-0123456789ab"
# The columns that hold the values of variables when they are kept.
KEPT_COLUMNS = (("variables", "value"), ("action_executions", "outputted_variables"))
# Large enough that the faults cannot hit every secret: see the last test.
WORLD = FakeWorld(projects=4, pipelines=6, actions=6)


@pytest.fixture
def fake() -> Iterator[FakeBuddy]:
    """Serve an awkward world; half of its actions have variables with SECRET_MARKER."""
    with FakeBuddy(WORLD.dated(datetime.now(UTC)), token=TOKEN) as serving:
        yield serving


def _echo_faults() -> list[Fault]:
    """Return faults that repeat the token and secrets: in JSON, text, HTML, and in wrong fields of items."""
    echo = {
        "errors": [{"message": f"Bearer {TOKEN} is not welcome"}],
        "variables": [{"key": "A", "value": f"{SECRET_MARKER}1"}],
        "request": {"headers": {"Authorization": f"Bearer {TOKEN}"}, "password": f"{SECRET_MARKER}2"},
        TOKEN: {"passphrase": f"{SECRET_MARKER}3", "value": f"{SECRET_MARKER}4"},
    }
    leaked = [{"key": "A", "value": f"{SECRET_MARKER}10"}, SECRET_MARKER]
    page = f"<html>Authorization: Bearer {TOKEN}, password={SECRET_MARKER}5</html>"
    return [
        Fault("status", kind="actions", nth=1, times=1, code=403, body=echo),
        Fault("status", kind="actions", nth=2, times=1, code=403, body=page),
        Fault("status", kind="actions", nth=3, times=1, code=403, message=f"Token {TOKEN} may not"),
        Fault("status", kind="action", nth=1, times=1, code=404, body=f'half a {{"value": "{SECRET_MARKER}6'),
        Fault("status", kind="action", nth=2, times=1, code=500, body=echo),
        Fault("status", kind="action", nth=4, times=1, code=429, body=echo),
        Fault("wrong_type", kind="action", nth=6, times=2, json_path="timeout", value=f"Bearer {TOKEN}"),
        Fault("wrong_type", kind="action", nth=8, times=4, json_path="variables",
              value=[{"key": "A", "value": [f"{SECRET_MARKER}7"]}, {"value": {"deep": f"{SECRET_MARKER}8"}},
                     SECRET_MARKER]),
        Fault("wrong_type", kind="action", nth=12, times=2, json_path="src", value=[{"password": f"{SECRET_MARKER}9"}]),
        Fault("extra_field", kind="pipelines", json_path="pipelines[0].variables", times=None,
              value=[{"value": SECRET_MARKER}]),
        Fault("extra_field", kind="projects", json_path="projects[0].echo", value=f"x{TOKEN}x", times=None),
        Fault("status", kind="executions", nth=1, code=403, body=echo, headers={"X-OAuth-Scopes": f"A, {TOKEN}"}),
        Fault("status", kind="executions", nth=2, code=403, body=page, headers={"X-Accepted-0Auth-Scopes": TOKEN}),
        Fault("wrong_type", kind="executions", nth=3, json_path="executions[0].status", value=[TOKEN]),
        Fault("extra_field", kind="executions", nth=4, json_path="executions[0].passed_variables", value=leaked),
        Fault("status", kind="execution", nth=1, code=404, body=f'half a {{"log": "{SECRET_MARKER}'),
        Fault("extra_field", kind="execution", nth=2, times=2, json_path="passed_variables", value=leaked),
        Fault("extra_field", kind="execution", nth=4, times=2, json_path="action_executions[0].outputted_variables",
              value=leaked),
        Fault("extra_field", kind="execution", nth=6, json_path="action_executions[0].log", value=[SECRET_MARKER]),
        Fault("wrong_type", kind="execution", nth=7, json_path="action_executions", value={"logs": [SECRET_MARKER]}),
        Fault("extra_field", kind="execution", nth=8, json_path="comment", value=f"Bearer {TOKEN}"),
    ]  # fmt: skip


def _leaks(content: bytes, where: str) -> list[str]:
    token = TOKEN.encode()
    hidden = (token, token[::-1], base64.b64encode(token), token.replace(b"-", b""), SECRET_MARKER.encode())
    return [f"{where} holds {each!r}" for each in hidden if each in content]


def _search(directory: Path, done: Ended, *, kept: bool = False) -> list[str]:
    """Return the secrets found in all output, files and cells of a run; `kept` allows kept values in their column."""
    found = _leaks(done.out.encode(), "stdout") + _leaks(done.err.encode(), "stderr")
    for path in directory.rglob("*"):
        found += _leaks(str(path).encode(), "a path")
        if not path.is_file():
            continue
        if path.suffix == ".parquet":
            found += _search_table(path, kept=kept)
        if path.suffix != ".parquet" or not kept:
            found += _leaks(path.read_bytes(), path.name)
    return found


def _search_table(path: Path, *, kept: bool) -> list[str]:
    table = pq.read_table(path, partitioning=None)
    found = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        cells = column.to_pylist()
        if kept and (path.parts[-3], name) in KEPT_COLUMNS:
            continue
        if kept and name == "extra":
            # A list of actions can include variables, although no document says so.
            cells = [_without_kept(json.loads(cell)) for cell in cells if cell]
        found += _leaks(repr(cells).encode(), f"{path.name}, column {name}")
    return found


def _without_kept(document: Any) -> Any:
    """Return a document without the values of its unencrypted variables."""
    if isinstance(document, list):
        return [_without_kept(each) for each in document]
    if not isinstance(document, dict):
        return document
    kept = {
        name: [
            {member: each[member] for member in each if member != "value" or each.get("encrypted")} for each in value
        ]
        for name, value in document.items()
        if name in ("variables", "passed_variables", "outputted_variables") and value
    }
    return {**{name: _without_kept(value) for name, value in document.items()}, **kept}


RUNS = [
    pytest.param(level, form, faulty, id=f"{level}-{form}-{'faulty' if faulty else 'healthy'}",
                 marks=() if (level, form, faulty) == ("debug", "json", True) else pytest.mark.faults)
    for level in LEVELS for form in ("text", "json") for faulty in (True, False)
]  # fmt: skip


@pytest.mark.parametrize(("level", "form", "faulty"), RUNS)
def test_a_run_leaves_no_secret_behind(
    level: str, form: str, faulty: bool, fake: FakeBuddy, tmp_path: Path, ledger: Ledger
) -> None:
    """The lake, its raw replies and all output contain neither the token nor values of variables."""
    if faulty:
        fake.script.add(*_echo_faults())
    program = Program(fake, tmp_path / "lake", COLLECTOR_LOG_LEVEL=level, COLLECTOR_LOG_FORMAT=form)
    done = program.run("collect", "--keep-raw", "--format", "json")
    assert done.code == (1 if faulty else 0), done.err
    leaks = _search(tmp_path, done)
    ledger.note(
        f"search for secrets: {'with' if faulty else 'without'} faults, all log levels", done.code, false=len(leaks)
    )
    assert leaks == []
    assert any(path.name.startswith("raw") for path in tmp_path.rglob("*"))
    # There were values to redact.
    assert any(row["value_state"] == "redacted" for row in published(tmp_path / "lake")["variables"])


def test_a_password_in_a_url_is_not_stored(fake: FakeBuddy, tmp_path: Path) -> None:
    """A password in a URL, or under a name like password, is in no file, and the rest of the text is kept."""
    address = f"https://bot:{SECRET_MARKER}@reg.example.test"
    places = ["src.registry", "src.image", "url", "name", "trigger_conditions[0].trigger_user", "note"]
    fake.script.add(
        *[Fault("extra_field", kind="action", nth=nth, times=1, json_path=place, value=address)
          for nth, place in enumerate(places, start=1)],
        Fault("extra_field", kind="action", nth=7, times=1, json_path="registry_password", value=SECRET_MARKER),
        Fault("extra_field", kind="action", nth=8, times=1, json_path="timeout", value=address),
        Fault("extra_field", kind="actions", nth=1, times=1, json_path="actions[0].name",
              value=f"bot:{SECRET_MARKER}@host"),
        Fault("status", kind="actions", nth=2, times=1, code=403, message=f"{'x' * 480} {address}"),
        Fault("status", kind="actions", nth=3, times=1, code=404, body=f"<html>{address}</html>"),
    )  # fmt: skip
    done = Program(fake, tmp_path / "lake", COLLECTOR_LOG_LEVEL="debug").run("collect", "--keep-raw")
    assert done.code == 1, done.err
    assert _search(tmp_path, done) == []
    rows = published(tmp_path / "lake")
    kept = "https://bot:[redacted]@reg.example.test"
    assert kept in {row["src_registry"] for row in rows["promote_image_actions"]}
    assert kept in {row["name"] for row in rows["promote_image_actions"]}
    assert any("registry_password" in (row["extra"] or "") for row in rows["promote_image_actions"])


@pytest.mark.faults
def test_a_run_killed_in_the_middle_leaves_no_secret_behind(fake: FakeBuddy, tmp_path: Path) -> None:
    """The journal and staging of a killed run contain no secret."""
    fake.script.add(*_echo_faults(), Fault("hang", kind="action", nth=10, times=None))
    process = Program(fake, tmp_path / "lake", COLLECTOR_LOG_LEVEL="debug").begin("collect", "--keep-raw")
    assert until(process, lambda: len(fake.requests("action")) >= 11 and journal_bytes(tmp_path / "lake") > 10_000)
    process.kill()
    assert _search(tmp_path, ended(process)) == []


def test_kept_values_are_those_of_unencrypted_variables(fake: FakeBuddy, tmp_path: Path) -> None:
    """With --variable-values keep, only variables.value has values, of unencrypted variables, and no password."""
    done = Program(fake, tmp_path / "lake", COLLECTOR_LOG_LEVEL="debug").run("collect", "--variable-values", "keep")
    assert done.code == 0, done.err
    assert _search(tmp_path, done, kept=True) == []
    variables = published(tmp_path / "lake")["variables"]
    kept = [row for row in variables if row["value_state"] == "kept"]
    assert kept
    assert all(row["value"] and not row["encrypted"] and "secure!" not in row["value"] for row in kept)
    assert all(row["value"] is None for row in variables if row["value_state"] != "kept")
    assert any(row["value_state"] == "encrypted" for row in variables)


@pytest.mark.faults
def test_a_terminal_shows_no_secret(fake: FakeBuddy, tmp_path: Path) -> None:
    """The live display and the log on a terminal contain no secret."""
    fake.script.add(*_echo_faults())
    fake.latency = 0.05
    program = Program(fake, tmp_path / "lake", COLLECTOR_LOG_LEVEL="debug", TERM="xterm-256color")
    ours, theirs = pty.openpty()
    shown: list[bytes] = []

    def read() -> None:
        while True:
            try:
                block = os.read(ours, 65536)
            except OSError:  # the terminal is closed
                return
            if not block:
                return
            shown.append(block)

    process = subprocess.Popen(
        [sys.executable, "-m", "collector", "collect"],
        cwd=tmp_path,
        env=program.environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    reader = threading.Thread(target=read)
    reader.start()
    assert process.wait(timeout=60) == 1
    reader.join(timeout=10)
    os.close(ours)
    screen = b"".join(shown)
    assert b"requests/s" in screen
    assert _leaks(screen, "the terminal") == []


@pytest.mark.parametrize("code", some([301, 302, 303, 307, 308], 4))
def test_the_token_goes_to_the_configured_host_only(code: int, fake: FakeBuddy, tmp_path: Path, ledger: Ledger) -> None:
    """A redirect of any request with any code is not followed: the other host receives no request."""
    with FakeBuddy(FakeWorld(), token=TOKEN) as other:
        kinds = ("projects", "pipelines", "actions", "action", "executions", "execution")
        for kind in kinds:
            fake.script.add(Fault("redirect", kind=kind, nth=2, times=1, code=code, to=f"{other.url}/workspaces"))
        fake.world = FakeWorld(workspaces=2, projects=3, pipelines=3, actions=5)
        result = run_collect(fake, tmp_path / "lake")
        assert other.arrivals == []
    assert result.exit_code == 1
    assert {row["kind"] for row in published(tmp_path / "lake")["problems"]} <= {"redirect_refused", "check"}
    assert all(request.method == "GET" for request in fake.arrivals)
    ledger.note("redirect to another host, for the token", result.exit_code, injected=len(kinds))
    fake.script.clear()
    fake.script.add(Fault("redirect", kind="workspaces", code=code, to="http://127.0.0.1:9/workspaces", times=None))
    assert run_collect(fake, tmp_path / "lake", 2).exit_code == 3
    assert len(runs_of(tmp_path / "lake")) == 1


def test_the_faults_do_not_hide_every_secret() -> None:
    """In any order of requests, more promotions have a value to redact than the faults can hide."""
    values = sorted(sum(map(_has_a_value, WORLD.paths(pipeline))) for pipeline in pipelines_of(WORLD))
    hits = dict.fromkeys(("actions", "action"), 0)
    for fault in _echo_faults():
        if fault.kind in hits:
            assert fault.times is not None
            hits[fault.kind] += fault.times
    assert min(hits.values()) > 0
    assert sum(values[: -hits["actions"]]) > hits["action"]


def _has_a_value(action: tuple[Any, ...]) -> bool:
    item = WORLD.item(action)
    variables = item.get("variables") or ()
    return item["type"] == "PROMOTE_IMAGE" and any(
        variable.get("value") and not variable.get("encrypted") for variable in variables
    )

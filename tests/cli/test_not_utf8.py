"""Texts that are not UTF-8: Python gives bytes of arguments and stdin that are not UTF-8 as lone surrogates."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Program


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["sql", "select '\udcff'"], "SQL holds bytes that are not UTF-8"),
        (["ask", "releases", "--param", "image=\udcff"], "parameter image is not UTF-8"),
        (["ask", "history_of_action", "--param", "action_id=\udcff"], "It must be a whole number"),
    ],
)
def test_they_are_refused(on_demo: Program, argv: list[str], said: str) -> None:
    """SQL and values of parameters are wrong input, with exit code 2 and the byte as an escape."""
    result = on_demo(*argv)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


@pytest.mark.parametrize("argv", [["status", "--lake", "\udcff"], ["collect", "-w", "\udcff*", "--lake", "lake"]])
def test_settings_are_refused(program: Program, argv: list[str]) -> None:
    """A place of a lake and a name of a workspace are refused before anything begins."""
    result = program(*argv, environ={"BUDDY_TOKEN": "a-token"})
    assert (result.code, result.out) == (2, "")
    assert "not UTF-8" in result.err
    assert r"\udcff" in result.err


def test_stdin_is_refused(demo_lake: Path) -> None:
    """Where Python reads stdin as strict UTF-8, as in most locales, SQL from it is refused like that of an argument."""
    ended = subprocess.run(
        [sys.executable, "-m", "collector", "sql", "-", "--lake", str(demo_lake)],
        input=b"select '\xff'",
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"not UTF-8" in ended.stderr

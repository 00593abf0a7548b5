"""Shells complete commands, questions, parameters and run ids."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from collector.lake.lake import Lake
from tests.cli.conftest import Program
from tests.cli.test_main import ENVIRON


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("collector stat", ["status"]),
        ("collector ask what_changed_", ["what_changed_between"]),
        ("collector ask releases --param e", ["environment="]),
        ("collector ask releases --param zork", []),
        ("collector ask zork --param ", []),
        ("collector ask --lake nowhere --run ", ["latest"]),
        ("collector tables promote_image_", ["promote_image_actions"]),
        ("collector status --form", ["--format"]),
        ("collector completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_completions(program: Program, typed: str, completed: list[str]) -> None:
    """Each shell gets the words that may follow; a question or lake that does not exist completes nothing."""
    arguments = {"_COLLECTOR_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    result = program(environ={**arguments, "_TYPER_COMPLETE_ARGS": typed})
    assert [line.split("\t")[0] for line in result.out.split("\n") if line] == completed
    assert (result.code, result.err) == (0, "")


def test_runs_are_completed(program: Program, demo_lake: Path) -> None:
    """`--run` knows the runs of the lake, the newest first."""
    words = {"COMP_WORDS": "collector ask releases --run ", "COMP_CWORD": "4", "COLLECTOR_LAKE": str(demo_lake)}
    result = program(environ={"_COLLECTOR_COMPLETE": "complete_bash", **words})
    runs = [run.run_id for run in Lake.open(demo_lake).manifest.runs]
    assert result.out.split() == ["latest", *reversed(runs)]


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("collector ask releases --param env", ["environment="]), ("collector ask --lake nowhere --run=l", ["latest"])],
)
def test_the_script_for_bash(program: Program, tmp_path: Path, typed: str, completed: list[str]) -> None:
    """In bash the script completes the word under the cursor, and behind `=` only what follows it."""
    command = tmp_path / "collector"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m collector "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    call = (
        f"COMP_LINE={shlex.quote(typed)}; COMP_POINT=${{#COMP_LINE}}; _collector_completion {shlex.quote(str(command))}"
    )
    script = f"{program('completion', 'bash').out}\n{call} 2>/dev/null\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env=ENVIRON)
    assert (done.stdout.split(), done.stderr) == (completed, "")


@pytest.mark.parametrize(("shell", "start"), [("zsh", "#compdef collector"), ("fish", "complete --command collector")])
def test_the_scripts_for_other_shells(program: Program, shell: str, start: str) -> None:
    """The scripts for zsh and fish ask the program as typer's own do."""
    assert program("completion", shell).out.startswith(start)

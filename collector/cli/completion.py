"""What the shell completes: questions, their parameters, run ids, tables and commands; and the scripts that ask for it.

A completion that fails completes nothing: a mistake in a settings file must not appear in the middle of a command line.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from functools import wraps
from typing import Annotated, Any, Final

import typer

from collector.cli import options
from collector.cli.output import write_text
from collector.cli.question_help import program_questions
from collector.errors import CollectorError

VARIABLE: Final = "_COLLECTOR_COMPLETE"  # set by the scripts: the shell wants completions, not a command
EPILOG: Final = """\
bash: add `eval "$(collector completion bash)"` to ~/.bashrc.

zsh: add `eval "$(collector completion zsh)"` to ~/.zshrc, after compinit.

fish: `collector completion fish > ~/.config/fish/completions/collector.fish`
"""
Shell = StrEnum("Shell", ["bash", "zsh", "fish"])
# Bash breaks words at `=`, and would replace only what follows it; after NAME= the value is typed without a space.
_BASH: Final = """\
_collector_completion() {
    local line="${COMP_LINE:0:$COMP_POINT}" word words
    IFS=' ' read -ra words <<< "$line"
    [[ $line == *' ' ]] && words+=("")
    word="${words[${#words[@]}-1]}"
    local IFS=$'\\n'
    COMPREPLY=($(env COMP_WORDS="$line" COMP_CWORD=$((${#words[@]} - 1)) _COLLECTOR_COMPLETE=complete_bash "$1"))
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    [[ $word == *=* ]] && COMPREPLY=("${COMPREPLY[@]#"${word%=*}="}")
    return 0
}

complete -o default -F _collector_completion collector
"""


def completion(shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish", help="The shell.")]) -> int:
    """Print a script that teaches a shell to complete commands, questions, parameters and run ids."""
    from typer._completion_shared import get_completion_script

    script = _BASH
    if shell is not Shell.bash:
        script = get_completion_script(prog_name="collector", complete_var=VARIABLE, shell=shell.value) + "\n"
    write_text(script, None)
    return 0


def complete(command: Any, instruction: str) -> int:
    """Answer a shell: print the completions of the command line that its variables hold."""
    from typer._completion_classes import completion_init
    from typer.completion import shell_complete

    completion_init()
    return shell_complete(command, {}, "collector", VARIABLE, instruction)


Completer = Callable[[typer.Context, str], Iterator[tuple[str, str]]]


def _completer(find: Completer) -> Callable[[typer.Context, str], list[tuple[str, str]]]:
    @wraps(find)
    def found(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        completions: list[tuple[str, str]] = []
        with suppress(CollectorError, OSError):
            completions.extend(find(context, incomplete))
        return completions

    return found


@_completer
def questions(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete the name of a question."""
    for name, question in program_questions().all.items():
        yield name, question.description


@_completer
def parameters(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete NAME= of a parameter of the question that was typed before."""
    # While an option lacks its value, the words before it are not parsed yet.
    question = context.params.get("question") or next(iter(context.args), "")
    for parameter in program_questions()[question].parameters:
        yield f"{parameter.name}=", parameter.description


@_completer
def runs(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete a run id of the lake."""
    yield "latest", "the newest run"
    lake = options.open_lake(context.params.get("lake"), context.params.get("config"))
    for run in reversed(lake.manifest.runs):
        yield run.run_id, run.status


@_completer
def tables(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete the name of a table or view."""
    from collector.lake.tables import TABLES
    from collector.query.views import view_sources

    for table in TABLES.values():
        yield table.name, f"One row per {table.grain}."
    for name, view in view_sources().items():
        yield name, view.description

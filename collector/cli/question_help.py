"""The questions that `collector ask` knows: their list by topic, and the help of one of them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collector.query.questions import Parameter, Question, Questions

_TITLES: Final = {
    "releases": "Releases: what is promoted from where to where, what was released, and what is in production",
    "change": "Change: what differs from earlier runs",
    "health": "Health: what fails, waits or is missing",
    "security": "Security: what is open, unencrypted or reaches production by another way",
    "cost": "Cost: what the runs took",
}
_NEXT: Final = "`collector ask QUESTION` answers one; `collector ask QUESTION --help` explains it."


def program_questions() -> "Questions":
    """Return the questions of the program, which can be read before there is a lake."""
    from collector.query.questions import Questions
    from collector.query.sql_files import sql_folder

    return Questions(sql_folder())


def question_list(width: int | None) -> str:
    """Return one line per question, by topic."""
    from collector.cli.text_table import draw_list, wrap
    from collector.query.questions import TOPICS

    questions = program_questions().all.values()
    longest = max(len(question.name) for question in questions)
    parts = []
    for topic in TOPICS:
        rows = [(f"  {q.name.ljust(longest)}", _summary(q)) for q in questions if q.topic == topic]
        parts.append(wrap(f"{_TITLES[topic]}\n", width) + draw_list(rows, width))
    return "\n".join([*parts, wrap(f"{_NEXT}\n", width)])


def question_help(name: str, width: int | None) -> str:
    """Return what a question asks, its parameters, the columns of its answer and its rules."""
    from collector.cli.text_table import draw_list, wrap

    question = program_questions()[name]
    pairs = "".join(f" --param {p.name}=…" for p in question.parameters if p.required)
    pairs += " [--param NAME=VALUE]" * (len(question.parameters) > pairs.count("="))
    parts = [
        f"{question.description}\n",
        f"Usage: collector ask {name}{pairs} [--run RUN]\n",
        f"Topic: {question.topic}. Its answer: {', '.join(question.answer)}; `-f json` has further columns.\n",
    ]
    if question.parameters:
        rows = [(f"  {parameter.name}", _about(parameter)) for parameter in question.parameters]
        parts.append("Parameters:\n" + draw_list(rows, width))
    if question.notes:
        parts.append(_paragraphs(question.notes.splitlines()))
    parts.append(f"`collector ask {name} --show` prints its SQL.\n")
    return "\n".join(wrap(part, width) for part in parts)


def _summary(question: "Question") -> str:
    parameters = ", ".join(each.name + ("" if each.required else "?") for each in question.parameters)
    return question.description + (f" [{parameters}]" if parameters else "")


def _about(parameter: "Parameter") -> str:
    default = "required" if parameter.required else f"default: {parameter.default_text or 'empty'}"
    return f"{parameter.description} ({parameter.type}, {default})"


def _paragraphs(lines: Iterable[str]) -> str:
    """Return the lines of a comment as paragraphs; a line that begins with * begins one."""
    text = ""
    for line in lines:
        text += "\n" if text and (not line or line.startswith("* ")) else " " if text else ""
        text += line
    return text + "\n"

"""The morning message: what changed, what failed and what is missing, short enough for a chat.

Its rows are those of the question `morning`. Names and values come from Buddy, where anybody may have typed them: they are
cut, put on one line, and in Markdown stand in code spans, in which nothing is a link, a mention or a heading.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from collector.after_run.run_result import RunResult, as_json
from collector.buddy.error_messages import one_line

# At most so many lines of each part, and so many installations: with headings and title under 20 lines.
LINES = 3
LONGEST = 90
_TITLES = {"changed": "Changed", "failed": "Failing", "missing": "Missing"}
# What can stand in Markdown as it is: no character that begins anything, no address that would become a link.
_PLAIN = re.compile(r"(?!.*(?:www\.|://))[A-Za-z0-9 ,.()-]*\Z")


class MessageLine(msgspec.Struct, frozen=True):
    """One thing: what happened, where in Buddy, and the page to open. All three are foreign text."""

    text: str
    place: str | None = None
    html_url: str | None = None


class MorningMessage(msgspec.Struct, frozen=True):
    """The message: `title` and `lines` are our own words, `parts` are by name changed, failed, missing."""

    title: str
    lines: tuple[str, ...]
    parts: dict[str, tuple[MessageLine, ...]]


def rows_of(lake: Path) -> list[dict[str, Any]]:
    """Return the rows of the question `morning` about the newest night. Raises LakeError and QueryError."""
    from collector.query.reader import open_lake

    return list(open_lake(lake).ask("morning", lines=LINES).table.to_pylist())


def morning(ending: RunResult, rows: Iterable[Mapping[str, Any]]) -> MorningMessage:
    """Return what to tell of a night; `rows` are those of the question, none when nothing was published."""
    parts: dict[str, list[MessageLine]] = {name: [] for name in _TITLES}
    for row in rows if ending.summary is not None else ():
        if row["part"] in parts:
            parts[row["part"]].append(MessageLine(row["line"], row["place"], row["html_url"]))
    kept = {name: tuple(lines) for name, lines in parts.items() if lines}
    return MorningMessage(_title(ending), tuple(_own_lines(ending, kept)), kept)


def _title(ending: RunResult) -> str:
    summary = ending.summary
    if summary is None:
        return f"Buddy promotions {ending.began_at:%Y-%m-%d}: NOT PUBLISHED (exit code {ending.exit_code})"
    changes = ", ".join(f"{count:,} {kind}" for kind, count in summary.changes.items() if count)
    actions = summary.rows.get("promote_image_actions", 0)
    return (
        f"Buddy promotions {summary.run_date}: {summary.status}, {actions:,} promote-image actions, "
        f"changes: {changes or 'none'}"
    )


def _own_lines(ending: RunResult, parts: Mapping[str, Sequence[MessageLine]]) -> Iterable[str]:
    if ending.summary is None:
        yield f"{ending.message} {ending.advice}".strip()
        newest = ending.newest
        yield (
            f"The newest night is that of {newest.finished_at:%Y-%m-%d}, {newest.status}."
            if newest
            else "No night has been published yet."
        )
        return
    each = ending.summary.installations
    if len(each) > 1:
        for part in sorted(each, key=lambda part: part.status == "complete")[:LINES]:
            problems = sum(part.problems.values())
            yield (
                f"{part.installation}: {part.status}, {part.promote_image_actions:,} actions, "
                f"{part.requests:,} requests, {problems:,} problem{'s' * (problems != 1)}"
            )
        if len(each) > LINES:
            yield f"and {len(each) - LINES:,} more installations"
    if not parts:
        yield "Nothing in the set-up changed, nothing fails, nothing is missing."


def as_text(message: MorningMessage) -> str:
    """Return the message as plain text."""
    lines = [_short(message.title, 300), *(_short(line, 300) for line in message.lines)]
    for name, things in message.parts.items():
        lines.append(f"{_TITLES[name]}:")
        lines += ["  " + ": ".join(_short(text) for text in (each.place, each.text) if text) for each in things]
    return "".join(line + "\n" for line in lines)


def as_markdown(message: MorningMessage) -> str:
    """Return the message as Markdown in which nothing from Buddy can act."""
    lines = [f"**{_short(message.title, 300)}**", *(f"- {_words(line, 300)}" for line in message.lines)]
    for name, things in message.parts.items():
        lines.append(f"- **{_TITLES[name]}**")
        lines += ["  - " + ": ".join(_words(text) for text in (each.place, each.text) if text) for each in things]
    return "".join(line + "\n" for line in lines)


def as_chat(message: MorningMessage) -> str:
    """Return the message for a chat's webhook: as Markdown, and without the brackets that chats read as commands."""
    return as_markdown(message).replace("<", "‹").replace(">", "›")


def payload(ending: RunResult, message: MorningMessage) -> dict[str, Any]:
    """Return the message for programs: `text` is what a chat shows, `parts` and `summary` the same as data."""
    return {
        "text": as_chat(message),
        "title": message.title,
        "status": ending.status,
        "lines": list(message.lines),
        "parts": msgspec.to_builtins(message.parts),
        "summary": as_json(ending),
    }


def written(path: Path, ending: RunResult, message: MorningMessage) -> str:
    """Return the content of a message file: its ending says the format."""
    if path.suffix == ".json":
        return json.dumps(payload(ending, message), ensure_ascii=False, indent=1) + "\n"
    return as_markdown(message) if path.suffix == ".md" else as_text(message)


def _short(text: str, longest: int = LONGEST) -> str:
    line = one_line(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _words(text: str, longest: int = LONGEST) -> str:
    """Return text as it is where nothing in it means anything in Markdown, else as a code span."""
    short = _short(text, longest)
    if _PLAIN.match(short):
        return short
    # A code span ends at a run of as many backticks as it began with; one of another length is text in it.
    longest_run = max((len(run) for run in re.findall("`+", short)), default=0)
    fence = "`" * (longest_run + 1)
    return f"{fence} {short} {fence}" if longest_run else f"{fence}{short}{fence}"

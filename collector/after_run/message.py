"""The morning message: what was released, changed, failed, and is missing, short enough for a chat.

Its rows are those of the question `morning`. Names and values come from Buddy, where anybody may have typed them: they
are cut and put on one line, and Markdown holds them in code spans, in which nothing is a link, a mention or a heading.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.after_run.run_result import RunResult, as_json
from collector.buddy.error_messages import one_line
from collector.query.certainty import in_words

# The most lines of each part, and the most installations: with headings and title at most 25 lines.
MAX_LINES = 3
MAX_LENGTH = 90
_OWN_LENGTH = 300  # of title and lines, which hold few foreign names
_HEADINGS = {"released": "Released", "changed": "Changed", "failed": "Failing", "missing": "Missing"}
# Text that means nothing in Markdown: no character with a meaning, and no address that would become a link.
_PLAIN = re.compile(r"(?!.*(?:www\.|://))[A-Za-z0-9 ,.()-]*\Z")


@dataclass(frozen=True)
class MorningMessage:
    """The message: `title` and `lines` are our own words; `parts` holds items by released, changed, failed and missing.

    An item is what happened (`text`), where in Buddy (`place`), and the page to open (`html_url`): foreign text.
    """

    title: str
    lines: list[str]
    parts: dict[str, list[dict[str, str | None]]]


def morning_message(
    result: RunResult, rows: Iterable[Mapping[str, Any]], unguarded: Mapping[str, int] | None = None
) -> MorningMessage:
    """Return the message about a run. `rows` are those of the question `morning`, none without a published run.

    `unguarded` counts the promotions of the question unguarded_production by certainty.
    """
    parts: dict[str, list[dict[str, str | None]]] = {}
    for row in rows:
        if row["part"] in _HEADINGS:
            item = {"text": row["line"], "place": row["place"], "html_url": row["html_url"]}
            parts.setdefault(row["part"], []).append(item)
    lines = list(_own_lines(result, nothing_found=not parts))
    if unguarded and any(unguarded.values()):
        lines.append(f"Into production: {in_words(unguarded, 'unguarded')}.")
    return MorningMessage(_title(result), lines, parts)


def _title(result: RunResult) -> str:
    summary = result.summary
    if summary is None:
        return f"Buddy promotions {result.began_at:%Y-%m-%d}: NOT PUBLISHED (exit code {result.exit_code})"
    what = f"{summary.rows.get('promote_image_actions', 0):,} promote-image actions"
    if summary.carried:
        what += f" ({summary.carried_text})"
    return f"Buddy promotions {summary.run_date}: {summary.status}, {what}, changed: {summary.changed}"


def _own_lines(result: RunResult, *, nothing_found: bool) -> Iterator[str]:
    if result.summary is None:
        yield f"{result.message} {result.advice}".strip()
        if (newest := result.newest) is None:
            yield "No run has been published yet."
        else:
            yield f"The newest published run is of {newest.finished_at:%Y-%m-%d}, {newest.status}."
        return
    parts = result.summary.installations
    if len(parts) > 1:
        shown = MAX_LINES if len(parts) <= MAX_LINES else MAX_LINES - 1
        for part in sorted(parts, key=lambda part: part.status == "complete")[:shown]:
            problems = sum(part.problems.values())
            yield (
                f"{part.installation}: {part.status}, {part.promote_image_actions:,} actions, "
                f"{part.requests:,} requests, {problems:,} problem{'s' * (problems != 1)}"
            )
        if len(parts) > shown:
            yield f"and {len(parts) - shown:,} more installations"
    if nothing_found:
        yield "Nothing was released, no configuration changed, no promotion fails, nothing is missing."


def as_text(message: MorningMessage) -> str:
    """Return the message as plain text."""
    return _rendered(message, _short, title="{}", line="{}", heading="{}:", item="  {}")


def as_markdown(message: MorningMessage) -> str:
    """Return the message as Markdown in which no text from Buddy has a meaning."""
    return _rendered(message, _code_span, title="**{}**", line="- {}", heading="- **{}**", item="  - {}")


def as_payload(result: RunResult, message: MorningMessage) -> dict[str, Any]:
    """Return the message for programs: `text` is what a chat shows, the other members are the same as data.

    `text` is Markdown without the brackets that chats read as commands.
    """
    return {
        "text": as_markdown(message).replace("<", "‹").replace(">", "›"),
        "title": message.title,
        "status": result.status,
        "lines": message.lines,
        "parts": message.parts,
        "summary": as_json(result),
    }


def message_file_text(path: Path, result: RunResult, message: MorningMessage) -> str:
    """Return the content of the message file at `path`, in the format of its extension."""
    if path.suffix == ".json":
        return json.dumps(as_payload(result, message), ensure_ascii=False, indent=1) + "\n"
    return as_markdown(message) if path.suffix == ".md" else as_text(message)


def _rendered(
    message: MorningMessage, escaped: Callable[[str, int], str], *, title: str, line: str, heading: str, item: str
) -> str:
    lines = [title.format(_short(message.title, _OWN_LENGTH))]
    lines += [line.format(escaped(text, _OWN_LENGTH)) for text in message.lines]
    for name, items in message.parts.items():
        lines.append(heading.format(_HEADINGS[name]))
        for each in items:
            texts = filter(None, (each["place"], each["text"]))
            lines.append(item.format(": ".join(escaped(text, MAX_LENGTH) for text in texts)))
    return "".join(f"{each}\n" for each in lines)


def _short(text: str, longest: int) -> str:
    line = one_line(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _code_span(text: str, longest: int) -> str:
    """Return text as it is where nothing in it has a meaning in Markdown, else as a code span."""
    short = _short(text, longest)
    if _PLAIN.match(short):
        return short
    # A code span ends at the next group of as many backticks as it began with, so it begins with more than any inside.
    longest_group = max(re.findall("`+", short), default="")
    return f"`{longest_group} {short} {longest_group}`" if longest_group else f"`{short}`"

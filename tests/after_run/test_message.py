"""The morning message is short and true, and nothing in it can act."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from collector.after_run.message import MAX_LINES, as_markdown, as_payload, as_text, message_file_text, morning_message
from collector.errors import NotPublished
from tests.after_run.run_results import BEGAN, not_published, part, published

HOSTILE = [
    "[click](https://evil.example)",
    "<!channel> @everyone",
    "`; rm -rf /`",
    "``a`b```",
    "# heading\n\n* item\x1b[2J\u202e",
    "www.evil.example <img src=x onerror=alert(1)>",
    "x" * 500,
]


def row(part: str, line: str, place: str | None = None) -> dict[str, Any]:
    return {"part": part, "line": line, "place": place, "html_url": None}


ROWS = [
    row("night", "us: complete, 12 promotions"),
    *(row("changed", "dest_tag: 1.0 -> 1.1", f"acme/web/{number}") for number in range(MAX_LINES)),
    row("changed", "and 7 more"),
    row("failed", "failing, was SUCCESSFUL", "acme/web/promote"),
    row("missing", "1 project forbidden", "us"),
]


def test_a_run_as_text() -> None:
    """The text holds a title, what changed, what fails and what is missing."""
    text = as_text(morning_message(published(), ROWS))
    assert text.splitlines()[0] == ("Buddy promotions 2026-11-23: complete, 12 promote-image actions, changed: 2 added")
    assert "Changed:\n  acme/web/0: dest_tag: 1.0 -> 1.1\n" in text
    assert "  and 7 more\n" in text
    assert "Failing:\n  acme/web/promote: failing, was SUCCESSFUL\n" in text
    assert "Missing:\n  us: 1 project forbidden\n" in text


def test_at_most_25_lines() -> None:
    """However much happened and however many installations there are, a chat shows it without scrolling."""
    rows = [row(name, "x", "y") for name in ("released", "changed", "failed", "missing") for _ in range(MAX_LINES + 1)]
    result = published(installations=tuple(part(f"i{number}") for number in range(9)))
    for render in (as_text, as_markdown):
        lines = render(morning_message(result, rows, {"certain": 1})).splitlines()
        assert len(lines) <= 25
        assert any("and 7 more installations" in line for line in lines)
        assert max(map(len, lines)) < 320


def test_a_run_without_news() -> None:
    """When there is nothing to report, the message says so."""
    assert "Nothing was released, no configuration changed" in as_text(morning_message(published(changes={}), []))


def test_what_was_carried_is_in_the_title() -> None:
    """The title says how many promotions were carried and how old the oldest is; nothing where none was."""
    carried = published(carried=9, oldest_read_at=BEGAN - timedelta(days=2, hours=3))
    said = "12 promote-image actions (9 carried, the oldest read 2 d 3 h before the run), changed: 2 added"
    assert said in morning_message(carried, []).title
    assert "carried" not in morning_message(published(), []).title


def test_the_installation_with_a_gap_comes_first() -> None:
    """With several installations each has a line, those with problems first."""
    result = published(status="partial", installations=(part("us"), part("eu", status="partial", problems={"gone": 2})))
    lines = as_text(morning_message(result, [])).splitlines()
    assert lines[1] == "eu: partial, 12 actions, 100 requests, 2 problems"
    assert lines[2].startswith("us: complete")


def test_a_run_that_was_not_published() -> None:
    """The message says what happened, what to do and which run is the newest."""
    text = as_text(morning_message(not_published(), []))
    assert "NOT PUBLISHED (exit code 3)" in text
    assert "Buddy hung up. Run it again." in text
    assert "No run has been published yet." in text


def outside_code_spans(text: str) -> str:
    """The text as CommonMark reads it, with code spans taken out."""
    out, rest = "", text
    while "`" in rest:
        before, _, rest = rest.partition("`")
        run = 1 + len(rest) - len(rest.lstrip("`"))
        out, rest = out + before, rest.lstrip("`")
        end = next(
            (
                at
                for at in range(len(rest))
                if rest.startswith("`" * run, at)
                and not rest.startswith("`" * (run + 1), at)
                and (at == 0 or rest[at - 1] != "`")
            ),
            None,
        )
        assert end is not None, "a code span is not closed"
        rest = rest[end + run :]
    return out + rest


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_inert(name: str) -> None:
    """A name can neither begin a line, nor be a link, a mention, a tag or markup, nor move a terminal's cursor."""
    message = morning_message(published(), [row("changed", name, name), row("failed", "failing, was " + name, name)])
    markdown = as_markdown(message)
    assert not set(outside_code_spans(markdown).replace("**", "")) & set("`[]<>@#|!_~*")
    assert "://" not in outside_code_spans(markdown)
    assert "www." not in outside_code_spans(markdown)
    assert not set(as_payload(published(), message)["text"]) & set("<>")
    for text in (markdown, as_text(message)):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert len(text.splitlines()) == 5
        assert max(map(len, text.splitlines())) < 250


def test_an_error_message_is_inert_too() -> None:
    """What Buddy said in an error may stand in the message, and cannot act either."""
    result = not_published(NotPublished("Buddy said <!here> [x](http://e)"))
    assert "<" not in as_payload(result, morning_message(result, []))["text"]
    assert "[" not in outside_code_spans(as_markdown(morning_message(result, [])))


def test_the_extension_of_the_file_is_the_format() -> None:
    """`.txt` is text, `.md` Markdown, `.json` the message and the summary as data."""
    result = published()
    message = morning_message(result, ROWS)
    assert message_file_text(Path("m.txt"), result, message) == as_text(message)
    assert message_file_text(Path("m.md"), result, message) == as_markdown(message)
    data = json.loads(message_file_text(Path("m.json"), result, message))
    assert data["parts"]["missing"] == [{"text": "1 project forbidden", "place": "us", "html_url": None}]
    assert data["summary"]["exit_code"] == 0
    assert data == json.loads(json.dumps(as_payload(result, message)))
    assert data["summary"]["began_at"] == f"{BEGAN:%Y-%m-%dT%H:%M:%SZ}"


def test_what_is_not_known_is_no_finding() -> None:
    """Unguarded promotions are counted; those that depend on a variable, or were not seen, are counted apart."""
    counts = {"certain": 15, "depends on a variable": 3, "not known": 25}
    line = "Into production: 15 unguarded, 3 depend on a variable, 25 not known."
    assert morning_message(published(), [], counts).lines[-1] == line
    assert line not in as_text(morning_message(published(), [], dict.fromkeys(counts, 0)))

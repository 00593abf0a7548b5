"""The morning message: short, true, and inert."""

import json
from pathlib import Path
from typing import Any

import pytest

from collector.after_run.message import LINES, as_chat, as_markdown, as_text, morning, payload, written
from collector.errors import NotPublished
from tests.after_run.endings import BEGAN, not_published, part, published

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
    *(row("changed", "dest_tag: 1.0 -> 1.1", f"acme/web/{number}") for number in range(LINES)),
    row("changed", "and 7 more"),
    row("failed", "failing, was SUCCESSFUL", "acme/web/promote"),
    row("missing", "1 project forbidden", "us"),
]


def test_a_night_in_text() -> None:
    """Title, what changed, what fails, what is missing; in words that a person reads once."""
    text = as_text(morning(published(), ROWS))
    assert text.splitlines()[0] == ("Buddy promotions 2026-11-23: complete, 12 promote-image actions, changes: 2 added")
    assert "Changed:\n  acme/web/0: dest_tag: 1.0 -> 1.1\n" in text
    assert "  and 7 more\n" in text
    assert "Failing:\n  acme/web/promote: failing, was SUCCESSFUL\n" in text
    assert "Missing:\n  us: 1 project forbidden\n" in text


def test_at_most_twenty_lines() -> None:
    """However much happened and however many installations there are, a chat shows it without scrolling."""
    rows = [row(name, "x", "y") for name in ("changed", "failed", "missing") for _ in range(LINES + 1)]
    ending = published(installations=tuple(part(f"i{number}") for number in range(9)))
    for written_as in (as_text, as_markdown):
        lines = written_as(morning(ending, rows)).splitlines()
        assert len(lines) <= 20
        assert max(map(len, lines)) < 320


def test_a_quiet_night() -> None:
    """Nothing to tell is told."""
    assert "Nothing in the set-up changed" in as_text(morning(published(changes={}), []))


def test_the_installation_with_a_gap_comes_first() -> None:
    """With several installations each has a line, the troubled ones first."""
    ending = published(status="partial", installations=(part("us"), part("eu", status="partial", problems={"gone": 2})))
    lines = as_text(morning(ending, [])).splitlines()
    assert lines[1] == "eu: partial, 12 actions, 100 requests, 2 problems"
    assert lines[2].startswith("us: complete")


def test_a_night_that_was_not_published() -> None:
    """What happened, what to do, and which night stands; no rows of an older night pretend to be news."""
    text = as_text(morning(not_published(), ROWS))
    assert "NOT PUBLISHED (exit code 3)" in text
    assert "Buddy hung up. Run it again." in text
    assert "No night has been published yet." in text
    assert "dest_tag" not in text


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
    told = morning(published(), [row("changed", name, name), row("failed", "failing, was " + name, name)])
    markdown = as_markdown(told)
    assert not set(outside_code_spans(markdown).replace("**", "")) & set("`[]<>@#|!_~*")
    assert "://" not in outside_code_spans(markdown)
    assert "www." not in outside_code_spans(markdown)
    assert not set(as_chat(told)) & set("<>")
    for text in (markdown, as_text(told)):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert len(text.splitlines()) == 5
        assert max(map(len, text.splitlines())) < 250


def test_an_error_message_is_inert_too() -> None:
    """What Buddy said in an error may stand in the message, and cannot act either."""
    ending = not_published(NotPublished("Buddy said <!here> [x](http://e)"))
    assert "<" not in as_chat(morning(ending, []))
    assert "[" not in outside_code_spans(as_markdown(morning(ending, [])))


def test_the_ending_of_the_file_says_the_format() -> None:
    """`.txt` is text, `.md` Markdown, `.json` the message and the summary as data."""
    ending = published()
    told = morning(ending, ROWS)
    assert written(Path("m.txt"), ending, told) == as_text(told)
    assert written(Path("m.md"), ending, told) == as_markdown(told)
    data = json.loads(written(Path("m.json"), ending, told))
    assert data["parts"]["missing"] == [{"text": "1 project forbidden", "place": "us", "html_url": None}]
    assert data["summary"]["exit_code"] == 0
    assert data == json.loads(json.dumps(payload(ending, told)))
    assert data["summary"]["began_at"] == f"{BEGAN:%Y-%m-%dT%H:%M:%SZ}"
